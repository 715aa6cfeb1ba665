// SPDX-License-Identifier: Apache-2.0
#include "sw/golden/float_to_fixed.h"

#include <algorithm>

#include "sw/golden/round_saturate.h"

namespace aqpim::golden {

Fixed float_to_fixed(std::uint16_t bits, bool bfloat16, unsigned fraction, unsigned width) {
  const int mantissa_bits = bfloat16 ? 7 : 10;
  const int largest_exponent = bfloat16 ? 255 : 31;
  const int bias = bfloat16 ? 127 : 15;

  const bool negative = (bits >> 15) != 0;
  const int exponent = (bits & 0x7fff) >> mantissa_bits;
  const std::int64_t stored = bits & ((1 << mantissa_bits) - 1);

  if (exponent == largest_exponent && stored != 0) return {0, true, false};
  if (exponent == largest_exponent) {
    const std::int32_t highest = (std::int32_t{1} << (width - 1)) - 1;
    return {negative ? -highest - 1 : highest, true, true};
  }

  // x · 2^fraction = magnitude · 2^power
  const bool subnormal = exponent == 0;
  const std::int64_t magnitude = subnormal ? stored : stored + (std::int64_t{1} << mantissa_bits);
  const int power = std::max(exponent, 1) - bias - mantissa_bits + static_cast<int>(fraction);
  // From 2^40 on everything but zero saturates; below 2^-40 everything vanishes.
  const int bounded = std::clamp(power, -40, 40);
  const std::int64_t value =
      (negative ? -magnitude : magnitude) * (std::int64_t{1} << std::max(bounded, 0));
  const Rounded rounded =
      round_saturate(value, static_cast<unsigned>(std::max(-bounded, 0)), width);
  return {static_cast<std::int32_t>(rounded.value), false, rounded.saturated};
}

}  // namespace aqpim::golden
