// SPDX-License-Identifier: Apache-2.0
#include "sw/golden/multiplier.h"

#include <doctest/doctest.h>

#include "sw/seed/seed.h"

using aqpim::golden::combine_operands;
using aqpim::golden::multiplier;
using aqpim::golden::MultiplierOperands;
using aqpim::golden::square_operands;
using aqpim::golden::table_operands;
using aqpim::golden::weigh_operands;

TEST_CASE("golden multiplier: table operands give every product of query and element") {
  for (int query = -2048; query < 2048; query += query < -2040 || query > 2040 ? 1 : 7) {
    for (int element = -128; element < 128; ++element) {
      REQUIRE(multiplier(table_operands(query, static_cast<std::int8_t>(element))) ==
              query * element);
    }
  }
}

TEST_CASE("golden multiplier: combine operands give the product of bucket and mantissa") {
  aqpim::Random random(aqpim::test_seed(), "golden multiplier");
  for (const unsigned width : {22u, 25u, 26u}) {
    const std::uint32_t largest = (1u << width) - 1;
    for (std::uint32_t mantissa = 0; mantissa < 32; ++mantissa) {
      for (const std::uint32_t bucket : {0u, 1u, 0x1fffu, 0x2000u, 0x2001u, largest}) {
        REQUIRE(multiplier(combine_operands(bucket, mantissa)) ==
                std::int64_t{bucket} * std::int64_t{mantissa});
      }
      for (std::uint64_t i = 0; i < aqpim::test_iterations(200); ++i) {
        const auto bucket = static_cast<std::uint32_t>(random.bits(width));
        REQUIRE(multiplier(combine_operands(bucket, mantissa)) ==
                std::int64_t{bucket} * std::int64_t{mantissa});
      }
    }
  }
}

TEST_CASE("golden multiplier: square operands give the square of every difference") {
  for (int difference = -4095; difference <= 4095; ++difference) {
    REQUIRE(multiplier(square_operands(difference)) == difference * difference);
  }
}

TEST_CASE("golden multiplier: weigh operands give every product of element and weight") {
  for (int element = -2048; element < 2048; element += element < -2040 || element > 2040 ? 1 : 7) {
    for (int weight = 0; weight < 256; ++weight) {
      REQUIRE(multiplier(weigh_operands(element, static_cast<std::uint32_t>(weight))) ==
              element * weight);
    }
  }
}

TEST_CASE("golden multiplier: operands stay in the widths of the hardware") {
  for (const int query : {-2048, -1, 0, 2047}) {
    for (int element = -128; element < 128; ++element) {
      const MultiplierOperands operands = table_operands(query, static_cast<std::int8_t>(element));
      CHECK_FALSE(operands.combine);
      CHECK((operands.digit0 >= 0 && operands.digit0 < 32));
      CHECK((operands.digit1 >= -32 && operands.digit1 < 32));
    }
  }
  const MultiplierOperands operands = combine_operands((1u << 26) - 1, 31);
  CHECK(operands == MultiplierOperands{true, 8191, 8191, 31, 31});
  CHECK(square_operands(-4095) == MultiplierOperands{false, -4095, -4095, 1, -128});
  CHECK(square_operands(4095) == MultiplierOperands{false, 4095, 4095, 31, 127});
  CHECK(weigh_operands(-2048, 255) == MultiplierOperands{false, -2048, -2048, 31, 7});
}

TEST_CASE("golden multiplier: the largest products of 14, 5 and 6 bits do not overflow") {
  CHECK(multiplier({true, -8192, -8192, 31, -32}) == -8192 * 31 + (8192LL * 32 << 13));
  CHECK(multiplier({true, 8191, 8191, 31, 31}) == 8191 * 31 + (8191LL * 31 << 13));
  CHECK(multiplier({false, 8191, -8192, 31, 31}) == 8191 * 31 - (8192LL * 31 << 5));
}
