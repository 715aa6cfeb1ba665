// SPDX-License-Identifier: Apache-2.0
#include "tb/unit/models/divider.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <optional>

#include "sw/golden/reducer.h"
#include "tb/unit/bench.h"
#include "tb/unit/header.h"

namespace {

using namespace aqpim::tb;
using namespace aqpim::tb::unit;

template <class Dut>
class Divider {
 public:
  static constexpr std::int64_t kLowest = -(std::int64_t{1} << (Dut::QuotientWidth - 1));
  static constexpr std::int64_t kMostDivisor = (std::int64_t{1} << Dut::DivisorWidth) - 1;

  // A cycle with these inputs, or a gap.
  void cycle(std::optional<std::int64_t> dividend, std::int64_t divisor) {
    const auto tag = static_cast<std::uint8_t>(random.below(2));
    bench->valid_i = dividend.has_value();
    put(bench->dividend_i, 0, Dut::DivisorWidth + Dut::QuotientWidth,
        dividend ? static_cast<std::uint64_t>(*dividend) : random.bits());
    put(bench->divisor_i, 0, Dut::DivisorWidth, static_cast<std::uint64_t>(divisor));
    bench->tag_i = tag;
    bench.settle();
    std::optional<Quotient> quotient;
    if (dividend) quotient = Quotient{*dividend, divisor, tag};
    const auto expected = due.next(quotient).value_or(std::nullopt);
    REQUIRE((bench->valid_o != 0) == expected.has_value());
    if (expected) {
      CAPTURE(expected->dividend);
      CAPTURE(expected->divisor);
      REQUIRE(get_signed(bench->quotient_o, 0, Dut::QuotientWidth) ==
              aqpim::golden::mean(expected->dividend, expected->divisor));
      REQUIRE(bench->tag_o == expected->tag);
      ++compared;
    }
    bench.clock();
  }

  void drain() {
    for (unsigned i = 0; i < stated_cycles("divider", "QuotientWidth +") + Dut::QuotientWidth;
         ++i) {
      cycle(std::nullopt, random.between(0, kMostDivisor));
    }
  }

  // Divisors of all magnitudes; dividends at the ends, at and beside whole quotients and ties.
  std::pair<std::int64_t, std::int64_t> draw() {
    const auto width = static_cast<unsigned>(random.between(1, Dut::DivisorWidth));
    const std::int64_t divisor = std::max<std::int64_t>(
        1, random.chance(1, 8) ? kMostDivisor : static_cast<std::int64_t>(random.bits(width)));
    const std::int64_t dividend =
        random.between(kLowest, -kLowest - 1) * divisor +
        random.pick({std::int64_t{0}, divisor / 2, random.between(0, divisor)}) +
        random.between(-1, 1);
    return {std::clamp(dividend, kLowest * divisor, (-kLowest - 1) * divisor), divisor};
  }

  struct Quotient {
    std::int64_t dividend;
    std::int64_t divisor;
    std::uint8_t tag;
  };

  Bench<typename Dut::Model> bench;
  Random random{test_seed(), "pq_divider"};
  Due<std::optional<Quotient>> due{Dut::QuotientWidth +
                                   stated_cycles("divider", "QuotientWidth +")};
  std::uint64_t compared = 0;
};

}  // namespace

TEST_CASE_TEMPLATE_DEFINE("pq_divider: one quotient per cycle is as in the golden model, with gaps",
                          Dut, divider_random) {
  INFO(Dut::parameters);
  REQUIRE(stated_latency("divider") == "QuotientWidth + 2 cycles");
  Divider<Dut> divider;
  const std::uint64_t count = test_iterations(20000);
  for (std::uint64_t i = 0; i < count; ++i) {
    while (i > count / 2 && divider.random.chance(1, 3)) divider.cycle(std::nullopt, 0);
    const auto [dividend, divisor] = divider.draw();
    divider.cycle(dividend, divisor);
  }
  divider.drain();
  CHECK(divider.compared == count);
}
TEST_CASE_TEMPLATE_APPLY(divider_random, divider_models);

TEST_CASE_TEMPLATE_DEFINE("pq_divider: every dividend of the smallest one, and of small divisors",
                          Dut, divider_small) {
  INFO(Dut::parameters);
  Divider<Dut> divider;
  for (std::int64_t divisor = 1; divisor <= std::min<std::int64_t>(15, divider.kMostDivisor);
       ++divisor) {
    for (std::int64_t dividend = divider.kLowest * divisor;
         dividend <= (-divider.kLowest - 1) * divisor; ++dividend) {
      divider.cycle(dividend, divisor);
    }
  }
  divider.drain();
}
TEST_CASE_TEMPLATE_APPLY(divider_small, divider_models);

TEST_CASE("pq_divider: a divisor of 0, and quotients that do not fit, violate an assertion") {
  using Dut = divider_0;
  const std::int64_t lowest = Divider<Dut>::kLowest;
  const std::pair<std::int64_t, std::int64_t> wrong[] = {
      {0, 0}, {lowest * 5 - 1, 5}, {-lowest * 5, 5}, {-lowest * 5 - 1, 5}};
  for (const auto& [dividend, divisor] : wrong) {
    Divider<Dut> divider;
    divider.bench->valid_i = 1;
    put(divider.bench->dividend_i, 0, Dut::DivisorWidth + Dut::QuotientWidth,
        static_cast<std::uint64_t>(dividend));
    put(divider.bench->divisor_i, 0, Dut::DivisorWidth, static_cast<std::uint64_t>(divisor));
    divider.bench.clock();
    divider.bench->valid_i = 0;
    CHECK(divider.bench.take_errors() == 0);
    for (unsigned i = 0; i < Dut::QuotientWidth + 2; ++i) divider.bench.clock();
    CHECK(divider.bench.take_errors() > 0);
  }
}
