// SPDX-License-Identifier: Apache-2.0
#include "sw/golden/round_saturate.h"

namespace aqpim::golden {

Rounded round_saturate(std::int64_t value, unsigned shift, unsigned width) {
  const std::int64_t floor = value >> shift;
  const std::int64_t rest = value - (floor << shift);
  const std::int64_t half = shift == 0 ? 1 : std::int64_t{1} << (shift - 1);
  const bool odd = (floor & 1) != 0;
  const std::int64_t rounded = floor + (rest > half || (rest == half && odd) ? 1 : 0);

  const std::int64_t highest = (std::int64_t{1} << (width - 1)) - 1;
  const std::int64_t lowest = -highest - 1;
  if (rounded > highest) return {highest, true};
  if (rounded < lowest) return {lowest, true};
  return {rounded, false};
}

}  // namespace aqpim::golden
