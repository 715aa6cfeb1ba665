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
#include "sw/report/markdown.h"

namespace aqpim::performance {

namespace {

std::string name_in_area(const Design& design) {
  return design.configuration->name + (design.banks_per_engine == 2 ? "-2banks" : "");
}

}  // namespace

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

std::string area_markdown(Comparison& comparison, const Grid& grid,
                          const std::vector<ChannelArea>& areas) {
  const unsigned heads = std::ranges::max(grid.heads);
  std::vector<unsigned> tokens = {4096, std::ranges::max(grid.tokens)};
  if (tokens[0] == tokens[1]) tokens.pop_back();
  std::vector<std::string> names = {"design", "engines", "channel", "FP16 unit", "ratio"};
  for (const unsigned length : tokens) {
    names.push_back(fmt::format("speed-up / ratio, L = {}", length));
  }
  std::string rows;
  for (std::size_t d = 0; d < comparison.designs().size(); ++d) {
    const auto area = std::ranges::find(areas, name_in_area(comparison.designs()[d]),
                                        &ChannelArea::configuration);
    if (area == areas.end()) continue;
    const double ratio = area->all / area->fp16_unit;
    std::vector<std::string> cells = {
        comparison.designs()[d].name() + (area->target_met ? "" : " (misses the clock)"),
        fmt::format("{:.0f}", area->engines), fmt::format("{:.0f}", area->all),
        fmt::format("{:.0f}", area->fp16_unit), fmt::format("{:.2f}", ratio)};
    for (const unsigned length : tokens) {
      const ComparisonRow row =
          comparison.row(d, true, {.tokens = length, .heads = heads, .group = 1});
      cells.push_back(fmt::format("{:.2f}", row.speedup() / ratio));
    }
    rows += report::table_row(cells);
  }
  if (rows.empty()) return "";
  return fmt::format(
             "\n#### Area and speed-up, {} heads, power limited, {}, `make area "
             "TOP=pq_channel`, {} per bank\n\n",
             heads, areas.front().library, areas.front().unit) +
         report::table_head(names) + rows;
}

}  // namespace aqpim::performance
