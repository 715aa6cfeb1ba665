// SPDX-License-Identifier: Apache-2.0
//
// The integer maximum of a tile; twin of the maximum in rtl/engine/pq_softmax.sv.
#pragma once

#include <cstdint>
#include <span>

namespace aqpim::golden {

// ceil(largest score / 2^fraction). An empty tile counts as one lowest score, −2^(score_width − 1).
std::int32_t maximum(std::span<const std::int32_t> scores, unsigned fraction, unsigned score_width);

}  // namespace aqpim::golden
