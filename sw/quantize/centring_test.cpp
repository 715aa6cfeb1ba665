// SPDX-License-Identifier: Apache-2.0
#include "sw/quantize/centring.h"

#include <doctest/doctest.h>

#include <cmath>

#include "sw/quantize/half.h"
#include "sw/quantize/test_heads.h"

using namespace aqpim::quantize;
using aqpim::test::make_head;

TEST_CASE("centring: centres are the blocks' means in binary16, the last block may be short") {
  const auto head = make_head(1, 100, 64);
  const auto centres = block_centres(head, 8, 75, 32);
  REQUIRE(centres.size() == 3 * 64);
  for (std::size_t b = 0; b < 3; ++b) {
    const std::size_t begin = 8 + 32 * b;
    const std::size_t end = b == 2 ? 75 : begin + 32;
    for (std::size_t d = 0; d < 64; ++d) {
      double sum = 0.0;
      for (std::size_t t = begin; t < end; ++t) sum += static_cast<double>(head.k[t * 64 + d]);
      const double mean = sum / static_cast<double>(end - begin);
      CHECK(static_cast<double>(centres[b * 64 + d]) == round_to_half(mean));
    }
  }
}

TEST_CASE("centring: a centre beyond binary16 is held, and no block without centres changes") {
  auto head = make_head(1, 100, 64);
  for (float& key : head.k) key = 1e30f;
  CHECK(block_centres(head, 0, 16, 16)[0] == 65504.0f);
  const auto keys = centred_keys(head, 5, 7, {}, 16);
  REQUIRE(keys.size() == 2 * 64);
  CHECK(keys[0] == static_cast<double>(1e30f));
}

TEST_CASE("centring: keys and centres add up to the file's keys") {
  const auto head = make_head(6, 120, 64);
  const auto centres = block_centres(head, 8, 120, 48);
  const auto keys = centred_keys(head, 8, 120, centres, 48);
  for (std::size_t i = 0; i < 112; ++i) {
    for (std::size_t d = 0; d < 64; ++d) {
      const double sum = keys[i * 64 + d] + static_cast<double>(centres[i / 48 * 64 + d]);
      CHECK(sum == doctest::Approx(static_cast<double>(head.k[(i + 8) * 64 + d])).epsilon(1e-12));
    }
  }
}
