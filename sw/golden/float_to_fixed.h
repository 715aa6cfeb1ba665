// SPDX-License-Identifier: Apache-2.0
//
// Conversion of a query element on entry; twin of rtl/engine/pq_float_to_fixed.sv.
#pragma once

#include <cstdint>

namespace aqpim::golden {

struct Fixed {
  std::int32_t value = 0;
  bool nonfinite = false;  // NaN or infinity
  bool saturated = false;

  bool operator==(const Fixed&) const = default;
};

// `bits` is an IEEE binary16 (s e5 m10) or, with `bfloat16`, a bfloat16 (s e8 m7), subnormals
// included. value = x · 2^fraction, rounded to nearest even, clipped to the signed range of `width`
// bits. NaN gives 0 and is not saturated; infinity gives the end of the range. fraction 0 … 30,
// width 2 … 31.
Fixed float_to_fixed(std::uint16_t bits, bool bfloat16, unsigned fraction, unsigned width);

}  // namespace aqpim::golden
