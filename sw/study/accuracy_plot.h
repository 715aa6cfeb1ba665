// SPDX-License-Identifier: Apache-2.0
//
// Pictures of a study, drawn by gnuplot.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "sw/study/accuracy_study.h"

namespace aqpim::study {

// Error against bits per element, a panel per head dimension: integer caches, every variant of each
// configuration, and its standard one. Means over the heads. `script` is sim/plot_error_bits.gp.
// Returns why there is no picture, as report::run_gnuplot().
std::optional<std::string> draw_error_by_bits(const std::filesystem::path& script,
                                              const std::filesystem::path& picture,
                                              const Study& study);

// Error against the token of the query, a panel per head (the first ones, if there are many):
// standard variants and integer caches in groups of 32. Means over the query heads. `script` is
// sim/plot_error_queries.gp.
std::optional<std::string> draw_error_by_query(const std::filesystem::path& script,
                                               const std::filesystem::path& picture,
                                               const Study& study);

// What gnuplot reads for them: blocks that two blank lines end, each a curve that begins with its
// name; `panels` has a line per panel: its title, and how many curves of which kind it has.
struct PlotData {
  std::string data;
  std::string titles;  // of the panels, a line each
  std::string plain;   // curves of integer caches in each panel, by blanks
  std::string coded;   // configurations in each panel, by blanks
};

PlotData error_by_bits(const Study& study);
PlotData error_by_query(const Study& study);

}  // namespace aqpim::study
