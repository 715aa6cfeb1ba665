// SPDX-License-Identifier: Apache-2.0
//
// Finds the channel transforms of one head, from its keys, values and queries before P.
//
//             keys                                          values
//   none      natural order                                 natural order
//   greedy    greedy grouping (grouping.h) of what is clustered
//   determinant   determinant-optimal grouping, channels    the same, plainly
//                 scaled by the queries' strength
//   whitening     the same under the queries' full metric,  as determinant
//                 and per sub-space k' = A k with AᵀA = C_m, the queries' second moment
//
// docs/quantization.md §2.
#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <vector>

#include "sw/cache/timeline.h"
#include "sw/cache/transform.h"
#include "sw/quantize/options.h"
#include "sw/workload/workload.h"

namespace aqpim::quantize {

// All kinds that there are to find. Values have no metric: whitening is determinant there.
inline constexpr std::array kKindsK = {cache::TransformKind::kNone, cache::TransformKind::kGreedy,
                                       cache::TransformKind::kDeterminant,
                                       cache::TransformKind::kWhitening};
inline constexpr std::array kKindsV = {cache::TransformKind::kNone, cache::TransformKind::kGreedy,
                                       cache::TransformKind::kDeterminant};

// The kind of the values' transform in the place of a kind of the keys'.
inline cache::TransformKind kind_of_values(cache::TransformKind kind) {
  return kind == cache::TransformKind::kWhitening ? cache::TransformKind::kDeterminant : kind;
}

class TransformSearch {
 public:
  // Keys relative to the means of their append blocks if they will be centred. The head must
  // outlive this.
  TransformSearch(const workload::Head& head, const cache::Timeline& timeline, std::size_t sub_dim,
                  bool centring);

  // Not of kAuto: std::invalid_argument.
  cache::Transform keys(cache::TransformKind kind) const;
  cache::Transform values(cache::TransformKind kind) const;

 private:
  cache::Transform whitening() const;

  const workload::Head& head_;
  cache::Timeline timeline_;
  std::size_t dim_, sub_dim_;
  std::vector<double> keys_, values_;  // [N_P, D], keys centred
};

// Upper triangular A [n, n], row-major, with AᵀA = C + a small part of the mean of its diagonal on
// the diagonal, both divided by that mean, for a positive semidefinite C [n, n]; the identity if C
// is 0 or not finite.
std::vector<float> whitening_matrix(std::span<const double> moment, std::size_t n);

}  // namespace aqpim::quantize
