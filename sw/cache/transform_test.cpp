// SPDX-License-Identifier: Apache-2.0
#include "sw/cache/transform.h"

#include <doctest/doctest.h>

#include <stdexcept>
#include <vector>

#include "sw/quantize/test_heads.h"

namespace {

using aqpim::cache::Transform;
using aqpim::test::Draw;
using Order = std::vector<std::uint32_t>;

constexpr std::size_t kDim = 24;

Order shuffled(Draw& draw) {
  Order order(kDim);
  for (std::uint32_t d = 0; d < kDim; ++d) order[d] = (d * 7 + 5) % kDim;
  std::swap(order[draw.below(kDim)], order[draw.below(kDim)]);
  return order;
}

Transform random_transform(Draw& draw, std::size_t sub_dim) {
  std::vector<float> matrices(kDim * sub_dim);
  for (float& value : matrices) value = static_cast<float>(draw.bell());
  for (std::size_t i = 0; i < kDim; ++i) matrices[i * sub_dim + i % sub_dim] += 3.0f;
  return Transform(shuffled(draw), sub_dim, std::move(matrices));
}

std::vector<float> random_vectors(Draw& draw, std::size_t count) {
  std::vector<float> vectors(count * kDim);
  for (float& value : vectors) value = static_cast<float>(draw.bell());
  return vectors;
}

double dot(const std::vector<double>& a, const std::vector<double>& b) {
  double sum = 0.0;
  for (std::size_t d = 0; d < a.size(); ++d) sum += a[d] * b[d];
  return sum;
}

}  // namespace

TEST_CASE("transform: by hand") {
  const Transform transform({2, 0, 3, 1}, 2, {1, 2, 0, 1, 1, 0, 0, 4});
  const std::vector<float> x{1, 2, 3, 4};
  CHECK(transform.apply(x) == std::vector<double>{3 + 2 * 1, 1, 4, 8});
  CHECK(transform.undo(std::vector<double>{5, 1, 4, 8}) == std::vector<double>{1, 2, 3, 4});
  CHECK(transform.dense() == std::vector<float>{2, 0, 1, 0, 1, 0, 0, 0, 0, 0, 0, 1, 0, 4, 0, 0});
  CHECK(transform.apply_to_query(x) == std::vector<double>{3, 1 - 2 * 3, 4, 0.5});
}

TEST_CASE("transform: without matrices it is the permutation") {
  const Transform transform({2, 0, 1});
  CHECK(transform.is_permutation());
  const std::vector<float> x{1, 2, 3, 4, 5, 6};
  CHECK(transform.apply(x) == std::vector<double>{3, 1, 2, 6, 4, 5});
  CHECK(transform.undo(transform.apply(x)) == std::vector<double>{1, 2, 3, 4, 5, 6});
  CHECK(transform.dense() == std::vector<float>{0, 0, 1, 1, 0, 0, 0, 1, 0});
}

TEST_CASE("transform: undo() takes apply() back, and q'·k' is q·k") {
  Draw draw(1);
  for (const std::size_t sub_dim : {1u, 2u, 4u, 8u}) {
    const Transform transform = random_transform(draw, sub_dim);
    const auto keys = random_vectors(draw, 5);
    const auto transformed = transform.apply(keys);
    const auto again = transform.undo(transformed);
    for (std::size_t e = 0; e < keys.size(); ++e) {
      CHECK(again[e] == doctest::Approx(static_cast<double>(keys[e])).epsilon(1e-9));
    }
    const auto query = random_vectors(draw, 1);
    const auto transformed_query = transform.apply_to_query(query);
    for (std::size_t i = 0; i < 5; ++i) {
      const auto begin = static_cast<std::ptrdiff_t>(i * kDim);
      const std::vector<double> key(keys.begin() + begin, keys.begin() + begin + kDim);
      const std::vector<double> key_transformed(transformed.begin() + begin,
                                                transformed.begin() + begin + kDim);
      CHECK(dot(transformed_query, key_transformed) ==
            doctest::Approx(dot({query.begin(), query.end()}, key)).epsilon(1e-9));
    }
  }
}

TEST_CASE("transform: the dense matrix does the same") {
  Draw draw(2);
  const Transform transform = random_transform(draw, 4);
  const auto matrix = transform.dense();
  const auto x = random_vectors(draw, 1);
  const auto transformed = transform.apply(x);
  for (std::size_t i = 0; i < kDim; ++i) {
    double sum = 0.0;
    for (std::size_t d = 0; d < kDim; ++d) {
      sum += static_cast<double>(matrix[i * kDim + d]) * static_cast<double>(x[d]);
    }
    CHECK(transformed[i] == doctest::Approx(sum));
  }
}

TEST_CASE("transform: what is not one is refused") {
  CHECK_THROWS_AS(Transform({0, 1, 1}), std::invalid_argument);
  CHECK_THROWS_AS(Transform({0, 1, 3}), std::invalid_argument);
  CHECK_THROWS_AS(Transform({0, 1}, 2, {1, 0, 0}), std::invalid_argument);
  CHECK_THROWS_AS(Transform({0, 1, 2}, 2, {1, 0, 0, 1, 1, 0}), std::invalid_argument);
  CHECK_THROWS_AS(Transform({0, 1}, 2, {1, 2, 2, 4}), std::invalid_argument);
}
