// SPDX-License-Identifier: Apache-2.0
//
// IEEE binary16 and bfloat16 bit patterns to and from double.
//
// Rounding is to nearest, ties to even, straight from double (no double rounding through float);
// subnormals are exact; overflow gives infinity; NaN stays NaN.
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>

namespace aqpim::cache {

// Largest finite values of binary16 and bfloat16.
inline constexpr double kLargestHalf = 65504.0;
inline constexpr double kLargestBfloat16 = 0x1.FEp127;

namespace detail {

// A binary floating-point format of 16 bits: 1 sign, `exponent_bits`, `fraction_bits`.
struct Float16Format {
  int exponent_bits;
  int fraction_bits;
  constexpr int bias() const { return (1 << (exponent_bits - 1)) - 1; }
  constexpr int largest_exponent() const { return (1 << exponent_bits) - 1; }
};

inline constexpr Float16Format kBinary16{5, 10};
inline constexpr Float16Format kBfloat16{8, 7};

inline std::uint16_t encode_float16(double value, Float16Format format) {
  const std::uint16_t sign = std::signbit(value) ? 0x8000u : 0u;
  const std::uint16_t infinity =
      static_cast<std::uint16_t>(format.largest_exponent() << format.fraction_bits);
  if (std::isnan(value)) {
    return static_cast<std::uint16_t>(sign | infinity | (1u << (format.fraction_bits - 1)));
  }
  if (std::isinf(value)) return sign | infinity;
  if (value == 0.0) return sign;
  const double magnitude = std::fabs(value);
  int exponent = std::ilogb(magnitude);
  if (exponent < 1 - format.bias()) exponent = 1 - format.bias();
  if (exponent > format.bias()) return sign | infinity;
  // In units of the last place: an integer below 2^(fraction_bits + 1), or just at it after
  // rounding. Adding it to the exponent field lets that carry into the exponent.
  const double units = std::nearbyint(std::ldexp(magnitude, format.fraction_bits - exponent));
  const int field = (exponent + format.bias() - 1) * (1 << format.fraction_bits);
  return static_cast<std::uint16_t>(sign |
                                    static_cast<std::uint16_t>(field + static_cast<int>(units)));
}

inline double decode_float16(std::uint16_t bits, Float16Format format) {
  const int exponent = (bits >> format.fraction_bits) & format.largest_exponent();
  const int fraction = bits & ((1 << format.fraction_bits) - 1);
  const double sign = (bits & 0x8000u) ? -1.0 : 1.0;
  if (exponent == format.largest_exponent()) {
    return fraction != 0 ? std::numeric_limits<double>::quiet_NaN()
                         : sign * std::numeric_limits<double>::infinity();
  }
  if (exponent == 0) return sign * std::ldexp(fraction, 1 - format.bias() - format.fraction_bits);
  return sign * std::ldexp(fraction + (1 << format.fraction_bits),
                           exponent - format.bias() - format.fraction_bits);
}

}  // namespace detail

// binary16 bits of `value`.
inline std::uint16_t to_half(double value) {
  return detail::encode_float16(value, detail::kBinary16);
}

// Value of binary16 bits.
inline double from_half(std::uint16_t bits) {
  return detail::decode_float16(bits, detail::kBinary16);
}

// bfloat16 bits of `value`.
inline std::uint16_t to_bfloat16(double value) {
  return detail::encode_float16(value, detail::kBfloat16);
}

// Value of bfloat16 bits.
inline double from_bfloat16(std::uint16_t bits) {
  return detail::decode_float16(bits, detail::kBfloat16);
}

// `value` rounded to binary16, held at ±65504 where it would overflow.
inline double round_to_half(double value) {
  if (value > kLargestHalf) return kLargestHalf;
  if (value < -kLargestHalf) return -kLargestHalf;
  return from_half(to_half(value));
}

}  // namespace aqpim::cache
