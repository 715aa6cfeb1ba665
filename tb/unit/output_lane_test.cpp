// SPDX-License-Identifier: Apache-2.0
#include "sw/golden/output_lane.h"

#include <doctest/doctest.h>

#include <vector>

#include "tb/unit/bench.h"
#include "tb/unit/header.h"
#include "tb/unit/models/output_lane.h"

namespace {

using namespace aqpim::tb;
using namespace aqpim::tb::unit;

template <class Dut>
void check_additions(std::uint64_t cycles, bool one_accumulator) {
  REQUIRE(stated_cycles("output_lane", "load_i:") == 1);
  REQUIRE(stated_cycles("output_lane", "add:") == 1);
  Random random(test_seed(), "pq_output_lane");
  Bench<typename Dut::Model> bench;
  const std::int64_t limit = std::int64_t{1} << (Dut::OutputWidth - 1);
  std::vector<std::optional<std::int64_t>> sums(Dut::CentroidWords);
  struct Access {
    unsigned word = 0;
    bool active = false, add = false, load = false;
  } now, next;
  now.active = true;  // the selection at power-up is not known
  for (std::uint64_t cycle = 0; cycle < cycles; ++cycle) {
    CAPTURE(cycle);
    next.word = one_accumulator ? 0 : static_cast<unsigned>(random.below(Dut::CentroidWords));
    next.active = random.chance(7, 8);
    next.add = next.active && random.chance(3, 4);
    next.load = random.chance(1, 8) || !sums[next.word];
    bench->active_i = next.active;
    bench->select_i = static_cast<std::uint8_t>(next.word);
    bench->add_i = next.add;
    bench->load_i = next.load;

    // The value of the access that was announced a cycle ago; the sum stays in its width.
    const std::int64_t before = now.load ? 0 : sums[now.word].value_or(0);
    const std::int64_t value =
        random.chance(1, 8)   ? (before < 0 ? -limit - before : limit - 1 - before)
        : random.chance(1, 8) ? -before
                              : random.between(std::max(-limit, -limit - before),
                                               std::min(limit - 1, limit - 1 - before));
    const std::int64_t fitting = std::clamp(value, -limit, limit - 1);
    put(bench->value_i, 0, Dut::OutputWidth, static_cast<std::uint64_t>(fitting));
    bench.settle();
    if (!now.active) {
      REQUIRE(get_signed(bench->value_o, 0, Dut::OutputWidth) == 0);
    } else if (sums[now.word]) {
      REQUIRE(get_signed(bench->value_o, 0, Dut::OutputWidth) == *sums[now.word]);
    }
    if (now.add) {
      sums[now.word] =
          aqpim::golden::output_accumulate(sums[now.word].value_or(0), fitting, now.load);
    }
    bench.clock();
    now = next;
  }
}

}  // namespace

TEST_CASE_TEMPLATE_DEFINE("pq_output_lane: additions, loads and reads of any accumulator", Dut,
                          output_lane_any) {
  INFO(Dut::parameters);
  check_additions<Dut>(test_iterations(5000), false);
}
TEST_CASE_TEMPLATE_APPLY(output_lane_any, output_lane_models);

TEST_CASE_TEMPLATE_DEFINE("pq_output_lane: additions to one accumulator back to back", Dut,
                          output_lane_one) {
  INFO(Dut::parameters);
  check_additions<Dut>(test_iterations(2000), true);
}
TEST_CASE_TEMPLATE_APPLY(output_lane_one, output_lane_models);
