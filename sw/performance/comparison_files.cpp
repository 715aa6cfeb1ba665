// SPDX-License-Identifier: Apache-2.0
#include "sw/performance/comparison_files.h"

#include <algorithm>
#include <array>

#include "sw/report/json_parts.h"

namespace aqpim::performance {

namespace {

using nlohmann::ordered_json;

constexpr std::array<const char*, kSpent> kSpentNames = {
    "tokens", "codebooks", "rows", "power", "refresh", "engines", "transfers", "bus"};
constexpr std::array<const char*, kPhases> kPhaseNames = {"TABLE", "SCORE", "ACCUMULATE",
                                                          "COMBINE"};

unsigned most_heads(const Grid& grid) { return std::ranges::max(grid.heads); }

Workload most(const Grid& grid, unsigned tokens) {
  return {.tokens = tokens, .heads = most_heads(grid), .group = 1};
}

// What a row is of.
ordered_json start_of_row(const Comparison& comparison, const Design& design, bool power_limited,
                          const Workload& workload) {
  return {{"design", design.name()},
          {"config", design.configuration->name},
          {"banks_per_engine", design.banks_per_engine},
          {"power_limited", power_limited},
          {"memory", comparison.memory().name},
          {"L", workload.tokens},
          {"heads", workload.heads},
          {"group", workload.group}};
}

ordered_json row_json(Comparison& comparison, std::size_t design, bool power_limited,
                      const Workload& workload) {
  const ComparisonRow row = comparison.row(design, power_limited, workload);
  const StackCost cost = comparison.cost(design, power_limited, workload);
  ordered_json spent;
  for (std::size_t i = 0; i < kSpent; ++i) spent[kSpentNames[i]] = cost.channel.spent[i];
  ordered_json json = start_of_row(comparison, row.design, power_limited, workload);
  json.update({{"cycles", row.cycles},
               {"latency_cycles", row.latency},
               {"attacc_cycles", row.attacc},
               {"speedup", row.speedup()},
               {"fp16_limit_cycles", row.fp16_limit},
               {"code_limit_cycles", row.code_limit},
               {"ranks", cost.placement.ranks},
               {"spent", spent},
               {"bus_share", cost.channel.bus_share}});
  return json;
}

ordered_json charged_json(Comparison& comparison, std::size_t design, bool power_limited,
                          const Workload& workload) {
  const Charged charged = comparison.charged(design, power_limited, workload);
  ordered_json json =
      start_of_row(comparison, comparison.designs()[design], power_limited, workload);
  json.update({{"cycles", charged.engine},
               {"attacc_cycles", charged.attacc},
               {"speedup", charged.attacc / charged.engine},
               {"activate_cycles", charged.engine_activates},
               {"attacc_activate_cycles", charged.attacc_activates},
               {"attacc_softmax_cycles", charged.attacc_softmax},
               {"append_cycles", charged.engine_append},
               {"attacc_append_cycles", charged.attacc_append}});
  return json;
}

// The parts of a head's energy: the phases, transfers and all.
void add_energy(ordered_json& rows, const std::string& config, unsigned banks, unsigned tokens,
                const HeadEnergy& head) {
  const auto add = [&](const char* part, const PhaseEnergy& energy) {
    rows.push_back({{"config", config},
                    {"banks_per_engine", banks},
                    {"L", tokens},
                    {"part", part},
                    {"activation_pj", energy.activation},
                    {"columns_pj", energy.columns},
                    {"arithmetic_pj", energy.arithmetic},
                    {"total_pj", energy.total()}});
  };
  PhaseEnergy all;
  for (std::size_t p = 0; p < kPhases; ++p) {
    add(kPhaseNames[p], head.phases[p]);
    all.activation += head.phases[p].activation;
    all.columns += head.phases[p].columns;
    all.arithmetic += head.phases[p].arithmetic;
  }
  add("transfers", {.activation = 0.0, .columns = head.transfers, .arithmetic = 0.0});
  all.columns += head.transfers;
  add("all", all);
}

ordered_json energy_json(Comparison& comparison, const Grid& grid) {
  ordered_json rows = ordered_json::array();
  for (const unsigned tokens : grid.tokens) {
    add_energy(rows, "attacc", 1, tokens, comparison.attacc_energy(0, true, most(grid, tokens)));
  }
  for (std::size_t d = 0; d < comparison.designs().size(); ++d) {
    const Design& design = comparison.designs()[d];
    for (const unsigned tokens : grid.tokens) {
      add_energy(rows, design.configuration->name, design.banks_per_engine, tokens,
                 comparison.energy(d, true, most(grid, tokens)));
    }
  }
  return rows;
}

// What the model says more, in percent.
double error(double modelled, double measured) { return 100.0 * (modelled / measured - 1.0); }

ordered_json measured_json(Comparison& comparison, const Grid& grid, const Measurement& point) {
  const Workload workload = most(grid, point.tokens);
  const ComparisonRow row = comparison.row(point.design, point.power_limited, workload);
  ordered_json json = start_of_row(comparison, row.design, point.power_limited, workload);
  json.update({{"cycles", point.cycles},
               {"latency_cycles", point.latency},
               {"speedup", row.attacc / point.cycles},
               {"model_cycles", point.model_cycles},
               {"error_percent", error(point.model_cycles, point.cycles)},
               {"model_latency_cycles", point.model_latency},
               {"latency_error_percent", error(static_cast<double>(point.model_latency),
                                               static_cast<double>(point.latency))},
               {"attends", point.attends},
               {"refresh_intervals", point.intervals},
               {"score_delivered", point.score_delivered},
               {"accumulate_delivered", point.accumulate_delivered},
               {"compared", point.compared}});
  return json;
}

ordered_json area_json(const ChannelArea& area) {
  return {{"name", area.configuration},    {"library", area.library}, {"unit", area.unit},
          {"target_met", area.target_met}, {"engines", area.engines}, {"all", area.all},
          {"fp16_unit", area.fp16_unit}};
}

}  // namespace

ordered_json to_json(Comparison& comparison, const Grid& grid,
                     const std::vector<Measurement>& measured,
                     const std::vector<ChannelArea>& areas, const std::string& command) {
  ordered_json rows = ordered_json::array(), grouped = rows, charged = rows, runs = rows,
               area_rows = rows;
  for (std::size_t d = 0; d < comparison.designs().size(); ++d) {
    for (const bool limited : {true, false}) {
      for (const unsigned tokens : grid.tokens) {
        for (const unsigned heads : grid.heads) {
          rows.push_back(
              row_json(comparison, d, limited, {.tokens = tokens, .heads = heads, .group = 1}));
        }
        charged.push_back(charged_json(comparison, d, limited, most(grid, tokens)));
      }
    }
    for (const unsigned group : grid.groups) {
      Workload workload = most(grid, std::ranges::max(grid.tokens));
      workload.group = group;
      if (workload.heads % group != 0) continue;
      grouped.push_back(row_json(comparison, d, true, workload));
    }
  }
  for (const Measurement& point : measured) {
    runs.push_back(measured_json(comparison, grid, point));
  }
  for (const ChannelArea& area : areas) area_rows.push_back(area_json(area));
  return {{"run", report::run_json(command)},
          {"memory", comparison.memory().name},
          {"rows", rows},
          {"grouped", grouped},
          {"charged", charged},
          {"energy", energy_json(comparison, grid)},
          {"measured", runs},
          {"areas", area_rows}};
}

}  // namespace aqpim::performance
