// SPDX-License-Identifier: Apache-2.0
#include "sw/quantize/kmeans.h"

#include <algorithm>

#include "sw/quantize/nearest.h"

namespace aqpim::quantize {

std::vector<double> weighted_kmeans(std::span<const double> vectors, std::size_t dimension,
                                    std::span<const std::uint8_t> weights,
                                    const KmeansOptions& options) {
  const std::size_t tokens = vectors.size() / dimension;
  std::vector<double> centroids(options.centroids * dimension);
  for (std::size_t c = 0; c < options.centroids; ++c) {
    const std::size_t token = start_token(c, tokens, options.centroids, options.start_offset);
    std::copy_n(vectors.begin() + static_cast<std::ptrdiff_t>(token * dimension), dimension,
                centroids.begin() + static_cast<std::ptrdiff_t>(c * dimension));
  }
  std::vector<double> sums(centroids.size());
  std::vector<double> counts(options.centroids);
  for (std::size_t pass = 0; pass < options.iterations; ++pass) {
    const NearestCentroid nearest(centroids, dimension);
    std::fill(sums.begin(), sums.end(), 0.0);
    std::fill(counts.begin(), counts.end(), 0.0);
    for (std::size_t t = 0; t < tokens; ++t) {
      const double* vector = vectors.data() + t * dimension;
      const double weight = weights.empty() ? 1.0 : static_cast<double>(weights[t]);
      const std::size_t c = nearest(vector);
      counts[c] += weight;
      for (std::size_t d = 0; d < dimension; ++d) sums[c * dimension + d] += weight * vector[d];
    }
    for (std::size_t c = 0; c < options.centroids; ++c) {
      if (counts[c] == 0.0) continue;
      for (std::size_t d = 0; d < dimension; ++d) {
        centroids[c * dimension + d] = sums[c * dimension + d] / counts[c];
      }
    }
  }
  return centroids;
}

}  // namespace aqpim::quantize
