// SPDX-License-Identifier: Apache-2.0
//
// For tests: weighted k-means in double precision as it is written down, without any of the code
// under test.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <utility>
#include <vector>

namespace aqpim::test {

struct PlainKmeans {
  std::size_t dim = 0;
  std::vector<double> tokens;         // [n, dim]
  std::vector<std::uint8_t> weights;  // [n]
  std::vector<double> centroids;      // [K, dim]

  // Index of the nearest centroid, the lowest of equal ones, and the squared distance to it.
  std::pair<std::size_t, double> nearest(std::size_t t) const {
    std::pair<std::size_t, double> best{0, std::numeric_limits<double>::infinity()};
    for (std::size_t c = 0; c < centroids.size() / dim; ++c) {
      double distance = 0.0;
      for (std::size_t d = 0; d < dim; ++d) {
        const double difference = tokens[t * dim + d] - centroids[c * dim + d];
        distance += difference * difference;
      }
      if (distance < best.second) best = {c, distance};
    }
    return best;
  }

  // Assigns, then moves each centroid to the mean of its tokens, if they weigh something. Returns
  // the codes [n] that were assigned.
  std::vector<std::uint8_t> pass() {
    std::vector<std::uint8_t> codes;
    std::vector<double> sums(centroids.size(), 0.0);
    std::vector<double> sum_of_weights(centroids.size() / dim, 0.0);
    for (std::size_t t = 0; t < weights.size(); ++t) {
      const std::size_t c = nearest(t).first;
      codes.push_back(static_cast<std::uint8_t>(c));
      sum_of_weights[c] += weights[t];
      for (std::size_t d = 0; d < dim; ++d) {
        sums[c * dim + d] += weights[t] * tokens[t * dim + d];
      }
    }
    for (std::size_t e = 0; e < sums.size(); ++e) {
      const double weight = sum_of_weights[e / dim];
      if (weight > 0.0) centroids[e] = sums[e] / weight;
    }
    return codes;
  }

  // Σ w · squared distance to the nearest centroid.
  double distortion() const {
    double sum = 0.0;
    for (std::size_t t = 0; t < weights.size(); ++t) sum += weights[t] * nearest(t).second;
    return sum;
  }
};

}  // namespace aqpim::test
