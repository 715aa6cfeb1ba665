// SPDX-License-Identifier: Apache-2.0
#include "sw/quantize/grouping.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <numeric>
#include <vector>

#include "sw/quantize/test_heads.h"

namespace {

using namespace aqpim::cache;
using namespace aqpim::quantize;
using aqpim::test::Draw;
using Order = std::vector<std::uint32_t>;

bool is_permutation_of_channels(Order order, std::size_t dimension) {
  std::ranges::sort(order);
  return order == natural_order(dimension);
}

// Vectors whose channels i and partner[i] are nearly equal.
std::vector<double> paired_vectors(const Order& partner, std::size_t count, Draw& draw) {
  const std::size_t dimension = partner.size();
  std::vector<double> vectors(count * dimension);
  for (std::size_t t = 0; t < count; ++t) {
    for (std::size_t d = 0; d < dimension; ++d) {
      const bool leads = d < partner[d];
      vectors[t * dimension + d] =
          leads ? draw.bell() : vectors[t * dimension + partner[d]] + 0.05 * draw.bell();
    }
  }
  return vectors;
}

}  // namespace

TEST_CASE("grouping: covariance of hand-made vectors") {
  const std::vector<double> vectors{1, 2, 3, 6};
  CHECK(covariance(vectors, 2) == std::vector<double>{1, 2, 2, 4});
  CHECK(covariance(vectors, 2, std::vector<double>{2, 1}) == std::vector<double>{4, 4, 4, 4});
}

TEST_CASE("grouping: channels that are nearly equal end up in one group") {
  Draw draw(3);
  Order partner(32);
  for (std::uint32_t d = 0; d < 16; ++d) {
    partner[d] = 31 - d;
    partner[31 - d] = d;
  }
  const auto sigma = covariance(paired_vectors(partner, 300, draw), 32);
  const Order order = determinant_optimal_order(sigma, 32, 2);
  REQUIRE(is_permutation_of_channels(order, 32));
  for (std::size_t g = 0; g < 16; ++g) CHECK(order[2 * g + 1] == partner[order[2 * g]]);
}

TEST_CASE("grouping: never worse than the natural order, for every sub-space size") {
  Draw draw(4);
  for (const std::size_t sub_dim : {1u, 2u, 4u, 8u}) {
    std::vector<double> vectors(200 * 64);
    for (std::size_t i = 0; i < vectors.size(); ++i) {
      vectors[i] = draw.bell() * (1.0 + static_cast<double>(i % 5)) +
                   (i % 64 != 0 ? 0.5 * vectors[i - 1] : 0.0);
    }
    const auto sigma = covariance(vectors, 64);
    const Order order = determinant_optimal_order(sigma, 64, sub_dim);
    CHECK(is_permutation_of_channels(order, 64));
    CHECK(grouping_cost(sigma, order, sub_dim) <= grouping_cost(sigma, natural_order(64), sub_dim));
    CHECK(determinant_optimal_order(sigma, 64, sub_dim) == order);
  }
}

TEST_CASE("grouping: the cost is the sum of the determinants' roots") {
  const std::vector<double> sigma{2, 1, 0, 0, 1, 2, 0, 0, 0, 0, 1, 0, 0, 0, 0, 3};
  const double mean = 8.0 / 4;
  const double expected = (std::sqrt(3.0) + std::sqrt(3.0)) / mean;
  CHECK(grouping_cost(sigma, natural_order(4), 2) == doctest::Approx(expected).epsilon(1e-3));
}

TEST_CASE("grouping: dead, duplicate and not finite covariances give a permutation") {
  CHECK(is_permutation_of_channels(
      determinant_optimal_order(std::vector<double>(64 * 64, 0.0), 64, 4), 64));
  CHECK(is_permutation_of_channels(
      determinant_optimal_order(std::vector<double>(64 * 64, 1.0), 64, 8), 64));
  CHECK(is_permutation_of_channels(
      determinant_optimal_order(std::vector<double>(64 * 64, 1e300), 64, 4), 64));
  CHECK(is_permutation_of_channels(
      determinant_optimal_order(std::vector<double>(64 * 64, INFINITY), 64, 4), 64));
  std::vector<double> sparse(64 * 64, 0.0);
  sparse[5 * 64 + 5] = 1.0;
  CHECK(is_permutation_of_channels(determinant_optimal_order(sparse, 64, 4), 64));
}

