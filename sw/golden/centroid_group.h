// SPDX-License-Identifier: Apache-2.0
//
// What the multipliers of one sub-space make of a centroid; twin of
// rtl/engine/pq_centroid_group.sv.
#pragma once

#include <cstdint>
#include <span>

#include "sw/golden/round_saturate.h"

namespace aqpim::golden {

// TABLE: round_saturate(Σ query · element, shift, entry_width). `query` has fraction F + shift, the
// entry F. Shapes: SubDim elements each.
Rounded table_entry(std::span<const std::int32_t> query, std::span<const std::int8_t> elements,
                    unsigned shift, unsigned entry_width);

// COMBINE: bucket · e3m4(element), exact. bucket: unsigned, up to 26 bits.
std::int64_t weighted_element(std::uint32_t bucket, std::uint8_t element);

// ENCODE, CLUSTER: Σ (vector − centroid)², exact. Elements signed 12 bit, SubDim each.
std::uint32_t squared_distance(std::span<const std::int32_t> vector,
                               std::span<const std::int32_t> centroid);

// CLUSTER: element · weight, exact. element: signed 12 bit; weight: unsigned 8 bit.
std::int32_t weighted_token(std::int32_t element, std::uint32_t weight);

}  // namespace aqpim::golden
