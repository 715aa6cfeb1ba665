// SPDX-License-Identifier: Apache-2.0
#include "tb/unit/models/centroid_format.h"

#include <doctest/doctest.h>

#include <optional>

#include "sw/golden/reducer.h"
#include "tb/unit/bench.h"
#include "tb/unit/header.h"

TEST_CASE("pq_centroid_format: every centroid is as in the golden model, of keys and of values") {
  using namespace aqpim::tb;
  using namespace aqpim::tb::unit;
  struct Centroid {
    std::int32_t value;
    bool values;
  };
  Bench<centroid_format_0::Model> bench;
  Random random(test_seed(), "pq_centroid_format");
  Due<std::optional<Centroid>> due(stated_cycles("centroid_format"));
  unsigned compared = 0;
  const auto cycle = [&](std::optional<Centroid> centroid) {
    bench->valid_i = centroid.has_value();
    bench->value_i = static_cast<std::uint16_t>(
        (centroid ? static_cast<std::uint64_t>(centroid->value) : random.bits()) & 0xfff);
    bench->values_i = centroid ? centroid->values : random.chance(1, 2);
    bench.settle();
    const auto expected = due.next(centroid).value_or(std::nullopt);
    REQUIRE((bench->valid_o != 0) == expected.has_value());
    if (expected) {
      CAPTURE(expected->value);
      CAPTURE(expected->values);
      REQUIRE(bench->half_o == aqpim::golden::centroid_half(expected->value));
      REQUIRE(bench->element_o == aqpim::golden::store_element(expected->value, expected->values));
      ++compared;
    }
    bench.clock();
  };
  for (std::int32_t value = -2048; value < 2048; ++value) {
    const bool values = random.chance(1, 2);
    cycle(Centroid{value, values});
    while (random.chance(1, 4)) cycle(std::nullopt);
    cycle(Centroid{value, !values});
  }
  for (int i = 0; i < 4; ++i) cycle(std::nullopt);
  CHECK(compared == 2 * 4096);
}
