// SPDX-License-Identifier: Apache-2.0
#include "sw/performance/measurement.h"

#include <algorithm>

namespace aqpim::performance {

namespace {

Workload workload_of(const Grid& grid, const Measurement& measured) {
  return {.tokens = measured.tokens, .heads = std::ranges::max(grid.heads), .group = 1};
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

}  // namespace aqpim::performance
