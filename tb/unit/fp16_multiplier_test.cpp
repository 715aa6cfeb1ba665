// SPDX-License-Identifier: Apache-2.0
#include "tb/unit/models/fp16_multiplier.h"

#include <doctest/doctest.h>

#include <cmath>
#include <cstdint>

#include "tb/common/random.h"
#include "tb/unit/bench.h"
#include "tb/unit/fp16.h"
#include "tb/unit/header.h"

namespace {

using namespace aqpim::tb;
using namespace aqpim::tb::unit;

// A product that rounds up to 2^-14 counts as small, as its exponent was before rounding: the one
// place where the order of flushing and rounding shows.
bool on_the_edge(double exact) {
  return std::fabs(exact) < 0x1p-14 && std::fabs(exact) > 0x1.ff8p-15;
}

}  // namespace

TEST_CASE("pq_fp16_multiplier: equals binary16 multiplication, small numbers as zero") {
  Bench<fp16_multiplier_0::Model> bench;
  Random random(test_seed(), "pq_fp16_multiplier");
  Due<std::uint16_t> due(stated_cycles("fp16_multiplier"));
  for (std::uint64_t i = 0; i < test_iterations(200000); ++i) {
    std::uint16_t a = operand(random), b = operand(random);
    while (on_the_edge(static_cast<double>(flushed(a)) * static_cast<double>(flushed(b))))
      b = operand(random);
    bench->a_i = a;
    bench->b_i = b;
    bench.settle();
    if (const auto expected = due.next(product(a, b))) REQUIRE(bench->product_o == *expected);
    bench.clock();
  }
}
