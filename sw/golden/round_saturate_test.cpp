// SPDX-License-Identifier: Apache-2.0
#include "sw/golden/round_saturate.h"

#include <doctest/doctest.h>

#include <cmath>

#include "sw/seed/seed.h"

namespace {

using aqpim::golden::round_saturate;
using aqpim::golden::Rounded;

// The definition: the quotient is exact in a long double, which rounds ties to even.
Rounded by_definition(std::int64_t value, unsigned shift, unsigned width) {
  const long double quotient =
      std::ldexp(static_cast<long double>(value), -static_cast<int>(shift));
  const long double rounded = std::nearbyint(quotient);
  const long double highest = std::ldexp(1.0L, static_cast<int>(width) - 1) - 1;
  const long double lowest = -highest - 1;
  if (rounded > highest) return {static_cast<std::int64_t>(highest), true};
  if (rounded < lowest) return {static_cast<std::int64_t>(lowest), true};
  return {static_cast<std::int64_t>(rounded), false};
}

}  // namespace

TEST_CASE("golden round_saturate: ties go to the even neighbour, on both sides of zero") {
  CHECK(round_saturate(1, 1, 8) == Rounded{0, false});
  CHECK(round_saturate(3, 1, 8) == Rounded{2, false});
  CHECK(round_saturate(5, 1, 8) == Rounded{2, false});
  CHECK(round_saturate(-1, 1, 8) == Rounded{0, false});
  CHECK(round_saturate(-3, 1, 8) == Rounded{-2, false});
  CHECK(round_saturate(-5, 1, 8) == Rounded{-2, false});
  CHECK(round_saturate(24, 4, 8) == Rounded{2, false});
  CHECK(round_saturate(-40, 4, 8) == Rounded{-2, false});
}

TEST_CASE("golden round_saturate: shift 0 changes nothing that fits") {
  for (int value = -128; value < 128; ++value) {
    CHECK(round_saturate(value, 0, 8) == Rounded{value, false});
  }
}

TEST_CASE("golden round_saturate: both ends saturate, and rounding can be what saturates") {
  CHECK(round_saturate(128, 0, 8) == Rounded{127, true});
  CHECK(round_saturate(-129, 0, 8) == Rounded{-128, true});
  CHECK(round_saturate(255, 1, 8) == Rounded{127, true});   // 127.5 -> 128
  CHECK(round_saturate(253, 1, 8) == Rounded{126, false});  // 126.5 -> 126
  CHECK(round_saturate(-257, 1, 8) == Rounded{-128, false});
  CHECK(round_saturate(-259, 1, 8) == Rounded{-128, true});
}

TEST_CASE("golden round_saturate: every small value, shift and width is as defined") {
  for (unsigned width = 2; width <= 8; ++width) {
    for (unsigned shift = 0; shift <= 10; ++shift) {
      for (int value = -1024; value <= 1024; ++value) {
        REQUIRE(round_saturate(value, shift, width) == by_definition(value, shift, width));
      }
    }
  }
}

TEST_CASE("golden round_saturate: random wide values are as defined") {
  aqpim::Random random(aqpim::test_seed(), "golden round_saturate");
  for (std::uint64_t i = 0; i < aqpim::test_iterations(20000); ++i) {
    const auto shift = static_cast<unsigned>(random.below(41));
    const auto width = static_cast<unsigned>(random.between(2, 40));
    // All magnitudes up to 2^61 are equally likely.
    const auto magnitude = static_cast<std::int64_t>(random.bits(random.below(62)));
    const std::int64_t value = random.chance(1, 2) ? magnitude : -magnitude;
    CAPTURE(value);
    CAPTURE(shift);
    CAPTURE(width);
    REQUIRE(round_saturate(value, shift, width) == by_definition(value, shift, width));
  }
}
