// SPDX-License-Identifier: Apache-2.0
#include "sw/golden/score.h"

namespace aqpim::golden {

Rounded score(std::int64_t sum, std::int16_t bias, unsigned extra, unsigned score_width) {
  return round_saturate(sum + (std::int64_t{bias} << extra), extra, score_width);
}

}  // namespace aqpim::golden
