// SPDX-License-Identifier: Apache-2.0
//
// How long a pseudo-channel takes for attention: both ranks with their rows, columns, refreshes and
// engines, and the data bus that they share, clock cycle by clock cycle, without data. It follows
// the rules of docs/memory.md and the order of docs/channel.md; what the RTL takes besides, it
// takes from Delays. How far it is from the RTL: docs/performance.md.
//
// Cycles are those of the memory clock unless they are called clock cycles (of the RTL; two memory
// cycles each).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "sw/config/channel.h"
#include "sw/config/memory.h"

namespace aqpim::performance {

// One ATTEND of a rank.
struct Attend {
  unsigned tokens = 0;  // of each engine, at least 1
  // Tokens of an engine that share a codebook in its own banks; 0: one codebook for all engines,
  // striped over the rank and broadcast.
  unsigned window = 0;

  bool operator==(const Attend&) const = default;
  auto operator<=>(const Attend&) const = default;
};

// Biases of an ATTEND, as the host lays tokens out: an append block of 128 tokens has one. With one
// codebook every engine has a run of each block, and all have the same biases; with windows an
// engine has whole blocks, or a part of one.
unsigned tokens_per_bias(const config::ChannelShape& shape, const Attend& attend);
// Beats of biases: for all engines, or with windows for each.
unsigned bias_beats(const config::ChannelShape& shape, const Attend& attend);

// Clock cycles of the RTL that do not follow from the memory's timing.
struct Delays {
  unsigned turn = 0;    // last column of a phase to the first one of the next, at least
  unsigned next = 0;    // last column of an ATTEND to the first activate of the next, at least
  unsigned settle = 0;  // last beat of SET_QUERY to the first activate, of any transfer to the next
  unsigned finished = 0;  // last column of an ATTEND to the first beat of its RESULT
};

// Those of rtl/channel for this shape and memory.
Delays delays_of(const config::ChannelShape& shape, const config::MemoryTiming& timing);

struct ChannelSetup {
  config::ChannelShape shape;
  config::MemoryTiming timing;
  config::PowerLimit power_limit;
  bool power_limited = true;
  Delays delays;
};

// A channel of this memory with the RTL's delays. Throws InputError if the engine does not fit next
// to its banks.
ChannelSetup make_setup(const config::EngineConfig& engine, const config::Memory& memory,
                        unsigned banks_per_engine, bool power_limited);

enum class Phase : std::uint8_t { kTable, kScore, kAccumulate, kCombine };
inline constexpr std::size_t kPhases = 4;

// What a rank's cycles are spent on.
enum class Spent : std::uint8_t {
  kTokens,     // columns of SCORE and ACCUMULATE
  kCodebooks,  // columns of TABLE and COMBINE
  kRows,       // row switches
  kPower,      // waiting for the power limit
  kRefresh,
  kEngines,    // row open, but the engines are not ready for the next phase
  kTransfers,  // row open, but queries or results are on their way
  kBus,        // a broadcast waits for the data bus
};
inline constexpr std::size_t kSpent = 8;

// Commands of one rank.
struct CommandCounts {
  double refreshes = 0.0;
  std::array<double, kPhases> activates = {};  // of all banks
  std::array<double, kPhases> local = {};      // columns of all banks, or of every other one
  std::array<double, kPhases> broadcast = {};  // columns
  double writes_all = 0.0;                     // beats of the host to all engines
  double writes = 0.0;                         // to one engine
  double reads = 0.0;                          // from one engine
};

// Of one rank, for one round of the set of ATTENDs; cycles are those of the slower rank, all else
// is the mean.
struct ChannelCost {
  double cycles = 0.0;
  double bus_share = 0.0;  // of the data bus's cycles that are used, by both ranks
  std::array<double, kSpent> spent = {};
  CommandCounts commands;
};

// Steady state: both ranks go through `set` again and again, all transfers included. The average
// over at least `attends` ATTENDs and `intervals` refresh intervals, after as many rounds as it
// takes to get there.
ChannelCost steady_state(const ChannelSetup& setup, std::span<const Attend> set,
                         unsigned attends = 8, unsigned intervals = 20);

// From the first beat of the first query to the last beat of the last result, of one `set` on each
// rank, from an idle channel that owes no refresh.
std::uint64_t latency(const ChannelSetup& setup, std::span<const Attend> set);

}  // namespace aqpim::performance
