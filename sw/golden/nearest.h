// SPDX-License-Identifier: Apache-2.0
//
// Nearest centroid of a sub-space by squared Euclidean distance in integers; twin of
// rtl/engine/pq_nearest.sv, with the distance of rtl/engine/pq_centroid_group.sv.
//
//   code = argmin_c Σ_d (x_d − μ_c,d)², the lowest index wins a tie
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace aqpim::golden {

// Searches one sub-space.
class Nearest {
 public:
  // `centroids` [K, dimension], signed 12 bit, K a multiple of 16.
  Nearest(std::span<const std::int32_t> centroids, std::size_t dimension);

  // Index of the centroid nearest to `vector` [dimension], signed 12 bit.
  unsigned operator()(std::span<const std::int32_t> vector) const;

 private:
  std::size_t dimension_;
  std::size_t centroids_;
  std::vector<std::int16_t> columns_;  // [dimension, K]
};

// Element of a stored codebook as the integer that is compared with: int8 · 16 of a key codebook,
// the number itself (E3M4) of a value codebook. Signed 12 bit.
std::int32_t stored_element(std::uint8_t byte, bool values);

}  // namespace aqpim::golden
