// SPDX-License-Identifier: Apache-2.0
#include "sw/report/channel_report.h"

#include <fmt/format.h>

#include <algorithm>

#include "sw/report/json_parts.h"

namespace aqpim::report {

namespace {

using nlohmann::ordered_json;

// Beats that came in the place of those that could have come in as many cycles; 1 if none could.
double share(const ColumnFigures& figures, std::uint64_t least) {
  return figures.cycles == 0 ? 1.0
                             : static_cast<double>(least) / static_cast<double>(figures.cycles);
}
// Of those that could have come had there been no refresh.
double delivered(const ColumnFigures& figures) { return share(figures, figures.least); }
// Of those that could have come beside the refreshes.
double delivered_refresh_aside(const ColumnFigures& figures) {
  return share(figures, figures.least + figures.least_refresh);
}

ordered_json head_json(const ChannelHeadReport& head) {
  ordered_json phases = ordered_json::object();
  for (const HostFigures& phase : head.phases) {
    phases[phase.name] = {{"commands", phase.commands}, {"cycles", phase.cycles}};
  }
  return {
      {"name", head.name},
      {"rank", head.rank},
      {"channels_reversed", head.reversed},
      {"tokens", head.tokens},
      {"query_heads", head.query_heads},
      {"prefill", head.prefill},
      {"encoded", head.encoded},
      {"windows", head.windows},
      {"queries", head.queries.size()},
      {"query_tokens", head.queries},
      {"attends", head.tiles},
      {"rows_per_bank", head.rows},
      {"flags", head.flags},
      {"saturation", saturation_json(head.saturation)},
      {"cache", cache_json(head.cache)},
      {"equality_with_software", {{"compared", head.compared}, {"mismatches", head.mismatches}}},
      {"phases", phases},
      {"accuracy", accuracy_json(head.accuracy)}};
}

ordered_json columns_json(const std::vector<ColumnFigures>& rank) {
  ordered_json json = ordered_json::object();
  for (const ColumnFigures& figures : rank) {
    json[figures.name] = {{"columns", figures.columns},     {"memory_cycles", figures.cycles},
                          {"refreshes", figures.refreshes}, {"least_memory_cycles", nullptr},
                          {"delivered", nullptr},           {"delivered_refresh_aside", nullptr}};
    if (figures.least == 0) continue;
    json[figures.name]["least_memory_cycles"] = figures.least;
    json[figures.name]["delivered"] = delivered(figures);
    json[figures.name]["delivered_refresh_aside"] = delivered_refresh_aside(figures);
  }
  return json;
}

}  // namespace

std::uint64_t ChannelReport::violation_count() const {
  std::uint64_t sum = 0;
  for (const auto& [rule, count] : violations) sum += count;
  return sum;
}

ordered_json to_json(const ChannelReport& run) {
  ordered_json heads = ordered_json::array(), ranks = ordered_json::array();
  for (const ChannelHeadReport& head : run.heads) heads.push_back(head_json(head));
  for (const auto& rank : run.columns) ranks.push_back(columns_json(rank));
  ordered_json options = cache_options_json(run.options);
  options["software_prefill"] = run.software_prefill;
  const double speed =
      run.simulation_seconds > 0.0 ? static_cast<double>(run.cycles) / run.simulation_seconds : 0.0;
  return {{"run", run_json(run.command)},
          {"config", configuration_json(run.configuration)},
          {"channel",
           {{"memory", run.memory},
            {"ranks", run.ranks},
            {"engines_per_rank", run.engines},
            {"banks_per_engine", run.banks_per_engine},
            {"power_limited", run.power_limited},
            {"played_on", run.golden ? "golden model" : "RTL"}}},
          {"workload",
           {{"file", run.workload_file},
            {"sha256", run.workload_sha256},
            {"queries_first", run.workload_queries_first},
            {"metadata", run.workload_metadata}}},
          {"options", options},
          {"seed", run.seed},
          {"cycles", run.cycles},
          {"compared_with_golden", run.compared},
          {"dram_commands", run.commands},
          {"violations", run.violations},
          {"columns", ranks},
          {"timeline", run.timeline},
          {"heads", heads},
          {"simulation", {{"cycles_per_second", speed}, {"seconds", run.simulation_seconds}}}};
}

std::string to_json_text(const ChannelReport& run) { return json_text(to_json(run)); }

}  // namespace aqpim::report
