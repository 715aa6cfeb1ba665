// SPDX-License-Identifier: Apache-2.0
//
// Points of a comparison that the RTL was simulated at, beside what the model says of them. Whoever
// runs the RTL fills them in.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "sw/performance/comparison.h"

namespace aqpim::performance {

enum class Effort : std::uint8_t {
  kNone,
  // Each design with power limit at the shortest and longest context and 4K, and without at 8K.
  kSome,
  kAll,  // each design with and without, at every context
};

// The most heads of the grid, whose tokens lie on one rank each.
struct Measurement {
  std::size_t design = 0;
  bool power_limited = true;
  unsigned tokens = 0;
  std::vector<Attend> set;  // what a rank has to do
  double model_cycles = 0.0;
  std::uint64_t model_latency = 0;

  double cycles = 0.0;
  std::uint64_t latency = 0;
  std::uint64_t attends = 0;  // of each rank, that cycles are the average of
  double intervals = 0.0;     // refresh intervals that these took
  // Beats of the token loops in the place of those that timing and power allow beside refreshes.
  double score_delivered = 0.0, accumulate_delivered = 0.0;
  std::uint64_t compared = 0;  // answers and beats that equalled the golden model's
};

// Those to be filled in, with the model's cycles.
std::vector<Measurement> measurements(Comparison& comparison, const Grid& grid, Effort effort);

}  // namespace aqpim::performance
