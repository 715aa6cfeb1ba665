// SPDX-License-Identifier: Apache-2.0
// Engines and memories of the tests of this folder, whatever configurations are built.
#pragma once

#include "sw/config/config.h"
#include "sw/config/memory.h"

namespace aqpim::test {

// D = 128 at 2 bits per element: 32 sub-spaces of 4 channels, or 64 of 2.
inline config::EngineConfig eight_bit_engine() {
  return {.head_dim = 128,
          .sub_dim = 4,
          .code_bits = 8,
          .word_bits = 256,
          .query_width = 12,
          .entry_width = 16,
          .score_width = 16,
          .score_fraction = 8,
          .score_depth = 2048,
          .bias_depth = 256,
          .weight_width = 14,
          .quantize = 1};
}
inline config::EngineConfig four_bit_engine(unsigned word_bits = 128) {
  config::EngineConfig engine = eight_bit_engine();
  engine.sub_dim = 2;
  engine.code_bits = 4;
  engine.word_bits = word_bits;
  return engine;
}

inline config::Memory memory_without_refresh() {
  config::Memory memory = config::find_memory("hbm3-5200");
  memory.timing.refresh_interval = 1u << 30;
  return memory;
}

}  // namespace aqpim::test
