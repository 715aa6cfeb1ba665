// SPDX-License-Identifier: Apache-2.0
//
// The channel transforms of a head, from its keys, values and queries before P.
//
//             keys                                          values
//   none      natural order                                 natural order
//   greedy    greedy grouping (grouping.h) of what is clustered
//   determinant   determinant-optimal grouping, channels    the same, plainly
//                 scaled by the queries' strength
//   whitening     the same under the queries' full metric,  as determinant
//                 and per sub-space k' = A k with AᵀA = C_m, the queries' second moment
//   auto      the one of these with the smallest attention error of the queries of the 32 tokens
//             before P, with the keys quantized alone, and with the values quantized alone
//
// docs/quantization.md §2.
#pragma once

#include "sw/config/config.h"
#include "sw/quantize/options.h"
#include "sw/quantize/timeline.h"
#include "sw/quantize/transform.h"
#include "sw/workload/workload.h"

namespace aqpim::quantize {

// Queries that judge the candidates of `auto`.
inline constexpr std::size_t kJudgingQueries = 32;

struct ChosenTransforms {
  TransformKind kind_k = TransformKind::kNone, kind_v = TransformKind::kNone;  // never kAuto
  Transform k, v;
};

// Uses tokens < P of `head` only. If the file holds no query before P, or nothing is encoded by
// then, `auto` is `determinant`.
ChosenTransforms choose_transforms(const workload::Head& head, const Timeline& timeline,
                                   const config::EngineConfig& engine,
                                   const QuantizeOptions& options);

// Upper triangular A [n, n], row-major, with AᵀA = C + a small part of the mean of its diagonal on
// the diagonal, both divided by that mean, for a positive semidefinite C [n, n]; the identity if C
// is 0 or not finite.
std::vector<float> whitening_matrix(std::span<const double> moment, std::size_t n);

}  // namespace aqpim::quantize
