// SPDX-License-Identifier: Apache-2.0
//
// The JSON of a comparison, compare.json, which everything else that is written is made from
// (sw/report/pages.h).
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "sw/performance/area.h"
#include "sw/performance/comparison.h"
#include "sw/performance/measurement.h"

namespace aqpim::performance {

// Rows of all designs, with and without power limit, all contexts and heads; of the most heads,
// what is charged to both sides, energy, RTL runs, and groups of query heads at the longest
// context. `command` is what to type to get it.
nlohmann::ordered_json to_json(Comparison& comparison, const Grid& grid,
                               const std::vector<Measurement>& measured,
                               const std::vector<ChannelArea>& areas, const std::string& command);

}  // namespace aqpim::performance
