// SPDX-License-Identifier: Apache-2.0
//
// What a pseudo-channel was busy with: its DRAM commands, the phases of its host commands, and when
// each of these was taken and answered. Inferred from the pins alone: a command that waits first in
// its rank is the one that runs.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string_view>
#include <vector>

#include "sw/config/channel.h"
#include "sw/config/memory.h"
#include "sw/golden/host_command.h"
#include "sw/golden/host_rules.h"
#include "tb/channel/host_agent.h"
#include "tb/common/analysis_port.h"
#include "tb/memory/dram_command.h"

namespace aqpim::tb {

// What a rank's columns are for.
enum class ChannelPhase : std::uint8_t {
  kTable,       // ATTEND: codebook of keys
  kScore,       // codes of keys
  kAccumulate,  // codes of values
  kCombine,     // codebook of values
  kEncode,      // ENCODE: codebook
  kCodes,       // codes to the banks
  kStart,       // CLUSTER: start centroids from the host, and those of the reducer
  kCluster,     // raw tokens
  kUnload,      // records to the reducer
  kRegisters,   // SET_QUERY, SET_VECTORS
  kResults,     // RESULT
  kWrite,       // WR
  kRead,        // RD
};
inline constexpr std::size_t kChannelPhases = 13;

std::string_view name_of(ChannelPhase phase);

// Cycles are those of the memory clock.
struct PhaseStatistics {
  // Columns of one host command, without one of another phase in between; registers and results go
  // beside the others.
  std::uint64_t runs = 0;
  std::uint64_t columns = 0;  // commands, of all banks or of one
  // From the first column of a run to its last one, summed over runs, and, of the token loops
  // kScore and kAccumulate, the least that timing allows: without a refresh, and what the refreshes
  // between columns of a run add to it.
  std::uint64_t cycles = 0;
  std::uint64_t allowed = 0;
  std::uint64_t refreshes = 0;
  std::uint64_t allowed_refresh = 0;

  bool operator==(const PhaseStatistics&) const = default;
};

// Clock cycles since the reset.
struct CommandTimes {
  golden::HostOpcode opcode = golden::HostOpcode::kSetConfig;
  unsigned rank = 0;
  golden::AnswerCode code = golden::AnswerCode::kOk;
  std::uint64_t taken = 0;
  std::uint64_t answered = 0;

  bool operator==(const CommandTimes&) const = default;
};

struct ChannelStatistics {
  std::uint64_t cycles = 0;  // of the clock
  // By rank.
  std::array<std::array<std::uint64_t, kCommandKinds>, 2> commands = {};
  std::array<std::array<PhaseStatistics, kChannelPhases>, 2> phases = {};
  std::vector<CommandTimes> times;  // in the order of the answers

  bool operator==(const ChannelStatistics&) const = default;

  std::uint64_t count(CommandKind kind) const {
    return commands[0][static_cast<std::size_t>(kind)] +
           commands[1][static_cast<std::size_t>(kind)];
  }
  const PhaseStatistics& phase(unsigned rank, ChannelPhase phase) const {
    return phases[rank][static_cast<std::size_t>(phase)];
  }
};

// The least memory cycles from the first of `columns` column commands of all banks (of half of them
// with two banks per engine) to the last one, if the first is that of a row.
std::uint64_t least_cycles(const config::ChannelShape& shape, const config::Memory& memory,
                           bool power_limited, std::uint64_t columns);

// The least memory cycles that a refresh between two rows of such columns adds.
std::uint64_t least_refresh_cycles(const config::ChannelShape& shape, const config::Memory& memory,
                                   bool power_limited);

// Columns of a rank for one phase, without those of another in between. Memory cycles of the first
// and the last one.
struct ChannelRun {
  ChannelPhase phase = ChannelPhase::kTable;
  unsigned rank = 0;
  std::uint64_t first = 0, last = 0;
  std::uint64_t columns = 0;
  std::uint64_t refreshes = 0;  // between the first and the last one

  bool operator==(const ChannelRun&) const = default;
};

// Counts.
class ChannelCounter {
 public:
  ChannelCounter(const config::ChannelShape& shape, const config::Memory& memory,
                 bool power_limited);

  // In the order of their cycles.
  void accepted(const HostExchange& exchange);
  void finished(const HostExchange& exchange);
  void command(const DramCommand& command);
  void cycle() { ++statistics_.cycles; }

  // Each run when it has ended.
  AnalysisPort<ChannelRun>& runs() { return runs_; }

  // Runs that have not ended count as if they had.
  ChannelStatistics statistics() const;

 private:
  struct Rank {
    std::deque<golden::HostCommand> work;           // not answered
    std::deque<golden::Context> contexts;           // of these
    std::uint64_t registers_set = 0;                // SET_QUERY and SET_VECTORS that were answered
    std::uint64_t registers_used = 0;               // ATTEND, ENCODE and CLUSTER, likewise
    std::array<std::optional<ChannelRun>, 2> runs;  // of work, of transfers
    std::uint64_t refreshes = 0;                    // since the last column of the run of work
  };

  std::optional<ChannelPhase> phase_of(const DramCommand& command) const;
  void end_run(const ChannelRun& run, ChannelStatistics& statistics) const;

  config::ChannelShape shape_;
  config::Memory memory_;
  bool power_limited_;
  std::array<std::array<golden::Context, golden::kContexts>, 2> contexts_ = {};
  std::array<Rank, 2> ranks_;
  ChannelStatistics statistics_;
  AnalysisPort<ChannelRun> runs_;
};

}  // namespace aqpim::tb
