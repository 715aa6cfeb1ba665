// SPDX-License-Identifier: Apache-2.0
#include "sw/golden/exp2.h"

#include <algorithm>
#include <array>

#include "sw/golden/round_saturate.h"

namespace aqpim::golden {
namespace {

// round(4096 · (2^(i/8) − 1))
constexpr std::array<std::int32_t, 9> kBase = {0, 371, 775, 1216, 1697, 2221, 2793, 3416, 4096};

}  // namespace

std::uint32_t exp2(std::int32_t argument, unsigned fraction, unsigned weight_width) {
  const std::int32_t whole = argument >> fraction;
  const std::int32_t rest = (argument - whole * (1 << fraction)) << (8 - fraction);
  const auto index = static_cast<std::size_t>(rest >> 5);
  const std::int32_t slope = kBase[index + 1] - kBase[index];
  const std::int32_t mantissa = ((4096 + kBase[index]) << 5) + slope * (rest & 31);  // u1.17

  // From 31 on every mantissa vanishes.
  const std::int32_t shift = std::min(17 - static_cast<std::int32_t>(weight_width) - whole, 31);
  return static_cast<std::uint32_t>(
      round_saturate(mantissa, static_cast<unsigned>(shift), weight_width + 1).value);
}

}  // namespace aqpim::golden
