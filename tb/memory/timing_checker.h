// SPDX-License-Identifier: Apache-2.0
//
// Judges the commands of one pseudo-channel by a memory's table alone: every delay, the state of
// the banks, refresh, the data bus of both ranks and the power limit. It knows nothing of DramModel
// and of who issues the commands. docs/memory.md states each rule under the name used here.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "sw/config/memory.h"
#include "tb/common/analysis_port.h"
#include "tb/memory/dram_command.h"

namespace aqpim::tb {

struct CheckerOptions {
  unsigned banks_per_engine = 1;  // 2: even and odd banks take turns, and never read together
  bool power_limited = true;
  // In this cycle all banks are precharged and no refresh is owed.
  std::uint64_t start = 0;

  bool operator==(const CheckerOptions&) const = default;
};

struct Violation {
  std::uint64_t cycle = 0;
  std::string rule;
  // Of a rule that asks for a gap, in cycles; otherwise zero.
  std::uint64_t needed = 0;
  std::uint64_t actual = 0;
  std::string sentence;

  bool operator==(const Violation&) const = default;
};

class TimingChecker {
 public:
  // Throws std::invalid_argument if banks_per_engine is neither 1 nor 2.
  explicit TimingChecker(const config::Memory& memory, const CheckerOptions& options = {});

  // Commands come in the order of their cycles, else std::invalid_argument is thrown. Of several
  // gaps that one command should have kept to another, the longest is published.
  void check(const DramCommand& command);

  // No command follows before this cycle: judges the refreshes that have not come.
  void finish(std::uint64_t cycle);

  AnalysisPort<Violation>& violations() { return violations_; }
  std::uint64_t violation_count() const { return violation_count_; }

 private:
  // Where a gap is kept: to commands that share a bank, a bank group, a rank, or the channel.
  enum class Scope : std::uint8_t { kBank, kBankGroup, kRank, kChannel };

  struct GapRule {
    const char* name;
    std::vector<CommandKind> earlier;
    Scope scope;
    std::uint64_t gap;
  };

  struct Bank {
    bool open = false;
    unsigned row = 0;
    // The cycles of the latest column accesses, as many as the power limit's window may hold; the
    // oldest is at `oldest`.
    std::vector<std::uint64_t> accesses;
    std::size_t oldest = 0;
  };

  struct Rank {
    std::vector<Bank> banks;
    std::vector<DramCommand> activates;  // the latest four single ones, the oldest first
    std::uint64_t refreshes = 0;         // that count: none comes before it is due
    std::uint64_t missed = 0;            // whose absence was published
  };

  struct BrokenGap {
    const char* rule;
    std::uint64_t gap;
    DramCommand earlier;
  };

  void add_gap_rules();
  void check_refreshes(std::uint64_t cycle);
  void check_set(const DramCommand& command);
  void check_state(const DramCommand& command);
  void check_gaps(const DramCommand& command);
  void check_four_activates(const DramCommand& command);
  void check_power(const DramCommand& command);
  void record(const DramCommand& command);

  void note_broken_gap(const GapRule& rule, const DramCommand& earlier);
  void publish_gap(const char* rule, const DramCommand& command, const DramCommand& earlier,
                   std::uint64_t gap);
  void publish_state(const char* rule, const DramCommand& command, const std::string& why);
  void publish(Violation violation);

  // Calls visit(unit) for each bank, bank group, … that the command touches.
  template <typename Visit>
  void for_each_unit(Scope scope, const DramCommand& command, Visit&& visit) const;
  std::optional<DramCommand>& latest(std::size_t unit, CommandKind kind) {
    return latest_[unit * kCommandKinds + static_cast<std::size_t>(kind)];
  }

  config::Memory memory_;
  CheckerOptions options_;
  std::array<std::vector<GapRule>, kCommandKinds> rules_;  // by the later command's kind
  std::vector<Rank> ranks_;
  std::vector<std::optional<DramCommand>> latest_;  // of each unit and kind
  std::vector<BrokenGap> broken_;                   // by the command that is being checked
  std::uint64_t cycle_ = 0;
  std::uint64_t violation_count_ = 0;
  AnalysisPort<Violation> violations_;
};

}  // namespace aqpim::tb
