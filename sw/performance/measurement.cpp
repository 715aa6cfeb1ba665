// SPDX-License-Identifier: Apache-2.0
#include "sw/performance/measurement.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "sw/report/markdown.h"

namespace aqpim::performance {

namespace {

Workload workload_of(const Grid& grid, const Measurement& measured) {
  return {.tokens = measured.tokens, .heads = std::ranges::max(grid.heads), .group = 1};
}

// Tokens from which on the token loops are what takes time, of every design.
constexpr unsigned kLong = 4096;

std::string percent(double share) { return fmt::format("{:.1f}", 100.0 * share); }

// What the model says more, in percent.
double error(double modelled, double measured) { return 100.0 * (modelled / measured - 1.0); }

struct Errors {
  double cycles = 0.0, latency = 0.0;
};

Errors errors_of(const Measurement& measured) {
  return {.cycles = error(measured.model_cycles, measured.cycles),
          .latency = error(static_cast<double>(measured.model_latency),
                           static_cast<double>(measured.latency))};
}

// Of the runs that have at least so many tokens.
Errors largest_errors(const std::vector<Measurement>& measured, unsigned tokens) {
  Errors largest;
  for (const Measurement& point : measured) {
    if (point.tokens < tokens) continue;
    const Errors errors = errors_of(point);
    largest.cycles = std::max(largest.cycles, std::abs(errors.cycles));
    largest.latency = std::max(largest.latency, std::abs(errors.latency));
  }
  return largest;
}

}  // namespace

std::vector<Measurement> measurements(Comparison& comparison, const Grid& grid, Effort effort) {
  std::vector<Measurement> points;
  if (effort == Effort::kNone) return points;
  const auto [shortest, longest] = std::ranges::minmax(grid.tokens);
  for (std::size_t d = 0; d < comparison.designs().size(); ++d) {
    for (const bool limited : {true, false}) {
      for (const unsigned tokens : grid.tokens) {
        const bool some =
            limited ? tokens == shortest || tokens == 4096 || tokens == longest : tokens == 8192;
        if (effort == Effort::kSome && !some) continue;
        Measurement point{.design = d, .power_limited = limited, .tokens = tokens, .set = {}};
        const StackCost cost = comparison.cost(d, limited, workload_of(grid, point));
        const Placement& placement = cost.placement;
        point.model_cycles = cost.channel.cycles;
        point.model_latency = cost.latency;
        for (unsigned cache = 0; cache < placement.caches; ++cache) {
          point.set.insert(point.set.end(), placement.query.begin(), placement.query.end());
        }
        points.push_back(std::move(point));
      }
    }
  }
  return points;
}

std::string measured_csv(Comparison& comparison, const Grid& grid,
                         const std::vector<Measurement>& measured) {
  std::string csv =
      "config,banks_per_engine,power_limited,memory,L,heads,cycles,latency_cycles,speedup,"
      "model_cycles,error_percent,model_latency_cycles,latency_error_percent,attends,"
      "refresh_intervals,score_delivered,accumulate_delivered,compared\n";
  for (const Measurement& point : measured) {
    const ComparisonRow row =
        comparison.row(point.design, point.power_limited, workload_of(grid, point));
    const Errors errors = errors_of(point);
    csv += fmt::format(
        "{},{},{:d},{},{},{},{:.1f},{},{:.3f},{:.1f},{:.2f},{},{:.2f},{},{:.1f},{:.4f},{:.4f},{}\n",
        row.design.configuration->name, row.design.banks_per_engine, point.power_limited,
        comparison.memory().name, point.tokens, row.workload.heads, point.cycles, point.latency,
        row.attacc / point.cycles, point.model_cycles, errors.cycles, point.model_latency,
        errors.latency, point.attends, point.intervals, point.score_delivered,
        point.accumulate_delivered, point.compared);
  }
  return csv;
}

std::string measured_markdown(Comparison& comparison, const Grid& grid,
                              const std::vector<Measurement>& measured) {
  std::string text = fmt::format("\n#### RTL runs, {} heads\n\n", std::ranges::max(grid.heads));
  text += report::table_head({"design", "limit", "L", "cycles", "speed-up", "ATTENDs", "nREFI",
                              "model", "error", "latency", "model", "error", "SCORE", "ACC."});
  for (const Measurement& point : measured) {
    const ComparisonRow row =
        comparison.row(point.design, point.power_limited, workload_of(grid, point));
    const Errors errors = errors_of(point);
    text += report::table_row(
        {row.design.name(), point.power_limited ? "yes" : "no", fmt::format("{}", point.tokens),
         fmt::format("{:.0f}", point.cycles), fmt::format("**{:.2f}**", row.attacc / point.cycles),
         fmt::format("{}", point.attends), fmt::format("{:.1f}", point.intervals),
         fmt::format("{:.0f}", point.model_cycles), fmt::format("{:+.2f}", errors.cycles),
         fmt::format("{}", point.latency), fmt::format("{}", point.model_latency),
         fmt::format("{:+.2f}", errors.latency), percent(point.score_delivered),
         percent(point.accumulate_delivered)});
  }
  text +=
      "\nLimit: with the power limit. Errors, SCORE and ACC. are in %; SCORE and ACC. are beats of "
      "SCORE and\nACCUMULATE delivered / beats that timing and power allow, refresh aside. ATTENDs "
      "are those of a rank.\n";
  const Errors all = largest_errors(measured, 0);
  const Errors longer = largest_errors(measured, kLong);
  return text +
         fmt::format(
             "\nLargest error of the model in these {} runs: {:.2f} % of the cycles, {:.2f} % "
             "of the latency;\nfrom {} tokens on, {:.2f} % and {:.2f} %.\n",
             measured.size(), all.cycles, all.latency, kLong, longer.cycles, longer.latency);
}

}  // namespace aqpim::performance
