// SPDX-License-Identifier: Apache-2.0
#include "tb/memory/dram_model.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <stdexcept>

namespace aqpim::tb {
namespace {

// One step of splitmix64: a bijection that leaves no pattern of its argument.
std::uint64_t mix(std::uint64_t value) {
  value += 0x9e3779b97f4a7c15u;
  value = (value ^ value >> 30) * 0xbf58476d1ce4e5b9u;
  value = (value ^ value >> 27) * 0x94d049bb133111ebu;
  return value ^ value >> 31;
}

constexpr std::size_t kPieces = config::kBeatBytes / sizeof(std::uint64_t);

template <typename Draw>
Beat beat_of(Draw&& draw) {
  std::array<std::uint64_t, kPieces> pieces;
  for (std::uint64_t& piece : pieces) piece = draw();
  return std::bit_cast<Beat>(pieces);
}

}  // namespace

DramModel::DramModel(const config::Memory& memory, std::uint64_t seed)
    : memory_(memory),
      seed_(seed),
      random_(seed, "dram noise"),
      banks_(memory.organization.ranks * memory.organization.banks()),
      refreshed_(memory.organization.ranks) {
  for (unsigned i = 0; i < banks_.size(); ++i) banks_[i].index = i;
}

std::size_t DramModel::index_of(unsigned rank, unsigned bank) const {
  if (rank >= memory_.organization.ranks || bank >= memory_.organization.banks()) {
    throw std::out_of_range(fmt::format("there is no bank {} in rank {}", bank, rank));
  }
  return rank * memory_.organization.banks() + bank;
}

Beat DramModel::untouched(const Bank& bank, unsigned row, unsigned column) const {
  std::uint64_t state = mix(mix(mix(mix(seed_) ^ bank.index) ^ row) ^ column);
  return beat_of([&] { return state = mix(state); });
}

Beat DramModel::noise() {
  return beat_of([this] { return random_.bits(); });
}

Beat DramModel::content(const Bank& bank, unsigned row, unsigned column) const {
  const auto found = bank.rows.find(row);
  return found == bank.rows.end() ? untouched(bank, row, column) : found->second[column];
}

DramModel::Row& DramModel::row_of(Bank& bank, unsigned row) {
  const auto [position, is_new] = bank.rows.try_emplace(row);
  if (is_new) {
    for (unsigned column = 0; column < memory_.organization.columns; ++column) {
      position->second.push_back(untouched(bank, row, column));
    }
  }
  return position->second;
}

void DramModel::store(unsigned rank, unsigned bank, unsigned row, unsigned column,
                      const Beat& beat) {
  if (row >= memory_.organization.rows) throw std::out_of_range(fmt::format("no row {}", row));
  row_of(banks_[index_of(rank, bank)], row).at(column) = beat;
}

Beat DramModel::stored(unsigned rank, unsigned bank, unsigned row, unsigned column) const {
  if (row >= memory_.organization.rows || column >= memory_.organization.columns) {
    throw std::out_of_range(fmt::format("there is no column {} in row {}", column, row));
  }
  return content(banks_[index_of(rank, bank)], row, column);
}

void DramModel::issue(const DramCommand& command) {
  land();
  if (const std::string error = address_error(command, memory_.organization); !error.empty()) {
    throw std::invalid_argument(fmt::format("{}: {}", describe(command), error));
  }
  if (command.cycle < cycle_) {
    throw std::invalid_argument(fmt::format("{} comes after cycle {}", describe(command), cycle_));
  }
  cycle_ = command.cycle;
  if (command.kind == CommandKind::kRef) {
    refresh(command);
    return;
  }
  std::uint64_t banks = banks_of(command, memory_.organization);
  for (; banks != 0; banks &= banks - 1) {
    const auto number = static_cast<unsigned>(std::countr_zero(banks));
    Bank& bank = banks_[index_of(command.rank, number)];
    switch (command.kind) {
      case CommandKind::kAct:
      case CommandKind::kActAll:
        activate(command, bank);
        break;
      case CommandKind::kPre:
      case CommandKind::kPreAll:
        precharge(command, bank);
        break;
      case CommandKind::kRd:
      case CommandKind::kBroadcast:
      case CommandKind::kRdAll:
        read(command, bank, number);
        break;
      case CommandKind::kWr:
      case CommandKind::kWrAll:
        write(command, bank, number);
        break;
      case CommandKind::kRef:
      case CommandKind::kEngineRd:
      case CommandKind::kEngineWr:
      case CommandKind::kEngineWrAll:
        break;
    }
  }
}

void DramModel::report(const std::string& what, const DramCommand& command, unsigned bank) {
  problems_.publish(
      fmt::format("bank {}: {}: {}", bank % memory_.organization.banks(), what, describe(command)));
}

void DramModel::activate(const DramCommand& command, Bank& bank) {
  const char* why = nullptr;
  if (bank.open) {
    why = "activated while a row is open";
  } else if (command.cycle < bank.activate_ready) {
    why = "activated too early";
  } else if (command.cycle < refreshed_[command.rank]) {
    why = "activated during a refresh";
  }
  if (why != nullptr) report(why, command, bank.index);
  bank.open = true;
  bank.sound = why == nullptr;
  bank.row = command.row;
  bank.activation = ++activations_;
  bank.activate_ready = command.cycle + memory_.timing.row_cycle;
  bank.column_ready = command.cycle + memory_.timing.activate_to_column;
  bank.precharge_ready = command.cycle + memory_.timing.row_open;
  bank.writes.clear();
}

void DramModel::precharge(const DramCommand& command, Bank& bank) {
  if (bank.open && command.cycle < bank.precharge_ready) {
    report("precharged before its row was restored", command, bank.index);
    for (Beat& beat : row_of(bank, bank.row)) beat = noise();
  }
  for (const RecentWrite& write : bank.writes) {
    if (command.cycle >= write.end + memory_.timing.write_recovery) continue;
    report(fmt::format("precharged before the write of column {} has recovered", write.column),
           command, bank.index);
    row_of(bank, bank.row)[write.column] = noise();
  }
  bank.writes.clear();
  bank.open = false;
  bank.activate_ready = std::max(bank.activate_ready, command.cycle + memory_.timing.precharge);
}

void DramModel::refresh(const DramCommand& command) {
  for (unsigned number = 0; number < memory_.organization.banks(); ++number) {
    Bank& bank = banks_[index_of(command.rank, number)];
    if (!bank.open && command.cycle >= bank.activate_ready) continue;
    report(bank.open ? "refreshed while a row is open" : "refreshed too early", command,
           bank.index);
    bank.sound = false;
  }
  refreshed_[command.rank] = command.cycle + memory_.timing.refresh;
}

std::string DramModel::obstacle(const DramCommand& command, const Bank& bank) const {
  if (!bank.open) return "no row is open";
  if (bank.row != command.row) return fmt::format("row {} is open", bank.row);
  if (!bank.sound) return "the row was not activated properly";
  if (command.cycle < bank.column_ready) return "the row is not yet open";
  return "";
}

void DramModel::read(const DramCommand& command, Bank& bank, unsigned number) {
  std::string why = obstacle(command, bank);
  const auto settling = [&](const RecentWrite& write) {
    return command.cycle < write.end + memory_.timing.write_to_read_l;
  };
  if (why.empty() && std::ranges::any_of(bank.writes, settling)) why = "a write is under way";
  if (!why.empty()) report(why, command, bank.index);
  reads_.push_back({.cycle = command.cycle + memory_.timing.read_latency,
                    .kind = command.kind,
                    .rank = command.rank,
                    .bank = number,
                    .data = why.empty() ? content(bank, command.row, command.column) : noise()});
}

void DramModel::write(const DramCommand& command, Bank& bank, unsigned number) {
  const std::string why = obstacle(command, bank);
  if (!why.empty()) report(why + ", the write is lost", command, bank.index);
  const std::uint64_t begin = command.cycle + memory_.timing.write_latency;
  writes_.push_back(
      {.transfer = {.cycle = begin, .kind = command.kind, .rank = command.rank, .bank = number},
       .lost = !why.empty(),
       .column = command.column,
       .activation = bank.activation});
  if (!why.empty()) return;
  std::erase_if(bank.writes, [&](const RecentWrite& recent) {
    return command.cycle >= recent.end + memory_.timing.write_recovery;
  });
  bank.writes.push_back({command.column, begin + memory_.timing.burst});
}

std::span<Transfer> DramModel::transfers(std::uint64_t cycle) {
  land();
  cycle_ = std::max(cycle_, cycle);
  while (true) {
    const bool read = !reads_.empty() && reads_.front().cycle <= cycle;
    const bool write = !writes_.empty() && writes_.front().transfer.cycle <= cycle;
    if (!read && !write) break;
    if (!write || (read && reads_.front().cycle <= writes_.front().transfer.cycle)) {
      returned_.push_back(reads_.front());
      reads_.pop_front();
    } else {
      returned_.push_back(writes_.front().transfer);
      returned_writes_.push_back(writes_.front());
      writes_.pop_front();
    }
  }
  return returned_;
}

void DramModel::land() {
  auto write = returned_writes_.begin();
  for (const Transfer& transfer : returned_) {
    if (!transfer.is_write()) continue;
    const PendingWrite& pending = *write++;
    Bank& bank = banks_[index_of(transfer.rank, transfer.bank)];
    if (transfer.masked) continue;
    if (!transfer.driven) {
      problems_.publish(fmt::format("bank {}: nobody gave the data of {} of rank {} in cycle {}",
                                    transfer.bank, format_of(transfer.kind).name, transfer.rank,
                                    transfer.cycle));
    }
    // A precharge in between has reported the write already.
    if (pending.lost || !bank.open || pending.activation != bank.activation) continue;
    row_of(bank, bank.row)[pending.column] = transfer.driven ? transfer.data : noise();
  }
  returned_.clear();
  returned_writes_.clear();
}

}  // namespace aqpim::tb
