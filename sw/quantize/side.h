// SPDX-License-Identifier: Apache-2.0
//
// The keys or the values of one head on their way into the cache, step by step.
//
//   transformed    x' = transform · x
//   centred        x' − centre of its block (keys, if wanted)
//   raw            binary16 of that, scaled per sub-space so that the largest magnitude of the
//                  tokens before P is the largest number of the stored format: 127 · 16 / 256 for
//                  keys, 1984 / 256 for values; later tokens are held at ±2047/256
//
// Raw tokens go to a Backend, which clusters them per codebook window and encodes them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "sw/cache/timeline.h"
#include "sw/cache/transform.h"
#include "sw/config/config.h"
#include "sw/quantize/backend.h"
#include "sw/quantize/options.h"

namespace aqpim::quantize {

struct SideShape {
  bool values = false;
  std::size_t head_dim = 0;      // D
  std::size_t sub_dim = 0;       // Dsub
  std::size_t centroids = 0;     // K
  std::size_t clustered = 0;     // N_P, the first ones of the vectors
  std::size_t center_block = 0;  // 0 = not centred
  std::size_t window = 0;        // vectors per codebook
  std::size_t windows = 0;       // W; appended tokens use the last

  std::size_t subspaces() const { return head_dim / sub_dim; }
};

// W = max(1, round(N_P / window)), but no window beyond the N encoded tokens.
SideShape side_shape(const config::EngineConfig& engine, const cache::Timeline& timeline,
                     const QuantizeOptions& options, bool values);

class Side {
 public:
  // `vectors` [n, D], n ≥ N_P, from the first token after the sinks on.
  Side(std::span<const float> vectors, const SideShape& shape, cache::Transform transform);

  // Other vectors [n, D] in the place of those given so far, which differ in no encoded one: more
  // of them.
  void extend(std::span<const float> vectors);

  // Makes the codebook of window w; `weights` [N_P].
  void cluster(std::size_t w, std::span<const std::uint8_t> weights, Backend& backend);

  // Encodes the next `count` vectors, whole blocks if they are centred, with the codebooks so far.
  void encode(std::size_t count, Backend& backend);

  // Vectors [tokens, D] that the codes stand for, channels as in the file.
  std::vector<double> decoded() const;

  // Elements of encoded vectors that were held at ±2047/256.
  std::size_t held() const { return held_; }

  const cache::Transform& transform() const { return transform_; }
  const std::vector<float>& scale() const { return scale_; }
  const std::vector<std::uint8_t>& codes() const { return codes_; }
  const std::vector<float>& centres() const { return centres_; }
  // Stored codebook [K, D] of window w.
  const std::vector<std::uint8_t>& codebook(std::size_t w) const { return codebooks_[w]; }

 private:
  std::size_t window_of(std::size_t i) const;
  // Counts what it holds.
  std::vector<std::uint16_t> raw(std::span<const double> vectors);

  SideShape shape_;
  cache::Transform transform_;
  std::size_t held_ = 0;
  std::vector<double> vectors_;                       // [n, D], transformed
  std::vector<std::uint16_t> clustered_;              // [N_P, D], raw
  std::vector<float> scale_;                          // [M]
  std::vector<std::vector<std::uint8_t>> codebooks_;  // [W][K, D]
  std::vector<std::uint8_t> codes_;                   // [tokens, M]
  std::vector<float> centres_;                        // [blocks, D]
};

}  // namespace aqpim::quantize
