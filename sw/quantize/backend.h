// SPDX-License-Identifier: Apache-2.0
//
// What clusters and encodes: plain software, the golden engine, or the RTL. All give the same
// bytes.
//
// Raw tokens are what the host writes into the bank: binary16, [n, D], transformed, centred and
// scaled per sub-space so that x · 2^8 rounds to a signed 12-bit integer: at most the largest
// stored number, 127 · 16 of keys or 1984 of values, for tokens before P (side.h).
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

namespace aqpim::quantize {

struct Backend {
  // The stored codebook [K, D] of n ≥ 1 raw tokens with u8 weights [n] ≥ 1: weighted k-means per
  // sub-space, started from tokens ⌊c·n/K⌋, rounded to the stored format of keys or `values`.
  std::function<std::vector<std::uint8_t>(std::span<const std::uint16_t> tokens,
                                          std::span<const std::uint8_t> weights, bool values)>
      cluster;

  // Codes [n, M] of n raw tokens: the nearest centroid of the stored codebook [K, D], the lowest
  // index wins a tie.
  std::function<std::vector<std::uint8_t>(std::span<const std::uint16_t> tokens,
                                          std::span<const std::uint8_t> codebook, bool values)>
      encode;
};

}  // namespace aqpim::quantize
