// SPDX-License-Identifier: Apache-2.0
#include "tb/memory/timing_checker.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <initializer_list>
#include <stdexcept>
#include <utility>

namespace aqpim::tb {
namespace {

using enum CommandKind;
using Kinds = std::vector<CommandKind>;

template <typename Visit>
void for_each_bit(std::uint64_t bits, Visit&& visit) {
  for (; bits != 0; bits &= bits - 1) visit(static_cast<unsigned>(std::countr_zero(bits)));
}

Kinds join(std::initializer_list<Kinds> parts) {
  Kinds result;
  for (const Kinds& part : parts) result.insert(result.end(), part.begin(), part.end());
  return result;
}

bool is_one_of(CommandKind kind, std::initializer_list<CommandKind> kinds) {
  return std::ranges::find(kinds, kind) != kinds.end();
}

bool accesses_columns(CommandKind kind) { return format_of(kind).has_column; }

}  // namespace

TimingChecker::TimingChecker(const config::Memory& memory, const CheckerOptions& options)
    : memory_(memory), options_(options), cycle_(options.start) {
  if (options.banks_per_engine != 1 && options.banks_per_engine != 2) {
    throw std::invalid_argument("banks_per_engine must be 1 or 2");
  }
  const config::MemoryOrganization& organization = memory.organization;
  ranks_.resize(organization.ranks);
  for (Rank& rank : ranks_) rank.banks.resize(organization.banks());
  const std::size_t units_of_rank = organization.banks() + organization.bank_groups + 1;
  latest_.resize((organization.ranks * units_of_rank + 1) * kCommandKinds);
  add_gap_rules();
}

void TimingChecker::add_gap_rules() {
  const config::MemoryTiming& t = memory_.timing;
  const auto add = [this](const char* name, const Kinds& earlier, const Kinds& later, Scope scope,
                          std::uint64_t gap) {
    for (const CommandKind kind : later) {
      rules_[static_cast<std::size_t>(kind)].push_back({name, earlier, scope, gap});
    }
  };

  const Kinds activates = {kAct, kActAll};
  const Kinds precharges = {kPre, kPreAll};
  const Kinds rows = join({activates, precharges, {kRef}});
  // Accesses of banks, and of these the ones whose beat crosses the bank group and the data bus.
  const Kinds bank_reads = {kRd, kBroadcast};
  const Kinds reads = {kRd, kBroadcast, kRdAll};
  const Kinds writes = {kWr, kWrAll};
  const Kinds accesses = join({reads, writes});
  const Kinds set_accesses = {kRdAll, kWrAll};
  // Users of the data bus.
  const Kinds bus_reads = {kRd, kBroadcast, kEngineRd};
  const Kinds bus_writes = {kWr, kEngineWr, kEngineWrAll};
  const Kinds bus = join({bus_reads, bus_writes});
  const Kinds bank_group_paths = {kRd, kBroadcast, kWr, kEngineRd, kEngineWr};
  const Kinds columns = join({bus, set_accesses});

  add("nRC", activates, activates, Scope::kBank, t.row_cycle);
  add("nRAS", activates, precharges, Scope::kBank, t.row_open);
  add("nRP", precharges, activates, Scope::kBank, t.precharge);
  add("nRCD", activates, accesses, Scope::kBank, t.activate_to_column);
  // Commands to a set of banks are exempt.
  add("nRRDL", {kAct}, {kAct}, Scope::kBankGroup, t.activate_l);
  add("nRRDS", {kAct}, {kAct}, Scope::kRank, t.activate_s);
  add("nRTPL", reads, precharges, Scope::kBank, t.read_to_precharge_l);
  add("nRTPS", bank_reads, {kPreAll}, Scope::kRank, t.read_to_precharge_s);
  const std::uint64_t write_end = t.write_latency + t.burst;
  add("nWR", writes, precharges, Scope::kBank, write_end + t.write_recovery);

  add("nRC", activates, {kRef}, Scope::kRank, t.row_cycle);
  add("nRP", precharges, {kRef}, Scope::kRank, t.precharge);
  add("nRFC", {kRef}, join({rows, accesses}), Scope::kRank, t.refresh);

  if (options_.banks_per_engine == 1) {
    add("nCCDAB", set_accesses, set_accesses, Scope::kRank,
        options_.power_limited ? memory_.power_limit.column_all : t.column_all);
  }
  add("nCCDL", accesses, accesses, Scope::kBank, t.column_l);
  add("nCCDL", bank_group_paths, bank_group_paths, Scope::kBankGroup, t.column_l);
  add("nCCDS", accesses, accesses, Scope::kRank, t.column_s);
  add("nCCDS", bus, bus, Scope::kRank, t.column_s);
  add("nWTRL", writes, reads, Scope::kBankGroup, write_end + t.write_to_read_l);
  add("nWTRS", writes, reads, Scope::kRank, write_end + t.write_to_read_s);
  // The table demands nCL >= nCWL.
  const std::uint64_t read_to_write = t.read_latency - t.write_latency + t.burst + t.read_to_write;
  add("nRTW", reads, writes, Scope::kRank, read_to_write);
  add("nRTW", bus_reads, bus_writes, Scope::kChannel, read_to_write);

  add("data bus", bus_reads, bus_reads, Scope::kChannel, t.burst);
  add("data bus", bus_writes, bus_writes, Scope::kChannel, t.burst);
  if (write_end > t.read_latency) {
    add("data bus", bus_writes, bus_reads, Scope::kChannel, write_end - t.read_latency);
  }
  add("engine port", {kRdAll}, {kRdAll}, Scope::kRank, t.burst);
  add("engine port", {kWrAll}, {kWrAll}, Scope::kRank, t.burst);
  add("command slot", rows, rows, Scope::kChannel, 1);
  add("command slot", columns, columns, Scope::kChannel, 1);
}

template <typename Visit>
void TimingChecker::for_each_unit(Scope scope, const DramCommand& command, Visit&& visit) const {
  const config::MemoryOrganization& organization = memory_.organization;
  const unsigned banks = organization.banks();
  const std::size_t units_of_rank = banks + organization.bank_groups + 1;
  const std::size_t first = command.rank * units_of_rank;
  switch (scope) {
    case Scope::kBank:
      for_each_bit(banks_of(command, organization), [&](unsigned bank) { visit(first + bank); });
      break;
    case Scope::kBankGroup: {
      std::uint64_t groups = 0;
      for_each_bit(banks_of(command, organization), [&](unsigned bank) {
        groups |= std::uint64_t{1} << (bank / organization.banks_per_group);
      });
      for_each_bit(groups, [&](unsigned group) { visit(first + banks + group); });
      break;
    }
    case Scope::kRank:
      visit(first + units_of_rank - 1);
      break;
    case Scope::kChannel:
      visit(organization.ranks * units_of_rank);
      break;
  }
}

void TimingChecker::check(const DramCommand& command) {
  if (command.cycle < cycle_) {
    throw std::invalid_argument(fmt::format("{} comes after cycle {}", describe(command), cycle_));
  }
  cycle_ = command.cycle;
  if (const std::string error = address_error(command, memory_.organization); !error.empty()) {
    publish_state("address", command, error);
    return;
  }
  check_refreshes(command.cycle);
  check_set(command);
  check_state(command);
  check_gaps(command);
  check_four_activates(command);
  check_power(command);
  record(command);
}

void TimingChecker::finish(std::uint64_t cycle) {
  cycle_ = std::max(cycle_, cycle);
  check_refreshes(cycle_);
}

// Refresh k (from 1) of a rank is due k intervals after the start, and may be postponed.
void TimingChecker::check_refreshes(std::uint64_t cycle) {
  const std::uint64_t interval = memory_.timing.refresh_interval;
  const std::uint64_t postponed = memory_.timing.refreshes_postponed;
  const std::uint64_t elapsed = cycle - options_.start;
  const std::uint64_t intervals = elapsed == 0 ? 0 : (elapsed - 1) / interval;
  if (intervals <= postponed) return;
  const std::uint64_t expected = intervals - postponed;
  for (std::size_t index = 0; index < ranks_.size(); ++index) {
    Rank& rank = ranks_[index];
    if (expected <= std::max(rank.refreshes, rank.missed)) continue;
    rank.missed = expected;
    const std::uint64_t due = options_.start + (rank.refreshes + 1) * interval;
    const std::uint64_t latest = postponed * interval;
    publish({.cycle = cycle,
             .rule = "nREFI",
             .needed = latest,
             .actual = cycle - due,
             .sentence = fmt::format(
                 "nREFI: rank {} was due for a refresh in cycle {} and has not had it in cycle {}; "
                 "it may be postponed by {} cycles, not by {}",
                 index, due, cycle, latest, cycle - due)});
  }
}

void TimingChecker::check_set(const DramCommand& command) {
  if (format_of(command.kind).target != CommandTarget::kSet) return;
  const bool half = command.set != BankSet::kAll;
  if (options_.banks_per_engine == 1 && half) {
    publish_state("bank set", command, "half sets need two banks per engine");
  } else if (options_.banks_per_engine == 2 && !half && accesses_columns(command.kind)) {
    publish_state("bank set", command, "an engine of two banks takes one beat at a time");
  }
}

void TimingChecker::check_state(const DramCommand& command) {
  const std::vector<Bank>& banks = ranks_[command.rank].banks;
  const bool opens = is_one_of(command.kind, {kAct, kActAll});
  const bool refreshes = command.kind == kRef;
  const bool accesses = accesses_columns(command.kind);
  if (!opens && !refreshes && !accesses) return;
  std::string why;
  for_each_bit(banks_of(command, memory_.organization), [&](unsigned index) {
    if (!why.empty()) return;
    const Bank& bank = banks[index];
    if (!accesses && bank.open) {
      why = fmt::format("bank {} has row {} open", index, bank.row);
    } else if (accesses && !bank.open) {
      why = fmt::format("bank {} is precharged", index);
    } else if (accesses && bank.row != command.row) {
      why = fmt::format("bank {} has row {} open", index, bank.row);
    }
  });
  if (!why.empty()) publish_state("bank state", command, why);
}

void TimingChecker::check_gaps(const DramCommand& command) {
  broken_.clear();
  for (const GapRule& rule : rules_[static_cast<std::size_t>(command.kind)]) {
    const DramCommand* earlier = nullptr;
    for_each_unit(rule.scope, command, [&](std::size_t unit) {
      for (const CommandKind kind : rule.earlier) {
        const std::optional<DramCommand>& candidate = latest(unit, kind);
        if (candidate && (earlier == nullptr || candidate->cycle > earlier->cycle)) {
          earlier = &*candidate;
        }
      }
    });
    if (earlier != nullptr && command.cycle - earlier->cycle < rule.gap) {
      note_broken_gap(rule, *earlier);
    }
  }
  for (const BrokenGap& broken : broken_) {
    publish_gap(broken.rule, command, broken.earlier, broken.gap);
  }
}

void TimingChecker::note_broken_gap(const GapRule& rule, const DramCommand& earlier) {
  const auto same = std::ranges::find(broken_, earlier, &BrokenGap::earlier);
  if (same == broken_.end()) {
    broken_.push_back({rule.name, rule.gap, earlier});
  } else if (rule.gap > same->gap) {
    *same = {rule.name, rule.gap, earlier};
  }
}

void TimingChecker::check_four_activates(const DramCommand& command) {
  if (command.kind != kAct) return;
  constexpr std::size_t kActivates = 4;
  std::vector<DramCommand>& activates = ranks_[command.rank].activates;
  if (activates.size() == kActivates) {
    const DramCommand& first = activates.front();
    if (command.cycle - first.cycle < memory_.timing.four_activates) {
      publish_gap("nFAW", command, first, memory_.timing.four_activates);
    }
    activates.erase(activates.begin());
  }
  activates.push_back(command);
}

void TimingChecker::check_power(const DramCommand& command) {
  if (!options_.power_limited || !accesses_columns(command.kind)) return;
  const config::PowerLimit& limit = memory_.power_limit;
  std::uint64_t shortest = limit.window;
  unsigned worst = 0;
  for_each_bit(banks_of(command, memory_.organization), [&](unsigned index) {
    Bank& bank = ranks_[command.rank].banks[index];
    if (bank.accesses.size() < limit.columns) {
      bank.accesses.push_back(command.cycle);
      return;
    }
    std::uint64_t& oldest = bank.accesses[bank.oldest];
    if (command.cycle - oldest < shortest) {
      shortest = command.cycle - oldest;
      worst = index;
    }
    oldest = command.cycle;
    bank.oldest = (bank.oldest + 1) % limit.columns;
  });
  if (shortest == limit.window) return;
  publish({.cycle = command.cycle,
           .rule = "power limit",
           .needed = limit.window,
           .actual = shortest,
           .sentence = fmt::format(
               "power limit: {} is one of {} column accesses of bank {} since cycle {}; {} may "
               "span no less than {} cycles, not {}",
               describe(command), limit.columns + 1, worst, command.cycle - shortest,
               limit.columns + 1, limit.window, shortest)});
}

void TimingChecker::record(const DramCommand& command) {
  for (const Scope scope : {Scope::kBank, Scope::kBankGroup, Scope::kRank, Scope::kChannel}) {
    for_each_unit(scope, command, [&](std::size_t unit) { latest(unit, command.kind) = command; });
  }
  Rank& rank = ranks_[command.rank];
  if (is_one_of(command.kind, {kAct, kActAll, kPre, kPreAll})) {
    const bool open = is_one_of(command.kind, {kAct, kActAll});
    for_each_bit(banks_of(command, memory_.organization), [&](unsigned index) {
      rank.banks[index].open = open;
      rank.banks[index].row = command.row;
    });
  } else if (command.kind == kRef) {
    const std::uint64_t due = (command.cycle - options_.start) / memory_.timing.refresh_interval;
    rank.refreshes = std::min(rank.refreshes + 1, due);
  }
}

void TimingChecker::publish_gap(const char* rule, const DramCommand& command,
                                const DramCommand& earlier, std::uint64_t gap) {
  const std::uint64_t actual = command.cycle - earlier.cycle;
  publish({.cycle = command.cycle,
           .rule = rule,
           .needed = gap,
           .actual = actual,
           .sentence = fmt::format("{}: {} follows {} by {} cycles, but must by at least {}", rule,
                                   describe(command), describe(earlier), actual, gap)});
}

void TimingChecker::publish_state(const char* rule, const DramCommand& command,
                                  const std::string& why) {
  publish({.cycle = command.cycle,
           .rule = rule,
           .sentence = fmt::format("{}: {} is not allowed: {}", rule, describe(command), why)});
}

void TimingChecker::publish(Violation violation) {
  ++violation_count_;
  violations_.publish(violation);
}

}  // namespace aqpim::tb
