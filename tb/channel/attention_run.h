// SPDX-License-Identifier: Apache-2.0
//
// Attention of a pseudo-channel in RTL, measured: independent ATTENDs back to back on all ranks,
// each with its query, biases and result over the data bus, against the timing checker and, bit by
// bit, the golden model. Codes and codebooks are what the memory holds when it is switched on.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "sw/performance/channel_model.h"
#include "tb/channel/channel_build.h"

namespace aqpim::tb {

struct AttentionRunOptions {
  unsigned attends = 8;     // of each rank that are measured, at least
  unsigned intervals = 10;  // refresh intervals that they take, at least
  std::uint64_t seed = 1;
};

// Cycles are those of the memory clock.
struct AttentionRun {
  double cycles = 0.0;        // of a round of the set, in the steady state, of the slower rank
  std::uint64_t attends = 0;  // of each rank, that is the average of
  std::uint64_t span = 0;     // cycles that they took, of the faster rank
  std::uint64_t latency = 0;  // from the first beat of a query to the last beat of a result, of a
                              // set on each rank of an idle pseudo-channel
  // Beats of SCORE and ACCUMULATE in the place of those that timing and power allow beside the
  // refreshes; of the worse rank, in all ATTENDs that were played back to back.
  double score_delivered = 1.0;
  double accumulate_delivered = 1.0;
  std::uint64_t compared = 0;  // answers and beats
  std::string failure;         // empty if all were equal, and no rule was broken
};

// Plays `set` again and again. Throws RunFailed if the RTL hangs or reports an error.
AttentionRun run_attention(const ChannelBuild& build, std::span<const performance::Attend> set,
                           const AttentionRunOptions& options = {});

}  // namespace aqpim::tb
