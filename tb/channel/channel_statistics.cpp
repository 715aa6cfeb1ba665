// SPDX-License-Identifier: Apache-2.0
#include "tb/channel/channel_statistics.h"

#include <algorithm>

namespace aqpim::tb {
namespace {

using golden::HostOpcode;

bool is_work(HostOpcode opcode) {
  return opcode == HostOpcode::kWrite || opcode == HostOpcode::kRead ||
         opcode == HostOpcode::kAttend || opcode == HostOpcode::kEncode ||
         opcode == HostOpcode::kCluster;
}

// Rows of a rank one after the other. They are opened in all of its banks at once, those of a pair
// too: an engine with two banks has no columns while a row is opened.
struct RowCycles {
  RowCycles(const config::ChannelShape& shape, const config::Memory& memory, bool power_limited)
      : columns(shape.memory.columns * std::uint64_t{shape.banks_per_engine}) {
    const config::MemoryTiming& timing = memory.timing;
    const std::uint64_t all = power_limited ? memory.power_limit.column_all : timing.column_all;
    gap = shape.banks_per_engine == 2
              ? std::max<std::uint64_t>(timing.burst, timing.column_s)
              : std::max<std::uint64_t>({all, timing.burst, 2u * shape.words_per_beat()});
    change = timing.read_to_precharge_l + timing.precharge + timing.activate_to_column;
    shortest = timing.row_cycle;
    if (power_limited) shortest = std::max<std::uint64_t>(shortest, memory.power_limit.window);
  }

  // From the first column of a row to that of the next, with a pause between rows.
  std::uint64_t period(std::uint64_t pause = 0) const {
    return std::max((columns - 1) * gap + change + pause, shortest);
  }

