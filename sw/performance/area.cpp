// SPDX-License-Identifier: Apache-2.0
#include "sw/performance/area.h"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <system_error>

#include "sw/config/error.h"
#include "sw/config/json.h"

namespace aqpim::performance {

ChannelArea parse_area(const std::string& where, std::string_view json_text) {
  const nlohmann::json file = parse_json(where, json_text);
  try {
    const double all = file.at("total").at("per_bank").get<double>();
    return {.configuration = file.at("configuration").get<std::string>(),
            .library = file.at("library").get<std::string>(),
            .unit = file.value("area_unit", "um2") == "um2" ? "µm²" : "GE",
            .target_met = file.at("target_met").get<bool>(),
            .engines = all - file.at("added_to_engines").at("per_bank").get<double>(),
            .all = all,
            .fp16_unit = file.at("rival").at("per_bank").get<double>()};
  } catch (const nlohmann::json::exception&) {
    throw InputError(
        fmt::format("{} is no area of a pseudo-channel as make area writes it", where));
  }
}

std::vector<ChannelArea> read_areas(const std::filesystem::path& folder) {
  std::vector<std::filesystem::path> files;
  std::error_code absent;
  for (const auto& entry : std::filesystem::directory_iterator(folder, absent)) {
    if (entry.path().extension() == ".json") files.push_back(entry.path());
  }
  std::ranges::sort(files);
  std::vector<ChannelArea> areas;
  for (const std::filesystem::path& file : files) {
    std::ifstream stream(file, std::ios::binary);
    areas.push_back(
        parse_area(file.string(), std::string(std::istreambuf_iterator<char>(stream), {})));
  }
  return areas;
}

}  // namespace aqpim::performance
