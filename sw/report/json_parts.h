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

// The text of a file: arrays of plain values on one line. Strings that are not UTF-8 (paths) have
// their bad bytes replaced. Throws InputError, with the place, if a number in it is not finite.
std::string json_text(const nlohmann::ordered_json& json);

// {"command", "version"}: what to type to get a run again, and of which version.
nlohmann::ordered_json run_json(const std::string& command);
nlohmann::ordered_json accuracy_json(const Accuracy& accuracy);
nlohmann::ordered_json cache_json(const cache::CacheSize& size);
nlohmann::ordered_json configuration_json(const config::Configuration& configuration);
nlohmann::ordered_json cache_options_json(const quantize::QuantizeOptions& options);

}  // namespace aqpim::report
