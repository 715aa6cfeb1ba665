// SPDX-License-Identifier: Apache-2.0
#include "sw/system/projection.h"

#include <algorithm>
#include <cmath>

#include "sw/system/clustering.h"

namespace aqpim::system {

namespace {

std::size_t divide_up(std::size_t n, std::size_t by) { return (n + by - 1) / by; }

}  // namespace

std::uint64_t prefill_cycles(const PrefillCosts& costs, const config::EngineConfig& engine,
                             std::size_t tokens, unsigned engines, std::size_t window) {
  const auto loops = [&](std::size_t count) {
    return costs.group * static_cast<double>(divide_up(count, engine.token_slots()));
  };
  const auto reduction = [&](unsigned parts) {
    const unsigned record = std::max(parts * engine.record_words(), engine.slice_channels());
    return costs.unload + costs.reduce + static_cast<double>(engine.centroids() * record);
  };
  double pass = 0.0;      // of one slice, of all windows
  std::size_t share = 0;  // tokens of one engine
  if (window == 0) {
    share = divide_up(tokens, engines);
    const std::size_t chunks = divide_up(share, engine.score_depth);
    pass = costs.setup + costs.load + loops(share) +
           static_cast<double>(chunks) * (costs.overhead + reduction(engines));
  } else {
    const std::size_t rounds = divide_up(divide_up(tokens, window), engines);
    share = rounds * window;
    const std::size_t chunks = divide_up(window, engine.score_depth);
    const double reductions = static_cast<double>(chunks) * reduction(1);
    const double alone = costs.setup + costs.load + loops(window) +
                         static_cast<double>(chunks) * costs.overhead + reductions;
    pass = static_cast<double>(rounds) * std::max(alone, engines * (reductions + costs.load));
  }
  return static_cast<std::uint64_t>(
      std::llround(pass * static_cast<double>(kPasses * engine.slices()) +
                   costs.encode * static_cast<double>(share)));
}

}  // namespace aqpim::system
