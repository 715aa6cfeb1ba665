// SPDX-License-Identifier: Apache-2.0
#include "tb/channel/host_payloads.h"

#include <algorithm>

#include "sw/golden/reducer.h"

namespace aqpim::tb {
namespace {

using golden::Beat;

constexpr std::size_t kHalves = config::kBeatBytes / 2;

void put(Beat& beat, std::size_t index, std::uint16_t half) {
  beat[2 * index] = static_cast<std::uint8_t>(half);
  beat[2 * index + 1] = static_cast<std::uint8_t>(half >> 8);
}

}  // namespace

Beat HostPayloads::any_beat() {
  Beat beat;
  for (std::uint8_t& byte : beat) byte = static_cast<std::uint8_t>(random_.bits(8));
  return beat;
}

HostPayloads::Beats HostPayloads::any_beats(std::size_t count) {
  Beats beats;
  for (std::size_t i = 0; i < count; ++i) beats.push_back(any_beat());
  return beats;
}

Beat HostPayloads::control(const Control& control) {
  Beat beat = any_beat();
  beat[0] = static_cast<std::uint8_t>(control.fraction | (control.bfloat16 ? 0x10u : 0u) |
                                      (control.clear ? 0x20u : 0u) | (control.values ? 0x40u : 0u));
  beat[1] = static_cast<std::uint8_t>(control.run);
  return beat;
}

Beat HostPayloads::tokens(unsigned most, bool even) {
  // What engines that are not there would get is not looked at.
  Beat beat = any_beat();
  for (unsigned e = 0; e < shape_.engines(); ++e) {
    const auto any = static_cast<unsigned>(random_.below(most + 1));
    const unsigned count = random_.pick({0u, 1u, most, most, any, any, any, most + 1, 0xfffeu});
    put(beat, e, static_cast<std::uint16_t>(even ? count / 2 * 2 : count));
  }
  return beat;
}

HostPayloads::Beats HostPayloads::shifts(unsigned limit) {
  Beats beats = any_beats(shape_.shift_beats());
  // The upper half of a byte is not looked at.
  for (Beat& beat : beats) {
    for (std::uint8_t& byte : beat) {
      byte = static_cast<std::uint8_t>((byte & 0xf0) | random_.below(limit));
    }
  }
  return beats;
}

HostPayloads::Beats HostPayloads::halves(std::size_t beats, unsigned any_of,
                                         std::uint16_t (HostPayloads::*tidy)()) {
  const bool wild = random_.chance(1, any_of);
  Beats result = any_beats(beats);
  for (Beat& beat : result) {
    for (std::size_t i = 0; i < kHalves; ++i) {
      if (!wild || random_.chance(1, 2)) put(beat, i, (this->*tidy)());
    }
  }
  return result;
}

HostPayloads::Beats HostPayloads::query(bool bfloat16) {
  return halves(shape_.query_beats(), 10,
                bfloat16 ? &HostPayloads::bfloat16_element : &HostPayloads::half_element);
}

HostPayloads::Beats HostPayloads::biases(std::size_t count) {
  return halves(count, 10, &HostPayloads::bias);
}

HostPayloads::Beats HostPayloads::raw_elements(std::size_t count) {
  return halves(count, 20, &HostPayloads::raw_element);
}

Beat HostPayloads::raw_stream(std::size_t index) {
  const config::EngineConfig& engine = shape_.engine;
  Beat beat = raw_elements(1)[0];
  const std::size_t words = shape_.words_per_beat();
  for (std::size_t w = 0; w < words; ++w) {
    // A word of weights, and tokens for each of them.
    if ((index * words + w) % (1 + engine.word_bytes() * engine.slice_words()) != 0) continue;
    for (std::size_t i = 0; i < engine.word_bytes(); ++i) {
      beat[w * engine.word_bytes() + i] = static_cast<std::uint8_t>(random_.bits(8));
    }
  }
  return beat;
}

std::uint16_t HostPayloads::raw_element() {
  return golden::centroid_half(static_cast<std::int32_t>(random_.between(-2047, 2047)));
}

std::uint16_t HostPayloads::bias() {
  return static_cast<std::uint16_t>(random_.between(-800, 800));
}

// ±2^−12 … 2^−6.
std::uint16_t HostPayloads::half_element() {
  return static_cast<std::uint16_t>(random_.bits(1) << 15 | random_.between(3, 8) << 10 |
                                    static_cast<std::int64_t>(random_.bits(10)));
}

std::uint16_t HostPayloads::bfloat16_element() {
  return static_cast<std::uint16_t>(random_.bits(1) << 15 | random_.between(115, 120) << 7 |
                                    static_cast<std::int64_t>(random_.bits(7)));
}

}  // namespace aqpim::tb
