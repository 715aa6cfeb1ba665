// SPDX-License-Identifier: Apache-2.0
//
// Sum of a token's table entries; twin of rtl/engine/pq_score_sum.sv.
#pragma once

#include <cstdint>
#include <span>

namespace aqpim::golden {

// Σ entries, one per sub-space; exact. Fraction F, as the entries.
std::int64_t score_sum(std::span<const std::int32_t> entries);

}  // namespace aqpim::golden
