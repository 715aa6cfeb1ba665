// SPDX-License-Identifier: Apache-2.0
//
// Nearest centroid by squared Euclidean distance in double precision; the lowest index wins a tie.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace aqpim::quantize {

// Searches one sub-space. The distance is summed over the channels in order, so that the result
// does not depend on how wide the machine's vectors are.
class NearestCentroid {
 public:
  // `centroids` [K, dimension], K ≥ 1.
  NearestCentroid(std::span<const double> centroids, std::size_t dimension);

  // Index of the centroid nearest to `vector` [dimension].
  std::size_t operator()(const double* vector) const;

 private:
  std::size_t dimension_;
  std::size_t padded_;           // K rounded up to whole blocks
  std::vector<double> columns_;  // [dimension, padded_], padding infinitely far away
};

}  // namespace aqpim::quantize
