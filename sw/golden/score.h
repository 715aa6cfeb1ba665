// SPDX-License-Identifier: Apache-2.0
//
// From a token's sum to its score; twin of rtl/engine/pq_score.sv.
#pragma once

#include <cstdint>

#include "sw/golden/round_saturate.h"

namespace aqpim::golden {

// round_saturate(sum + bias · 2^extra, extra, score_width). The sum has `extra` fraction bits more
// than bias and score.
Rounded score(std::int64_t sum, std::int16_t bias, unsigned extra, unsigned score_width);

}  // namespace aqpim::golden
