// SPDX-License-Identifier: Apache-2.0
//
// The 8-bit formats in which codebooks are stored.
//
//   K  int8 × one real scale per sub-space: the largest magnitude is 127, nothing clips
//   V  E3M4: bits s eee mmmm, value (−1)^s · (e ? 16 + m : m) · 2^(max(e, 1) − 1), integers
//      −1984 … 1984, × one real scale per sub-space; no infinity, no NaN, −0 never produced
//
// docs/architecture.md §5.
#pragma once

#include <cstdint>

namespace aqpim::cache {

inline constexpr int kLargestInt8 = 127;
inline constexpr int kLargestMinifloat = 1984;

// The real scale that makes `largest`, a magnitude, the largest stored number, 127 of keys or 1984
// of `values`; 0 for 0.
float stored_scale(double largest, bool values);

// value/scale rounded to nearest even, held at ±127; 0 if the scale is 0.
std::int8_t encode_int8(double value, float scale);

// Integer value of an E3M4 byte, −1984 … 1984.
int decode_minifloat(std::uint8_t byte);

// E3M4 byte nearest to `value` (in units of the scale), ties to the even mantissa, held at ±1984.
std::uint8_t encode_minifloat(double value);

}  // namespace aqpim::cache
