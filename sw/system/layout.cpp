// SPDX-License-Identifier: Apache-2.0
#include "sw/system/layout.h"

#include <stdexcept>

namespace aqpim::system {

namespace {

constexpr std::size_t kBitsPerByte = 8;

// Reorders one window of a [W, M, K, Dsub] codebook to [K, M, Dsub] = [K, D].
template <typename Element>
std::vector<std::uint8_t> centroid_major(const cache::HeadCache& cache,
                                         const std::vector<Element>& codebook, std::size_t window) {
  std::vector<std::uint8_t> bytes(cache.centroids * cache.head_dim);
  for (std::size_t m = 0; m < cache.subspaces(); ++m) {
    for (std::size_t c = 0; c < cache.centroids; ++c) {
      for (std::size_t d = 0; d < cache.sub_dim; ++d) {
        bytes[c * cache.head_dim + m * cache.sub_dim + d] =
            static_cast<std::uint8_t>(codebook[cache.element(window, m, c, d)]);
      }
    }
  }
  return bytes;
}

template <typename PackWindow>
PackedCache::Stream all_windows(const cache::HeadCache& cache, const PackWindow& pack_window) {
  std::vector<std::uint8_t> bytes;
  for (std::size_t w = 0; w < cache.windows; ++w) {
    const std::vector<std::uint8_t> window = pack_window(cache, w);
    bytes.insert(bytes.end(), window.begin(), window.end());
  }
  return std::make_shared<const std::vector<std::uint8_t>>(std::move(bytes));
}

}  // namespace

std::vector<std::uint8_t> pack_codebook_k(const cache::HeadCache& cache, std::size_t window) {
  return centroid_major(cache, cache.codebook_k, window);
}

std::vector<std::uint8_t> pack_codebook_v(const cache::HeadCache& cache, std::size_t window) {
  return centroid_major(cache, cache.codebook_v, window);
}

std::vector<std::uint8_t> pack_codes(std::span<const std::uint8_t> codes,
                                     const config::EngineConfig& engine) {
  const std::size_t code_bits = engine.code_bits;
  const std::size_t codes_per_byte = kBitsPerByte / code_bits;
  std::vector<std::uint8_t> bytes(codes.size() / codes_per_byte, 0);
  for (std::size_t i = 0; i < codes.size(); ++i) {
    const std::size_t shift = i % codes_per_byte * code_bits;
    bytes[i / codes_per_byte] |= static_cast<std::uint8_t>(codes[i] << shift);
  }
  return bytes;
}

std::vector<std::uint8_t> unpack_codes(std::span<const std::uint8_t> bytes,
                                       const config::EngineConfig& engine) {
  const std::size_t codes_per_byte = kBitsPerByte / engine.code_bits;
  std::vector<std::uint8_t> codes(bytes.size() * codes_per_byte);
  for (std::size_t i = 0; i < codes.size(); ++i) {
    const unsigned shifted = bytes[i / codes_per_byte] >> i % codes_per_byte * engine.code_bits;
    codes[i] = static_cast<std::uint8_t>(shifted & (engine.centroids() - 1));
  }
  return codes;
}

PackedCache pack(const cache::HeadCache& cache, const config::EngineConfig& engine) {
  if (cache.head_dim != engine.head_dim || cache.sub_dim != engine.sub_dim ||
      cache.centroids != engine.centroids()) {
    throw std::invalid_argument("the cache was made for another engine");
  }
  PackedCache packed;
  packed.codebooks_k = all_windows(cache, pack_codebook_k);
  packed.codebooks_v = all_windows(cache, pack_codebook_v);
  packed.codes_k =
      std::make_shared<const std::vector<std::uint8_t>>(pack_codes(cache.codes_k, engine));
  packed.codes_v =
      std::make_shared<const std::vector<std::uint8_t>>(pack_codes(cache.codes_v, engine));
  packed.codebook_bytes = cache.centroids * cache.head_dim;
  packed.token_bytes = cache.subspaces() * engine.code_bits / kBitsPerByte;
  return packed;
}

}  // namespace aqpim::system
