// SPDX-License-Identifier: Apache-2.0
#include "sw/quantize/integer_cache.h"

#include <doctest/doctest.h>

#include <array>
#include <cmath>
#include <vector>

#include "sw/cache/half.h"
#include "sw/quantize/test_heads.h"

namespace {

using aqpim::cache::make_timeline;
using aqpim::quantize::half_cache;
using aqpim::quantize::integer_cache;
using aqpim::quantize::integer_group;
using aqpim::quantize::IntegerGroup;
using aqpim::quantize::PlainCache;
using aqpim::test::make_head;

}  // namespace

TEST_CASE("integer_group: values on the grid come back, others go to the nearest, ties to even") {
  const IntegerGroup group = integer_group(std::array{-1.0, 2.0, 0.0, 0.4, 0.5, 1.5}, 2);
  CHECK(group.scale == 1.0);
  CHECK(group.zero == -1.0);
  // 0.5 is step 1.5 and 1.5 is step 2.5: both go to step 2.
  CHECK(group.codes == std::vector<std::uint8_t>{0, 3, 1, 1, 2, 2});
  CHECK(group.value(1) == 2.0);
}

TEST_CASE("integer_group: scale and zero are rounded to FP16, codes are held in their range") {
  // FP16 has steps of 0.5 at 3001/3 = 1000.33, and of 2 at 2049, a tie.
  const IntegerGroup group = integer_group(std::array{-2049.0, 952.0}, 2);
  CHECK(group.zero == -2048.0);
  CHECK(group.scale == 1000.5);
  CHECK(group.codes == std::vector<std::uint8_t>{0, 3});
  const IntegerGroup flat = integer_group(std::array{7.0, 7.0}, 3);
  CHECK(flat.scale == 0.0);
  CHECK(flat.value(1) == 7.0);
  const IntegerGroup huge = integer_group(std::array{-1e9, 1e9}, 4);
  CHECK(huge.zero == -65504.0);
  CHECK(huge.scale == 65504.0);
  CHECK(huge.codes == std::vector<std::uint8_t>{0, 15});
}

TEST_CASE("integer_cache: K is grouped along tokens of a channel, V along channels of a token") {
  auto head = make_head(1, 200, 64, 1);
  const auto timeline = make_timeline(200, 64, {.append_block = 64});
  REQUIRE(timeline.encoded() == 128);
  const PlainCache before = integer_cache(head, timeline, 2, 32);
  // An outlier in token 8 + 40, channel 5: the second group of 32 tokens of that channel, and the
  // first 32 channels of that token.
  head.k[48 * 64 + 5] = head.v[48 * 64 + 5] = 100.0f;
  const PlainCache after = integer_cache(head, timeline, 2, 32);
  for (std::size_t i = 0; i < 128; ++i) {
    for (std::size_t d = 0; d < 64; ++d) {
      const std::size_t e = i * 64 + d;
      if (d != 5 || i / 32 != 1) CHECK(after.keys[e] == before.keys[e]);
      if (i != 40 || d >= 32) CHECK(after.values[e] == before.values[e]);
    }
  }
  CHECK(after.keys[41 * 64 + 5] != before.keys[41 * 64 + 5]);
  CHECK(after.values[40 * 64 + 6] != before.values[40 * 64 + 6]);
  // 100 is not itself in FP16 steps of (100 − smallest)/3, but within half a step of one.
  CHECK(after.keys[40 * 64 + 5] == doctest::Approx(100.0).epsilon(0.001));
}

TEST_CASE("integer_cache: every value is within half a step of its group's range") {
  const auto head = make_head(2, 200, 64, 1);
  const auto timeline = make_timeline(200, 64, {.append_block = 64});
  for (const unsigned bits : {2u, 3u, 4u}) {
    const PlainCache cache = integer_cache(head, timeline, bits, 64);
    for (std::size_t d = 0; d < 64; ++d) {
      float smallest = head.k[8 * 64 + d];
      float largest = smallest;
      for (std::size_t i = 0; i < 64; ++i) {
        smallest = std::min(smallest, head.k[(8 + i) * 64 + d]);
        largest = std::max(largest, head.k[(8 + i) * 64 + d]);
      }
      const double half_step =
          static_cast<double>(largest - smallest) / (std::ldexp(2.0, static_cast<int>(bits)) - 2.0);
      for (std::size_t i = 0; i < 64; ++i) {
        CHECK(std::fabs(cache.keys[i * 64 + d] - static_cast<double>(head.k[(8 + i) * 64 + d])) <=
              1.01 * half_step + 0.002);
      }
    }
  }
}

TEST_CASE("integer_cache: bits per element count a scale and a zero of 16 bits per group") {
  const auto wide = make_head(3, 200, 128, 1);
  const auto narrow = make_head(3, 200, 64, 1);
  const auto timeline = make_timeline(200, 64, {.append_block = 128});
  CHECK(integer_cache(wide, timeline, 2, 32).bits_per_element == 3.0);
  CHECK(integer_cache(wide, timeline, 4, 128).bits_per_element == 4.25);
  // Values have groups of min(128, D): 2 + 32/64; keys 2 + 32/128.
  CHECK(integer_cache(narrow, timeline, 2, 128).bits_per_element == 2.375);
  // Groups of keys end at an append block: 48 tokens are 32 and 16.
  const auto short_blocks = make_timeline(200, 64, {.append_block = 48});
  CHECK(integer_cache(narrow, short_blocks, 2, 32).bits_per_element ==
        doctest::Approx(2.0 + (32.0 / 24.0 + 32.0 / 32.0) / 2.0));
  CHECK(half_cache(wide, timeline).bits_per_element == 16.0);
}

TEST_CASE("half_cache: values of FP16 stay, others are rounded, too large ones are held") {
  auto head = make_head(4, 200, 64, 1);
  const auto timeline = make_timeline(200, 64);
  head.k[8 * 64] = 1.0f + 0x1p-12f;
  head.v[8 * 64] = 1e6f;
  const PlainCache cache = half_cache(head, timeline);
  CHECK(cache.keys[0] == 1.0);
  CHECK(cache.values[0] == aqpim::cache::kLargestHalf);
  CHECK(cache.keys.size() == 128 * 64);
  for (std::size_t e = 1; e < cache.keys.size(); ++e) {
    CHECK(cache.keys[e] == static_cast<double>(head.k[8 * 64 + e]));
  }
}
