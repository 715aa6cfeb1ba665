// SPDX-License-Identifier: Apache-2.0
//
// How a comparison is written: compare.csv (a row per design, power limit, context and heads),
// charged.csv and energy.csv, the tables of docs/results.md, and its pictures.
#pragma once

#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "sw/performance/comparison.h"

namespace aqpim::performance {

// What is compared.
struct Grid {
  std::vector<unsigned> tokens = {1024, 2048, 4096, 8192, 16384, 32768};
  std::vector<unsigned> heads = {1, 2, 4, 8, 16, 32, 64};
  std::vector<unsigned> groups = {1, 4, 8};  // of the most heads
};

// All designs, with and without power limit, all contexts and heads.
std::vector<ComparisonRow> compare(Comparison& comparison, const Grid& grid);

// config,banks_per_engine,power_limited,memory,L,heads,cycles,latency_cycles,attacc_cycles,speedup,
// fp16_limit_cycles,code_limit_cycles.
std::string to_csv(const std::vector<ComparisonRow>& rows, const std::string& memory);

// The most heads, without groups.
// config,banks_per_engine,power_limited,memory,L,heads,cycles,attacc_cycles,speedup,
// activate_cycles,attacc_activate_cycles,attacc_softmax_cycles,append_cycles,attacc_append_cycles
std::string charged_csv(Comparison& comparison, const Grid& grid);

// nJ of a query head:
// config,banks_per_engine,L,part,activation_nj,columns_nj,arithmetic_nj,total_nj. Parts are the
// phases, "transfers" and "all"; the config "attacc" has no codebooks.
std::string energy_csv(Comparison& comparison, const Grid& grid);

// `command` is what to type to get the tables.
std::string to_markdown(Comparison& comparison, const Grid& grid,
                        const std::vector<ComparisonRow>& rows, const std::string& command);

// Speed-up against L, with and without power limit, of the most heads.
std::optional<std::string> draw_speedup(const std::filesystem::path& script,
                                        const std::filesystem::path& picture,
                                        const std::vector<ComparisonRow>& rows, const Grid& grid);

// Where the cycles go, of the most heads with power limit.
std::optional<std::string> draw_cycles(const std::filesystem::path& script,
                                       const std::filesystem::path& picture, Comparison& comparison,
                                       const Grid& grid);

}  // namespace aqpim::performance
