// SPDX-License-Identifier: Apache-2.0
// Shapes and host commands for the tests of a pseudo-channel.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "sw/config/channel.h"
#include "sw/golden/host_command.h"

namespace aqpim::test {

using golden::Beat;
using golden::HostCommand;
using golden::HostOpcode;

// Two ranks of four groups of four banks with few rows, next to engines with few tokens.
inline config::ChannelShape make_channel(unsigned sub_dim, unsigned code_bits, unsigned word_bits,
                                         unsigned banks_per_engine = 1) {
  return {
      .engine = {.head_dim = 128,
                 .sub_dim = sub_dim,
                 .code_bits = code_bits,
                 .word_bits = word_bits,
                 .query_width = 12,
                 .entry_width = 16,
                 .score_width = 16,
                 .score_fraction = 8,
                 .score_depth = 128,
                 .bias_depth = 32,
                 .weight_width = 14,
                 .quantize = 1},
      .memory = {.ranks = 2, .bank_groups = 4, .banks_per_group = 4, .rows = 512, .columns = 32},
      .banks_per_engine = banks_per_engine};
}

// A token's codes in one beat or two, in one word or two; one bank or two next to an engine.
inline std::vector<config::ChannelShape> channel_shapes() {
  return {make_channel(4, 8, 256), make_channel(2, 4, 128), make_channel(2, 8, 256),
          make_channel(2, 4, 256, 2), make_channel(4, 8, 256, 2)};
}

struct Target {
  unsigned rank = 0;
  unsigned context = 0;
};

inline HostCommand command(HostOpcode opcode, std::vector<unsigned> fields,
                           std::vector<Beat> payload = {}, Target target = {}) {
  HostCommand made{.opcode = opcode,
                   .rank = target.rank,
                   .context = target.context,
                   .fields = {},
                   .payload = std::move(payload)};
  std::ranges::transform(fields, made.fields.begin(),
                         [](unsigned field) { return static_cast<std::uint16_t>(field); });
  return made;
}

// 16-bit numbers, 16 to a beat; a last beat is filled up with zeros.
inline std::vector<Beat> beats_of_halves(std::span<const std::uint16_t> halves) {
  std::vector<Beat> beats((2 * halves.size() + config::kBeatBytes - 1) / config::kBeatBytes);
  for (std::size_t i = 0; i < halves.size(); ++i) {
    Beat& beat = beats[2 * i / config::kBeatBytes];
    beat[2 * i % config::kBeatBytes] = static_cast<std::uint8_t>(halves[i]);
    beat[2 * i % config::kBeatBytes + 1] = static_cast<std::uint8_t>(halves[i] >> 8);
  }
  return beats;
}

// Bytes that fill whole beats.
inline std::vector<Beat> beats_of_bytes(std::span<const std::uint8_t> bytes) {
  std::vector<Beat> beats(bytes.size() / config::kBeatBytes);
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    beats[i / config::kBeatBytes][i % config::kBeatBytes] = bytes[i];
  }
  return beats;
}

}  // namespace aqpim::test
