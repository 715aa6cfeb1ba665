// SPDX-License-Identifier: Apache-2.0
#include "sw/golden/e3m4.h"

namespace aqpim::golden {

E3m4 unpack_e3m4(std::uint8_t byte) {
  const std::uint32_t exponent = byte >> 4 & 7u;
  const std::uint32_t stored = byte & 15u;
  if (exponent == 0) return {(byte & 0x80) != 0, stored, 0};
  return {(byte & 0x80) != 0, 16 + stored, exponent - 1};
}

std::int32_t e3m4(std::uint8_t byte) {
  const E3m4 parts = unpack_e3m4(byte);
  const auto magnitude = static_cast<std::int32_t>(parts.mantissa << parts.power);
  return parts.negative ? -magnitude : magnitude;
}

}  // namespace aqpim::golden
