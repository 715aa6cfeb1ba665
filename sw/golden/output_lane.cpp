// SPDX-License-Identifier: Apache-2.0
#include "sw/golden/output_lane.h"

#include <stdexcept>

namespace aqpim::golden {

std::int64_t output_accumulate(std::int64_t sum, std::int64_t value, bool load,
                               unsigned output_width) {
  const std::int64_t result = (load ? 0 : sum) + value;
  const std::int64_t limit = std::int64_t{1} << (output_width - 1);
  if (result < -limit || result >= limit) {
    throw std::overflow_error("an output does not fit its width");
  }
  return result;
}

}  // namespace aqpim::golden
