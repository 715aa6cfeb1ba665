// SPDX-License-Identifier: Apache-2.0
#include "sw/config/memory.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <mutex>
#include <nlohmann/json.hpp>

#include "sw/config/embedded.h"
#include "sw/config/json.h"
#include "sw/config/json_object.h"

namespace aqpim::config {
namespace {

constexpr unsigned kLongestDelay = 4096;
constexpr unsigned kLongestInterval = 1u << 20;
// What the sequencer's pipelines rely on: rtl/channel/pq_bus.sv, pq_rank_control.sv.
constexpr unsigned kLeastWriteLatency = 6;
constexpr unsigned kLatencyDifference = 10;  // of nCL and nCWL
constexpr unsigned kLongestBusGap = 62;
constexpr unsigned kPhaseGap = 12;  // nCL + nBL + so many between columns of two phases

struct Delay {
  const char* key;
  unsigned MemoryTiming::*field;
  unsigned least = 1;
  unsigned most = kLongestDelay;
};

constexpr Delay kDelays[] = {
    {"nBL", &MemoryTiming::burst},
    {"nCL", &MemoryTiming::read_latency},
    {"nCWL", &MemoryTiming::write_latency, kLeastWriteLatency},
    {"nRCD", &MemoryTiming::activate_to_column},
    {"nRP", &MemoryTiming::precharge},
    {"nRAS", &MemoryTiming::row_open},
    {"nRC", &MemoryTiming::row_cycle},
    {"nCCDS", &MemoryTiming::column_s},
    {"nCCDL", &MemoryTiming::column_l, 1, kLongestBusGap},
    {"nCCDAB", &MemoryTiming::column_all},
    {"nRRDS", &MemoryTiming::activate_s},
    {"nRRDL", &MemoryTiming::activate_l},
    {"nFAW", &MemoryTiming::four_activates},
    {"nWTRS", &MemoryTiming::write_to_read_s},
    {"nWTRL", &MemoryTiming::write_to_read_l},
    {"nRTW", &MemoryTiming::read_to_write},
    {"nWR", &MemoryTiming::write_recovery},
    {"nRTPS", &MemoryTiming::read_to_precharge_s},
    {"nRTPL", &MemoryTiming::read_to_precharge_l},
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
  const std::string where = fmt::format("memory {}", name);
  const nlohmann::json root = parse_json(where, json_text);

  Memory memory;
  memory.name = name;
  JsonObject file(where, root);
  memory.description = file.text("description");

  JsonObject organization(where + ", organization", file.member("organization"));
  memory.organization.ranks = organization.in_range("ranks", 1, 16);
  memory.organization.bank_groups = organization.power_of_two("bank_groups", 1, 8);
  memory.organization.banks_per_group = organization.power_of_two("banks_per_group", 2, 8);
  memory.organization.rows = organization.in_range("rows", 1, 1u << 20);
  memory.organization.columns = organization.in_range("columns", 1, 1024);
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
  memory.power_limit.columns = limit.in_range("columns", 1, 1024);
  memory.power_limit.window = limit.in_range("window", 1, kLongestInterval);
  limit.nothing_else();
  file.nothing_else();
  check_consistency(where, memory);
  return memory;
}

std::vector<std::string_view> memory_names() {
  std::vector<std::string_view> names;
  for (const EmbeddedFile& file : embedded_memories()) names.emplace_back(file.name);
  std::ranges::sort(names);
  return names;
}

const Memory& find_memory(std::string_view name) {
  static std::mutex mutex;
  static std::map<std::string_view, Memory> parsed;
  const std::lock_guard lock(mutex);
  for (const EmbeddedFile& file : embedded_memories()) {
    if (file.name != name) continue;
    const auto known = parsed.find(name);
    if (known != parsed.end()) return known->second;
    return parsed.emplace(file.name, parse_memory(file.name, file.text)).first->second;
  }
  throw InputError(fmt::format("there is no memory {}, built are {}", in_quotes(name),
                               fmt::join(memory_names(), ", ")));
}

}  // namespace aqpim::config
