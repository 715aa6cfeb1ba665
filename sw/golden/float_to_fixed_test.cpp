// SPDX-License-Identifier: Apache-2.0
#include "sw/golden/float_to_fixed.h"

#include <doctest/doctest.h>

#include <bit>
#include <cmath>
#include <initializer_list>

namespace {

using aqpim::golden::Fixed;
using aqpim::golden::float_to_fixed;

// The number itself: a bfloat16 is the upper half of a float, a binary16 is decoded field by field.
double real_value(std::uint16_t bits, bool bfloat16) {
  if (bfloat16) return std::bit_cast<float>(static_cast<std::uint32_t>(bits) << 16);
  const double sign = (bits & 0x8000) != 0 ? -1.0 : 1.0;
  const int exponent = bits >> 10 & 31;
  const int stored = bits & 1023;
  if (exponent == 31) return stored != 0 ? std::nan("") : sign * INFINITY;
  if (exponent == 0) return sign * std::ldexp(stored, -24);
  return sign * std::ldexp(1024 + stored, exponent - 25);
}

Fixed by_definition(std::uint16_t bits, bool bfloat16, unsigned fraction, unsigned width) {
  const double value = real_value(bits, bfloat16);
  if (std::isnan(value)) return {0, true, false};
  const double highest = std::ldexp(1.0, static_cast<int>(width) - 1) - 1;
  const double rounded = std::nearbyint(std::ldexp(value, static_cast<int>(fraction)));
  const double clipped = std::fmin(std::fmax(rounded, -highest - 1), highest);
  return {static_cast<std::int32_t>(clipped), std::isinf(value), clipped != rounded};
}

}  // namespace

TEST_CASE("golden float_to_fixed: all 65,536 bit patterns of both formats are as defined") {
  for (const bool bfloat16 : {false, true}) {
    for (const unsigned fraction : {0u, 4u, 8u, 11u, 15u, 23u, 30u}) {
      for (const unsigned width : {8u, 12u}) {
        for (unsigned bits = 0; bits < 65536; ++bits) {
          const auto pattern = static_cast<std::uint16_t>(bits);
          const Fixed fixed = float_to_fixed(pattern, bfloat16, fraction, width);
          if (!(fixed == by_definition(pattern, bfloat16, fraction, width))) {
            CAPTURE(bits);
            CAPTURE(bfloat16);
            CAPTURE(fraction);
            CAPTURE(width);
            FAIL("got ", fixed.value);
          }
        }
      }
    }
  }
}

TEST_CASE("golden float_to_fixed: subnormals are exact as long as the fraction holds them") {
  CHECK(float_to_fixed(0x0001, false, 24, 12) == Fixed{1, false, false});  // 2^-24
  CHECK(float_to_fixed(0x83ff, false, 24, 12) == Fixed{-1023, false, false});
  CHECK(float_to_fixed(0x0001, false, 23, 12) == Fixed{0, false, false});  // a tie, to even
  CHECK(float_to_fixed(0x0003, false, 23, 12) == Fixed{2, false, false});  // 1.5, to even
  CHECK(float_to_fixed(0x007f, true, 30, 12) == Fixed{0, false, false});   // below 2^-126
}

TEST_CASE("golden float_to_fixed: overflow saturates, infinity is reported too, NaN gives zero") {
  CHECK(float_to_fixed(0x7bff, false, 4, 12) == Fixed{2047, false, true});
  CHECK(float_to_fixed(0xfbff, false, 4, 12) == Fixed{-2048, false, true});
  CHECK(float_to_fixed(0x7c00, false, 4, 12) == Fixed{2047, true, true});
  CHECK(float_to_fixed(0xfc00, false, 4, 12) == Fixed{-2048, true, true});
  CHECK(float_to_fixed(0x7f80, true, 4, 12) == Fixed{2047, true, true});
  CHECK(float_to_fixed(0xff80, true, 4, 12) == Fixed{-2048, true, true});
  CHECK(float_to_fixed(0x7c01, false, 4, 12) == Fixed{0, true, false});
  CHECK(float_to_fixed(0xffc0, true, 4, 12) == Fixed{0, true, false});
  // 128 = 2^7 just misses s(8).4, its negative just fits.
  CHECK(float_to_fixed(0x5800, false, 4, 12) == Fixed{2047, false, true});
  CHECK(float_to_fixed(0xd800, false, 4, 12) == Fixed{-2048, false, false});
}
