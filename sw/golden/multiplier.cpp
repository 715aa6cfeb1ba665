// SPDX-License-Identifier: Apache-2.0
#include "sw/golden/multiplier.h"

namespace aqpim::golden {

std::int32_t multiplier(const MultiplierOperands& operands) {
  const std::int64_t part0 = std::int64_t{operands.low} * operands.digit0;
  const std::int64_t part1 = std::int64_t{operands.high} * operands.digit1;
  return static_cast<std::int32_t>(part0 + part1 * (operands.combine ? 1 << 13 : 1 << 5));
}

MultiplierOperands table_operands(std::int32_t query, std::int8_t element) {
  return {.combine = false,
          .low = query,
          .high = query,
          .digit0 = element & 31,
          .digit1 = element >> 5};
}

MultiplierOperands combine_operands(std::uint32_t bucket, std::uint32_t mantissa) {
  const auto digit = static_cast<std::int32_t>(mantissa);
  return {.combine = true,
          .low = static_cast<std::int32_t>(bucket & 0x1fff),
          .high = static_cast<std::int32_t>(bucket >> 13),
          .digit0 = digit,
          .digit1 = digit};
}

MultiplierOperands square_operands(std::int32_t difference) {
  return {.combine = false,
          .low = difference,
          .high = difference,
          .digit0 = difference & 31,
          .digit1 = difference >> 5};
}

MultiplierOperands weigh_operands(std::int32_t element, std::uint32_t weight) {
  return {.combine = false,
          .low = element,
          .high = element,
          .digit0 = static_cast<std::int32_t>(weight & 31),
          .digit1 = static_cast<std::int32_t>(weight >> 5)};
}

}  // namespace aqpim::golden
