// SPDX-License-Identifier: Apache-2.0
#include "sw/performance/comparison_files.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <map>
#include <string_view>

#include "sw/report/gnuplot.h"
#include "sw/report/markdown.h"

namespace aqpim::performance {

namespace {

using report::table_head;
using report::table_row;

constexpr std::array<std::string_view, kSpent> kSpentNames = {"columns of SCORE and ACCUMULATE",
                                                              "columns of TABLE and COMBINE",
                                                              "row switches",
                                                              "power limit",
                                                              "refresh",
                                                              "engines turn around",
                                                              "queries and results",
                                                              "waiting for the bus"};
constexpr std::array<std::string_view, kPhases> kPhaseNames = {"TABLE", "SCORE", "ACCUMULATE",
                                                               "COMBINE"};

unsigned most_heads(const Grid& grid) { return std::ranges::max(grid.heads); }

Workload most(const Grid& grid, unsigned tokens) {
  return {.tokens = tokens, .heads = most_heads(grid), .group = 1};
}

std::string whole(double value) { return fmt::format("{:.0f}", value); }

std::string factor(double value) { return fmt::format("{:.2f}", value); }

std::string tokens_name(unsigned tokens) {
  return tokens % 1024 == 0 ? fmt::format("{}K", tokens / 1024) : fmt::format("{}", tokens);
}

std::string on_off(bool power_limited) {
  return power_limited ? "power limited" : "without power limit";
}

std::string start_of_row(const Design& design, bool power_limited, const std::string& memory,
                         const Workload& workload) {
  return fmt::format("{},{},{:d},{},{},{}", design.configuration->name, design.banks_per_engine,
                     power_limited, memory, workload.tokens, workload.heads);
}

// A table with a column for each design.
std::string by_design(const Comparison& comparison, std::vector<std::string> first_columns,
                      const std::vector<std::vector<std::string>>& rows) {
  for (const Design& design : comparison.designs()) {
    first_columns.push_back(fmt::format("**{}**", design.name()));
  }
  std::string text = table_head(first_columns);
  for (const std::vector<std::string>& row : rows) text += table_row(row);
  return text;
}

std::vector<std::string> for_each_design(const Comparison& comparison,
                                         const std::function<std::string(std::size_t)>& cell) {
  std::vector<std::string> cells;
  for (std::size_t d = 0; d < comparison.designs().size(); ++d) cells.push_back(cell(d));
  return cells;
}

std::vector<std::string> joined(std::vector<std::string> first, std::vector<std::string> second) {
  first.insert(first.end(), second.begin(), second.end());
  return first;
}

std::string speedups(Comparison& comparison, const Grid& grid, bool power_limited) {
  std::vector<std::vector<std::string>> rows;
  for (const unsigned tokens : grid.tokens) {
    const Workload workload = most(grid, tokens);
    const ComparisonRow any = comparison.row(0, power_limited, workload);
    rows.push_back(joined({tokens_name(tokens), whole(any.attacc), whole(any.fp16_limit),
                           factor(any.attacc / any.code_limit)},
                          for_each_design(comparison, [&](std::size_t d) {
                            const ComparisonRow row = comparison.row(d, power_limited, workload);
                            return fmt::format("{} ({})", factor(row.speedup()), whole(row.cycles));
                          })));
  }
  return by_design(comparison, {"L", "AttAcc", "FP16 limit", "code limit"}, rows);
}

std::string latencies(Comparison& comparison, const Grid& grid) {
  std::vector<std::vector<std::string>> rows;
  for (const unsigned tokens : grid.tokens) {
    rows.push_back(joined(
        {tokens_name(tokens)}, for_each_design(comparison, [&](std::size_t d) {
          return whole(static_cast<double>(comparison.row(d, true, most(grid, tokens)).latency));
        })));
  }
  return by_design(comparison, {"L"}, rows);
}

std::string by_heads(Comparison& comparison, const Grid& grid, unsigned tokens) {
  std::vector<std::vector<std::string>> rows;
  for (const unsigned heads : grid.heads) {
    const Workload workload{.tokens = tokens, .heads = heads, .group = 1};
    rows.push_back(
        joined({fmt::format("{}", heads), whole(comparison.row(0, true, workload).attacc)},
               for_each_design(comparison, [&](std::size_t d) {
                 return factor(comparison.row(d, true, workload).speedup());
               })));
  }
  return by_design(comparison, {"heads", "AttAcc, cycles"}, rows);
}

std::string by_group(Comparison& comparison, const Grid& grid, unsigned tokens) {
  std::vector<std::vector<std::string>> rows;
  for (const unsigned group : grid.groups) {
    if (most_heads(grid) % group != 0) continue;
    const Workload workload{.tokens = tokens, .heads = most_heads(grid), .group = group};
    rows.push_back(
        joined({fmt::format("{}", group)}, for_each_design(comparison, [&](std::size_t d) {
                 const ComparisonRow row = comparison.row(d, true, workload);
                 return fmt::format("{} ({} ranks)", factor(row.speedup()),
                                    comparison.cost(d, true, workload).placement.ranks);
               })));
  }
  return by_design(comparison, {"query heads per cached head"}, rows);
}

std::string charged_table(Comparison& comparison, const Grid& grid) {
  std::string attacc =
      table_head({"L", "AttAcc, cycles", "of it activates", "of it softmax", "of it append"});
  std::vector<std::vector<std::string>> rows;
  for (const unsigned tokens : grid.tokens) {
    const Workload workload = most(grid, tokens);
    const Charged any = comparison.charged(0, true, workload);
    attacc += table_row({tokens_name(tokens), whole(any.attacc), whole(any.attacc_activates),
                         whole(any.attacc_softmax), whole(any.attacc_append)});
    rows.push_back(joined({tokens_name(tokens)}, for_each_design(comparison, [&](std::size_t d) {
                            const Charged charged = comparison.charged(d, true, workload);
                            return fmt::format("{} ({:+.0f} {:+.0f})",
                                               factor(charged.attacc / charged.engine),
                                               charged.engine_activates, charged.engine_append);
                          })));
  }
  return by_design(comparison, {"L"}, rows) + "\n" + attacc;
}

std::string spent_table(Comparison& comparison, const Grid& grid, unsigned tokens) {
  std::vector<std::vector<std::string>> rows;
  for (std::size_t i = 0; i < kSpent; ++i) {
    rows.push_back(
        joined({std::string(kSpentNames[i])}, for_each_design(comparison, [&](std::size_t d) {
                 return whole(comparison.cost(d, true, most(grid, tokens)).channel.spent[i]);
               })));
  }
  rows.push_back(joined(
      {"data bus in use"}, for_each_design(comparison, [&](std::size_t d) {
        return fmt::format("{:.0f} %",
                           100.0 * comparison.cost(d, true, most(grid, tokens)).channel.bus_share);
      })));
  return by_design(comparison, {"cycles of a rank"}, rows);
}

// A part of a head's energy, for a table or a file.
struct EnergyPart {
  std::string name;
  PhaseEnergy energy;
};

std::vector<EnergyPart> parts_of(const HeadEnergy& head) {
  std::vector<EnergyPart> parts;
  PhaseEnergy all;
  for (std::size_t p = 0; p < kPhases; ++p) {
    parts.push_back({std::string(kPhaseNames[p]), head.phases[p]});
    all.activation += head.phases[p].activation;
    all.columns += head.phases[p].columns;
    all.arithmetic += head.phases[p].arithmetic;
  }
  parts.push_back({"transfers", {.activation = 0.0, .columns = head.transfers, .arithmetic = 0.0}});
  all.columns += head.transfers;
  parts.push_back({"all", all});
  return parts;
}

constexpr double kNano = 1e-3;   // pJ to nJ
constexpr double kMicro = 1e-6;  // pJ to µJ

std::string energy_table(Comparison& comparison, const Grid& grid, unsigned tokens) {
  const Workload workload = most(grid, tokens);
  const std::vector<EnergyPart> baseline = parts_of(comparison.attacc_energy(0, true, workload));
  std::vector<std::vector<EnergyPart>> designs;
  for (std::size_t d = 0; d < comparison.designs().size(); ++d) {
    designs.push_back(parts_of(comparison.energy(d, true, workload)));
  }
  const auto micro = [](double energy) { return fmt::format("{:.2f}", energy * kMicro); };
  std::vector<std::vector<std::string>> rows;
  for (std::size_t i = 0; i < baseline.size(); ++i) {
    rows.push_back(joined({baseline[i].name, micro(baseline[i].energy.total())},
                          for_each_design(comparison, [&](std::size_t d) {
                            return micro(designs[d][i].energy.total());
                          })));
  }
  using Part = double PhaseEnergy::*;
  const auto detail = [&](const std::string& name, Part member) {
    rows.push_back(joined({"of all: " + name, micro(baseline.back().energy.*member)},
                          for_each_design(comparison, [&](std::size_t d) {
                            return micro(designs[d].back().energy.*member);
                          })));
  };
  detail("activates", &PhaseEnergy::activation);
  detail("columns and transfers", &PhaseEnergy::columns);
  detail("arithmetic", &PhaseEnergy::arithmetic);
  rows.push_back(joined({"AttAcc / this", ""}, for_each_design(comparison, [&](std::size_t d) {
                          return factor(baseline.back().energy.total() /
                                        designs[d].back().energy.total());
                        })));
  return by_design(comparison, {"µJ per query head", "AttAcc"}, rows);
}

// A block of gnuplot: a quoted name, then a line per point.
std::string block(const std::string& name, const std::vector<std::string>& points) {
  return fmt::format("\"{}\"\n{}\n\n\n", name, fmt::join(points, "\n"));
}

}  // namespace

std::vector<ComparisonRow> compare(Comparison& comparison, const Grid& grid) {
  std::vector<ComparisonRow> rows;
  for (std::size_t d = 0; d < comparison.designs().size(); ++d) {
    for (const bool limited : {true, false}) {
      for (const unsigned tokens : grid.tokens) {
        for (const unsigned heads : grid.heads) {
          rows.push_back(
              comparison.row(d, limited, {.tokens = tokens, .heads = heads, .group = 1}));
        }
      }
    }
  }
  return rows;
}

std::string to_csv(const std::vector<ComparisonRow>& rows, const std::string& memory) {
  std::string csv =
      "config,banks_per_engine,power_limited,memory,L,heads,cycles,latency_cycles,attacc_cycles,"
      "speedup,fp16_limit_cycles,code_limit_cycles\n";
  for (const ComparisonRow& row : rows) {
    csv +=
        fmt::format("{},{:.0f},{},{:.0f},{:.3f},{:.0f},{:.0f}\n",
                    start_of_row(row.design, row.power_limited, memory, row.workload), row.cycles,
                    row.latency, row.attacc, row.speedup(), row.fp16_limit, row.code_limit);
  }
  return csv;
}

std::string charged_csv(Comparison& comparison, const Grid& grid) {
  std::string csv =
      "config,banks_per_engine,power_limited,memory,L,heads,cycles,attacc_cycles,speedup,"
      "activate_cycles,attacc_activate_cycles,attacc_softmax_cycles,append_cycles,"
      "attacc_append_cycles\n";
  for (std::size_t d = 0; d < comparison.designs().size(); ++d) {
    for (const bool limited : {true, false}) {
      for (const unsigned tokens : grid.tokens) {
        const Workload workload = most(grid, tokens);
        const Charged charged = comparison.charged(d, limited, workload);
        csv += fmt::format(
            "{},{:.0f},{:.0f},{:.3f},{:.0f},{:.0f},{:.0f},{:.0f},{:.0f}\n",
            start_of_row(comparison.designs()[d], limited, comparison.memory().name, workload),
            charged.engine, charged.attacc, charged.attacc / charged.engine,
            charged.engine_activates, charged.attacc_activates, charged.attacc_softmax,
            charged.engine_append, charged.attacc_append);
      }
    }
  }
  return csv;
}

std::string energy_csv(Comparison& comparison, const Grid& grid) {
  std::string csv =
      "config,banks_per_engine,L,part,activation_nj,columns_nj,arithmetic_nj,total_nj\n";
  const auto add = [&](const std::string& config, unsigned banks, unsigned tokens,
                       const HeadEnergy& energy) {
    for (const EnergyPart& part : parts_of(energy)) {
      csv += fmt::format("{},{},{},{},{:.3f},{:.3f},{:.3f},{:.3f}\n", config, banks, tokens,
                         part.name, part.energy.activation * kNano, part.energy.columns * kNano,
                         part.energy.arithmetic * kNano, part.energy.total() * kNano);
    }
  };
  for (const unsigned tokens : grid.tokens) {
    add("attacc", 1, tokens, comparison.attacc_energy(0, true, most(grid, tokens)));
  }
  for (std::size_t d = 0; d < comparison.designs().size(); ++d) {
    const Design& design = comparison.designs()[d];
    for (const unsigned tokens : grid.tokens) {
      add(design.configuration->name, design.banks_per_engine, tokens,
          comparison.energy(d, true, most(grid, tokens)));
    }
  }
  return csv;
}

std::string to_markdown(Comparison& comparison, const Grid& grid,
                        const std::vector<ComparisonRow>& rows, const std::string& command) {
  const unsigned heads = most_heads(grid);
  const unsigned longest = std::ranges::max(grid.tokens);
  std::string text =
      report::paragraph(fmt::format("From `{}`: {} rows of `compare.csv`, memory {}.", command,
                                    rows.size(), comparison.memory().name));
  for (const bool limited : {true, false}) {
    text += fmt::format("\n#### Speed-up over AttAcc (and cycles), {} heads, {}\n\n{}", heads,
                        on_off(limited), speedups(comparison, grid, limited));
  }
  text += "\n![Speed-up](figures/speedup.png)\n";
  text += fmt::format("\n#### Latency of one set of {} heads, cycles, power limited\n\n{}", heads,
                      latencies(comparison, grid));
  text += fmt::format("\n#### Speed-up by heads, L = {}, power limited\n\n{}", tokens_name(longest),
                      by_heads(comparison, grid, longest));
  text += fmt::format(
      "\n#### Speed-up with grouped queries, {} query heads, L = {}, power limited\n\n{}", heads,
      tokens_name(longest), by_group(comparison, grid, longest));
  text += fmt::format(
      "\n#### Speed-up with everything charged to both sides, {} heads, power limited\n\n{}", heads,
      charged_table(comparison, grid));
  for (const unsigned tokens : grid.tokens) {
    if (tokens != longest && tokens != 4096) continue;
    text += fmt::format("\n#### Where the cycles go, {} heads, L = {}, power limited\n\n{}", heads,
                        tokens_name(tokens), spent_table(comparison, grid, tokens));
  }
  text += "\n![Where the cycles go](figures/cycles.png)\n";
  text += fmt::format("\n#### Energy of one query head, L = {}\n\n{}", tokens_name(longest),
                      energy_table(comparison, grid, longest));
  return text;
}

std::optional<std::string> draw_speedup(const std::filesystem::path& script,
                                        const std::filesystem::path& picture,
                                        const std::vector<ComparisonRow>& rows, const Grid& grid) {
  std::string data;
  std::string curves;
  for (const bool limited : {true, false}) {
    std::map<std::string, std::vector<std::string>> points;
    std::vector<std::string> code_limit;
    std::vector<std::string> order;
    for (const ComparisonRow& row : rows) {
      if (row.power_limited != limited || row.workload.heads != most_heads(grid)) continue;
      const std::string name = row.design.name();
      if (!points.contains(name)) order.push_back(name);
      points[name].push_back(fmt::format("{} {}", row.workload.tokens, row.speedup()));
    }
    for (const std::string& name : order) data += block(name, points[name]);
    curves += fmt::format("{} ", order.size());
  }
  return report::run_gnuplot(
      script, picture, data,
      {{"titles", fmt::format("{} heads, {}\n{} heads, {}\n", most_heads(grid), on_off(true),
                              most_heads(grid), on_off(false))},
       {"curves", curves},
       {"x_name", "tokens of the context"},
       {"y_name", "speed-up over AttAcc, steady state"},
       {"level", "1"}});
}

std::optional<std::string> draw_cycles(const std::filesystem::path& script,
                                       const std::filesystem::path& picture, Comparison& comparison,
                                       const Grid& grid) {
  std::vector<unsigned> shown;
  for (const unsigned tokens : {4096u, std::ranges::max(grid.tokens)}) {
    if (std::ranges::count(grid.tokens, tokens) > 0 && std::ranges::count(shown, tokens) == 0) {
      shown.push_back(tokens);
    }
  }
  std::string data, titles, names;
  for (const std::string_view name : kSpentNames) names += fmt::format("{}\n", name);
  for (const unsigned tokens : shown) {
    titles +=
        fmt::format("{} heads, L = {}, power limited\n", most_heads(grid), tokens_name(tokens));
    for (std::size_t d = 0; d < comparison.designs().size(); ++d) {
      const StackCost cost = comparison.cost(d, true, most(grid, tokens));
      data += fmt::format("\"{}\" {}\n", comparison.designs()[d].name(),
                          fmt::join(cost.channel.spent, " "));
    }
    data += "\n\n";
  }
  return report::run_gnuplot(script, picture, data, {{"titles", titles}, {"parts", names}});
}

}  // namespace aqpim::performance