TEST_CASE("grouping: renaming the channels renames the groups") {
  Draw draw(5);
  Order partner(16);
  for (std::uint32_t d = 0; d < 16; ++d) partner[d] = d ^ 1u;
  const std::vector<double> vectors = paired_vectors(partner, 200, draw);
  Order renamed(16);
  for (std::uint32_t d = 0; d < 16; ++d) renamed[d] = (d * 5 + 3) % 16;
  std::vector<double> moved(vectors.size());
  for (std::size_t t = 0; t < 200; ++t) {
    for (std::size_t d = 0; d < 16; ++d) moved[t * 16 + renamed[d]] = vectors[t * 16 + d];
  }
  const Order order = determinant_optimal_order(covariance(vectors, 16), 16, 2);
  const Order order_moved = determinant_optimal_order(covariance(moved, 16), 16, 2);
  CHECK(grouping_cost(covariance(vectors, 16), order, 2) ==
        doctest::Approx(grouping_cost(covariance(moved, 16), order_moved, 2)));
}

TEST_CASE("grouping: the query's strength is measured before P only") {
  auto head = aqpim::test::make_head(1, 300, 64, 2, 64);
  const Timeline timeline = make_timeline(300, 64);
  const auto before = query_rms(head, timeline);
  for (std::size_t g = 0; g < 2; ++g) {
    for (std::size_t row = 32; row < 64; ++row) {
      for (std::size_t d = 0; d < 64; ++d) head.q[(g * 64 + row) * 64 + d] = 100.0f;
    }
  }
  CHECK(query_rms(head, timeline) == before);
  head.q[0] = 1000.0f;
  CHECK(query_rms(head, timeline) != before);
  std::ranges::fill(head.q, 0.0f);
  CHECK(query_rms(head, timeline) == std::vector<double>(64, 1.0));
}

TEST_CASE("grouping: greedy opens with the most similar pair and adds the most similar channel") {
  // Channels as vectors over three tokens: 0 and 3 are parallel, 1 is near to both, 2 is opposite.
  const std::vector<double> vectors{1, 1, -1, 2,  //
                                    1, 1, -1, 2,  //
                                    0, 1, 0,  0};
  CHECK(greedy_order(vectors, 4, 2) == Order{0, 3, 1, 2});
  CHECK(greedy_order(vectors, 4, 4) == Order{0, 3, 1, 2});
  CHECK(greedy_order(vectors, 4, 1) == natural_order(4));
}

TEST_CASE("grouping: greedy puts channels together that are nearly equal") {
  Draw draw(6);
  Order partner(32);
  for (std::uint32_t d = 0; d < 32; ++d) partner[d] = 31 - d;
  const Order order = greedy_order(paired_vectors(partner, 300, draw), 32, 2);
  REQUIRE(is_permutation_of_channels(order, 32));
  for (std::size_t g = 0; g < 16; ++g) CHECK(order[2 * g + 1] == partner[order[2 * g]]);
  CHECK(is_permutation_of_channels(greedy_order(std::vector<double>(64 * 8, 0.0), 64, 4), 64));
}

TEST_CASE("grouping: a second matrix multiplies the groups' determinants") {
  // Channels 0 and 1 vary together, but queries that see 0 and 2 together make that pair cheaper.
  std::vector<double> sigma(16, 0.0), moment(16, 0.0);
  for (std::size_t d = 0; d < 4; ++d) sigma[d * 5] = moment[d * 5] = 1.0;
  sigma[1] = sigma[4] = 0.5;
  CHECK(determinant_optimal_order(sigma, 4, 2) == Order{0, 1, 2, 3});
  CHECK(determinant_optimal_order(sigma, 4, 2, moment) == Order{0, 1, 2, 3});
  moment[2] = moment[8] = 0.95;
  CHECK(determinant_optimal_order(sigma, 4, 2, moment) == Order{0, 2, 1, 3});
}
