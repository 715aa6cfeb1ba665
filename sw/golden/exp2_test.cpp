// SPDX-License-Identifier: Apache-2.0
#include "sw/golden/exp2.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>

namespace {

// All arguments that differences of 16-bit scores can have.
constexpr std::int32_t kLowest = -(1 << 17);

// The interpolated table in real numbers.
double by_definition(std::int32_t argument, unsigned fraction, unsigned weight_width) {
  const double real = std::ldexp(argument, -static_cast<int>(fraction));
  const double whole = std::floor(real);
  const auto base = [](double eighths) {
    return std::round(4096.0 * (std::exp2(eighths / 8.0) - 1.0));
  };
  const double eighths = std::floor((real - whole) * 8.0);
  const double between = (real - whole) * 8.0 - eighths;
  const double mantissa =
      1.0 + (base(eighths) + (base(eighths + 1) - base(eighths)) * between) / 4096.0;
  const double largest = std::ldexp(1.0, static_cast<int>(weight_width)) - 1;
  return std::min(std::nearbyint(std::ldexp(mantissa, static_cast<int>(weight_width + whole))),
                  largest);
}

}  // namespace

TEST_CASE("golden exp2: every argument is as defined, and within 0.11 % and half a step of 2^x") {
  for (const unsigned weight_width : {8u, 12u, 14u}) {
    for (const unsigned fraction : {4u, 6u, 8u}) {
      std::uint32_t previous = 0;
      for (std::int32_t argument = kLowest; argument <= 0; ++argument) {
        const std::uint32_t weight = aqpim::golden::exp2(argument, fraction, weight_width);
        const double exact =
            std::ldexp(std::exp2(std::ldexp(argument, -static_cast<int>(fraction))),
                       static_cast<int>(weight_width));
        // 1.0 itself saturates, and so loses one step.
        const double allowed = 0.0011 * exact + (argument == 0 ? 1.0 : 0.5);
        const bool good = weight == by_definition(argument, fraction, weight_width) &&
                          std::abs(weight - exact) <= allowed && weight >= previous;
        if (!good) {
          CAPTURE(weight_width);
          CAPTURE(fraction);
          CAPTURE(argument);
          FAIL("got ", weight, ", exact is ", exact);
        }
        previous = weight;
      }
    }
  }
}

TEST_CASE("golden exp2: whole arguments give powers of two, 1.0 gives the largest weight") {
  for (unsigned weight_width = 8; weight_width <= 14; ++weight_width) {
    CHECK(aqpim::golden::exp2(0, 8, weight_width) == (1u << weight_width) - 1);
    for (int k = 1; k <= static_cast<int>(weight_width); ++k) {
      CHECK(aqpim::golden::exp2(-256 * k, 8, weight_width) == 1u << (weight_width - k));
    }
  }
}

TEST_CASE("golden exp2: far below the maximum the weight is exactly zero") {
  // A half is a tie and goes to the even zero.
  CHECK(aqpim::golden::exp2(-256 * 15, 8, 14) == 0);
  CHECK(aqpim::golden::exp2(-256 * 15 + 1, 8, 14) == 1);
  for (int k = 15; k < 512; ++k) CHECK(aqpim::golden::exp2(-256 * k, 8, 14) == 0);
}
