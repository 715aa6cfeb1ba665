// SPDX-License-Identifier: Apache-2.0
//
// Exact log-sum-exp merge of tiles, sinks and recent tokens, in the log2 domain.
//
// A part of the context is (m, ℓ, o) with ℓ = Σ 2^(s − m), o = Σ 2^(s − m) v, s = q·k·log2(e)/√D.
// With M = max m_i over the parts that hold something,
//
//   o = Σ 2^(m_i − M) o_i / Σ 2^(m_i − M) ℓ_i
//
// in any order. The engine's integers carry 2^−WeightWidth (ℓ, o) and the V scale of each sub-space
// (o), and its outputs are transformed; its maximum lacks the tile's common constant.
// docs/architecture.md §8.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "sw/cache/cache.h"
#include "sw/config/config.h"
#include "sw/golden/program.h"
#include "sw/system/plan.h"
#include "sw/workload/workload.h"

namespace aqpim::system {

struct Partial {
  double maximum = 0.0;        // m, log2 domain; any number if the part is empty
  double weight = 0.0;         // ℓ; 0 = an empty part, less than 0: taken away
  std::vector<double> output;  // o [D], channels in the file's order
};

// What the engine computed for one tile, or for tokens whose biases left out `common`.
Partial engine_part(const golden::Result& result, const TilePlan& tile,
                    const cache::HeadCache& cache, const config::EngineConfig& engine);
Partial engine_part(const golden::Result& result, double common, const cache::HeadCache& cache,
                    const config::EngineConfig& engine);

// Tokens first … last − 1 of the file, in double precision, for query head g of token t.
Partial exact_part(const workload::Head& head, std::size_t g, std::size_t t, std::size_t first,
                   std::size_t last);

// An outlier among the encoded tokens (quantize/outliers.h): the token as it is, and what the
// engine counts for its stand-in, to be taken away. That is about the mean of its append block, so
// that it weighs no more than the block's other tokens on average, and little is lost in the
// difference.
struct OutlierParts {
  std::size_t token = 0;
  Partial exact, stand_in;
};

// Those that the query of head g and token t finds encoded.
std::vector<OutlierParts> outlier_parts(const workload::Head& head, const cache::HeadCache& cache,
                                        std::size_t g, std::size_t t);

// The joint part of all. Merging is associative and commutative up to rounding.
Partial merge(std::span<const Partial> parts);

// o/ℓ. Throws std::invalid_argument if the part is empty.
std::vector<double> normalised(const Partial& part);

// The query [D] of head g and token t. Throws std::out_of_range if the file lacks it.
std::span<const float> query_of(const workload::Head& head, std::size_t g, std::size_t t);

}  // namespace aqpim::system
