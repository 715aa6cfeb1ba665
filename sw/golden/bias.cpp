// SPDX-License-Identifier: Apache-2.0
#include "sw/golden/bias.h"

#include <algorithm>

namespace aqpim::golden {

void Bias::write(std::size_t first, std::span<const std::int16_t> values) {
  std::ranges::copy(values, biases_.begin() + static_cast<std::ptrdiff_t>(first));
}

std::int16_t Bias::next(unsigned run) {
  const std::size_t token = token_++;
  return run == 0 ? std::int16_t{0} : biases_.at(token / run);
}

}  // namespace aqpim::golden
