// SPDX-License-Identifier: Apache-2.0
#include "sw/quantize/centring.h"

#include <doctest/doctest.h>

#include <vector>

#include "sw/cache/half.h"
#include "sw/quantize/test_heads.h"

namespace {

using namespace aqpim::cache;
using namespace aqpim::quantize;

std::vector<double> noise(std::size_t count) {
  aqpim::test::Draw draw(1);
  std::vector<double> values(count);
  for (double& value : values) value = draw.bell();
  return values;
}

}  // namespace

TEST_CASE("centring: centres are the blocks' means in binary16, the last block may be short") {
  const auto vectors = noise(67 * 64);
  const auto centres = block_centres(vectors, 64, 32);
  REQUIRE(centres.size() == 3 * 64);
  for (std::size_t b = 0; b < 3; ++b) {
    const std::size_t begin = 32 * b;
    const std::size_t end = b == 2 ? 67 : begin + 32;
    for (std::size_t d = 0; d < 64; ++d) {
      double sum = 0.0;
      for (std::size_t i = begin; i < end; ++i) sum += vectors[i * 64 + d];
      const double mean = sum / static_cast<double>(end - begin);
      CHECK(static_cast<double>(centres[b * 64 + d]) == round_to_half(mean));
    }
  }
}

TEST_CASE("centring: a centre beyond binary16 is held") {
  CHECK(block_centres(std::vector<double>(16 * 4, 1e30), 4, 16)[0] == 65504.0f);
}

TEST_CASE("centring: residuals and centres add up to the vectors") {
  const auto vectors = noise(112 * 64);
  const auto centres = block_centres(vectors, 64, 48);
  auto residuals = vectors;
  subtract_centres(residuals, centres, 64, 48);
  for (std::size_t i = 0; i < 112; ++i) {
    for (std::size_t d = 0; d < 64; ++d) {
      const double sum = residuals[i * 64 + d] + static_cast<double>(centres[i / 48 * 64 + d]);
      CHECK(sum == doctest::Approx(vectors[i * 64 + d]).epsilon(1e-12));
    }
  }
}
