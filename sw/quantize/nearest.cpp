// SPDX-License-Identifier: Apache-2.0
#include "sw/quantize/nearest.h"

#include <limits>

namespace aqpim::quantize {

namespace {
// Centroids that are compared side by side; loops of this constant length become vector code.
constexpr std::size_t kBlock = 16;
constexpr double kInfinity = std::numeric_limits<double>::infinity();
}  // namespace

NearestCentroid::NearestCentroid(std::span<const double> centroids, std::size_t dimension)
    : dimension_(dimension),
      padded_((centroids.size() / dimension + kBlock - 1) / kBlock * kBlock),
      columns_(dimension * padded_, kInfinity) {
  for (std::size_t c = 0; c < centroids.size() / dimension; ++c) {
    for (std::size_t d = 0; d < dimension; ++d) {
      columns_[d * padded_ + c] = centroids[c * dimension + d];
    }
  }
}

std::size_t NearestCentroid::operator()(const double* vector) const {
  // Each of the kBlock places keeps the first of its smallest distances; indices are kept as
  // doubles, exact, so that both travel through the same vector select.
  double smallest[kBlock];
  double index[kBlock];
  for (std::size_t j = 0; j < kBlock; ++j) {
    smallest[j] = kInfinity;
    index[j] = static_cast<double>(j);
  }
  for (std::size_t base = 0; base < padded_; base += kBlock) {
    double distance[kBlock] = {};
    for (std::size_t d = 0; d < dimension_; ++d) {
      const double* column = columns_.data() + d * padded_ + base;
      const double x = vector[d];
      for (std::size_t j = 0; j < kBlock; ++j) {
        const double difference = column[j] - x;
        distance[j] += difference * difference;
      }
    }
    const double base_index = static_cast<double>(base);
    for (std::size_t j = 0; j < kBlock; ++j) {
      const bool nearer = distance[j] < smallest[j];
      smallest[j] = nearer ? distance[j] : smallest[j];
      index[j] = nearer ? base_index + static_cast<double>(j) : index[j];
    }
  }
  std::size_t best = 0;
  for (std::size_t j = 1; j < kBlock; ++j) {
    if (smallest[j] < smallest[best] || (smallest[j] == smallest[best] && index[j] < index[best])) {
      best = j;
    }
  }
  return static_cast<std::size_t>(index[best]);
}

}  // namespace aqpim::quantize
