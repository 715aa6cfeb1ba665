// SPDX-License-Identifier: Apache-2.0
//
// Clusters and encodes one KV head in software (double precision, stored formats at the end).
//
//   tokens < P     importance weights, channel orders, codebooks, scales
//   all N tokens   codes: the nearest *stored* centroid, the lowest index wins a tie
//
// Nothing at or after P enters weights, orders, codebooks or scales; the centre of a block that
// ends after P is computed when the block is complete (centring.h). Method: AQPIM (arXiv
// 2604.18137) with the extensions of docs/quantization.md §2.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <vector>

#include "sw/config/config.h"
#include "sw/quantize/cache.h"
#include "sw/quantize/timeline.h"
#include "sw/workload/workload.h"

namespace aqpim::quantize {

struct QuantizeOptions {
  bool weights = true;     // importance weights in the clustering; otherwise all 1
  bool centring = true;    // keys relative to the mean of their append block
  bool grouping = true;    // determinant-optimal channel orders; otherwise natural
  std::size_t window = 0;  // tokens per codebook, a multiple of 16; 0 = one codebook for all
  TimelineOptions timeline = {};

  bool operator==(const QuantizeOptions&) const = default;
};

// The options that a configuration asks for.
QuantizeOptions default_options(const config::Configuration& configuration);

// Told how much of the work is done, 0 … 1, now and then.
using Progress = std::function<void(double)>;

// The division of a head's tokens under these options; throws as make_timeline(), naming the head.
Timeline timeline_of(const workload::Head& head, const QuantizeOptions& options);

// The tokens whose queries are evaluated, default_query_count() of them unless `count` says how
// many; throws as make_timeline() and evaluated_queries(), naming the head.
std::vector<std::size_t> queries_of(const workload::Head& head, const QuantizeOptions& options,
                                    std::optional<std::size_t> count = {});

// W codebooks: W = max(1, round(N_P / window)), window w from tokens [w·window, (w + 1)·window) of
// the clustered ones, the last from the rest, and no window beyond the N encoded tokens.
// Throws InputError if the head's dimension is not the engine's, if the window is not a multiple of
// 16, or as make_timeline().
HeadCache quantize(const workload::Head& head, const config::EngineConfig& engine,
                   const QuantizeOptions& options = {}, const Progress& progress = {});

}  // namespace aqpim::quantize
