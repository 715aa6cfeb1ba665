// SPDX-License-Identifier: Apache-2.0
//
// The engine's latencies in cycles, as the header of rtl/engine/pq_engine.sv states them. A run
// checks them; nothing waits for them.
#pragma once

#include <bit>

#include "sw/config/config.h"
#include "tb/engine/transactions.h"

namespace aqpim::tb {

// A read to its answer.
inline constexpr Cycle kReadCycles = 4;

// A word of UNLOAD to the word that answers it.
inline constexpr Cycle kUnloadCycles = 2;

// Cycles between a command's acceptance and the opening of its stream: one to check it, then Fill.
inline constexpr Cycle kFillCycles = 1 + 6;

// Cycles between the last word, or the last loop of CLUSTER, and done_o.
inline Cycle drain_cycles(const config::EngineConfig& config) {
  const auto log2_lanes = static_cast<Cycle>(std::bit_width(config.lanes() - 1));
  return 6 + (log2_lanes + 1) / 2;
}

// The token loops of a CLUSTER: from the first cycle of the first group's loop to the last one of
// the last group's.
struct TokenLoops {
  Cycle cycles = 0;
  Cycle busy = 0;  // of these, those in which all multipliers work

  bool operator==(const TokenLoops&) const = default;
  TokenLoops& operator+=(const TokenLoops& other) {
    cycles += other.cycles;
    busy += other.busy;
    return *this;
  }
};

inline TokenLoops token_loops(const OperationSeen& seen, const config::EngineConfig& config) {
  // The last word of a group to its loop, if it is free.
  constexpr Cycle kLoopCycles = 3;
  if (seen.words == 0) return {};
  const Cycle first = seen.third_word + kLoopCycles;
  const Cycle last = seen.done - drain_cycles(config) - 1;
  const Cycle groups = seen.command.tokens / config.token_slots();
  return {.cycles = last - first + 1, .busy = groups * (config.centroids() + 1)};
}

}  // namespace aqpim::tb
