// SPDX-License-Identifier: Apache-2.0
#include "sw/quantize/transform_search.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <stdexcept>
#include <utility>

#include "sw/quantize/centring.h"
#include "sw/quantize/grouping.h"
#include "sw/quantize/outliers.h"

namespace aqpim::quantize {

namespace {

// Part of the mean of the diagonal that is added to the queries' second moment.
constexpr double kMetricRidge = 1e-2;

// The first `count` vectors after the sinks.
std::span<const float> after_sinks(const std::vector<float>& vectors,
                                   const cache::Timeline& timeline, std::size_t dim,
                                   std::size_t count) {
  return std::span(vectors).subspan(timeline.sinks * dim, count * dim);
}

}  // namespace

TransformSearch::TransformSearch(const workload::Head& head, const cache::Timeline& timeline,
                                 std::size_t sub_dim, bool centring)
    : head_(head),
      timeline_(timeline),
      dim_(head.head_dim),
      sub_dim_(sub_dim),
      keys_(cache::Transform(natural_order(dim_))
                .apply(after_sinks(with_stand_ins(head.k, head, timeline), timeline, dim_,
                                   timeline.clustered()))),
      values_(cache::Transform(natural_order(dim_))
                  .apply(after_sinks(with_stand_ins(head.v, head, timeline), timeline, dim_,
                                     timeline.clustered()))) {
  if (!centring) return;
  subtract_centres(keys_, block_centres(keys_, dim_, timeline.append_block), dim_,
                   timeline.append_block);
}

cache::Transform TransformSearch::keys(cache::TransformKind kind) const {
  switch (kind) {
    case cache::TransformKind::kGreedy:
      return cache::Transform(greedy_order(keys_, dim_, sub_dim_));
    case cache::TransformKind::kDeterminant:
      return cache::Transform(determinant_optimal_order(
          covariance(keys_, dim_, query_rms(head_, timeline_)), dim_, sub_dim_));
    case cache::TransformKind::kWhitening:
      return whitening();
    case cache::TransformKind::kNone:
      return cache::Transform(natural_order(dim_));
    case cache::TransformKind::kAuto:
      break;
  }
  throw std::invalid_argument("auto is no transform of its own");
}

cache::Transform TransformSearch::values(cache::TransformKind kind) const {
  switch (kind_of_values(kind)) {
    case cache::TransformKind::kGreedy:
      return cache::Transform(greedy_order(values_, dim_, sub_dim_));
    case cache::TransformKind::kDeterminant:
      return cache::Transform(determinant_optimal_order(covariance(values_, dim_), dim_, sub_dim_));
    case cache::TransformKind::kNone:
      return cache::Transform(natural_order(dim_));
    case cache::TransformKind::kWhitening:
    case cache::TransformKind::kAuto:
      break;
  }
  throw std::invalid_argument("auto is no transform of its own");
}

cache::Transform TransformSearch::whitening() const {
  const std::vector<double> moment = query_moment(head_, timeline_);
  std::vector<std::uint32_t> order =
      determinant_optimal_order(covariance(keys_, dim_), dim_, sub_dim_, moment);
  std::vector<float> matrices;
  std::vector<double> block(sub_dim_ * sub_dim_);
  for (std::size_t first = 0; first < dim_; first += sub_dim_) {
    for (std::size_t i = 0; i < sub_dim_; ++i) {
      for (std::size_t j = 0; j < sub_dim_; ++j) {
        block[i * sub_dim_ + j] = moment[order[first + i] * dim_ + order[first + j]];
      }
    }
    const std::vector<float> matrix = whitening_matrix(block, sub_dim_);
    matrices.insert(matrices.end(), matrix.begin(), matrix.end());
  }
  return cache::Transform(std::move(order), sub_dim_, std::move(matrices));
}

std::vector<float> whitening_matrix(std::span<const double> moment, std::size_t n) {
  double mean = 0.0;
  for (std::size_t i = 0; i < n; ++i) mean += moment[i * n + i] / static_cast<double>(n);
  std::vector<float> result(n * n, 0.0f);
  if (!(mean > 0.0) || !std::isfinite(mean)) {
    for (std::size_t i = 0; i < n; ++i) result[i * n + i] = 1.0f;
    return result;
  }
  // Cholesky: C = L·Lᵀ, A = Lᵀ.
  std::vector<double> lower(n * n, 0.0);
  for (std::size_t row = 0; row < n; ++row) {
    for (std::size_t column = 0; column <= row; ++column) {
      double value = moment[row * n + column] / mean + (row == column ? kMetricRidge : 0.0);
      for (std::size_t k = 0; k < column; ++k) value -= lower[row * n + k] * lower[column * n + k];
      // Rounding may leave less than the ridge.
      lower[row * n + column] = row == column ? std::sqrt(std::max(value, kMetricRidge * 1e-3))
                                              : value / lower[column * n + column];
      result[column * n + row] = static_cast<float>(lower[row * n + column]);
    }
  }
  return result;
}

}  // namespace aqpim::quantize
