// SPDX-License-Identifier: Apache-2.0
//
// Which channels share a sub-space: determinant-optimal and greedy grouping.
//
// Determinant-optimal. At high rate the distortion of a group of Dsub channels with covariance Σ_g
// falls as det(Σ_g)^(1/Dsub) · K^(−2/Dsub), so the permutation that minimises
//
//   J = Σ_g det(Σ_g)^(1/Dsub)
//
// puts together channels that predict each other. Swaps of two channels between groups are taken
// while J falls, from a balanced start (variances spread evenly), a correlated start (greedy by
// correlation) and the natural order; the best of the three wins. No random numbers: the same input
// gives the same order.
//
// With a second matrix C, the queries' second moment, vectors are measured by the metric C within
// their group, and det(Σ_g · C_g) takes the place of det(Σ_g).
//
// Greedy (AQPIM, arXiv 2604.18137). The two free channels of the largest cosine similarity open a
// group, and the free channel with the largest sum of similarities to its members joins until it
// is full; again until no channel is free. docs/quantization.md §2.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "sw/cache/timeline.h"
#include "sw/workload/workload.h"

namespace aqpim::quantize {

// Covariance [D, D] of `vectors` [n, D], each channel d first scaled by `channel_scale` [D] (empty:
// 1). Divided by n; n ≥ 1.
std::vector<double> covariance(std::span<const double> vectors, std::size_t dimension,
                               std::span<const double> channel_scale = {});

// E[q qᵀ] over all query heads and the queries of tokens < P that the file holds: [D, D]. The
// identity if there are none, or if all of them are 0.
std::vector<double> query_moment(const workload::Head& head, const cache::Timeline& timeline);

// √E[q_d²], the root of the diagonal of query_moment(): [D].
std::vector<double> query_rms(const workload::Head& head, const cache::Timeline& timeline);

// J of a grouping: channels order[g·sub_dim … g·sub_dim + sub_dim − 1] form group g. The diagonal
// of `covariance` is raised as in determinant_optimal_order().
double grouping_cost(std::span<const double> covariance, std::span<const std::uint32_t> order,
                     std::size_t sub_dim);

// The order [D] that the search finds; transformed channel i is original channel order[i]. Within a
// group channels ascend, and groups ascend by their first channel. The diagonal is first raised by
// a small part of the mean variance, so that dead or duplicate channels do not make every group
// that holds one look free. sub_dim 1 gives the natural order. `metric` [D, D] is C, or empty.
std::vector<std::uint32_t> determinant_optimal_order(std::span<const double> covariance,
                                                     std::size_t dimension, std::size_t sub_dim,
                                                     std::span<const double> metric = {});

// The greedy order [D] of the channels of `vectors` [n, D]; a channel that is all zero has
// similarity 0 to all others.
std::vector<std::uint32_t> greedy_order(std::span<const double> vectors, std::size_t dimension,
                                        std::size_t sub_dim);

// 0 … D − 1.
std::vector<std::uint32_t> natural_order(std::size_t dimension);

}  // namespace aqpim::quantize
