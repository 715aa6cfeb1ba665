// SPDX-License-Identifier: Apache-2.0
//
// The byte streams that a bank delivers to the engine. Bytes are contiguous, WordBits/8 per word,
// little endian: byte 0 is bits 7:0.
//
//   codebook  centroid-major: byte (c·D + d) is the element of channel d of centroid c,
//             d in transformed order. K: int8. V: E3M4 byte.
//   codes     token-major: bits [m·CodeBits +: CodeBits] of a token are its code of sub-space m, so
//             that word j of the token holds sub-spaces j·Lanes … j·Lanes + Lanes − 1.
//
// docs/architecture.md §4.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "sw/cache/cache.h"
#include "sw/config/config.h"

namespace aqpim::system {

// Words of window w's codebook: K·D bytes.
std::vector<std::uint8_t> pack_codebook_k(const cache::HeadCache& cache, std::size_t window);
std::vector<std::uint8_t> pack_codebook_v(const cache::HeadCache& cache, std::size_t window);

// Words of the codes [n, M] of n tokens: n·M·CodeBits/8 bytes.
std::vector<std::uint8_t> pack_codes(std::span<const std::uint8_t> codes,
                                     const config::EngineConfig& engine);

// Codes [n, M] in words of codes; inverse of pack_codes().
std::vector<std::uint8_t> unpack_codes(std::span<const std::uint8_t> bytes,
                                       const config::EngineConfig& engine);

// All streams of a cache, built once and shared by every program that plays parts of them.
struct PackedCache {
  using Stream = std::shared_ptr<const std::vector<std::uint8_t>>;
  Stream codebooks_k, codebooks_v;  // W codebooks, one after the other
  Stream codes_k, codes_v;          // N tokens
  std::size_t codebook_bytes = 0;   // of one codebook
  std::size_t token_bytes = 0;      // of one token's codes
};

// Throws std::invalid_argument if the cache was not made for this engine.
PackedCache pack(const cache::HeadCache& cache, const config::EngineConfig& engine);

}  // namespace aqpim::system
