// SPDX-License-Identifier: Apache-2.0
//
// The one place where the golden model rounds and saturates; twin of
// rtl/common/pq_round_saturate.sv.
#pragma once

#include <cstdint>

namespace aqpim::golden {

struct Rounded {
  std::int64_t value = 0;
  bool saturated = false;  // the rounded value did not fit

  bool operator==(const Rounded&) const = default;
};

// value / 2^shift, rounded to nearest (ties to even), clipped to the signed range of `width` bits.
// shift 0 … 62, width 2 … 63.
Rounded round_saturate(std::int64_t value, unsigned shift, unsigned width);

}  // namespace aqpim::golden
