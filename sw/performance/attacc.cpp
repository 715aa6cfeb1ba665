// SPDX-License-Identifier: Apache-2.0
#include "sw/performance/attacc.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>

#include "sw/config/error.h"
#include "sw/config/json.h"
#include "sw/config/json_object.h"
#include "sw/performance/baseline_file.h"

namespace aqpim::performance {

namespace {

constexpr unsigned kMostTokens = 1u << 24;
constexpr unsigned kMostCycles = 1u << 30;
constexpr unsigned kMostHeads = 1u << 16;

AttaccRuns parse_runs(const std::string& where, const nlohmann::json& value) {
  JsonObject object(where, value);
  AttaccRuns runs;
  runs.fewest_heads = object.in_range("fewest_heads", 1, kMostHeads);
  runs.most_heads = object.in_range("most_heads", runs.fewest_heads, kMostHeads);
  runs.power_limited = object.one_of("power_limited", {0, 1}) != 0;
  runs.tokens = object.list_in_range("tokens", 1, kMostTokens);
  runs.cycles = object.list_in_range("cycles", 1, kMostCycles);
  object.nothing_else();
  if (runs.tokens.size() != runs.cycles.size()) {
    throw InputError(fmt::format("{} has {} tokens, but {} cycles", where, runs.tokens.size(),
                                 runs.cycles.size()));
  }
  return runs;
}

unsigned column_gap(const AttaccCase& asked) {
  return asked.power_limited ? asked.memory->power_limit.column_all
                             : asked.memory->timing.column_all;
}

}  // namespace

Attacc parse_attacc(std::string_view json_text) {
  const std::string where = "baseline attacc";
  const nlohmann::json root = parse_json(where, json_text);
  JsonObject file(where, root);
  Attacc attacc;
  attacc.description = file.text("description");
  attacc.source = file.text("source");
  attacc.memory = file.text("memory");
  attacc.head_dim = file.power_of_two("head_dim", 16, 512);
  attacc.channels = file.in_range("channels", 1, 1024);
  attacc.pseudo_channels = file.in_range("pseudo_channels", 1, 16);
  const nlohmann::json& runs = file.member("runs");
  if (!runs.is_array()) throw InputError(fmt::format("{}: runs must be a list", where));
  for (std::size_t i = 0; i < runs.size(); ++i) {
    attacc.runs.push_back(parse_runs(fmt::format("{}, runs[{}]", where, i), runs[i]));
  }
  file.nothing_else();
  return attacc;
}

const Attacc& built_attacc() {
  static const Attacc attacc = parse_attacc(baseline_text("attacc"));
  return attacc;
}

unsigned attacc_turns(const Attacc& attacc, unsigned heads) {
  return (heads + attacc.channels - 1) / attacc.channels;
}

unsigned attacc_rows(const Attacc& attacc, const AttaccCase& asked) {
  const config::MemoryOrganization& organization = asked.memory->organization;
  const unsigned banks = attacc.pseudo_channels * organization.ranks * organization.banks();
  const unsigned row_bytes = organization.columns * config::kBeatBytes;
  const unsigned tokens_of_row = banks * (row_bytes / (2 * asked.head_dim));
  return 2 * ((asked.tokens + tokens_of_row - 1) / tokens_of_row);
}

double attacc_closed_form(const Attacc& attacc, const AttaccCase& asked) {
  const config::MemoryTiming& timing = asked.memory->timing;
  const unsigned row = (asked.memory->organization.columns - 1) * column_gap(asked) +
                       timing.read_to_precharge_l + timing.precharge + timing.activate_to_column;
  return static_cast<double>(attacc_turns(attacc, asked.heads)) *
         static_cast<double>(attacc_rows(attacc, asked)) * row;
}

std::optional<unsigned> attacc_run(const Attacc& attacc, const AttaccCase& asked) {
  if (asked.memory->name != attacc.memory || asked.head_dim != attacc.head_dim) return {};
  for (const AttaccRuns& runs : attacc.runs) {
    if (asked.heads < runs.fewest_heads || asked.heads > runs.most_heads) continue;
    if (asked.power_limited != runs.power_limited) continue;
    const auto found = std::ranges::find(runs.tokens, asked.tokens);
    if (found != runs.tokens.end()) {
      return runs.cycles[static_cast<std::size_t>(found - runs.tokens.begin())];
    }
  }
  return {};
}

double attacc_cycles(const Attacc& attacc, const AttaccCase& asked) {
  if (const std::optional<unsigned> run = attacc_run(attacc, asked)) return *run;
  const double cycles = attacc_closed_form(attacc, asked);
  const double interval = asked.memory->timing.refresh_interval;
  return cycles <= interval ? cycles
                            : cycles * interval / (interval - asked.memory->timing.refresh);
}

}  // namespace aqpim::performance
