// SPDX-License-Identifier: Apache-2.0
#include "sw/golden/weight_bound.h"

#include <algorithm>

namespace aqpim::golden {

void WeightBound::add(std::span<const std::uint32_t> weights, std::int32_t maximum) {
  // An empty bound has no maximum yet, and stays empty under any.
  if (value_ != 0) value_ >>= std::min(maximum - maximum_, 31);
  for (const std::uint32_t weight : weights) value_ += weight + 1;
  maximum_ = maximum;
}

unsigned WeightBound::coarse(unsigned bucket_width) const {
  unsigned coarse = 0;
  while ((value_ + (value_ >> 5)) >> (bucket_width + coarse) != 0) ++coarse;
  return coarse;
}

}  // namespace aqpim::golden
