// SPDX-License-Identifier: Apache-2.0
#include "sw/golden/score.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "sw/golden/bias.h"
#include "sw/golden/maximum.h"
#include "sw/golden/score_sum.h"
#include "sw/seed/seed.h"

namespace {

using aqpim::golden::Bias;
using aqpim::golden::maximum;
using aqpim::golden::Rounded;
using aqpim::golden::score;
using aqpim::golden::score_sum;

}  // namespace

TEST_CASE("golden score_sum: the sum of all entries, also at their ends") {
  CHECK(score_sum({}) == 0);
  CHECK(score_sum(std::vector<std::int32_t>(256, -32768)) == -(256LL << 15));
  CHECK(score_sum(std::vector<std::int32_t>(256, 32767)) == 256LL * 32767);
  CHECK(score_sum(std::vector<std::int32_t>{1, -2, 30, -400}) == -371);
}

TEST_CASE("golden score: bias and sum are added before the one rounding") {
  aqpim::Random random(aqpim::test_seed(), "golden score");
  for (std::uint64_t i = 0; i < aqpim::test_iterations(20000); ++i) {
    const auto extra = static_cast<unsigned>(random.below(12));
    const auto width = static_cast<unsigned>(random.between(12, 16));
    const std::int64_t sum = random.between(-(1 << random.below(24)), 1 << random.below(24));
    const auto bias = static_cast<std::int16_t>(
        random.chance(1, 4) ? random.pick({-32768, -1, 0, 1, 32767}) : random.between(-9000, 9000));
    const double exact = std::ldexp(static_cast<double>(sum), -static_cast<int>(extra)) + bias;
    const double limit = std::ldexp(1.0, static_cast<int>(width) - 1);
    const double clipped = std::fmin(std::fmax(std::nearbyint(exact), -limit), limit - 1);
    const Rounded rounded = score(sum, bias, extra, width);
    REQUIRE(static_cast<double>(rounded.value) == clipped);
    REQUIRE(rounded.saturated == (clipped != std::nearbyint(exact)));
  }
}

TEST_CASE("golden score: a tie of the sum is broken by the parity of the score, bias included") {
  CHECK(score(1, 0, 1, 16) == Rounded{0, false});
  CHECK(score(1, 1, 1, 16) == Rounded{2, false});
  CHECK(score(-1, 0, 1, 16) == Rounded{0, false});
  CHECK(score(-1, -1, 1, 16) == Rounded{-2, false});
}

TEST_CASE("golden score: saturates at both ends") {
  CHECK(score(1 << 20, 32767, 0, 16) == Rounded{32767, true});
  CHECK(score(-(1 << 20), -32768, 4, 16) == Rounded{-32768, true});
  CHECK(score(-(1 << 20), 32767, 4, 16) == Rounded{-32768, true});  // -32769
  CHECK(score(0, -32768, 11, 16) == Rounded{-32768, false});
}

TEST_CASE("golden bias: one bias per run of tokens, again from the first at each tile") {
  Bias bias(32);
  for (std::size_t word = 0; word < 4; ++word) {
    std::vector<std::int16_t> values(8);
    for (std::size_t i = 0; i < 8; ++i) values[i] = static_cast<std::int16_t>(100 * word + i);
    bias.write(8 * word, values);
  }
  for (const unsigned run : {8u, 9u, 128u}) {
    bias.start_tile();
    for (unsigned token = 0; token < 32 * run; ++token) {
      const unsigned index = token / run;
      REQUIRE(bias.next(run) == static_cast<std::int16_t>(100 * (index / 8) + index % 8));
    }
  }
}

TEST_CASE("golden bias: run 0 stands for no biases") {
  Bias bias(16);
  bias.write(0, std::vector<std::int16_t>(16, 7));
  bias.start_tile();
  for (int token = 0; token < 1000; ++token) REQUIRE(bias.next(0) == 0);
}

TEST_CASE("golden maximum: the smallest integer that no score exceeds") {
  aqpim::Random random(aqpim::test_seed(), "golden maximum");
  for (std::uint64_t i = 0; i < aqpim::test_iterations(2000); ++i) {
    const auto fraction = static_cast<unsigned>(random.between(4, 8));
    std::vector<std::int32_t> scores(1 + random.below(5));
    for (std::int32_t& one : scores) {
      one = static_cast<std::int32_t>(random.between(-32768, 32767));
      if (random.chance(1, 3)) one &= -(1 << fraction);
    }
    const double largest = *std::ranges::max_element(scores);
    REQUIRE(maximum(scores, fraction, 16) ==
            std::ceil(std::ldexp(largest, -static_cast<int>(fraction))));
  }
}

TEST_CASE("golden maximum: an empty tile has the lowest score") {
  CHECK(maximum({}, 8, 16) == -128);
  CHECK(maximum({}, 4, 16) == -2048);
  CHECK(maximum({}, 8, 12) == -8);
}
