// SPDX-License-Identifier: Apache-2.0
#include "sw/golden/weight_bound.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include "sw/golden/exp2.h"
#include "sw/seed/seed.h"

namespace {

using aqpim::Random;
using aqpim::test_iterations;
using aqpim::test_seed;
using aqpim::golden::exp2;
using aqpim::golden::WeightBound;

constexpr unsigned kFraction = 8;
constexpr unsigned kWeightWidth = 14;

std::int32_t ceiling(std::int32_t score) { return -(-score >> kFraction); }

std::uint32_t weight(std::int32_t score, std::int32_t exponent) {
  return exp2(score - exponent * (1 << kFraction), kFraction, kWeightWidth);
}

struct Window {
  WeightBound bound;
  std::int32_t maximum = -128;

  explicit Window(const std::vector<std::int32_t>& scores) {
    for (const std::int32_t score : scores) {
      maximum = std::max(maximum, ceiling(score));
      bound.add(std::array{weight(score, maximum)}, maximum);
    }
  }
};

// Scores in an order that is hard on the bound: rising and falling, with ties and steps.
std::vector<std::int32_t> random_scores(Random& random) {
  std::vector<std::int32_t> scores(random.pick({1u, 2u, 17u, 300u, 1024u, 1024u}));
  const auto centre =
      static_cast<std::int32_t>(random.between(-80, 80) * 256 + random.pick({0, 0, 1, 99}));
  const std::int32_t spread = random.pick({0, 1, 256, 1000, 10000});
  const unsigned order = random.pick({0u, 1u, 2u});
  for (std::int32_t& score : scores) {
    score = centre + static_cast<std::int32_t>(random.between(-spread, spread));
    if (random.chance(1, 3)) score = score / 256 * 256;
  }
  if (order == 1) std::ranges::sort(scores);
  if (order == 2) std::ranges::sort(scores, std::greater<>());
  return scores;
}

}  // namespace

TEST_CASE("weight bound: at most one below the sum of the exact weights, and not far above it") {
  Random random(test_seed(), "weight_bound");
  for (std::uint64_t window = 0; window < test_iterations(300); ++window) {
    CAPTURE(window);
    const std::vector<std::int32_t> scores = random_scores(random);
    const Window seen(scores);
    double exact = 0;
    for (const std::int32_t score : scores) {
      // exp2 interpolates, within 0.11 %.
      exact += std::exp2(double(score) / 256 - seen.maximum + kWeightWidth);
    }
    CHECK(static_cast<double>(seen.bound.value()) >= exact * 0.9989 - 1);
    CHECK(static_cast<double>(seen.bound.value()) <= exact * 1.0011 + 2.0 * double(scores.size()));
  }
}

TEST_CASE("weight bound: the weights fit the buckets, with no step more than they need") {
  Random random(test_seed(), "weight_bound_coarse");
  unsigned coarsest = 0;
  for (std::uint64_t window = 0; window < test_iterations(300); ++window) {
    CAPTURE(window);
    const std::vector<std::int32_t> scores = random_scores(random);
    const Window seen(scores);
    const unsigned coarse = seen.bound.coarse(16);
    coarsest = std::max(coarsest, coarse);
    const auto sum = [&](unsigned taken) {
      std::uint64_t total = 0;
      for (const std::int32_t score : scores) {
        total += weight(score, seen.maximum + static_cast<std::int32_t>(taken));
      }
      return total;
    };
    CHECK(sum(coarse) < 1u << 16);
    if (coarse > 0) CHECK(sum(coarse - 1) > (1u << 16) * 30 / 33);
    CHECK(seen.bound.coarse(25) == 0);
  }
  CHECK(coarsest == 9);
}

TEST_CASE("weight bound: values worked out by hand") {
  WeightBound bound;
  CHECK(bound.value() == 0);
  CHECK(bound.coarse(16) == 0);
  bound.add(std::array{100u}, -128);
  CHECK(bound.value() == 101);
  // Two scores together count one each; 101 >> 3 is 12.
  bound.add(std::array{16383u, 7u}, -125);
  CHECK(bound.value() == 12 + 16384 + 8);
  // A rise of more than 31 leaves nothing of what was before.
  bound.add(std::array{5u}, 120);
  CHECK(bound.value() == 6);

  // 63,550 + 63,550 / 32 = 65,535 fits 16 bits, 63,551 + 1,985 does not.
  for (const auto& [value, coarse] :
       {std::pair{63550u, 0u}, {63551u, 1u}, {127100u, 1u}, {127101u, 2u}}) {
    WeightBound other;
    other.add(std::array{value - 1}, 0);
    CHECK(other.coarse(16) == coarse);
  }
  // 1,024 times 1.0, the most there can be.
  WeightBound most;
  for (int i = 0; i < 1024; ++i) most.add(std::array{16383u}, 7);
  CHECK(most.value() == 1u << 24);
  CHECK(most.coarse(16) == 9);
  CHECK(most.coarse(24) == 1);
}