  std::uint64_t columns;   // of a row
  std::uint64_t gap;       // from one to the next
  std::uint64_t change;    // last column of a row to the first one of the next
  std::uint64_t shortest;  // period
};

}  // namespace

std::string_view name_of(ChannelPhase phase) {
  static constexpr std::array<std::string_view, kChannelPhases> kNames = {
      "table",   "score",  "accumulate", "combine", "encode", "codes", "start",
      "cluster", "unload", "registers",  "results", "write",  "read"};
  return kNames.at(static_cast<std::size_t>(phase));
}

std::uint64_t least_cycles(const config::ChannelShape& shape, const config::Memory& memory,
                           bool power_limited, std::uint64_t columns) {
  if (columns == 0) return 0;
  const RowCycles row(shape, memory, power_limited);
  return (columns - 1) / row.columns * row.period() + (columns - 1) % row.columns * row.gap;
}

std::uint64_t least_refresh_cycles(const config::ChannelShape& shape, const config::Memory& memory,
                                   bool power_limited) {
  const RowCycles row(shape, memory, power_limited);
  return row.period(memory.timing.refresh) - row.period();
}

ChannelCounter::ChannelCounter(const config::ChannelShape& shape, const config::Memory& memory,
                               bool power_limited)
    : shape_(shape), memory_(memory), power_limited_(power_limited) {}

void ChannelCounter::accepted(const HostExchange& exchange) {
  const golden::HostCommand& command = exchange.command;
  if (command.opcode == HostOpcode::kSetConfig) {
    contexts_[command.rank][command.context] = golden::context_of(command);
  }
  if (!is_work(command.opcode)) return;
  Rank& rank = ranks_[command.rank];
  golden::HostCommand kept = command;
  kept.payload.clear();
  rank.work.push_back(kept);
  rank.contexts.push_back(contexts_[command.rank][command.context]);
}

void ChannelCounter::finished(const HostExchange& exchange) {
  const golden::HostCommand& command = exchange.command;
  statistics_.times.push_back(
      {command.opcode, command.rank, exchange.code, exchange.taken, exchange.answered});
  if (exchange.code != golden::AnswerCode::kOk || command.opcode == HostOpcode::kSetConfig) return;
  Rank& rank = ranks_[command.rank];
  std::optional<ChannelRun>& run = rank.runs[is_work(command.opcode) ? 0 : 1];
  if (run) {
    end_run(*run, statistics_);
    runs_.publish(*run);
    run.reset();
  }
  if (is_work(command.opcode)) {
    rank.work.pop_front();
    rank.contexts.pop_front();
    if (command.opcode >= HostOpcode::kAttend) ++rank.registers_used;
  } else if (command.opcode == HostOpcode::kSetQuery || command.opcode == HostOpcode::kSetVectors) {
    ++rank.registers_set;
  }
}

std::optional<ChannelPhase> ChannelCounter::phase_of(const DramCommand& command) const {
  const Rank& rank = ranks_[command.rank];
  const HostOpcode running = rank.work.empty() ? HostOpcode::kSetConfig : rank.work.front().opcode;
  // Registers are written for a CLUSTER before it starts, and not while it runs.
  const bool clusters = running == HostOpcode::kCluster && rank.registers_set > rank.registers_used;
  switch (command.kind) {
    case CommandKind::kRd:
      return ChannelPhase::kRead;
    case CommandKind::kWr:
      return ChannelPhase::kWrite;
    case CommandKind::kWrAll:
      return ChannelPhase::kCodes;
    case CommandKind::kEngineRd:
      return clusters ? ChannelPhase::kUnload : ChannelPhase::kResults;
    case CommandKind::kEngineWr:
    case CommandKind::kEngineWrAll:
      return clusters ? ChannelPhase::kStart : ChannelPhase::kRegisters;
    case CommandKind::kBroadcast:
    case CommandKind::kRdAll:
      break;
    default:
      return std::nullopt;
  }
  if (running == HostOpcode::kEncode) return ChannelPhase::kEncode;
  if (running == HostOpcode::kCluster) return ChannelPhase::kCluster;
  if (running != HostOpcode::kAttend) return std::nullopt;
  const golden::AttendFields attend(rank.work.front());
  const golden::Context& context = rank.contexts.front();
  const auto has = [&](const golden::Region& region, unsigned from, unsigned rows) {
    return command.row >= region.first + from && command.row < region.first + from + rows;
  };
  const unsigned code_rows = shape_.code_rows(attend.tokens);
  const unsigned book_rows =
      context.scope_rank() ? shape_.striped_codebook_rows() : shape_.local_codebook_rows();
  const unsigned first_book = attend.first_window * book_rows;
  const unsigned books = attend.windows * book_rows;
  if (command.kind == CommandKind::kRdAll) {
    if (has(context.codes[0], attend.first_row, code_rows)) return ChannelPhase::kScore;
    if (has(context.codes[1], attend.first_row, code_rows)) return ChannelPhase::kAccumulate;
  }
  if (has(context.codebooks[0], first_book, books)) return ChannelPhase::kTable;
  if (has(context.codebooks[1], first_book, books)) return ChannelPhase::kCombine;
  return std::nullopt;
}

void ChannelCounter::command(const DramCommand& command) {
  ++statistics_.commands[command.rank][static_cast<std::size_t>(command.kind)];
  if (command.kind == CommandKind::kRef) ++ranks_[command.rank].refreshes;
  const std::optional<ChannelPhase> phase = phase_of(command);
  if (!phase) return;
  const bool transfer = *phase == ChannelPhase::kRegisters || *phase == ChannelPhase::kResults;
  std::optional<ChannelRun>& run = ranks_[command.rank].runs[transfer ? 1 : 0];
  if (run && run->phase != *phase) {
    end_run(*run, statistics_);
    runs_.publish(*run);
    run.reset();
  }
  std::uint64_t& refreshes = ranks_[command.rank].refreshes;
  if (!run) {
    run = ChannelRun{*phase, command.rank, command.cycle, command.cycle, 0, 0};
  } else if (!transfer) {
    run->refreshes += refreshes;
  }
  if (!transfer) refreshes = 0;
  run->last = command.cycle;
  ++run->columns;
}

void ChannelCounter::end_run(const ChannelRun& run, ChannelStatistics& statistics) const {
  PhaseStatistics& phase = statistics.phases[run.rank][static_cast<std::size_t>(run.phase)];
  ++phase.runs;
  phase.columns += run.columns;
  phase.cycles += run.last - run.first + 1;
  phase.refreshes += run.refreshes;
  if (run.phase == ChannelPhase::kScore || run.phase == ChannelPhase::kAccumulate) {
    phase.allowed += least_cycles(shape_, memory_, power_limited_, run.columns) + 1;
    phase.allowed_refresh += run.refreshes * least_refresh_cycles(shape_, memory_, power_limited_);
  }
}

ChannelStatistics ChannelCounter::statistics() const {
  ChannelStatistics statistics = statistics_;
  for (const Rank& rank : ranks_) {
    for (const std::optional<ChannelRun>& run : rank.runs) {
      if (run) end_run(*run, statistics);
    }
  }
  return statistics;
}

}  // namespace aqpim::tb
