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

// Cycles between a command's acceptance and the opening of its stream: one to check it, then Fill.
inline constexpr Cycle kFillCycles = 1 + 6;

// Cycles between the last word and done_o.
inline Cycle drain_cycles(const config::EngineConfig& config) {
  const auto log2_lanes = static_cast<Cycle>(std::bit_width(config.lanes() - 1));
  return 6 + (log2_lanes + 1) / 2;
}

}  // namespace aqpim::tb
