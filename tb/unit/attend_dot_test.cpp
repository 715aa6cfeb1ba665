// SPDX-License-Identifier: Apache-2.0
#include "tb/unit/models/attend_dot.h"

#include <doctest/doctest.h>

#include <array>

#include "sw/golden/centroid_group.h"
#include "tb/unit/bench.h"
#include "tb/unit/header.h"

namespace {

using namespace aqpim::tb;
using namespace aqpim::tb::unit;
using aqpim::golden::Rounded;

struct Operands {
  std::array<std::int32_t, 2> query;
  unsigned shift;
  std::array<std::int8_t, 2> elements;
};

Operands random_operands(Random& random) {
  Operands operands{};
  for (std::int32_t& q : operands.query) {
    q = static_cast<std::int32_t>(random.chance(1, 4) ? random.pick({-2048, -1, 0, 1, 2047})
                                                      : random.between(-2048, 2047));
  }
  operands.shift = static_cast<unsigned>(random.bits(4));
  for (std::int8_t& e : operands.elements) {
    e = static_cast<std::int8_t>(random.chance(1, 4) ? random.pick({-128, -1, 0, 1, 127})
                                                     : random.between(-128, 127));
  }
  return operands;
}

}  // namespace

TEST_CASE("pq_attend_dot: one entry per cycle, at all ends of its operands, with every shift") {
  using Dut = attend_dot_0;
  INFO(Dut::parameters);
  Random random(test_seed(), "pq_attend_dot");
  Bench<Dut::Model> bench;
  Due<Rounded> due(stated_cycles("attend_dot", "to entry_o:"));
  Operands operands = random_operands(random);
  std::uint64_t low = 0, high = 0;
  for (std::uint64_t cycle = 0; cycle < test_iterations(40000); ++cycle) {
    CAPTURE(cycle);
    // The query of the next cycle's elements.
    const Operands next = random_operands(random);
    put(bench->query0_i, 0, 12, static_cast<std::uint64_t>(next.query[0]));
    put(bench->query1_i, 0, 12, static_cast<std::uint64_t>(next.query[1]));
    bench->shift_i = static_cast<std::uint8_t>(next.shift);
    bench->element0_i = static_cast<std::uint8_t>(operands.elements[0]);
    bench->element1_i = static_cast<std::uint8_t>(operands.elements[1]);
    bench.settle();
    const auto expected = due.next(aqpim::golden::table_entry(operands.query, operands.elements,
                                                              operands.shift, Dut::EntryWidth));
    // The first one has had no query ahead of it.
    if (expected && cycle > stated_cycles("attend_dot", "to entry_o:")) {
      REQUIRE(get_signed(bench->entry_o, 0, Dut::EntryWidth) == expected->value);
      REQUIRE((bench->saturated_o != 0) == expected->saturated);
      if (expected->saturated) ++(expected->value < 0 ? low : high);
    }
    bench.clock();
    operands = next;
  }
  if (test_iterations(40000) >= 40000) {
    CHECK(low > 100);
    CHECK(high > 100);
  }
}
