// SPDX-License-Identifier: Apache-2.0
#include "sw/golden/multiplier.h"

#include <doctest/doctest.h>

#include <optional>

#include "tb/unit/bench.h"
#include "tb/unit/header.h"
#include "tb/unit/models/multiplier.h"

namespace {

using namespace aqpim::tb;
using namespace aqpim::tb::unit;
using aqpim::golden::combine_operands;
using aqpim::golden::MultiplierOperands;
using aqpim::golden::square_operands;
using aqpim::golden::table_operands;
using aqpim::golden::weigh_operands;

// Operands at the ends of their ranges in a quarter of the draws. Squares need digits of 8 bits.
MultiplierOperands random_operands(Random& random, unsigned digit_width) {
  const bool ends = random.chance(1, 4);
  const auto between = [&](std::int64_t low, std::int64_t high) {
    return static_cast<std::int32_t>(ends ? random.pick({low, std::int64_t{-1}, std::int64_t{0},
                                                         std::int64_t{31}, std::int64_t{32}, high})
                                          : random.between(low, high));
  };
  switch (random.below(digit_width >= 8 ? 5 : 3)) {
    case 0:
      return table_operands(between(-2048, 2047), static_cast<std::int8_t>(between(-128, 127)));
    case 1:
      return combine_operands(
          static_cast<std::uint32_t>(ends ? random.pick({0, 0x1fff, 0x2000, 0x3ffffff})
                                          : static_cast<int>(random.bits(26))),
          static_cast<std::uint32_t>(ends ? random.pick({0, 1, 31})
                                          : static_cast<int>(random.bits(5))));
    case 2:
      return {.combine = random.chance(1, 2),
              .low = static_cast<std::int32_t>(ends ? -8192 : random.between(-8192, 8191)),
              .high = static_cast<std::int32_t>(ends ? -8192 : random.between(-8192, 8191)),
              .digit0 = static_cast<std::int32_t>(ends ? 31 : random.below(32)),
              .digit1 = static_cast<std::int32_t>(ends ? -32 : random.between(-32, 31))};
    case 3:
      return square_operands(between(-4095, 4095));
    default:
      return weigh_operands(between(-2048, 2047),
                            static_cast<std::uint32_t>(ends ? random.pick({0, 31, 32, 255})
                                                            : static_cast<int>(random.bits(8))));
  }
}

}  // namespace

TEST_CASE_TEMPLATE_DEFINE(
    "pq_multiplier: a product per cycle in all uses, exact, held between operands", Dut,
    multiplier_stream) {
  INFO(Dut::parameters);
  Random random(test_seed(), "pq_multiplier");
  Bench<typename Dut::Model> bench;
  Due<std::optional<std::int32_t>> due(stated_cycles("multiplier"));
  std::optional<std::int32_t> last;
  for (std::uint64_t cycle = 0; cycle < test_iterations(20000); ++cycle) {
    const MultiplierOperands operands = random_operands(random, Dut::DigitWidth);
    const bool valid = random.chance(7, 8);
    bench->valid_i = valid;
    bench->combine_i = operands.combine;
    put(bench->low_i, 0, 14, static_cast<std::uint64_t>(operands.low));
    put(bench->high_i, 0, 14, static_cast<std::uint64_t>(operands.high));
    put(bench->digit0_i, 0, 5, static_cast<std::uint64_t>(operands.digit0));
    put(bench->digit1_i, 0, Dut::DigitWidth, static_cast<std::uint64_t>(operands.digit1));
    bench.settle();
    const auto expected =
        due.next(valid ? std::optional(aqpim::golden::multiplier(operands)) : std::nullopt);
    if (expected && *expected) last = *expected;
    CAPTURE(cycle);
    if (last) REQUIRE(get_signed(bench->product_o, 0, 32) == *last);
    bench.clock();
  }
}
TEST_CASE_TEMPLATE_APPLY(multiplier_stream, multiplier_models);
