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
#include <span>
#include <vector>

namespace aqpim::quantize {

class Backend {
 public:
  virtual ~Backend() = default;

  // The stored codebook [K, D] of n ≥ 1 raw tokens with u8 weights [n] ≥ 1: weighted k-means per
  // sub-space, started from tokens ⌊c·n/K⌋, rounded to the stored format of keys or `values`.
  virtual std::vector<std::uint8_t> cluster(std::span<const std::uint16_t> tokens,
                                            std::span<const std::uint8_t> weights, bool values) = 0;

  // Codes [n, M] of n raw tokens: the nearest centroid of the stored codebook [K, D], the lowest
  // index wins a tie.
  virtual std::vector<std::uint8_t> encode(std::span<const std::uint16_t> tokens,
                                           std::span<const std::uint8_t> codebook, bool values) = 0;

 protected:
  Backend() = default;
  Backend(const Backend&) = default;
  Backend& operator=(const Backend&) = default;
};

}  // namespace aqpim::quantize
