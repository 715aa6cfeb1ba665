// SPDX-License-Identifier: Apache-2.0
#include "sw/quantize/integer_cache.h"

#include <algorithm>
#include <cmath>

#include "sw/cache/cache.h"
#include "sw/cache/half.h"
#include "sw/quantize/outliers.h"

namespace aqpim::quantize {

namespace {

constexpr std::size_t kGroupBits = 32;  // FP16 scale and FP16 zero
constexpr std::size_t kHalfBits = 16;   // of an element of an outlier

// The binary16 value nearest to `value`, held at the largest finite one.
double held_half(double value) {
  return cache::from_half(
      cache::to_half(std::clamp(value, -cache::kLargestHalf, cache::kLargestHalf)));
}

}  // namespace

IntegerGroup integer_group(std::span<const double> values, unsigned bits) {
  const auto [smallest, largest] = std::ranges::minmax(values);
  const double steps = std::ldexp(1.0, static_cast<int>(bits)) - 1.0;
  IntegerGroup group{
      .scale = held_half((largest - smallest) / steps), .zero = held_half(smallest), .codes = {}};
  for (const double x : values) {
    const double code = group.scale > 0.0 ? std::nearbyint((x - group.zero) / group.scale) : 0.0;
    group.codes.push_back(static_cast<std::uint8_t>(std::clamp(code, 0.0, steps)));
  }
  return group;
}

PlainCache integer_cache(const workload::Head& head, const cache::Timeline& timeline, unsigned bits,
                         std::size_t group) {
  const std::size_t dim = head.head_dim;
  const std::size_t tokens = timeline.encoded();
  PlainCache cache{.keys = std::vector<double>(tokens * dim),
                   .values = std::vector<double>(tokens * dim)};
  const std::vector<float> keys = with_stand_ins(head.k, head, timeline);
  const std::vector<float> values = with_stand_ins(head.v, head, timeline);
  std::size_t groups = 0;
  // Elements start, start + stride, … of tokens from the sinks on.
  const auto store = [&](const std::vector<float>& file, std::vector<double>& stored,
                         std::size_t start, std::size_t stride, std::size_t count) {
    std::vector<double> values(count);
    for (std::size_t i = 0; i < count; ++i) {
      values[i] = static_cast<double>(file[timeline.sinks * dim + start + i * stride]);
    }
    const IntegerGroup result = integer_group(values, bits);
    for (std::size_t i = 0; i < count; ++i) stored[start + i * stride] = result.value(i);
    ++groups;
  };
  for (std::size_t block = 0; block < tokens; block += timeline.append_block) {
    const std::size_t block_end = std::min(tokens, block + timeline.append_block);
    for (std::size_t first = block; first < block_end; first += group) {
      const std::size_t count = std::min(group, block_end - first);
      for (std::size_t d = 0; d < dim; ++d) store(keys, cache.keys, first * dim + d, dim, count);
    }
  }
  for (std::size_t i = 0; i < tokens; ++i) {
    for (std::size_t first = 0; first < dim; first += group) {
      store(values, cache.values, i * dim + first, 1, std::min(group, dim - first));
    }
  }
  const auto exact =
      cache::exact_tokens(head.exact, timeline.sinks, timeline.sinks + tokens).size();
  cache.bits_per_element =
      bits + static_cast<double>(groups * kGroupBits) / static_cast<double>(2 * tokens * dim) +
      static_cast<double>(exact * kHalfBits) / static_cast<double>(tokens);
  return cache;
}

PlainCache half_cache(const workload::Head& head, const cache::Timeline& timeline) {
  const auto first = static_cast<std::ptrdiff_t>(timeline.sinks * head.head_dim);
  const auto last = first + static_cast<std::ptrdiff_t>(timeline.encoded() * head.head_dim);
  PlainCache cache{.keys = {head.k.begin() + first, head.k.begin() + last},
                   .values = {head.v.begin() + first, head.v.begin() + last},
                   .bits_per_element = 16.0};
  std::ranges::transform(cache.keys, cache.keys.begin(), held_half);
  std::ranges::transform(cache.values, cache.values.begin(), held_half);
  return cache;
}

}  // namespace aqpim::quantize
