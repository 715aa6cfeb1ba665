// SPDX-License-Identifier: Apache-2.0
//
// The reducer: partial sums of a slice, from any number of engines and chunks of tokens, become the
// next centroids; twin of rtl/channel/pq_reducer.sv.
//
//   μ = Σ_parts Σx / Σ_parts Σw, rounded to nearest, ties to even; Σw = 0 keeps the old μ
//
// Sums are integers, so the result does not depend on how tokens were spread over the parts.
// Method: the update of AQPIM's weighted k-means (arXiv 2604.18137).
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "sw/config/config.h"

namespace aqpim::golden {

// The largest number of parts that the sums' widths hold.
inline constexpr unsigned kMostParts = 256;

// sum / weight, rounded to nearest, ties to even; `weight` > 0, and the result fits 32 bits.
// Twin of rtl/channel/pq_divider.sv.
std::int32_t mean(std::int64_t sum, std::int64_t weight);

// Twins of rtl/channel/pq_centroid_format.sv:
//
// The stored byte of a centroid element: round_saturate(value / 16) as int8 for keys, the nearest
// E3M4 (ties to the even mantissa, held at ±1984) for values. `value` is signed 12 bit.
std::uint8_t store_element(std::int32_t value, bool values);

// binary16 bits of value · 2^−8, exact for signed 12 bit: how centroids travel to LOAD.
std::uint16_t centroid_half(std::int32_t value);

struct Reduced {
  std::vector<std::uint8_t> centroids;  // the words of the next LOAD, K · SliceWords
  std::vector<std::uint8_t> codebook;   // stored elements [K, slice channels]

  bool operator==(const Reduced&) const = default;
};

// `partials`: what UNLOAD gave, one per part (1 … kMostParts), of an engine that can cluster; old
// centroids are those of the last part. Throws std::invalid_argument if one has not K records, or
// if there are none or too many.
Reduced reduce(std::span<const std::vector<std::uint8_t>> partials,
               const config::EngineConfig& engine, bool values);

}  // namespace aqpim::golden
