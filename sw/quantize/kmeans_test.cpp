// SPDX-License-Identifier: Apache-2.0
#include "sw/quantize/kmeans.h"

#include <doctest/doctest.h>

#include <vector>

#include "sw/quantize/nearest.h"
#include "sw/quantize/test_heads.h"

namespace {

using aqpim::quantize::KmeansOptions;
using aqpim::quantize::NearestCentroid;
using aqpim::quantize::weighted_kmeans;
using aqpim::test::Draw;

using Vector = std::vector<double>;

std::size_t plain_nearest(const Vector& centroids, std::size_t dimension, const double* x) {
  std::size_t best = 0;
  double best_distance = 1e300;
  for (std::size_t c = 0; c < centroids.size() / dimension; ++c) {
    double distance = 0.0;
    for (std::size_t d = 0; d < dimension; ++d) {
      const double difference = centroids[c * dimension + d] - x[d];
      distance += difference * difference;
    }
    if (distance < best_distance) {
      best_distance = distance;
      best = c;
    }
  }
  return best;
}

}  // namespace

TEST_CASE("nearest: agrees with a plain search, ties included") {
  Draw draw(1);
  for (const std::size_t dimension : {1u, 2u, 4u, 8u}) {
    for (const std::size_t count : {1u, 2u, 15u, 16u, 17u, 256u}) {
      // A coarse grid has many equal distances and equal centroids.
      const auto grid = [&](std::size_t n) {
        Vector values(n);
        for (double& value : values) value = static_cast<double>(draw.below(5));
        return values;
      };
      const Vector centroids = grid(count * dimension);
      const Vector queries = grid(100 * dimension);
      const NearestCentroid nearest(centroids, dimension);
      for (std::size_t i = 0; i < 100; ++i) {
        const double* x = queries.data() + i * dimension;
        CHECK(nearest(x) == plain_nearest(centroids, dimension, x));
      }
    }
  }
}

TEST_CASE("nearest: the lowest index wins a tie across blocks of centroids") {
  Vector centroids(64, 9.0);
  centroids[50] = 1.0;
  centroids[37] = -1.0;
  centroids[21] = 1.0;
  const double zero = 0.0;
  CHECK(NearestCentroid(centroids, 1)(&zero) == 21);
}

TEST_CASE("k-means: starts from evenly strided tokens") {
  const Vector tokens{0, 1, 2, 3, 4, 5, 6, 7, 8, 9};
  CHECK(weighted_kmeans(tokens, 1, {}, {.centroids = 4, .iterations = 0}) == Vector{0, 2, 5, 7});
  CHECK(weighted_kmeans(tokens, 1, {}, {.centroids = 4, .iterations = 0, .start_offset = 3}) ==
        Vector{3, 5, 8, 0});
}

TEST_CASE("k-means: assignment ignores the weights, the mean uses them") {
  const Vector tokens{0, 1, 10, 11};
  const std::vector<std::uint8_t> weights{1, 3, 255, 1};
  const Vector centroids = weighted_kmeans(tokens, 1, weights, {.centroids = 2, .iterations = 1});
  CHECK(centroids[0] == doctest::Approx(3.0 / 4.0));
  CHECK(centroids[1] == doctest::Approx((255.0 * 10 + 11) / 256.0));
}

TEST_CASE("k-means: fewer distinct vectors than centroids leave clusters empty") {
  const Vector tokens(40, 3.0);
  CHECK(weighted_kmeans(tokens, 2, {}, {.centroids = 16}) == Vector(32, 3.0));
  const Vector few{1, 2, 3};
  const Vector centroids = weighted_kmeans(few, 1, {}, {.centroids = 16});
  for (const double value : few) {
    CHECK(centroids[NearestCentroid(centroids, 1)(&value)] == value);
  }
}

TEST_CASE("k-means: an empty cluster keeps its centroid") {
  // Centroids 0 and 2 start at equal values, so that 2 gets nothing.
  const Vector tokens{5, 0, 5, 1};
  CHECK(weighted_kmeans(tokens, 1, {}, {.centroids = 4, .iterations = 3}) == Vector{5, 0, 5, 1});
}

TEST_CASE("k-means: iterations lower the distortion, and runs are equal") {
  Draw draw(7);
  Vector tokens(2 * 500);
  for (double& value : tokens) value = draw.bell();
  const auto distortion = [&](std::size_t iterations) {
    const Vector centroids =
        weighted_kmeans(tokens, 2, {}, {.centroids = 16, .iterations = iterations});
    const NearestCentroid nearest(centroids, 2);
    double sum = 0.0;
    for (std::size_t t = 0; t < 500; ++t) {
      const double* x = tokens.data() + 2 * t;
      const std::size_t c = nearest(x);
      for (std::size_t d = 0; d < 2; ++d) {
        sum += (x[d] - centroids[2 * c + d]) * (x[d] - centroids[2 * c + d]);
      }
    }
    return sum;
  };
  CHECK(distortion(1) < distortion(0));
  CHECK(distortion(4) < distortion(1));
  CHECK(weighted_kmeans(tokens, 2, {}, {.centroids = 16}) ==
        weighted_kmeans(tokens, 2, {}, {.centroids = 16}));
}
