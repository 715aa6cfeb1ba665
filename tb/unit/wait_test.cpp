// SPDX-License-Identifier: Apache-2.0
#include "tb/unit/models/wait.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "tb/unit/bench.h"
#include "tb/unit/header.h"

using namespace aqpim::tb;
using namespace aqpim::tb::unit;

TEST_CASE_TEMPLATE_DEFINE(
    "pq_wait: commands wait to the memory cycle for the latest of all delays, in both slots", Dut,
    wait_random) {
  INFO(Dut::parameters);
  REQUIRE(stated_latency("wait") == "set_i counts from the next cycle on");
  Bench<typename Dut::Model> bench;
  Random random(test_seed(), "pq_wait");
  // The memory cycle in which a command may go again. A clock cycle is two memory cycles.
  std::uint64_t release = 0;
  std::uint64_t held_by_earlier = 0;
  std::uint64_t one_slot = 0;
  for (std::uint64_t cycle = 0; cycle < test_iterations(5000); ++cycle) {
    CAPTURE(cycle);
    bench.settle();
    for (unsigned slot = 0; slot < 2; ++slot) {
      REQUIRE((bench->wait_o <= slot) == (2 * cycle + slot >= release));
    }
    REQUIRE(bench->wait_o == std::max(release, 2 * cycle) - 2 * cycle);
    one_slot += bench->wait_o == 1;

    // A long one hides what follows.
    const bool set = random.chance(1, 8);
    const std::uint64_t delay = random.bits(random.chance(1, 100) ? Dut::Width : 4);
    bench->set_i = set;
    put(bench->delay_i, 0, Dut::Width, delay);
    bench.clock();
    if (!set) continue;
    held_by_earlier += release > 2 * cycle + delay;
    release = std::max(release, 2 * cycle + delay);
  }
  CHECK(held_by_earlier > 0);
  CHECK(one_slot > 0);
  bench->set_i = 0;
  bench.reset();
  bench.settle();
  CHECK(bench->wait_o == 0);
}
TEST_CASE_TEMPLATE_APPLY(wait_random, wait_models);
