// SPDX-License-Identifier: Apache-2.0
#include "sw/golden/reducer.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdlib>
#include <stdexcept>

#include "sw/golden/round_saturate.h"

namespace aqpim::golden {
namespace {

// E3M4: the bits of a mantissa that are stored, and the largest code without its sign.
constexpr unsigned kMantissaBits = 4;
constexpr unsigned kLargestCode = 0x7f;

// The unsigned number in `count` bytes at `offset`, the lowest first.
std::uint32_t number(std::span<const std::uint8_t> bytes, std::size_t offset, unsigned count) {
  std::uint32_t value = 0;
  for (unsigned i = 0; i < count; ++i) value |= std::uint32_t{bytes[offset + i]} << 8 * i;
  return value;
}

std::uint8_t nearest_e3m4(std::int32_t value) {
  const auto magnitude = static_cast<std::uint32_t>(std::abs(value));
  const unsigned width = static_cast<unsigned>(std::bit_width(magnitude));
  const unsigned power = std::max(width, kMantissaBits + 1) - (kMantissaBits + 1);
  // With its leading one the mantissa adds 1 to the exponent, and 2 if it rounds up to a power of
  // two; without one it is subnormal.
  const auto mantissa =
      static_cast<std::uint32_t>(round_saturate(magnitude, power, kMantissaBits + 3).value);
  const std::uint32_t code = std::min((power << kMantissaBits) + mantissa, kLargestCode);
  return static_cast<std::uint8_t>((value < 0 ? 0x80u : 0u) | code);
}

}  // namespace

std::int32_t mean(std::int64_t sum, std::int64_t weight) {
  std::int64_t floor = sum / weight;
  std::int64_t rest = sum % weight;
  if (rest < 0) {
    --floor;
    rest += weight;
  }
  const bool odd = (floor & 1) != 0;
  const bool up = rest > weight - rest || (rest == weight - rest && odd);
  return static_cast<std::int32_t>(floor + (up ? 1 : 0));
}

std::uint8_t store_element(std::int32_t value, bool values) {
  return values ? nearest_e3m4(value)
                : static_cast<std::uint8_t>(round_saturate(value, 4, 8).value);
}

std::uint16_t centroid_half(std::int32_t value) {
  if (value == 0) return 0;
  const auto magnitude = static_cast<std::uint32_t>(std::abs(value));
  // value · 2^−8 = 2^(leading − 8) · 1.…; binary16 has a bias of 15 and 10 bits behind the point.
  const unsigned leading = static_cast<unsigned>(std::bit_width(magnitude)) - 1;
  const std::uint32_t mantissa = magnitude << 10 >> leading & 0x3ff;
  return static_cast<std::uint16_t>((value < 0 ? 0x8000u : 0u) | (leading + 7) << 10 | mantissa);
}

Reduced reduce(std::span<const std::vector<std::uint8_t>> partials,
               const config::EngineConfig& engine, bool values) {
  const std::size_t channels = engine.slice_channels();
  const std::size_t record = std::size_t{engine.record_words()} * engine.word_bytes();
  const std::size_t bytes = engine.centroids() * record;
  if (partials.empty() || partials.size() > kMostParts) {
    throw std::invalid_argument(
        fmt::format("the reducer takes 1 to {} parts, not {}", kMostParts, partials.size()));
  }
  for (const auto& part : partials) {
    if (part.size() != bytes) {
      throw std::invalid_argument(
          fmt::format("the reducer takes parts of {} bytes, not of {}", bytes, part.size()));
    }
  }

  Reduced reduced;
  for (unsigned c = 0; c < engine.centroids(); ++c) {
    const std::size_t weights_at = c * record + channels * 4;
    const std::size_t old_at = (c + 1) * record - channels * 2;
    for (std::size_t i = 0; i < channels; ++i) {
      std::int64_t sum = 0;
      std::int64_t weight = 0;
      for (const auto& part : partials) {
        sum += static_cast<std::int32_t>(number(part, c * record + 4 * i, 4));
        weight += number(part, weights_at + 4 * (i / engine.sub_dim), 4);
      }
      const auto old = static_cast<std::int16_t>(number(partials.back(), old_at + 2 * i, 2));
      const std::int32_t next = weight == 0 ? old : mean(sum, weight);
      const std::uint16_t half = centroid_half(next);
      reduced.centroids.push_back(static_cast<std::uint8_t>(half));
      reduced.centroids.push_back(static_cast<std::uint8_t>(half >> 8));
      reduced.codebook.push_back(store_element(next, values));
    }
  }
  return reduced;
}

}  // namespace aqpim::golden
