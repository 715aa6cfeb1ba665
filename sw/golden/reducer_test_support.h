// SPDX-License-Identifier: Apache-2.0
//
// Partial sums for tests, number by number, and the records that UNLOAD makes of them.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "sw/config/config.h"
#include "sw/seed/seed.h"

namespace aqpim::golden {

struct Part {
  std::vector<std::int32_t> sums;      // [K, slice channels]
  std::vector<std::uint32_t> weights;  // [K, slice sub-spaces]
  std::vector<std::int16_t> old;       // [K, slice channels]
};

// A record is 4 words of sums, 2 of weights and 2 of centroids for one token at a time, half as
// many for two.
inline std::vector<std::uint8_t> records(const config::EngineConfig& engine, const Part& part) {
  const std::size_t two_words = 2 * engine.word_bytes() / (engine.code_bits / 4);
  const std::size_t channels = engine.slice_channels();
  const std::size_t subspaces = engine.slice_subspaces();
  std::vector<std::uint8_t> bytes(engine.centroids() * 4 * two_words);
  const auto set = [&](std::size_t offset, std::uint32_t value, unsigned count) {
    for (unsigned i = 0; i < count; ++i) {
      bytes[offset + i] = static_cast<std::uint8_t>(value >> 8 * i);
    }
  };
  for (std::size_t c = 0; c < engine.centroids(); ++c) {
    const std::size_t record = 4 * two_words * c;
    for (std::size_t i = 0; i < channels; ++i) {
      set(record + 4 * i, static_cast<std::uint32_t>(part.sums[c * channels + i]), 4);
      set(record + 3 * two_words + 2 * i, static_cast<std::uint32_t>(part.old[c * channels + i]),
          2);
    }
    for (std::size_t s = 0; s < subspaces; ++s) {
      set(record + 2 * two_words + 4 * s, part.weights[c * subspaces + s], 4);
    }
  }
  return bytes;
}

// Sums of at most `tokens` tokens: of none in a third of the clusters, of all with the largest
// weights in some; at both ends of what they can be, around a tie, or anything.
inline Part random_part(const config::EngineConfig& engine, Random& random, unsigned tokens) {
  Part part;
  const std::int64_t most = 255 * std::int64_t{tokens};
  for (unsigned place = 0; place < engine.centroids() * engine.slice_subspaces(); ++place) {
    const std::int64_t weight =
        random.pick({std::int64_t{0}, std::int64_t{0}, most, random.between(0, most),
                     random.between(0, most), random.between(0, std::min(most, std::int64_t{9}))});
    part.weights.push_back(static_cast<std::uint32_t>(weight));
    for (unsigned i = 0; i < engine.sub_dim; ++i) {
      const std::int64_t low = -2048 * weight;
      const std::int64_t high = 2047 * weight;
      const std::int64_t near_tie =
          random.between(-2048, 2046) * weight + weight / 2 + random.between(-1, 1);
      const std::int64_t sum =
          random.pick({low, high, near_tie, near_tie, random.between(low, high)});
      part.sums.push_back(static_cast<std::int32_t>(std::clamp(sum, low, high)));
      part.old.push_back(static_cast<std::int16_t>(random.between(-2048, 2047)));
    }
  }
  return part;
}

}  // namespace aqpim::golden
