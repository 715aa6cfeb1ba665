// SPDX-License-Identifier: Apache-2.0
//
// The FP16 unit of the area comparison in the compiler's binary16 arithmetic. An area counts only
// if the unit computes.
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>

#include "tb/common/random.h"

namespace aqpim::tb::unit {

inline _Float16 number(std::uint16_t bits) { return std::bit_cast<_Float16>(bits); }

// What the unit makes of a result: small ones are zero, NaN is infinity.
inline std::uint16_t stored(_Float16 value, bool negative) {
  const auto wide = static_cast<float>(value);
  const std::uint16_t sign = negative ? 0x8000 : 0;
  if (std::isnan(wide) || std::isinf(wide)) return sign | 0x7c00;
  if (std::fabs(wide) < 0x1p-14f) return sign;
  return std::bit_cast<std::uint16_t>(value);
}

// Numbers below 2^-14 count as zero.
inline _Float16 flushed(std::uint16_t bits) {
  return number((bits & 0x7c00) == 0 ? static_cast<std::uint16_t>(bits & 0x8000) : bits);
}

inline bool finite(std::uint16_t bits) { return (bits & 0x7c00) != 0x7c00; }

inline std::uint16_t product(std::uint16_t a, std::uint16_t b) {
  const bool negative = ((a ^ b) & 0x8000) != 0;
  if (!finite(a) || !finite(b)) return (negative ? 0x8000 : 0) | 0x7c00;
  return stored(flushed(a) * flushed(b), negative);
}

inline std::uint16_t sum(std::uint16_t a, std::uint16_t b) {
  const bool a_larger = (a & 0x7fff) >= (b & 0x7fff);
  // Opposite numbers cancel to +0, opposite infinities to +infinity.
  const bool cancels = (a ^ b) == 0x8000;
  const auto sign = static_cast<std::uint16_t>(cancels ? 0 : (a_larger ? a : b) & 0x8000);
  if (!finite(a) || !finite(b)) return sign | 0x7c00;
  const auto value = static_cast<_Float16>(flushed(a) + flushed(b));
  return stored(value, value < 0);
}

// Any bits, close exponents, ends of the range.
inline std::uint16_t operand(Random& random) {
  auto bits = static_cast<std::uint16_t>(random.bits(16));
  if (random.chance(1, 2))
    bits = static_cast<std::uint16_t>((bits & 0x83ff) | 0x3c00 | (bits & 0x400));
  if (random.chance(1, 16)) bits |= 0x03ff;
  if (random.chance(1, 16)) bits &= 0xfc00;
  return bits;
}

}  // namespace aqpim::tb::unit
