// SPDX-License-Identifier: Apache-2.0
//
// The output accumulators; twin of rtl/engine/pq_output_lane.sv.
#pragma once

#include <cstdint>

namespace aqpim::golden {

// sum + value, or `value` alone with `load`. Exact: what a tile's weights can cause fits
// OutputWidth.
constexpr std::int64_t output_accumulate(std::int64_t sum, std::int64_t value, bool load) {
  return (load ? 0 : sum) + value;
}

}  // namespace aqpim::golden
