// SPDX-License-Identifier: Apache-2.0
#include "sw/cache/cache.h"

#include <algorithm>
#include <bit>

#include "sw/cache/formats.h"
#include "sw/cache/timeline.h"

namespace aqpim::cache {

namespace {
constexpr std::size_t kBitsPerByte = 8;
constexpr std::size_t kHalfBytes = 2;
}  // namespace

std::size_t HeadCache::window_of(std::size_t i) const { return std::min(i / window, windows - 1); }

std::size_t HeadCache::window_end(std::size_t w) const {
  return w + 1 == windows ? tokens : std::min((w + 1) * window, tokens);
}

std::size_t HeadCache::first_recent(std::size_t t) const {
  return Timeline{.sinks = sinks, .append_block = append_block}.first_recent(t);
}

void HeadCache::decode(std::size_t i, std::span<double> key, std::span<double> value) const {
  const std::size_t w = window_of(i);
  for (std::size_t j = 0; j < head_dim; ++j) {
    const std::size_t m = j / sub_dim;
    const std::size_t k = element(w, m, codes_k[i * subspaces() + m], j % sub_dim);
    const std::size_t v = element(w, m, codes_v[i * subspaces() + m], j % sub_dim);
    key[j] = static_cast<double>(codebook_k[k]) * static_cast<double>(scale_k[m]);
    if (center_block != 0) {
      key[j] += static_cast<double>(centers_k[i / center_block * head_dim + j]);
    }
    value[j] =
        static_cast<double>(decode_minifloat(codebook_v[v])) * static_cast<double>(scale_v[m]);
  }
}

std::vector<float> HeadCache::decoded_codebook_k() const {
  std::vector<float> decoded(codebook_k.size());
  const std::size_t subspace = centroids * sub_dim;
  for (std::size_t e = 0; e < decoded.size(); ++e) {
    decoded[e] = static_cast<float>(codebook_k[e]) * scale_k[e / subspace % subspaces()];
  }
  return decoded;
}

std::vector<float> HeadCache::decoded_codebook_v() const {
  std::vector<float> decoded(codebook_v.size());
  const std::size_t subspace = centroids * sub_dim;
  for (std::size_t e = 0; e < decoded.size(); ++e) {
    decoded[e] =
        static_cast<float>(decode_minifloat(codebook_v[e])) * scale_v[e / subspace % subspaces()];
  }
  return decoded;
}

double CacheSize::ratio() const { return static_cast<double>(half) / static_cast<double>(bytes()); }

double CacheSize::bits_per_element() const {
  const double elements = static_cast<double>(half) / kHalfBytes;
  return static_cast<double>((codes + codebooks + centres + exact) * kBitsPerByte) / elements;
}

CacheSize& CacheSize::operator+=(const CacheSize& other) {
  codes += other.codes;
  codebooks += other.codebooks;
  centres += other.centres;
  scales += other.scales;
  exact += other.exact;
  half += other.half;
  return *this;
}

CacheSize cache_size(const HeadCache& cache) {
  const std::size_t code_bits = static_cast<std::size_t>(std::countr_zero(cache.centroids));
  const std::size_t codes = cache.codes_k.size() + cache.codes_v.size();
  const auto exact = exact_tokens(cache.exact, cache.sinks, cache.sinks + cache.tokens).size();
  return {.codes = codes * code_bits / kBitsPerByte,
          .codebooks = cache.codebook_k.size() + cache.codebook_v.size(),
          .centres = cache.centers_k.size() * kHalfBytes,
          .scales = (cache.scale_k.size() + cache.scale_v.size()) * sizeof(float),
          .exact = 2 * exact * cache.head_dim * kHalfBytes,
          .half = 2 * cache.tokens * cache.head_dim * kHalfBytes};
}

std::span<const std::size_t> exact_tokens(const std::vector<std::size_t>& exact, std::size_t first,
                                          std::size_t last) {
  const auto begin = std::ranges::lower_bound(exact, first);
  const auto end = std::ranges::lower_bound(exact, std::max(first, last));
  return {begin, end};
}

}  // namespace aqpim::cache
