// SPDX-License-Identifier: Apache-2.0
//
// Register writes of programs. Fields: docs/architecture.md §6.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "sw/config/config.h"
#include "sw/golden/program.h"

namespace aqpim::system {

struct Control {
  unsigned table_fraction = 8;  // F
  bool bfloat16 = false;
  bool values = false;  // ENCODE takes a codebook of values
  std::size_t run = 0;  // tokens per bias
};

// The CONTROL register; flags are cleared.
golden::RegisterWrite control_write(const Control& control, const config::EngineConfig& engine);

// Writes `elements` (1 or 2 bytes each, little endian) over as many words as they fill, from the
// first word on.
template <typename Element>
void append_registers(golden::Program& program, golden::RegisterSelect select,
                      std::span<Element> elements, const config::EngineConfig& engine) {
  const std::size_t word_bytes = engine.word_bytes();
  std::vector<std::uint8_t> bytes;
  for (const Element element : elements) {
    for (std::size_t byte = 0; byte < sizeof(Element); ++byte) {
      bytes.push_back(static_cast<std::uint8_t>(element >> (8 * byte)));
    }
  }
  bytes.resize((bytes.size() + word_bytes - 1) / word_bytes * word_bytes, 0);
  for (std::size_t word = 0; word < bytes.size() / word_bytes; ++word) {
    const auto begin = bytes.begin() + static_cast<std::ptrdiff_t>(word * word_bytes);
    program.push_back(golden::RegisterWrite{
        select, static_cast<unsigned>(word),
        std::vector<std::uint8_t>(begin, begin + static_cast<std::ptrdiff_t>(word_bytes))});
  }
}

}  // namespace aqpim::system
