// SPDX-License-Identifier: Apache-2.0
//
// The DRAM of one pseudo-channel with its contents: what banks really answer to commands, right or
// wrong. A command that breaks the state or the timing of a bank is not refused; it gets what a
// real bank might give, and never luck:
//
//   read of a closed or another row, before nRCD,    noise
//   or within nWTRL of the bank's last write
//   write in such a case, or without data            lost; without data, the beat becomes noise
//   activation of an open bank, before nRP or nRC,   the row buffer is noise until it is
//   precharged, or during a refresh                              and writes to it are lost
//   precharge before nRAS                            the whole row becomes noise
//   precharge before nWR                             the written beats become noise
//   refresh with open rows                           their row buffers are noise
//
// Each of these is published as a sentence. Noise follows from the seed. Data begin nCL cycles
// after a read command and nCWL after a write command.
//
// A cycle of a test bench: issue() its commands, then transfers(cycle), take the data of the reads
// and give those of the writes. Commands to engines alone do nothing here.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "sw/config/memory.h"
#include "tb/common/analysis_port.h"
#include "tb/common/random.h"
#include "tb/memory/dram_command.h"

namespace aqpim::tb {

using Beat = std::array<std::uint8_t, config::kBeatBytes>;

// A beat between a bank and the data bus (RD, WR, BROADCAST) or its engine (RD_ALL, WR_ALL).
struct Transfer {
  std::uint64_t cycle = 0;  // first of its nBL cycles
  CommandKind kind = CommandKind::kRd;
  unsigned rank = 0;
  unsigned bank = 0;
  Beat data = {};
  bool driven = false;  // of a write: set by whoever gives the data
  bool masked = false;  // of a write, likewise: the beat stays as it is, and needs no data

  bool is_write() const { return kind == CommandKind::kWr || kind == CommandKind::kWrAll; }
  bool operator==(const Transfer&) const = default;
};

class DramModel {
 public:
  DramModel(const config::Memory& memory, std::uint64_t seed);

  // Contents, past all timing. A beat that nobody wrote holds noise. Throw std::out_of_range.
  void store(unsigned rank, unsigned bank, unsigned row, unsigned column, const Beat& beat);
  Beat stored(unsigned rank, unsigned bank, unsigned row, unsigned column) const;

  const config::MemoryOrganization& organization() const { return memory_.organization; }

  // Calls visit(rank, bank, row) for each row that does not hold the noise of its first day.
  template <typename Visit>
  void for_each_used_row(Visit&& visit) const {
    const unsigned banks = memory_.organization.banks();
    for (const Bank& bank : banks_) {
      for (const auto& entry : bank.rows)
        visit(bank.index / banks, bank.index % banks, entry.first);
    }
  }

  // Commands come in the order of their cycles, and have legal addresses; else
  // std::invalid_argument is thrown.
  void issue(const DramCommand& command);

  // The transfers that begin up to this cycle and were not returned before, in the order of their
  // cycles. Valid, and writable for the data of writes, until the next call of issue() or
  // transfers(), which puts these data into their rows.
  std::span<Transfer> transfers(std::uint64_t cycle);

  // "<what happened>: <command>".
  AnalysisPort<std::string>& problems() { return problems_; }

 private:
  using Row = std::vector<Beat>;

  struct RecentWrite {
    unsigned column = 0;
    std::uint64_t end = 0;  // first cycle after its data
  };

  struct Bank {
    unsigned index = 0;  // in the pseudo-channel
    std::unordered_map<unsigned, Row> rows;
    bool open = false;
    bool sound = false;  // the open row was activated properly
    unsigned row = 0;
    std::uint64_t activation = 0;  // its number
    std::uint64_t activate_ready = 0;
    std::uint64_t column_ready = 0;
    std::uint64_t precharge_ready = 0;
    std::vector<RecentWrite> writes;  // to the open row, those that have not recovered
  };

  struct PendingWrite {
    Transfer transfer;
    bool lost = false;
    unsigned column = 0;
    std::uint64_t activation = 0;
  };

  std::size_t index_of(unsigned rank, unsigned bank) const;
  Beat untouched(const Bank& bank, unsigned row, unsigned column) const;
  Beat content(const Bank& bank, unsigned row, unsigned column) const;
  Beat noise();
  Row& row_of(Bank& bank, unsigned row);

  void activate(const DramCommand& command, Bank& bank);
  void precharge(const DramCommand& command, Bank& bank);
  void refresh(const DramCommand& command);
  void read(const DramCommand& command, Bank& bank, unsigned number);
  void write(const DramCommand& command, Bank& bank, unsigned number);
  // Why a column access does not reach the row it means, or empty.
  std::string obstacle(const DramCommand& command, const Bank& bank) const;
  // Puts the data of the writes that were returned last into their rows.
  void land();
  void report(const std::string& what, const DramCommand& command, unsigned bank);

  config::Memory memory_;
  std::uint64_t seed_;
  Random random_;
  std::vector<Bank> banks_;
  std::vector<std::uint64_t> refreshed_;  // of each rank: first cycle after its refresh
  std::uint64_t cycle_ = 0;
  std::uint64_t activations_ = 0;
  std::deque<Transfer> reads_;
  std::deque<PendingWrite> writes_;
  std::vector<Transfer> returned_;
  std::vector<PendingWrite> returned_writes_;  // of those in returned_, in the same order
  AnalysisPort<std::string> problems_;
};

}  // namespace aqpim::tb
