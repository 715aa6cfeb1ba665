// SPDX-License-Identifier: Apache-2.0
#include "sw/golden/maximum.h"

#include <algorithm>

namespace aqpim::golden {

std::int32_t maximum(std::span<const std::int32_t> scores, unsigned fraction,
                     unsigned score_width) {
  std::int32_t largest = -(std::int32_t{1} << (score_width - 1));
  for (const std::int32_t score : scores) largest = std::max(largest, score);
  // An arithmetic shift rounds down.
  return -(-largest >> fraction);
}

}  // namespace aqpim::golden
