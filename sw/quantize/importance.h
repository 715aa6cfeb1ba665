// SPDX-License-Identifier: Apache-2.0
//
// Importance of the prefill tokens: how much the last queries before P attend to them.
//
//   w_t = Σ over the queries of the 32 tokens before P, all heads of the group, of softmax_t,
//
// t in [sinks, P), scaled linearly so that the largest is 255, rounded, at least 1. The softmax is
// exact and causal, over all tokens up to the query's own; only then is it restricted, so that
// sinks and outliers (outliers.h) do not weigh. Method: AQPIM (arXiv 2604.18137);
// docs/quantization.md §2.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "sw/cache/timeline.h"
#include "sw/workload/workload.h"

namespace aqpim::quantize {

// Queries that vote.
inline constexpr std::size_t kImportanceQueries = 32;

// u8 weights [P − sinks], each 1 … 255. Uses as many of the 32 queries as the file holds before P;
// with none, all weights are 1.
std::vector<std::uint8_t> importance_weights(const workload::Head& head,
                                             const cache::Timeline& timeline);

}  // namespace aqpim::quantize
