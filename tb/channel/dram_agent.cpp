// SPDX-License-Identifier: Apache-2.0
#include "tb/channel/dram_agent.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <stdexcept>

#include "sw/config/pq_pkg.h"
#include "tb/common/run_failed.h"

namespace aqpim::tb {
namespace {

CommandKind kind_of(pq_pkg::RowKind kind) {
  switch (kind) {
    case pq_pkg::RowKind::kActAll:
      return CommandKind::kActAll;
    case pq_pkg::RowKind::kPreAll:
      return CommandKind::kPreAll;
    default:
      return CommandKind::kRef;
  }
}

CommandKind kind_of(pq_pkg::ColumnKind kind) {
  switch (kind) {
    case pq_pkg::ColumnKind::kRd:
      return CommandKind::kRd;
    case pq_pkg::ColumnKind::kWr:
      return CommandKind::kWr;
    case pq_pkg::ColumnKind::kBroadcast:
      return CommandKind::kBroadcast;
    case pq_pkg::ColumnKind::kRdAll:
      return CommandKind::kRdAll;
    case pq_pkg::ColumnKind::kWrAll:
      return CommandKind::kWrAll;
    case pq_pkg::ColumnKind::kEngineRd:
      return CommandKind::kEngineRd;
    case pq_pkg::ColumnKind::kEngineWr:
      return CommandKind::kEngineWr;
    default:
      return CommandKind::kEngineWrAll;
  }
}

DramCommand command_of(const RowPins& pins, std::uint64_t cycle) {
  if (pins.kind >= pq_pkg::kRowKinds) {
    throw RunFailed(fmt::format("row_kind_o is {} in cycle {}", pins.kind, cycle));
  }
  const CommandKind kind = kind_of(pq_pkg::RowKind{pins.kind});
  return {.cycle = cycle,
          .kind = kind,
          .set = BankSet::kAll,
          .rank = pins.rank,
          .bank = 0,
          .row = format_of(kind).has_row ? pins.row : 0u,
          .column = 0};
}

DramCommand command_of(const ColumnPins& pins, std::uint64_t cycle) {
  const CommandKind kind = kind_of(pq_pkg::ColumnKind{pins.kind});
  const CommandFormat& format = format_of(kind);
  if (pins.set > static_cast<std::uint8_t>(BankSet::kOdd)) {
    throw RunFailed(fmt::format("col_set_o is {} in cycle {}", pins.set, cycle));
  }
  const bool set = format.target == CommandTarget::kSet;
  return {.cycle = cycle,
          .kind = kind,
          .set = set ? static_cast<BankSet>(pins.set) : BankSet::kAll,
          .rank = pins.rank,
          .bank = format.target == CommandTarget::kBank ? pins.bank : 0u,
          .row = format.has_row ? pins.row : 0u,
          .column = format.has_column ? pins.column : 0u};
}

bool is_write(CommandKind kind) { return kind == CommandKind::kWr || kind == CommandKind::kWrAll; }

Beat complement(Beat beat) {
  for (std::uint8_t& byte : beat) byte = static_cast<std::uint8_t>(~byte);
  return beat;
}

}  // namespace

DramAgent::DramAgent(const config::ChannelShape& shape, const config::Memory& memory,
                     const config::Memory& checked, bool power_limited, std::uint64_t seed)
    : shape_(shape),
      timing_(memory.timing),
      memory_(memory, seed),
      checker_(checked,
               {.banks_per_engine = shape.banks_per_engine, .power_limited = power_limited}) {
  memory_.problems().subscribe([this](const std::string& text) { problems_.publish(text); });
  checker_.violations().subscribe(
      [this](const Violation& violation) { problems_.publish(violation.sentence); });
}

void DramAgent::step(std::uint64_t cycle, ChannelModel& model, ChannelInputs& inputs) {
  take_commands(cycle, model.outputs());
  sample_writes(cycle, model);
  move_transfers(cycle);
  drive_reads(cycle, model, inputs);
}

void DramAgent::take_commands(std::uint64_t cycle, const ChannelOutputs& outputs) {
  for (unsigned slot = 0; slot < kSlots; ++slot) {
    const std::uint64_t memory_cycle = kSlots * cycle + slot;
    if (outputs.rows[slot].valid) issue(command_of(outputs.rows[slot], memory_cycle));
    if (outputs.columns[slot].valid) issue(command_of(outputs.columns[slot], memory_cycle));
  }
}

void DramAgent::issue(const DramCommand& command) {
  if (const std::string error = address_error(command, shape_.memory); !error.empty()) {
    throw RunFailed(fmt::format("{}: {}", describe(command), error));
  }
  checker_.check(command);
  memory_.issue(command);
  if (is_write(command.kind)) {
    writes_.push_back({command.cycle / kSlots + timing_.write_latency / kSlots, command});
  }
  commands_.publish(command);
}

void DramAgent::sample_writes(std::uint64_t cycle, const ChannelModel& model) {
  while (!writes_.empty() && writes_.front().cycle == cycle) {
    const DramCommand& command = writes_.front().command;
    if (command.kind == CommandKind::kWr) {
      samples_.push_back({model.outputs().bus_wdata, false});
    } else {
      for (std::uint64_t banks = banks_of(command, shape_.memory); banks != 0; banks &= banks - 1) {
        const unsigned engine =
            static_cast<unsigned>(std::countr_zero(banks)) / shape_.banks_per_engine;
        samples_.push_back(
            {model.write_data(command.rank, engine), !model.write_enable(command.rank, engine)});
      }
    }
    writes_.pop_front();
  }
}

void DramAgent::move_transfers(std::uint64_t cycle) {
  // A beat's last part arrives nBL after its first one, and then a register.
  const std::uint64_t read_cycles = (timing_.read_latency + timing_.burst + 2) / kSlots;
  for (Transfer& transfer : memory_.transfers(kSlots * cycle + kSlots - 1)) {
    if (transfer.is_write()) {
      transfer.data = samples_.front().data;
      transfer.masked = samples_.front().masked;
      transfer.driven = true;
      samples_.pop_front();
    } else {
      const std::uint64_t command_cycle = (transfer.cycle - timing_.read_latency) / kSlots;
      reads_.push_back({command_cycle + read_cycles, transfer});
    }
  }
}

void DramAgent::drive_reads(std::uint64_t cycle, ChannelModel& model, ChannelInputs& inputs) {
  const auto drive = [&](const Transfer& transfer, const Beat& data) {
    if (transfer.kind == CommandKind::kRdAll) {
      model.drive_bank(transfer.rank, transfer.bank, data);
    } else {
      inputs.bus_rdata = data;
    }
  };
  for (const Transfer& transfer : driven_) drive(transfer, complement(transfer.data));
  driven_.clear();
  while (!reads_.empty() && reads_.front().cycle == cycle) {
    drive(reads_.front().transfer, reads_.front().transfer.data);
    driven_.push_back(reads_.front().transfer);
    reads_.pop_front();
  }
}

}  // namespace aqpim::tb
