// SPDX-License-Identifier: Apache-2.0
//
// What a run of `aqpim channel` has found, and its JSON, report.json, which everything else that is
// written is made from (sw/report/pages.h). Plain values; nothing is computed here but sums and
// means.
//
// Clock cycles are those of the channel's clock, memory cycles half of them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "sw/cache/cache.h"
#include "sw/config/config.h"
#include "sw/quantize/options.h"
#include "sw/report/report.h"

namespace aqpim::report {

// What the host waited for.
struct HostFigures {
  std::string name;  // of the phase
  std::uint64_t commands = 0;
  std::uint64_t cycles = 0;  // of the clock, until their answers; 0 without time

  bool operator==(const HostFigures&) const = default;
};

// What a rank's columns were for.
struct ColumnFigures {
  std::string name;           // of the phase
  std::uint64_t columns = 0;  // column commands
  std::uint64_t cycles = 0;   // of the memory, from the first to the last of each run
  // That timing and power would allow without refresh; 0 where that is not known.
  std::uint64_t least = 0;
  std::uint64_t refreshes = 0;      // between the columns of a run
  std::uint64_t least_refresh = 0;  // cycles that these add to the least

  bool operator==(const ColumnFigures&) const = default;
};

// A head on a rank.
struct ChannelHeadReport {
  std::string name;
  unsigned rank = 0;
  bool reversed = false;  // its channels, because another rank plays the same head
  std::size_t tokens = 0;
  std::size_t query_heads = 0;
  std::size_t prefill = 0;
  std::size_t encoded = 0;
  std::size_t windows = 0;
  std::vector<std::size_t> queries;  // token indices
  std::uint64_t tiles = 0;           // ATTENDs
  std::size_t rows = 0;              // of a bank
  std::uint64_t compared = 0;        // bytes of codebooks and codes, with those of software
  std::uint64_t mismatches = 0;
  std::uint16_t flags = 0;
  Saturation saturation = {};  // of the results of all engines
  std::vector<HostFigures> phases;
  cache::CacheSize cache;
  Accuracy accuracy;
};

struct ChannelReport {
  std::string command;  // what to type to get it
  config::Configuration configuration;
  std::string memory;
  unsigned banks_per_engine = 1;
  unsigned engines = 0;  // of a rank
  unsigned ranks = 1;
  bool power_limited = true;
  bool golden = false;  // played on the golden model instead of RTL
  bool software_prefill = false;
  std::uint64_t seed = 0;
  std::string workload_file;
  std::string workload_sha256;
  std::map<std::string, std::string> workload_metadata;
  bool workload_queries_first = false;
  quantize::QuantizeOptions options;

  std::uint64_t cycles = 0;    // of the clock; 0 without time
  std::uint64_t compared = 0;  // answers, beats and bytes of the memory, with the golden channel
  std::map<std::string, std::uint64_t> commands;    // to the DRAM, by name
  std::map<std::string, std::uint64_t> violations;  // of timing, by rule
  std::vector<std::vector<ColumnFigures>> columns;  // of each rank
  nlohmann::ordered_json timeline;  // of the first queries, Timeline::json(); null without time
  double simulation_seconds = 0.0;
  std::vector<ChannelHeadReport> heads;

  std::uint64_t violation_count() const;
};

nlohmann::ordered_json to_json(const ChannelReport& run);
std::string to_json_text(const ChannelReport& run);

}  // namespace aqpim::report
