// SPDX-License-Identifier: Apache-2.0
#include "sw/system/projection.h"

#include <algorithm>
#include <cmath>

#include "sw/system/clustering.h"

namespace aqpim::system {

namespace {

std::size_t divide_up(std::size_t n, std::size_t by) { return (n + by - 1) / by; }

}  // namespace

std::uint64_t cluster_cycles(const ClusterCosts& costs, const config::EngineConfig& engine,
                             std::size_t tokens, unsigned engines, std::size_t window) {
  const auto loops = [&](std::size_t count) {
    return costs.group * static_cast<double>(divide_up(count, engine.token_slots()));
  };
  const auto reduction = [&](unsigned parts) {
    const unsigned record = std::max(parts * engine.record_words(), engine.slice_channels());
    return costs.unload + costs.reduce + static_cast<double>(engine.centroids() * record);
  };
  double pass = 0.0;  // of one slice, of all windows
  if (window == 0) {
    const std::size_t share = divide_up(tokens, engines);
    const std::size_t chunks = divide_up(share, engine.score_depth);
    pass = costs.setup + costs.load + loops(share) +
           static_cast<double>(chunks) * (costs.overhead + reduction(engines));
  } else {
    const std::size_t rounds = divide_up(divide_up(tokens, window), engines);
    const std::size_t chunks = divide_up(window, engine.score_depth);
    const double reductions = static_cast<double>(chunks) * reduction(1);
    const double alone = costs.setup + costs.load + loops(window) +
                         static_cast<double>(chunks) * costs.overhead + reductions;
    pass = static_cast<double>(rounds) * std::max(alone, engines * (reductions + costs.load));
  }
  return static_cast<std::uint64_t>(
      std::llround(pass * static_cast<double>(kPasses * engine.slices())));
}

}  // namespace aqpim::system
