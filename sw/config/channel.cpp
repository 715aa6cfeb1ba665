// SPDX-License-Identifier: Apache-2.0
#include "sw/config/channel.h"

#include <fmt/format.h>

namespace aqpim::config {

std::string obstacle_of(const ChannelShape& shape) {
  constexpr unsigned kBeatBits = 8 * kBeatBytes;
  constexpr unsigned kMostBiases = 512;
  constexpr unsigned kTokenBits = 16;  // of an engine, in the beat that is TOKENS to all of a rank
  const EngineConfig& engine = shape.engine;
  if (shape.memory.ranks != 1 && shape.memory.ranks != 2) {
    return fmt::format("a pseudo-channel has one or two ranks with engines, not {}",
                       shape.memory.ranks);
  }
  if (engine.quantize == 0) {
    return "engines of a pseudo-channel must be able to quantize (Quantize 1)";
  }
  if (engine.word_bits != 128 && engine.word_bits != kBeatBits) {
    return fmt::format("engines of a pseudo-channel need words of 128 or {} bits, not {}",
                       kBeatBits, engine.word_bits);
  }
  const unsigned code_bits = engine.subspaces() * engine.code_bits;
  if (code_bits != kBeatBits && code_bits != 2 * kBeatBits) {
    return fmt::format(
        "in a pseudo-channel a token's codes must fill one or two beats of {} bits, not {} bits",
        kBeatBits, code_bits);
  }
  if (engine.bias_depth > kMostBiases) {
    return fmt::format("engines of a pseudo-channel have at most {} biases (BiasDepth), not {}",
                       kMostBiases, engine.bias_depth);
  }
  if (shape.banks_per_engine != 1 && shape.banks_per_engine != 2) {
    return fmt::format("an engine has one or two banks, not {}", shape.banks_per_engine);
  }
  if (shape.banks_per_engine == 2 && engine.word_bits != kBeatBits) {
    return fmt::format("two banks per engine need words of {} bits, not {}", kBeatBits,
                       engine.word_bits);
  }
  if (shape.engines() > kBeatBits / kTokenBits) {
    return fmt::format("a rank of a pseudo-channel has at most {} engines, not {}",
                       kBeatBits / kTokenBits, shape.engines());
  }
  return "";
}

}  // namespace aqpim::config
