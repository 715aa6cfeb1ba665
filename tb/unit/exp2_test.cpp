// SPDX-License-Identifier: Apache-2.0
#include "sw/golden/exp2.h"

#include <doctest/doctest.h>

#include "tb/unit/bench.h"
#include "tb/unit/header.h"
#include "tb/unit/models/exp2.h"

namespace {

using namespace aqpim::tb;
using namespace aqpim::tb::unit;

}  // namespace

TEST_CASE_TEMPLATE_DEFINE(
    "pq_exp2: every argument from zero to the lowest, one per step, held between steps", Dut,
    exp2_arguments) {
  INFO(Dut::parameters);
  Random random(test_seed(), "pq_exp2");
  Bench<typename Dut::Model> bench;
  // Counted in steps, which are cycles with advance_i.
  Due<std::uint32_t> due(stated_cycles("exp2"));
  std::optional<std::uint32_t> shown;
  const std::int32_t lowest = -(1 << (Dut::ArgumentWidth - 1));
  std::uint64_t compared = 0, zero = 0;
  for (std::int32_t argument = 0; argument >= lowest;) {
    const bool advance = argument > lowest / 2 || random.chance(3, 4);
    bench->advance_i = advance;
    put(bench->argument_i, 0, Dut::ArgumentWidth, static_cast<std::uint64_t>(argument));
    bench.settle();
    if (advance) {
      shown = due.next(aqpim::golden::exp2(argument, Dut::ArgumentFraction, Dut::WeightWidth));
    }
    if (shown && advance) {
      CAPTURE(argument);
      REQUIRE(get(bench->weight_o, 0, Dut::WeightWidth) == *shown);
      ++compared;
      zero += *shown == 0 ? 1 : 0;
    }
    bench.clock();
    if (advance) --argument;
  }
  CHECK(compared + 3 >= static_cast<std::uint64_t>(-lowest));
  CHECK(zero > 0);
}
TEST_CASE_TEMPLATE_APPLY(exp2_arguments, exp2_models);

TEST_CASE("pq_exp2: nothing moves without advance_i") {
  using Dut = exp2_0;
  Bench<Dut::Model> bench;
  bench->advance_i = 1;
  put(bench->argument_i, 0, Dut::ArgumentWidth, static_cast<std::uint64_t>(-300));
  for (int step = 0; step < 8; ++step) bench.clock();
  bench->advance_i = 0;
  for (int cycle = 0; cycle < 20; ++cycle) {
    put(bench->argument_i, 0, Dut::ArgumentWidth, static_cast<std::uint64_t>(-cycle));
    bench.clock();
    CHECK(bench->weight_o == aqpim::golden::exp2(-300, Dut::ArgumentFraction, Dut::WeightWidth));
  }
}
