// SPDX-License-Identifier: Apache-2.0
#include "sw/cache/half.h"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>

namespace {

using namespace aqpim::cache;

constexpr unsigned kPatterns = 1u << 16;

bool is_nan_pattern(unsigned bits, unsigned infinity) { return (bits & 0x7fffu) > infinity; }

}  // namespace

TEST_CASE("half: every bit pattern survives decoding and encoding") {
  for (unsigned bits = 0; bits < kPatterns; ++bits) {
    const auto pattern = static_cast<std::uint16_t>(bits);
    if (is_nan_pattern(bits, 0x7c00)) {
      CHECK(std::isnan(from_half(pattern)));
    } else if (to_half(from_half(pattern)) != pattern) {
      FAIL("binary16 ", bits);
    }
    if (is_nan_pattern(bits, 0x7f80)) {
      CHECK(std::isnan(from_bfloat16(pattern)));
    } else if (to_bfloat16(from_bfloat16(pattern)) != pattern) {
      FAIL("bfloat16 ", bits);
    }
  }
  CHECK(std::isnan(from_half(to_half(std::numeric_limits<double>::quiet_NaN()))));
}

TEST_CASE("half: values between two neighbours go to the nearer one, ties to the even one") {
  for (unsigned bits = 0; bits < 0x7bff; ++bits) {
    const double low = from_half(static_cast<std::uint16_t>(bits));
    const double high = from_half(static_cast<std::uint16_t>(bits + 1));
    const double middle = (low + high) / 2;
    const unsigned even = bits % 2 == 0 ? bits : bits + 1;
    const bool right = to_half(middle) == even && to_half(-middle) == (even | 0x8000u) &&
                       to_half(std::nextafter(middle, low)) == bits &&
                       to_half(std::nextafter(middle, high)) == bits + 1;
    if (!right) FAIL("binary16 ", bits);
  }
}

TEST_CASE("half: overflow gives infinity from half a step above the largest value") {
  CHECK(to_half(65519.99) == 0x7bff);
  CHECK(to_half(65520.0) == 0x7c00);
  CHECK(to_half(-1e30) == 0xfc00);
  CHECK(to_half(std::numeric_limits<double>::infinity()) == 0x7c00);
  CHECK(to_bfloat16(kLargestBfloat16) == 0x7f7f);
  CHECK(to_bfloat16(1e39) == 0x7f80);
}

TEST_CASE("half: subnormals and zeros") {
  CHECK(from_half(0x0001) == std::ldexp(1.0, -24));
  CHECK(to_half(std::ldexp(1.0, -25)) == 0);
  CHECK(to_half(std::ldexp(1.5, -25)) == 1);
  CHECK(to_half(-0.0) == 0x8000);
  CHECK(to_half(5e-324) == 0);
}

TEST_CASE("half: round_to_half holds what would overflow") {
  CHECK(round_to_half(1e9) == 65504.0);
  CHECK(round_to_half(-65519.0) == -65504.0);
  CHECK(round_to_half(1.0 + 0x1p-12) == 1.0);
}
