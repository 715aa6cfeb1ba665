// SPDX-License-Identifier: Apache-2.0
#include "sw/system/slice.h"

#include <algorithm>

#include "sw/golden/float_to_fixed.h"
#include "sw/golden/nearest.h"

namespace aqpim::system {

Slice::Slice(std::span<const std::uint16_t> tokens, std::size_t index,
             const config::EngineConfig& engine)
    : engine_(engine),
      tokens_(tokens),
      first_channel_(index * engine.slice_channels()),
      n_(tokens.size() / engine.head_dim) {}

std::vector<std::uint8_t> Slice::start() const {
  std::vector<std::uint8_t> bytes;
  for (std::size_t c = 0; c < engine_.centroids(); ++c) append(bytes, c * n_ / engine_.centroids());
  return bytes;
}

std::vector<std::uint8_t> Slice::stream(Range range, std::span<const std::uint8_t> weights) const {
  const std::size_t block = engine_.word_bytes();
  const std::size_t padded = padded_tokens(range);
  std::vector<std::uint8_t> bytes;
  for (std::size_t begin = 0; begin < padded; begin += block) {
    for (std::size_t i = begin; i < begin + block; ++i) {
      bytes.push_back(i < range.size() ? weights[range.first + i] : 0);
    }
    for (std::size_t i = begin; i < std::min(begin + block, padded); ++i) {
      if (i < range.size()) {
        append(bytes, range.first + i);
      } else {
        bytes.resize(bytes.size() + 2 * engine_.slice_channels(), 0);
      }
    }
  }
  return bytes;
}

std::size_t Slice::padded_tokens(Range range) const {
  const std::size_t slots = engine_.token_slots();
  return (range.size() + slots - 1) / slots * slots;
}

std::vector<std::uint8_t> Slice::codes(std::span<const std::uint8_t> load) const {
  const std::size_t dim = engine_.sub_dim;
  const std::size_t channels = engine_.slice_channels();
  const std::size_t subspaces = engine_.slice_subspaces();
  std::vector<std::uint8_t> codes(n_ * subspaces);
  std::vector<std::int32_t> centroids(engine_.centroids() * dim);
  std::vector<std::int32_t> vector(dim);
  for (std::size_t s = 0; s < subspaces; ++s) {
    for (std::size_t c = 0; c < engine_.centroids(); ++c) {
      for (std::size_t i = 0; i < dim; ++i) {
        const std::size_t byte = 2 * (c * channels + s * dim + i);
        centroids[c * dim + i] =
            fixed(static_cast<std::uint16_t>(load[byte] | load[byte + 1] << 8));
      }
    }
    const golden::Nearest nearest(centroids, dim);
    for (std::size_t t = 0; t < n_; ++t) {
      for (std::size_t i = 0; i < dim; ++i) vector[i] = fixed(element(t, s * dim + i));
      codes[t * subspaces + s] = static_cast<std::uint8_t>(nearest(vector));
    }
  }
  return codes;
}

void Slice::put(std::span<const std::uint8_t> elements, std::span<std::uint8_t> codebook) const {
  const std::size_t channels = engine_.slice_channels();
  for (std::size_t c = 0; c < engine_.centroids(); ++c) {
    std::ranges::copy(elements.subspan(c * channels, channels),
                      codebook.subspan(c * engine_.head_dim + first_channel_).begin());
  }
}

void Slice::append(std::vector<std::uint8_t>& bytes, std::size_t token) const {
  for (std::size_t channel = 0; channel < engine_.slice_channels(); ++channel) {
    const std::uint16_t half = element(token, channel);
    bytes.push_back(static_cast<std::uint8_t>(half));
    bytes.push_back(static_cast<std::uint8_t>(half >> 8));
  }
}

std::int32_t Slice::fixed(std::uint16_t half) const {
  return golden::float_to_fixed(half, false, kRawFraction, engine_.query_width).value;
}

}  // namespace aqpim::system
