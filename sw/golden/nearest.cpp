// SPDX-License-Identifier: Apache-2.0
#include "sw/golden/nearest.h"

#include <algorithm>
#include <limits>

#include "sw/golden/e3m4.h"

namespace aqpim::golden {

namespace {
// Centroids that are compared side by side: K is a multiple of it, and loops of this constant
// length become vector code.
constexpr std::size_t kBlock = 16;
}  // namespace

Nearest::Nearest(std::span<const std::int32_t> centroids, std::size_t dimension)
    : dimension_(dimension), centroids_(centroids.size() / dimension), columns_(centroids.size()) {
  for (std::size_t c = 0; c < centroids_; ++c) {
    for (std::size_t d = 0; d < dimension; ++d) {
      columns_[d * centroids_ + c] = static_cast<std::int16_t>(centroids[c * dimension + d]);
    }
  }
}

unsigned Nearest::operator()(std::span<const std::int32_t> vector) const {
  // Each of the kBlock places keeps the first of its smallest distances.
  std::int32_t smallest[kBlock];
  std::int32_t index[kBlock] = {};
  std::fill_n(smallest, kBlock, std::numeric_limits<std::int32_t>::max());
  for (std::size_t base = 0; base < centroids_; base += kBlock) {
    std::int32_t distance[kBlock] = {};
    for (std::size_t d = 0; d < dimension_; ++d) {
      const std::int16_t* column = columns_.data() + d * centroids_ + base;
      const auto x = static_cast<std::int16_t>(vector[d]);
      for (std::size_t j = 0; j < kBlock; ++j) {
        const auto difference = static_cast<std::int16_t>(x - column[j]);
        distance[j] += std::int32_t{difference} * std::int32_t{difference};
      }
    }
    for (std::size_t j = 0; j < kBlock; ++j) {
      const bool nearer = distance[j] < smallest[j];
      smallest[j] = nearer ? distance[j] : smallest[j];
      index[j] = nearer ? static_cast<std::int32_t>(base + j) : index[j];
    }
  }
  std::size_t best = 0;
  for (std::size_t j = 1; j < kBlock; ++j) {
    if (smallest[j] < smallest[best] || (smallest[j] == smallest[best] && index[j] < index[best])) {
      best = j;
    }
  }
  return static_cast<unsigned>(index[best]);
}

std::int32_t stored_element(std::uint8_t byte, bool values) {
  return values ? e3m4(byte) : std::int32_t{static_cast<std::int8_t>(byte)} * 16;
}

}  // namespace aqpim::golden
