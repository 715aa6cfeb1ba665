// SPDX-License-Identifier: Apache-2.0
//
// The test bench of one pseudo-channel: RTL, host, DRAM, scoreboard, statistics. It only wires them
// and plays host commands.
//
//   HostCommands --> HostAgent --> host port of the ChannelModel
//                        |         DRAM pins <--> DramAgent (TimingChecker, DramModel)
//                        |                            |
//                   ChannelScoreboard            ChannelCounter
//                   (golden::Channel inside)
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <ostream>
#include <span>
#include <string>
#include <vector>

#include "sw/config/channel.h"
#include "sw/config/memory.h"
#include "sw/golden/host_command.h"
#include "tb/channel/channel_build.h"
#include "tb/channel/channel_model.h"
#include "tb/channel/channel_scoreboard.h"
#include "tb/channel/channel_statistics.h"
#include "tb/channel/dram_agent.h"
#include "tb/channel/host_agent.h"
#include "tb/common/run_failed.h"

namespace aqpim::tb {

// What the host was told. Beats that never came are zero.
golden::HostAnswer answer_of(const HostExchange& exchange);

struct ChannelOptions {
  std::uint64_t seed = 1;  // power-up state, noise, tags, gaps
  bool check = true;       // with a scoreboard
  HostAgentOptions host = {};
  unsigned threads = 1;  // that share the engines
  // The table that the checker judges by, if it is to be another one than the RTL's: for tests of
  // the test bench.
  std::optional<config::Memory> checked = std::nullopt;
  // The host may write registers that make engines refuse commands.
  bool refusals = false;
};

class ChannelEnv {
 public:
  // Powers the pseudo-channel up and resets it.
  explicit ChannelEnv(const ChannelBuild& build, const ChannelOptions& options = {});
  ~ChannelEnv();
  ChannelEnv(const ChannelEnv&) = delete;
  ChannelEnv& operator=(const ChannelEnv&) = delete;

  // Plays all commands and waits for their answers, which it returns in the order in which the
  // commands were taken. Throws RunFailed.
  std::vector<golden::HostAnswer> play(std::span<const golden::HostCommand> commands);

  // Runs until a command that was given to host() is answered; those that were since the last call,
  // in the order of their answers. None if nothing is outstanding. Throws RunFailed.
  std::vector<HostExchange> wait_for_answer();

  // Clock cycles without a command.
  void wait(std::uint64_t cycles);

  const config::ChannelShape& shape() const { return shape_; }
  const config::Memory& memory() const { return memory_; }
  ChannelModel& model() { return *model_; }
  DramAgent& dram() { return dram_; }
  HostAgent& host() { return host_; }
  // Clock cycles in which an engine refused a command.
  std::uint64_t refusals() const { return refusals_; }
  // Clock cycles since the reset.
  std::uint64_t cycle() const { return cycle_; }
  ChannelCounter& counter() { return counter_; }
  ChannelStatistics statistics() const { return counter_.statistics(); }

  // Writes the commands from now on; the stream must outlive this object.
  void write_trace(std::ostream& stream);

  // Ends the run; empty if all is well, otherwise the reasons, one sentence per line.
  std::string verdict(std::uint64_t minimum_compared);
  std::uint64_t compared() const { return scoreboard_->compared(); }

 private:
  void reset();
  void step();
  void collect(const HostExchange& exchange);
  void problem(const std::string& sentence);

  std::string title_;
  config::ChannelShape shape_;
  config::Memory memory_;
  std::unique_ptr<ChannelModel> model_;
  ChannelInputs inputs_;
  HostAgent host_;
  DramAgent dram_;
  std::unique_ptr<ChannelScoreboard> scoreboard_;
  ChannelCounter counter_;
  std::vector<HostExchange> exchanges_;  // that ended since they were taken last
  std::vector<std::string> problems_;    // without a scoreboard
  bool may_refuse_;
  std::uint64_t refusals_ = 0;
  std::uint64_t cycle_ = 0;
  std::uint64_t last_column_ = 0;
};

}  // namespace aqpim::tb
