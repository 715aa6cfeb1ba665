// SPDX-License-Identifier: Apache-2.0
//
// The DRAM of a pseudo-channel in RTL: takes the commands off the pins, lets the timing checker
// judge them and the model execute them, and moves the data.
//
//   row_*, col_* --> DramCommand --> TimingChecker, DramModel, commands()
//   DramModel reads --> bus_rdata_i, bank_data_i            ReadCycles after the command's cycle
//   bus_wdata_o, write_data_o --> DramModel writes          WriteCycles after it
//
// A command on the pins in clock cycle n, slot s is issued in memory cycle 2n + s. Data pins of
// reads hold something else before and after their cycle.
#pragma once

#include <cstdint>
#include <deque>
#include <string>

#include "sw/config/channel.h"
#include "sw/config/memory.h"
#include "tb/channel/channel_model.h"
#include "tb/common/analysis_port.h"
#include "tb/memory/dram_command.h"
#include "tb/memory/dram_model.h"
#include "tb/memory/timing_checker.h"

namespace aqpim::tb {

class DramAgent {
 public:
  // `checked`: the table that the checker judges by.
  DramAgent(const config::ChannelShape& shape, const config::Memory& memory,
            const config::Memory& checked, bool power_limited, std::uint64_t seed);

  // The clock cycles since the reset, from 0 on. Drives the data pins of this one.
  void step(std::uint64_t cycle, ChannelModel& model, ChannelInputs& inputs);

  // Commands in the order of their cycles, after they were judged and executed.
  AnalysisPort<DramCommand>& commands() { return commands_; }
  // Violations and problems of the model, as sentences.
  AnalysisPort<std::string>& problems() { return problems_; }
  TimingChecker& checker() { return checker_; }
  DramModel& memory() { return memory_; }

 private:
  struct DueRead {
    std::uint64_t cycle = 0;  // of the clock
    Transfer transfer;
  };
  struct DueWrite {
    std::uint64_t cycle = 0;
    DramCommand command;
  };
  struct Sample {
    Beat data = {};
    bool masked = false;
  };

  void take_commands(std::uint64_t cycle, const ChannelOutputs& outputs);
  void issue(const DramCommand& command);
  void sample_writes(std::uint64_t cycle, const ChannelModel& model);
  void move_transfers(std::uint64_t cycle);
  void drive_reads(std::uint64_t cycle, ChannelModel& model, ChannelInputs& inputs);

  config::ChannelShape shape_;
  config::MemoryTiming timing_;
  DramModel memory_;
  TimingChecker checker_;
  std::deque<DueRead> reads_;
  std::deque<DueWrite> writes_;
  std::deque<Sample> samples_;   // of the writes whose transfers have not come
  std::deque<Transfer> driven_;  // in the cycle before
  AnalysisPort<DramCommand> commands_;
  AnalysisPort<std::string> problems_;
};

}  // namespace aqpim::tb
