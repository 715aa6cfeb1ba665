// SPDX-License-Identifier: Apache-2.0
#include "tb/unit/models/fp16_adder.h"

#include <doctest/doctest.h>

#include <cstdint>

#include "tb/common/random.h"
#include "tb/unit/bench.h"
#include "tb/unit/fp16.h"
#include "tb/unit/header.h"

namespace {

using namespace aqpim::tb;
using namespace aqpim::tb::unit;

}  // namespace

TEST_CASE("pq_fp16_adder: equals binary16 addition, small numbers as zero") {
  Bench<fp16_adder_0::Model> bench;
  Random random(test_seed(), "pq_fp16_adder");
  Due<std::uint16_t> due(stated_cycles("fp16_adder"));
  for (std::uint64_t i = 0; i < test_iterations(200000); ++i) {
    const std::uint16_t a = operand(random), b = operand(random);
    CAPTURE(a);
    CAPTURE(b);
    bench->a_i = a;
    bench->b_i = b;
    bench.settle();
    if (const auto expected = due.next(sum(a, b))) REQUIRE(bench->sum_o == *expected);
    bench.clock();
  }
}
