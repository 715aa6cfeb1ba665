// SPDX-License-Identifier: Apache-2.0
//
// Raw tokens as CLUSTER and LOAD take them: a slice of the channels of many tokens.
// docs/architecture.md §4.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "sw/config/config.h"

namespace aqpim::system {

// Raw tokens and centroids are integers · 2^−8: the table fraction of CONTROL for them.
inline constexpr unsigned kRawFraction = 8;

// Tokens first … last − 1.
struct Range {
  std::size_t first = 0;
  std::size_t last = 0;

  bool operator==(const Range&) const = default;
  std::size_t size() const { return last - first; }
};

// Contiguous shares of n tokens, as even as can be.
inline Range share_of(std::size_t part, std::size_t parts, std::size_t n) {
  return {part * n / parts, (part + 1) * n / parts};
}

class Slice {
 public:
  // Slice `index` of `tokens` [n, D]; both must outlive this.
  Slice(std::span<const std::uint16_t> tokens, std::size_t index,
        const config::EngineConfig& engine);

  // The words of LOAD for the start of the clustering: tokens ⌊c·n/K⌋.
  std::vector<std::uint8_t> start() const;

  // The words of CLUSTER: whole groups of tokens, filled up with tokens of weight 0.
  std::vector<std::uint8_t> stream(Range range, std::span<const std::uint8_t> weights) const;

  // Tokens of that stream.
  std::size_t padded_tokens(Range range) const;

  // Codes [n, sub-spaces of the slice] that a pass assigns which begins with these words of LOAD.
  std::vector<std::uint8_t> codes(std::span<const std::uint8_t> load) const;

  // Puts the slice's stored elements [K, channels of the slice] into a codebook [K, D].
  void put(std::span<const std::uint8_t> elements, std::span<std::uint8_t> codebook) const;

 private:
  std::uint16_t element(std::size_t token, std::size_t channel) const {
    return tokens_[token * engine_.head_dim + first_channel_ + channel];
  }
  void append(std::vector<std::uint8_t>& bytes, std::size_t token) const;
  std::int32_t fixed(std::uint16_t half) const;

  const config::EngineConfig& engine_;
  std::span<const std::uint16_t> tokens_;
  std::size_t first_channel_;
  std::size_t n_;
};

}  // namespace aqpim::system
