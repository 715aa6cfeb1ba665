// SPDX-License-Identifier: Apache-2.0
#include "sw/golden/table_lane.h"

#include <doctest/doctest.h>

#include <map>

#include "sw/golden/output_lane.h"
#include "sw/seed/seed.h"

using aqpim::golden::output_accumulate;
using aqpim::golden::TableLane;

TEST_CASE("golden table_lane: entries are what was written last, negative ones too") {
  TableLane lane(16);
  for (int c = 0; c < 16; ++c) lane.write(c, 1000 - 150 * c);
  lane.write(3, -32768);
  for (int c = 0; c < 16; ++c) CHECK(lane.lookup(c) == (c == 3 ? -32768 : 1000 - 150 * c));
}

TEST_CASE("golden table_lane: buckets start at zero after TABLE and again after COMBINE") {
  TableLane lane(4);
  for (int round = 0; round < 2; ++round) {
    for (int c = 0; c < 4; ++c) lane.write(c, -1);
    lane.add(2, 5);
    lane.add(2, 6);
    for (int again = 0; again < 2; ++again) {
      CHECK(lane.take(0) == 0);
      CHECK(lane.take(2) == (again == 0 ? 11 : 0));
    }
    lane.add(2, 7);
    lane.add(0, 1);
    CHECK(lane.take(2) == 7);
    CHECK(lane.take(0) == 1);
    // A bucket left over is forgotten by the next TABLE.
    lane.add(1, 9);
  }
}

TEST_CASE("golden table_lane: random weights add up per code") {
  aqpim::Random random(aqpim::test_seed(), "golden table_lane");
  TableLane lane(256);
  for (std::size_t c = 0; c < 256; ++c) lane.write(c, static_cast<std::int32_t>(c));
  std::map<std::size_t, std::uint64_t> sums;
  for (std::uint64_t i = 0; i < aqpim::test_iterations(2000); ++i) {
    const std::size_t code = random.below(random.chance(1, 2) ? 4 : 256);
    const auto weight = static_cast<std::uint32_t>(random.bits(14));
    lane.add(code, weight);
    sums[code] += weight;
  }
  for (std::size_t c = 0; c < 256; ++c) CHECK(lane.take(c) == sums[c]);
}

TEST_CASE("golden output_accumulate: adds, or starts again from zero") {
  CHECK(output_accumulate(5, -7, false) == -2);
  CHECK(output_accumulate(5, -7, true) == -7);
  const std::int64_t limit = std::int64_t{1} << 37;
  CHECK(output_accumulate(limit - 2, 1, false) == limit - 1);
  CHECK(output_accumulate(-limit + 1, -1, false) == -limit);
}
