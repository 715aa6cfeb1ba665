// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>

namespace aqpim::report {

// Lets gnuplot run `script`, which writes `picture`. The script finds the names of the picture and
// of a file that holds `data` in its variables `picture` and `data`, and the strings `variables`
// under their names. Returns why there is no picture, as a sentence, if gnuplot is missing or
// fails. Leaves no other file behind.
std::optional<std::string> run_gnuplot(const std::filesystem::path& script,
                                       const std::filesystem::path& picture,
                                       const std::string& data,
                                       std::map<std::string, std::string> variables);

}  // namespace aqpim::report
