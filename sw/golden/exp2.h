// SPDX-License-Identifier: Apache-2.0
//
// Powers of two by a table of eight 12-bit values with linear interpolation; twin of
// rtl/engine/pq_exp2.sv.
#pragma once

#include <cstdint>

namespace aqpim::golden {

// The weight 2^(argument / 2^fraction), u0.weight_width, for argument ≤ 0. 1.0 becomes the largest
// weight, 1 − 2^−weight_width. fraction 0 … 8, weight_width 8 … 14.
// Error: at most 2^−(weight_width + 1) + 0.11 % of the weight, apart from 1.0.
std::uint32_t exp2(std::int32_t argument, unsigned fraction, unsigned weight_width);

}  // namespace aqpim::golden
