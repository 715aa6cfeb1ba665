// SPDX-License-Identifier: Apache-2.0
//
// The output accumulators; twin of rtl/engine/pq_output_lane.sv.
#pragma once

#include <cstdint>

namespace aqpim::golden {

// sum + value, or `value` alone with `load`. Exact: throws std::overflow_error if the result does
// not fit `output_width` bits signed, which a tile's weights cannot cause.
std::int64_t output_accumulate(std::int64_t sum, std::int64_t value, bool load,
                               unsigned output_width);

}  // namespace aqpim::golden
