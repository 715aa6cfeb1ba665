// SPDX-License-Identifier: Apache-2.0
#include "sw/golden/centroid_group.h"

#include <doctest/doctest.h>

#include <cmath>
#include <set>
#include <vector>

#include "sw/golden/e3m4.h"
#include "sw/seed/seed.h"

namespace {

using aqpim::golden::e3m4;
using aqpim::golden::Rounded;
using aqpim::golden::squared_distance;
using aqpim::golden::table_entry;
using aqpim::golden::weighted_element;
using aqpim::golden::weighted_token;

double minifloat(unsigned byte) {
  const int exponent = static_cast<int>(byte >> 4 & 7);
  const double mantissa = byte % 16;
  // Normal numbers are 1.mmmm, subnormal ones 0.mmmm, in units of 2^(max(e, 1) + 3).
  const double magnitude = exponent > 0 ? std::ldexp(1.0 + mantissa / 16.0, exponent + 3)
                                        : std::ldexp(mantissa / 16.0, 4);
  return byte >= 128 ? -magnitude : magnitude;
}

}  // namespace

TEST_CASE("golden e3m4: all 256 bytes") {
  std::set<int> values;
  for (unsigned byte = 0; byte < 256; ++byte) {
    CHECK(e3m4(static_cast<std::uint8_t>(byte)) == minifloat(byte));
    values.insert(e3m4(static_cast<std::uint8_t>(byte)));
  }
  // Only 0 and -0 are one value.
  CHECK(values.size() == 255);
  CHECK(*values.begin() == -1984);
  CHECK(*values.rbegin() == 1984);
}

TEST_CASE(
    "golden weighted_element: bucket times value, for all bytes and up to the widest bucket") {
  aqpim::Random random(aqpim::test_seed(), "golden weighted_element");
  for (unsigned byte = 0; byte < 256; ++byte) {
    const auto element = static_cast<std::uint8_t>(byte);
    CHECK(weighted_element(0, element) == 0);
    CHECK(weighted_element(1, element) == minifloat(byte));
    CHECK(weighted_element((1u << 26) - 1, element) == ((1 << 26) - 1) * minifloat(byte));
    for (std::uint64_t i = 0; i < aqpim::test_iterations(20); ++i) {
      const auto bucket = static_cast<std::uint32_t>(random.bits(26));
      REQUIRE(weighted_element(bucket, element) == bucket * minifloat(byte));
    }
  }
}

TEST_CASE("golden table_entry: the rounded dot product, by double precision") {
  aqpim::Random random(aqpim::test_seed(), "golden table_entry");
  for (std::uint64_t i = 0; i < aqpim::test_iterations(5000); ++i) {
    const std::size_t dim = random.pick({1, 2, 4, 8});
    const auto shift = static_cast<unsigned>(random.below(16));
    const auto width = static_cast<unsigned>(random.between(12, 16));
    std::vector<std::int32_t> query(dim);
    std::vector<std::int8_t> elements(dim);
    double dot = 0;
    for (std::size_t d = 0; d < dim; ++d) {
      query[d] = static_cast<std::int32_t>(random.between(-2048, 2047));
      elements[d] = static_cast<std::int8_t>(random.between(-128, 127));
      dot += static_cast<double>(query[d]) * elements[d];
    }
    const double rounded = std::nearbyint(std::ldexp(dot, -static_cast<int>(shift)));
    const double limit = std::ldexp(1.0, static_cast<int>(width) - 1);
    const double clipped = std::fmin(std::fmax(rounded, -limit), limit - 1);
    const Rounded entry = table_entry(query, elements, shift, width);
    REQUIRE(static_cast<double>(entry.value) == clipped);
    REQUIRE(entry.saturated == (clipped != rounded));
  }
}

TEST_CASE("golden table_entry: both ends saturate") {
  const std::vector<std::int32_t> query(4, -2048);
  const std::vector<std::int8_t> low(4, -128);
  const std::vector<std::int8_t> high(4, 127);
  CHECK(table_entry(query, low, 0, 16) == Rounded{32767, true});
  CHECK(table_entry(query, high, 0, 16) == Rounded{-32768, true});
  CHECK(table_entry(query, low, 6, 16) == Rounded{16384, false});
}

TEST_CASE("golden squared_distance: the sum of squared differences, by double precision") {
  aqpim::Random random(aqpim::test_seed(), "golden squared_distance");
  for (std::uint64_t i = 0; i < aqpim::test_iterations(5000); ++i) {
    const std::size_t dim = random.pick({2, 4, 8});
    std::vector<std::int32_t> vector(dim), centroid(dim);
    double distance = 0;
    for (std::size_t d = 0; d < dim; ++d) {
      vector[d] = static_cast<std::int32_t>(random.between(-2048, 2047));
      centroid[d] = static_cast<std::int32_t>(random.between(-2048, 2047));
      distance += std::pow(static_cast<double>(vector[d]) - centroid[d], 2);
    }
    REQUIRE(squared_distance(vector, centroid) == distance);
    CHECK(squared_distance(vector, vector) == 0);
  }
}

TEST_CASE("golden squared_distance: the largest one fits 24 bits and those of the dimension") {
  const std::vector<std::int32_t> low(8, -2048), high(8, 2047);
  CHECK(squared_distance(low, high) == 8u * 4095u * 4095u);
  CHECK(squared_distance(high, low) == 8u * 4095u * 4095u);
  CHECK(squared_distance(low, high) < 1u << 27);
}

TEST_CASE("golden weighted_token: element times weight") {
  for (const int element : {-2048, -2047, -33, -1, 0, 1, 31, 32, 2047}) {
    for (unsigned weight = 0; weight < 256; ++weight) {
      CHECK(weighted_token(element, weight) == element * static_cast<int>(weight));
    }
  }
}
