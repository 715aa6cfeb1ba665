// SPDX-License-Identifier: Apache-2.0
//
// Parts that reports of several kinds have in common, as JSON.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "sw/cache/cache.h"
#include "sw/config/config.h"
#include "sw/quantize/options.h"
#include "sw/report/report.h"

namespace aqpim::report {

// The text of a file. Throws InputError, with the place, if a number in it is not finite.
std::string json_text(const nlohmann::ordered_json& json);

// The text unchanged. Throws InputError, with the place, if a field is an infinity or no number.
const std::string& finite_csv(const std::string& csv);

nlohmann::ordered_json accuracy_json(const Accuracy& accuracy);
nlohmann::ordered_json cache_json(const cache::CacheSize& size);
nlohmann::ordered_json configuration_json(const config::Configuration& configuration);
nlohmann::ordered_json cache_options_json(const quantize::QuantizeOptions& options);

}  // namespace aqpim::report
