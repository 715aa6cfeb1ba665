// SPDX-License-Identifier: Apache-2.0
#include "sw/config/memory.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "sw/config/json.h"
#include "sw/config/json_object.h"

namespace aqpim::config {
namespace {

constexpr unsigned kLongestDelay = 4096;
constexpr unsigned kLongestInterval = 1u << 20;
constexpr unsigned kLongestWindow = 1u << 14;  // pq_power_window holds its history
// What the sequencer's pipelines rely on: rtl/channel/pq_bus.sv, pq_rank_control.sv.
constexpr unsigned kLeastWriteLatency = 6;
constexpr unsigned kLatencyDifference = 10;  // of nCL and nCWL
constexpr unsigned kLongestBusGap = 62;
constexpr unsigned kMostBeats = 1u << 15;  // of a row in all banks of a rank
constexpr unsigned kPhaseGap = 12;         // nCL + nBL + so many between columns of two phases

using Cycles = unsigned MemoryTiming::*;

struct Delay {
  const char* key;
  Cycles field;
  bool in_rtl;  // a parameter of pq_sequencer
  unsigned least = 1;
  unsigned most = kLongestDelay;
};

constexpr Delay kDelays[] = {
    {"nBL", &MemoryTiming::burst, true},
    {"nCL", &MemoryTiming::read_latency, true},
    {"nCWL", &MemoryTiming::write_latency, true, kLeastWriteLatency},
    {"nRCD", &MemoryTiming::activate_to_column, true},
    {"nRP", &MemoryTiming::precharge, true},
    {"nRAS", &MemoryTiming::row_open, true},
    {"nRC", &MemoryTiming::row_cycle, true},
    {"nCCDS", &MemoryTiming::column_s, true},
    {"nCCDL", &MemoryTiming::column_l, true, 1, kLongestBusGap},
    {"nCCDAB", &MemoryTiming::column_all, true},
    {"nRRDS", &MemoryTiming::activate_s, false},
    {"nRRDL", &MemoryTiming::activate_l, false},
    {"nFAW", &MemoryTiming::four_activates, false},
    {"nWTRS", &MemoryTiming::write_to_read_s, false},
    {"nWTRL", &MemoryTiming::write_to_read_l, false},
    {"nRTW", &MemoryTiming::read_to_write, true},
    {"nWR", &MemoryTiming::write_recovery, true},
    {"nRTPS", &MemoryTiming::read_to_precharge_s, false},
    {"nRTPL", &MemoryTiming::read_to_precharge_l, true},
};

// A sum of table entries, as it is written in a message.
struct Term {
  std::string text;
  unsigned value;
};

void require_at_least(const std::string& where, const Term& term, const Term& least) {
  if (term.value >= least.value) return;
  throw InputError(fmt::format("{}: {} is {}, but must be at least {} = {}", where, term.text,
                               term.value, least.text, least.value));
}

void check_consistency(const std::string& where, const Memory& memory) {
  const MemoryOrganization& banks = memory.organization;
  if (banks.columns * banks.banks() > kMostBeats) {
    throw InputError(
        fmt::format("{}: columns * bank_groups * banks_per_group is {}, but must be at most {}",
                    where, banks.columns * banks.banks(), kMostBeats));
  }
  const MemoryTiming& t = memory.timing;
  const PowerLimit& limit = memory.power_limit;
  const auto at_least = [&](const Term& term, const Term& least) {
    require_at_least(where, term, least);
  };
  at_least({"nRAS", t.row_open}, {"nRCD", t.activate_to_column});
  at_least({"nRC", t.row_cycle}, {"nRAS", t.row_open});
  // nRAS and nRP are rounded up each for itself, which makes their sum up to one cycle too long.
  at_least({"nRC", t.row_cycle}, {"nRAS + nRP - 1", t.row_open + t.precharge - 1});
  at_least({"nCL", t.read_latency},
           {fmt::format("nCWL + {}", kLatencyDifference), t.write_latency + kLatencyDifference});
  at_least({fmt::format("nCWL + {}", kLongestBusGap), t.write_latency + kLongestBusGap},
           {"nCL + nBL + nRTW", t.read_latency + t.burst + t.read_to_write});
  const Term phase_gap = {fmt::format("nCL + {}", kPhaseGap), t.read_latency + kPhaseGap};
  at_least(phase_gap, {"nCWL + nWTRL", t.write_latency + t.write_to_read_l});
  at_least(phase_gap, {"nCCDL", t.column_l});
  at_least({"nCCDL", t.column_l}, {"nCCDS", t.column_s});
  at_least({"nCCDL", t.column_l}, {"nBL", t.burst});
  at_least({"nCCDAB", t.column_all}, {"nCCDL", t.column_l});
  at_least({"nRRDL", t.activate_l}, {"nRRDS", t.activate_s});
  at_least({"nFAW", t.four_activates}, {"4 * nRRDS", 4 * t.activate_s});
  at_least({"nWTRL", t.write_to_read_l}, {"nWTRS", t.write_to_read_s});
  at_least({"nRTPL", t.read_to_precharge_l}, {"nRTPS", t.read_to_precharge_s});
  at_least({"nREFI", t.refresh_interval}, {"nRFC + nRC", t.refresh + t.row_cycle});
  at_least({"nCCDAB of the power limit", limit.column_all}, {"nCCDAB", t.column_all});
  // A shorter window limits nothing.
  at_least({"window of the power limit", limit.window},
           {"columns * nCCDL", limit.columns * t.column_l});
}

}  // namespace

Memory parse_memory(std::string_view name, std::string_view json_text) {
  require_plain_name("memory", name);
  const std::string where = fmt::format("memory {}", name);
  const nlohmann::json root = parse_json(where, json_text);

  Memory memory;
  memory.name = name;
  JsonObject file(where, root);
  memory.description = file.text("description");

  JsonObject organization(where + ", organization", file.member("organization"));
  memory.organization.ranks = organization.in_range("ranks", 1, 2);
  memory.organization.bank_groups = organization.power_of_two("bank_groups", 2, 8);
  memory.organization.banks_per_group = organization.power_of_two("banks_per_group", 2, 8);
  memory.organization.rows = organization.power_of_two("rows", 1u << 13, 1u << 16);
  memory.organization.columns = organization.power_of_two("columns", 2, 1024);
  organization.nothing_else();

  JsonObject timing(where + ", timing", file.member("timing"));
  memory.timing.clock_ps = timing.in_range("tCK_ps", 1, 100000);
  for (const Delay& delay : kDelays) {
    memory.timing.*delay.field = timing.in_range(delay.key, delay.least, delay.most);
  }
  timing.nothing_else();

  JsonObject refresh(where + ", refresh", file.member("refresh"));
  memory.timing.refresh_interval = refresh.in_range("nREFI", 1, kLongestInterval);
  memory.timing.refresh = refresh.in_range("nRFC", 1, kLongestInterval);
  memory.timing.refreshes_postponed = refresh.in_range("postponed", 1, 64);
  refresh.nothing_else();

  JsonObject limit(where + ", power_limit", file.member("power_limit"));
  memory.power_limit.column_all = limit.in_range("nCCDAB", 1, kLongestDelay);
  memory.power_limit.columns = limit.in_range("columns", 2, 1024);
  memory.power_limit.window = limit.in_range("window", 5, kLongestWindow);
  limit.nothing_else();
  file.nothing_else();
  check_consistency(where, memory);
  return memory;
}

Parameters rtl_parameters(const Memory& memory) {
  const MemoryOrganization& banks = memory.organization;
  Parameters parameters = {{"Ranks", banks.ranks},
                           {"BankGroups", banks.bank_groups},
                           {"BanksPerGroup", banks.banks_per_group},
                           {"Rows", banks.rows},
                           {"Columns", banks.columns}};
  for (const Delay& delay : kDelays) {
    if (delay.in_rtl) parameters.emplace_back(delay.key, memory.timing.*delay.field);
  }
  parameters.insert(parameters.end(), {{"nREFI", memory.timing.refresh_interval},
                                       {"nRFC", memory.timing.refresh},
                                       {"Postponed", memory.timing.refreshes_postponed},
                                       {"PowerLimited", 1},
                                       {"LimitedCCDAB", memory.power_limit.column_all},
                                       {"LimitedColumns", memory.power_limit.columns},
                                       {"LimitedWindow", memory.power_limit.window}});
  return parameters;
}

std::string rtl_literal(const Parameters& members) {
  std::string digits;
  for (const auto& [name, value] : members) digits += fmt::format("{:08x}", value);
  return fmt::format("{}'h{}", 32 * members.size(), digits);
}

}  // namespace aqpim::config
