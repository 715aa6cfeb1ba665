// SPDX-License-Identifier: Apache-2.0
#include "sw/golden/round_saturate.h"

#include <doctest/doctest.h>

#include "tb/unit/bench.h"
#include "tb/unit/header.h"
#include "tb/unit/models/round_saturate.h"

namespace {

using namespace aqpim::tb;
using namespace aqpim::tb::unit;

template <class Dut>
aqpim::golden::Rounded rounded(Bench<typename Dut::Model>& bench, std::int64_t value,
                               unsigned shift) {
  bench->valid_i = 1;
  put(bench->value_i, 0, Dut::InWidth, static_cast<std::uint64_t>(value));
  bench->shift_i = static_cast<std::uint8_t>(shift);
  bench.settle();
  return {get_signed(bench->result_o, 0, Dut::OutWidth), bench->saturated_o != 0};
}

}  // namespace

TEST_CASE_TEMPLATE_DEFINE(
    "pq_round_saturate: ties, negatives and both ends are as in the golden "
    "model, in the same cycle",
    Dut, round_saturate_values) {
  INFO(Dut::parameters);
  REQUIRE(stated_latency("round_saturate") == "combinational");
  Random random(test_seed(), "pq_round_saturate");
  Bench<typename Dut::Model> bench;
  const std::int64_t limit = std::int64_t{1} << (Dut::InWidth - 1);
  const auto check = [&](std::int64_t value, unsigned shift) {
    CAPTURE(value);
    CAPTURE(shift);
    REQUIRE(rounded<Dut>(bench, value, shift) ==
            aqpim::golden::round_saturate(value, shift, Dut::OutWidth));
  };
  for (unsigned shift = 0; shift < 1u << Dut::ShiftWidth; ++shift) {
    // The golden model shifts up to 62, by when nothing is left.
    const unsigned bounded = std::min(shift, 62u);
    const std::int64_t unit = std::int64_t{1} << std::min(bounded, Dut::InWidth - 1);
    const std::int64_t most = (std::int64_t{1} << (Dut::OutWidth - 1)) - 1;
    // Around zero, around the ends of the result and of the input: exact, just off, and ties.
    for (const std::int64_t whole : {std::int64_t{0}, most * unit, (-most - 1) * unit}) {
      for (const std::int64_t part : {std::int64_t{0}, unit / 2, unit}) {
        for (const std::int64_t step : {-1, 0, 1}) {
          for (const std::int64_t value : {whole + part + step, whole - part + step}) {
            if (value >= -limit && value < limit) check(value, bounded);
          }
        }
      }
    }
    check(limit - 1, bounded);
    check(-limit, bounded);
    for (std::uint64_t i = 0; i < test_iterations(1000); ++i) {
      // All magnitudes are equally likely.
      const auto magnitude =
          static_cast<std::int64_t>(random.bits(static_cast<unsigned>(random.below(Dut::InWidth))));
      check(random.chance(1, 2) ? magnitude : -magnitude, bounded);
    }
  }
}
TEST_CASE_TEMPLATE_APPLY(round_saturate_values, round_saturate_models);

TEST_CASE_TEMPLATE_DEFINE("pq_round_saturate: without a value both results are zero", Dut,
                          round_saturate_idle) {
  INFO(Dut::parameters);
  Random random(test_seed(), "pq_round_saturate idle");
  Bench<typename Dut::Model> bench;
  bench->valid_i = 0;
  for (int i = 0; i < 100; ++i) {
    put(bench->value_i, 0, Dut::InWidth, random.bits(Dut::InWidth));
    bench->shift_i = static_cast<std::uint8_t>(random.below(1u << Dut::ShiftWidth));
    bench.settle();
    REQUIRE(get_signed(bench->result_o, 0, Dut::OutWidth) == 0);
    REQUIRE(bench->saturated_o == 0);
  }
}
TEST_CASE_TEMPLATE_APPLY(round_saturate_idle, round_saturate_models);

TEST_CASE("pq_round_saturate: every input of the smallest one is as in the golden model") {
  using Dut = round_saturate_0;
  static_assert(Dut::InWidth <= 8);
  Bench<Dut::Model> bench;
  for (unsigned shift = 0; shift < 1u << Dut::ShiftWidth; ++shift) {
    for (int value = -(1 << (Dut::InWidth - 1)); value < 1 << (Dut::InWidth - 1); ++value) {
      REQUIRE(rounded<Dut>(bench, value, shift) ==
              aqpim::golden::round_saturate(value, shift, Dut::OutWidth));
    }
  }
}
