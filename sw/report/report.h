// SPDX-License-Identifier: Apache-2.0
//
// What a run of `aqpim sim` has found, and its JSON, report.json, which everything else that is
// written is made from (sw/report/pages.h). Plain values; nothing is computed here but sums and
// means.
//
// G query heads share a KV head; Q queries of each are evaluated. Definitions of the accuracy
// figures: docs/quantization.md §5.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <vector>

#include "sw/cache/cache.h"
#include "sw/config/config.h"
#include "sw/quantize/quantize.h"
#include "sw/report/attention_figures.h"
#include "sw/report/saturation.h"

namespace aqpim::report {

// Means over the G·Q outputs of a head, or over heads.
struct Accuracy {
  double relative_error = 0.0;     // ‖o − o_exact‖ / ‖o_exact‖, o as from the RTL
  double cosine = 0.0;             // of o and o_exact
  double pq_relative_error = 0.0;  // the same of o_pq: these codes and codebooks in double
  double pq_cosine = 0.0;
  // relative_error / pq_relative_error − 1 and ‖o − o_pq‖ / ‖o_pq − o_exact‖, where an error of PQ
  // of less than 1e-6 is taken for 1e-6.
  double fixed_point_added = 0.0;
  double fixed_point_distance = 0.0;

  bool operator==(const Accuracy&) const = default;
};

// One output o [D] against the exact one and against PQ in double precision.
struct OutputErrors {
  double relative_error = 0.0;
  double cosine = 0.0;
  double pq_relative_error = 0.0;
  double pq_cosine = 0.0;
  double fixed_point_distance = 0.0;
};

// Compares one output. All are finite unless the exact one is 0 and another is not.
OutputErrors output_errors(std::span<const double> output, std::span<const double> pq,
                           std::span<const double> exact);

// Figures of a head. Throws std::invalid_argument without outputs.
Accuracy accuracy_of(std::span<const OutputErrors> outputs);

// Figures of a run: each the mean of the heads' figures.
Accuracy mean_of(std::span<const Accuracy> heads);

// One operation of the engine: cycles are engine cycles.
struct OperationFigures {
  std::uint64_t commands = 0;
  std::uint64_t words = 0;
  std::uint64_t available_cycles = 0;  // of open streams, with a word at hand
  std::uint64_t stream_cycles = 0;     // of open streams
  std::uint64_t fill_cycles = 0;       // before them: check and fill
  std::uint64_t drain_cycles = 0;      // after them

  bool operator==(const OperationFigures&) const = default;
  OperationFigures& operator+=(const OperationFigures& other);

  // Words per available cycle; 1 if there were none.
  double utilization() const;
};

inline constexpr std::array<const char*, 4> kOperationNames = {"table", "score", "accumulate",
                                                               "combine"};

struct EngineFigures {
  std::array<OperationFigures, 4> operations;  // as kOperationNames
  std::uint64_t cycles = 0;                    // all, register writes and read-out included
  std::uint64_t tiles = 0;

  bool operator==(const EngineFigures&) const = default;
  EngineFigures& operator+=(const EngineFigures& other);
  std::uint64_t words() const;
};

// A step in the life of a context: making codebooks, making codes, and the four of attention.
inline constexpr std::array<const char*, 6> kPhaseNames = {"cluster", "encode",     "table",
                                                           "score",   "accumulate", "combine"};
inline constexpr std::size_t kClusterPhase = 0;
inline constexpr std::size_t kEncodePhase = 1;
inline constexpr std::size_t kAttentionPhase = 2;  // and the following, as kOperationNames

struct PhaseFigures {
  std::uint64_t cycles = 0;  // engine cycles, of all engines together; cluster and encode: register
                             // writes and read-out included
  std::uint64_t words = 0;   // taken from the bank
  // Cycles in which multipliers (cluster) or the stream (the others) could work, and did.
  std::uint64_t possible = 0;
  std::uint64_t useful = 0;
  std::uint16_t flags = 0;  // cluster and encode: sticky flags at the end of their programs, or-ed

  bool operator==(const PhaseFigures&) const = default;
  PhaseFigures& operator+=(const PhaseFigures& other);

  // useful / possible; 1 if the phase was not played.
  double utilization() const;
};

// What clustering in hardware took, besides its phase.
struct ClusterFigures {
  std::uint64_t codebooks = 0;
  std::uint64_t codes_per_pass = 0;  // of all codebooks
  // Codes that each pass but the first assigned otherwise than the one before.
  std::vector<std::uint64_t> codes_changed;
  std::uint64_t reducer_cycles = 0;
  std::uint64_t reducer_words = 0;
  // Of one head of this many tokens on this many engines, keys alone, from what was measured.
  std::uint64_t projected_cycles = 0;

  bool operator==(const ClusterFigures&) const = default;
  // Projections do not add up: the larger one stays.
  ClusterFigures& operator+=(const ClusterFigures& other);
};

// What projected_cycles is for.
inline constexpr std::size_t kProjectedTokens = 32768;
inline constexpr unsigned kProjectedEngines = 16;

struct HeadReport {
  std::string name;
  std::size_t tokens = 0;            // T
  std::size_t head_dim = 0;          // D
  std::size_t query_heads = 0;       // G
  std::size_t prefill = 0;           // P
  std::size_t encoded = 0;           // N
  std::size_t windows = 0;           // W
  std::vector<std::size_t> queries;  // token indices [Q]
  std::uint64_t compared = 0;        // values of the RTL, each with its golden twin
  std::uint64_t mismatches = 0;
  std::uint16_t flags = 0;     // sticky flags of all results, and of cluster and encode, or-ed
  Saturation saturation = {};  // of all tiles, and of the programs of cluster and encode
  EngineFigures engine;        // of attention
  std::array<PhaseFigures, kPhaseNames.size()> phases;
  ClusterFigures clustering;
  cache::CacheSize cache;
  Accuracy accuracy;
  AttentionFigures attention;

  // Of clustering and encoding.
  std::uint64_t prefill_cycles() const;
};

struct RunReport {
  std::string command;  // what to type to get it
  config::Configuration configuration;
  std::string workload_file;
  std::string workload_sha256;
  std::map<std::string, std::string> workload_metadata;
  bool workload_queries_first = false;
  quantize::QuantizeOptions options;
  std::uint64_t seed = 0;
  unsigned spacing = 1;           // a word every so many cycles; 0 = random gaps
  bool software_prefill = false;  // codebooks and codes are made by software
  unsigned engines = 1;           // that cluster and encode
  double simulation_seconds = 0.0;
  std::vector<HeadReport> heads;

  std::uint64_t compared() const;
  std::uint64_t mismatches() const;
  EngineFigures engine() const;
  std::array<PhaseFigures, kPhaseNames.size()> phases() const;
  ClusterFigures clustering() const;
  std::uint64_t prefill_cycles() const;
  // Of prefill and attention.
  std::uint64_t cycles() const;
  cache::CacheSize cache() const;
  Accuracy accuracy() const;
};

// report.json. A figure that is not finite is null.
nlohmann::ordered_json to_json(const RunReport& run);
// to_json() as text. Strings that are not UTF-8 (paths) have their bad bytes replaced.
std::string to_json_text(const RunReport& run);

// What saturated, a line per head and kind; empty if nothing.
std::string saturation_lines(const RunReport& run);

}  // namespace aqpim::report
