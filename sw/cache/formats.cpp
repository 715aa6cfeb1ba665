// SPDX-License-Identifier: Apache-2.0
#include "sw/cache/formats.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace aqpim::cache {

namespace {

constexpr int kMantissaBits = 4;
constexpr int kMantissaSteps = 1 << kMantissaBits;
constexpr int kLargestExponentField = 7;
constexpr std::uint8_t kSignBit = 0x80;

}  // namespace

float stored_scale(double largest, bool values) {
  if (largest == 0.0) return 0.0f;
  // A magnitude too small for a normal float would lose the scale's precision; it is noise beside
  // any real vector.
  return std::max(static_cast<float>(largest / (values ? kLargestMinifloat : kLargestInt8)),
                  std::numeric_limits<float>::min());
}

std::int8_t encode_int8(double value, float scale) {
  if (scale == 0.0f) return 0;
  const double units = std::nearbyint(value / static_cast<double>(scale));
  return static_cast<std::int8_t>(
      std::clamp(units, -static_cast<double>(kLargestInt8), static_cast<double>(kLargestInt8)));
}

int decode_minifloat(std::uint8_t byte) {
  const int exponent = (byte >> kMantissaBits) & kLargestExponentField;
  const int mantissa = byte & (kMantissaSteps - 1);
  const int significand = exponent != 0 ? kMantissaSteps + mantissa : mantissa;
  const int magnitude = significand << (std::max(exponent, 1) - 1);
  return (byte & kSignBit) != 0 ? -magnitude : magnitude;
}

std::uint8_t encode_minifloat(double value) {
  const double magnitude = std::min(std::fabs(value), static_cast<double>(kLargestMinifloat));
  // Significands are 16 … 31 shifted by e − 1, or 0 … 15 below: find the shift, then round.
  int shift = 0;
  while (shift < kLargestExponentField - 1 &&
         magnitude >= static_cast<double>(2 * kMantissaSteps << shift)) {
    ++shift;
  }
  int significand = static_cast<int>(std::nearbyint(std::ldexp(magnitude, -shift)));
  if (significand == 2 * kMantissaSteps && shift < kLargestExponentField - 1) {
    significand = kMantissaSteps;
    ++shift;
  }
  const int field = significand < kMantissaSteps ? 0 : shift + 1;
  const int byte = (field << kMantissaBits) | (significand & (kMantissaSteps - 1));
  const bool negative = value < 0.0 && significand != 0;
  return static_cast<std::uint8_t>(byte | (negative ? kSignBit : 0));
}

}  // namespace aqpim::cache
