// SPDX-License-Identifier: Apache-2.0
//
// The 8-bit minifloat of the value codebooks: bits s eee mmmm stand for
// (−1)^s · (e ? 16 + m : m) · 2^(max(e, 1) − 1), integers −1984 … 1984 times the codebook's scale.
// No infinity, no NaN. Spec quantization.md §2.
#pragma once

#include <cstdint>

namespace aqpim::golden {

// value = (−1)^negative · mantissa · 2^power
struct E3m4 {
  bool negative = false;
  std::uint32_t mantissa = 0;  // 5 bit
  std::uint32_t power = 0;     // 0 … 6

  bool operator==(const E3m4&) const = default;
};

E3m4 unpack_e3m4(std::uint8_t byte);

std::int32_t e3m4(std::uint8_t byte);

}  // namespace aqpim::golden
