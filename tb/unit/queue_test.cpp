// SPDX-License-Identifier: Apache-2.0
#include "tb/unit/models/queue.h"

#include <doctest/doctest.h>

#include <deque>

#include "tb/unit/bench.h"
#include "tb/unit/header.h"

using namespace aqpim::tb;
using namespace aqpim::tb::unit;

TEST_CASE_TEMPLATE_DEFINE("pq_queue: it is a deque that takes and gives a word in each cycle", Dut,
                          queue_random) {
  INFO(Dut::parameters);
  REQUIRE(stated_cycles("queue") == 1);
  Bench<typename Dut::Model> bench;
  Random random(test_seed(), "pq_queue");
  std::deque<std::uint64_t> words;
  std::uint64_t full = 0;
  std::uint64_t both = 0;
  for (std::uint64_t cycle = 0; cycle < test_iterations(4000); ++cycle) {
    // Times in which it fills up, times in which it runs empty.
    const std::uint64_t pushes = cycle / 50 % 2 == 0 ? 3 : 1;
    CAPTURE(cycle);
    bench.settle();
    REQUIRE((bench->full_o != 0) == (words.size() == Dut::Depth));
    REQUIRE((bench->valid_o != 0) == !words.empty());
    if (!words.empty()) REQUIRE(get(bench->data_o, 0, Dut::Width) == words.front());
    full += words.size() == Dut::Depth;

    const std::uint64_t word = random.bits(Dut::Width);
    const bool push = words.size() < Dut::Depth && random.chance(pushes, 4);
    const bool pop = !words.empty() && random.chance(4 - pushes, 4);
    both += push && pop;
    bench->push_i = push;
    bench->pop_i = pop;
    put(bench->data_i, 0, Dut::Width, word);
    bench.clock();
    if (pop) words.pop_front();
    if (push) words.push_back(word);
  }
  CHECK(full > 0);
  CHECK(both > 0);
  bench->push_i = 0;
  bench->pop_i = 0;
  bench.reset();
  bench.settle();
  CHECK(bench->valid_o == 0);
  CHECK(bench->full_o == 0);
}
TEST_CASE_TEMPLATE_APPLY(queue_random, queue_models);

TEST_CASE("pq_queue: a word too many and one too few violate an assertion") {
  using Dut = queue_0;
  Bench<Dut::Model> bench;
  bench->push_i = 0;
  bench->pop_i = 1;
  bench.clock();
  CHECK(bench.take_errors() == 1);
  bench->pop_i = 0;
  bench.reset();
  bench->push_i = 1;
  for (unsigned i = 0; i < Dut::Depth; ++i) bench.clock();
  CHECK(bench.take_errors() == 0);
  bench.clock();
  CHECK(bench.take_errors() == 1);
}
