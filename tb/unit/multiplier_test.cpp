// SPDX-License-Identifier: Apache-2.0
#include "sw/golden/multiplier.h"

#include <doctest/doctest.h>

#include <optional>

#include "tb/unit/bench.h"
#include "tb/unit/header.h"
#include "tb/unit/models/multiplier.h"

namespace {

using aqpim::golden::combine_operands;
using aqpim::golden::MultiplierOperands;
using aqpim::golden::table_operands;
using aqpim::tb::Random;
using aqpim::tb::unit::Bench;
using aqpim::tb::unit::Due;
using aqpim::tb::unit::get_signed;
using aqpim::tb::unit::multiplier_0;
using aqpim::tb::unit::put;

// Operands at the ends of their ranges in a quarter of the draws.
MultiplierOperands random_operands(Random& random) {
  const bool ends = random.chance(1, 4);
  switch (random.below(3)) {
    case 0:
      return table_operands(static_cast<std::int32_t>(ends ? random.pick({-2048, -1, 0, 2047})
                                                           : random.between(-2048, 2047)),
                            static_cast<std::int8_t>(ends ? random.pick({-128, -1, 0, 31, 32, 127})
                                                          : random.between(-128, 127)));
    case 1:
      return combine_operands(
          static_cast<std::uint32_t>(ends ? random.pick({0, 0x1fff, 0x2000, 0x3ffffff})
                                          : static_cast<int>(random.bits(26))),
          static_cast<std::uint32_t>(ends ? random.pick({0, 1, 31})
                                          : static_cast<int>(random.bits(5))));
    default:
      return {.combine = random.chance(1, 2),
              .low = static_cast<std::int32_t>(ends ? -8192 : random.between(-8192, 8191)),
              .high = static_cast<std::int32_t>(ends ? -8192 : random.between(-8192, 8191)),
              .digit0 = static_cast<std::int32_t>(ends ? 31 : random.below(32)),
              .digit1 = static_cast<std::int32_t>(ends ? -32 : random.between(-32, 31))};
  }
}

}  // namespace

TEST_CASE("pq_multiplier: a product per cycle in both uses, exact, held between operands") {
  Random random(aqpim::tb::test_seed(), "pq_multiplier");
  Bench<multiplier_0::Model> bench;
  Due<std::optional<std::int32_t>> due(aqpim::tb::unit::stated_cycles("multiplier"));
  std::optional<std::int32_t> last;
  for (std::uint64_t cycle = 0; cycle < aqpim::tb::test_iterations(20000); ++cycle) {
    const MultiplierOperands operands = random_operands(random);
    const bool valid = random.chance(7, 8);
    bench->valid_i = valid;
    bench->combine_i = operands.combine;
    put(bench->low_i, 0, 14, static_cast<std::uint64_t>(operands.low));
    put(bench->high_i, 0, 14, static_cast<std::uint64_t>(operands.high));
    put(bench->digit0_i, 0, 5, static_cast<std::uint64_t>(operands.digit0));
    put(bench->digit1_i, 0, 6, static_cast<std::uint64_t>(operands.digit1));
    bench.settle();
    const auto expected =
        due.next(valid ? std::optional(aqpim::golden::multiplier(operands)) : std::nullopt);
    if (expected && *expected) last = *expected;
    CAPTURE(cycle);
    if (last) REQUIRE(get_signed(bench->product_o, 0, 32) == *last);
    bench.clock();
  }
}
