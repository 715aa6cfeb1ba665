// SPDX-License-Identifier: Apache-2.0
//
// Judges one engine: gives everything that the monitor has seen going in to the golden model, and
// compares what comes out with the golden queue, value by value: outputs, maximum, weight sum,
// flags, codes, partial sums, centroids, refusals, the latency of answers. Computes no value
// itself.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include "sw/config/config.h"
#include "sw/golden/engine.h"
#include "tb/common/tally.h"
#include "tb/engine/monitor.h"
#include "tb/engine/transactions.h"

namespace aqpim::tb {

class Scoreboard {
 public:
  // Subscribes to the monitor, which must not outlive it. `title` begins every message.
  Scoreboard(std::string title, const config::EngineConfig& config, Monitor& monitor);
  Scoreboard(const Scoreboard&) = delete;
  Scoreboard& operator=(const Scoreboard&) = delete;

  const golden::Engine& golden() const { return golden_; }
  std::uint64_t compared() const { return tally_.compared(); }
  std::uint64_t mismatches() const { return tally_.mismatches(); }
  bool failed() const { return tally_.failed(); }
  void problem(const std::string& sentence) { tally_.problem(title_ + ": " + sentence); }

  // Ends the run; empty if all is well, otherwise what is not, the first difference first.
  std::string verdict(std::uint64_t minimum_compared, unsigned failed_assertions) const {
    return tally_.verdict(minimum_compared, expected_.size(), failed_assertions);
  }

 private:
  struct Expected {
    Cycle due = 0;
    bool unload = false;
    unsigned index = 0;  // of the result word, or in the stream of UNLOAD
    std::vector<std::uint8_t> word;
  };

  void reset(const ResetSeen& seen);
  void write(const WriteSeen& seen);
  void refusal(const RefusalSeen& seen);
  void operation(const OperationSeen& seen);
  void strobe(const StrobeSeen& seen);
  void read(const ReadSeen& seen);
  void result(const ResultSeen& seen);
  void compare_outputs(const Expected& expected, const ResultSeen& seen);
  void compare_status(const Expected& expected, const ResultSeen& seen);
  void compare_codes(const Expected& expected, const ResultSeen& seen);
  void compare_record(const Expected& expected, const ResultSeen& seen);
  // `name()` says what it is.
  template <typename Name>
  void compare(Cycle cycle, const Name& name, std::int64_t actual, std::int64_t expected);

  // What was done last, the latest first, for messages.
  std::string history() const;
  void difference(Cycle cycle, const std::string& what, std::int64_t actual, std::int64_t expected);

  std::string title_;
  config::EngineConfig config_;
  golden::Engine golden_;
  std::deque<Expected> expected_;
  std::vector<std::uint8_t> records_;  // of the UNLOAD that runs
  std::deque<CommandSeen> history_;
  Tally tally_;
};

}  // namespace aqpim::tb
