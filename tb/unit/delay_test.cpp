// SPDX-License-Identifier: Apache-2.0
#include "tb/unit/models/delay.h"

#include <doctest/doctest.h>

#include "tb/unit/bench.h"
#include "tb/unit/header.h"

using namespace aqpim::tb;
using namespace aqpim::tb::unit;

TEST_CASE_TEMPLATE_DEFINE("pq_delay: each word comes Cycles cycles later", Dut, delay_random) {
  INFO(Dut::parameters);
  REQUIRE(stated_latency("delay") == "Cycles");
  Bench<typename Dut::Model> bench;
  Random random(test_seed(), "pq_delay");
  Due<std::uint64_t> due(Dut::Cycles);
  for (std::uint64_t cycle = 0; cycle < test_iterations(500); ++cycle) {
    const std::uint64_t word = random.bits(Dut::Width);
    put(bench->data_i, 0, Dut::Width, word);
    bench.settle();
    const auto expected = due.next(word);
    if (expected) REQUIRE(get(bench->data_o, 0, Dut::Width) == *expected);
    bench.clock();
  }
}
TEST_CASE_TEMPLATE_APPLY(delay_random, delay_models);
