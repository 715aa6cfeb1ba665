// SPDX-License-Identifier: Apache-2.0
#include "sw/golden/score_sum.h"

#include <numeric>

namespace aqpim::golden {

std::int64_t score_sum(std::span<const std::int32_t> entries) {
  return std::accumulate(entries.begin(), entries.end(), std::int64_t{0});
}

}  // namespace aqpim::golden
