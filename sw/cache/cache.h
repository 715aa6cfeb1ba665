// SPDX-License-Identifier: Apache-2.0
//
// The product-quantized cache of one KV head: codes, stored 8-bit codebooks, scales, centres.
//
// D channels, M = D/Dsub sub-spaces, K centroids, N encoded tokens, W codebook windows, B centre
// blocks. Encoded token i is token t = sinks + i. With k' = transform_k · k and v' = transform_v ·
// v, the stored vectors are
//
//   k'_t ≈ codebook_k[window_of(i)][codes_k[i]] · scale_k + centers_k[i / center_block]
//   v'_t ≈ codebook_v[window_of(i)][codes_v[i]] · scale_v
//
// Layouts are row-major with the last index fastest. docs/quantization.md §2 and §4.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "sw/cache/transform.h"

namespace aqpim::cache {

struct HeadCache {
  std::string name;
  std::size_t head_dim = 0;      // D
  std::size_t sub_dim = 0;       // Dsub
  std::size_t centroids = 0;     // K, 16 or 256
  std::size_t sinks = 0;         // exact tokens at the start
  std::size_t append_block = 0;  // tokens are encoded in blocks of this many
  std::size_t window = 0;        // tokens per codebook; N if shared
  std::size_t windows = 0;       // W
  std::size_t center_block = 0;  // tokens per centre; 0 = keys are not centred
  std::size_t tokens = 0;        // N

  std::vector<std::uint8_t> codes_k, codes_v;  // [N, M]
  std::vector<std::int8_t> codebook_k;         // [W, M, K, Dsub]
  std::vector<float> scale_k;                  // [M], 0 for a sub-space that is all zero
  std::vector<std::uint8_t> codebook_v;        // [W, M, K, Dsub], E3M4 bytes
  std::vector<float> scale_v;                  // [M], likewise
  std::vector<float> centers_k;                // [B, D], binary16 values, transformed
  Transform transform_k, transform_v;
  TransformKind kind_k = TransformKind::kNone, kind_v = TransformKind::kNone;  // how they were made
  // Tokens among sinks … sinks + N − 1 that count as they are, ascending; their codes are those of
  // stand-ins (quantize/outliers.h).
  std::vector<std::size_t> exact;
  // Elements of keys that were appended after the prefill, and those of keys and of values that
  // were held at the ends of its range.
  std::size_t appended = 0, held_k = 0, held_v = 0;
  // Taken off all keys, [D] in the file's channel order, or nothing.
  std::vector<float> key_offset;

  bool operator==(const HeadCache&) const = default;

  std::size_t subspaces() const { return head_dim / sub_dim; }

  // Codebook that encoded token i uses: min(i / window, W − 1).
  std::size_t window_of(std::size_t i) const;

  // First encoded token of a window, and one past its last; the last window reaches to N.
  std::size_t window_begin(std::size_t w) const { return w * window; }
  std::size_t window_end(std::size_t w) const;

  // First token that is exact when token t attends (Timeline::first_recent).
  std::size_t first_recent(std::size_t t) const;

  // Index of element (w, m, c, d) in codebook_k and codebook_v.
  std::size_t element(std::size_t w, std::size_t m, std::size_t c, std::size_t d) const {
    return ((w * subspaces() + m) * centroids + c) * sub_dim + d;
  }

  // Key and value [D] that the codes of token i stand for, transformed.
  void decode(std::size_t i, std::span<double> key, std::span<double> value) const;

  // Codebooks decoded to reals, scale included: [W, M, K, Dsub].
  std::vector<float> decoded_codebook_k() const;
  std::vector<float> decoded_codebook_v() const;
};

// What the cache of N tokens costs, K and V together.
struct CacheSize {
  std::size_t codes = 0;      // bytes
  std::size_t codebooks = 0;  // bytes, 8 bits per element
  std::size_t centres = 0;    // bytes, 16 bits per element
  std::size_t scales = 0;     // bytes: a float per sub-space
  std::size_t exact = 0;      // bytes: keys and values of outliers in FP16
  std::size_t half = 0;       // bytes of the same tokens in FP16

  std::size_t bytes() const { return codes + codebooks + centres + scales + exact; }

  // FP16 bytes over bytes().
  double ratio() const;

  // Codes, codebooks, centres and outliers over N tokens, K and V averaged, as
  // docs/quantization.md §5 counts them: without the scales.
  double bits_per_element() const;

  // Sizes add up over heads.
  CacheSize& operator+=(const CacheSize& other);

  bool operator==(const CacheSize&) const = default;
};

CacheSize cache_size(const HeadCache& cache);

// The outliers among tokens first … last − 1.
std::span<const std::size_t> exact_tokens(const std::vector<std::size_t>& exact, std::size_t first,
                                          std::size_t last);

}  // namespace aqpim::cache
