// SPDX-License-Identifier: Apache-2.0
//
// Words and cycles of the operations that an engine ran.
//
//   accept | fill ... | open stream: words, and what the bank withheld | drain ... | done
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>

#include "sw/config/config.h"
#include "sw/golden/program.h"
#include "tb/engine/timing.h"
#include "tb/engine/transactions.h"

namespace aqpim::tb {

// All operations of one kind.
struct OperationStatistics {
  std::uint64_t count = 0;
  std::uint64_t words = 0;
  std::uint64_t stream_cycles = 0;    // from the opening of the stream to its last word
  std::uint64_t withheld_cycles = 0;  // of these, those in which the bank had no word to give
  // Per operation that took words: the engine's own latencies.
  Cycle least_fill = std::numeric_limits<Cycle>::max();
  Cycle most_fill = 0;
  Cycle least_drain = std::numeric_limits<Cycle>::max();
  Cycle most_drain = 0;
  std::uint64_t fill_cycles = 0;  // in total
  std::uint64_t drain_cycles = 0;
  TokenLoops loops;  // of CLUSTER

  bool operator==(const OperationStatistics&) const = default;

  // Cycles of open streams in which the bank offered a word.
  std::uint64_t available_cycles() const { return stream_cycles - withheld_cycles; }

  // From the acceptance of each command to its done_o, in which the next one may be accepted.
  std::uint64_t cycles() const { return count + fill_cycles + stream_cycles + drain_cycles; }

  // Cycles that count for the utilization, and those of them that were used: of open streams with
  // a word at hand, a word each; of CLUSTER's token loops, those with all multipliers busy.
  std::uint64_t possible_cycles() const {
    return loops.cycles > 0 ? loops.cycles : available_cycles();
  }
  std::uint64_t useful_cycles() const { return loops.cycles > 0 ? loops.busy : words; }

  // 1 if nothing was possible.
  double utilization() const {
    return possible_cycles() == 0
               ? 1.0
               : static_cast<double>(useful_cycles()) / static_cast<double>(possible_cycles());
  }

  void add(const OperationSeen& seen, std::uint64_t withheld, const config::EngineConfig& config) {
    ++count;
    if (seen.command.operation == golden::Operation::kCluster) loops += token_loops(seen, config);
    if (seen.words == 0) {
      // No stream opened; done_o comes after fill and drain, which cannot be told apart.
      fill_cycles += seen.done - seen.command.cycle - 1;
      return;
    }
    const Cycle fill = seen.opened - seen.command.cycle - 1;
    const Cycle drain = seen.done - seen.last_word - 1;
    words += seen.words;
    stream_cycles += seen.last_word - seen.opened + 1;
    withheld_cycles += withheld;
    fill_cycles += fill;
    drain_cycles += drain;
    least_fill = std::min(least_fill, fill);
    most_fill = std::max(most_fill, fill);
    least_drain = std::min(least_drain, drain);
    most_drain = std::max(most_drain, drain);
  }

  OperationStatistics& operator+=(const OperationStatistics& other) {
    count += other.count;
    words += other.words;
    stream_cycles += other.stream_cycles;
    withheld_cycles += other.withheld_cycles;
    fill_cycles += other.fill_cycles;
    drain_cycles += other.drain_cycles;
    loops += other.loops;
    least_fill = std::min(least_fill, other.least_fill);
    most_fill = std::max(most_fill, other.most_fill);
    least_drain = std::min(least_drain, other.least_drain);
    most_drain = std::max(most_drain, other.most_drain);
    return *this;
  }
};

struct Statistics {
  std::array<OperationStatistics, golden::kOperations> operations;  // by golden::Operation
  std::uint64_t cycles = 0;  // all, register writes and read-out included

  bool operator==(const Statistics&) const = default;

  const OperationStatistics& operator[](golden::Operation operation) const {
    return operations[static_cast<std::size_t>(operation)];
  }
  OperationStatistics& operator[](golden::Operation operation) {
    return operations[static_cast<std::size_t>(operation)];
  }

  std::uint64_t words() const {
    std::uint64_t sum = 0;
    for (const OperationStatistics& operation : operations) sum += operation.words;
    return sum;
  }

  Statistics& operator+=(const Statistics& other) {
    for (std::size_t i = 0; i < operations.size(); ++i) operations[i] += other.operations[i];
    cycles += other.cycles;
    return *this;
  }
};

}  // namespace aqpim::tb
