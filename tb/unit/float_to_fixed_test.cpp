// SPDX-License-Identifier: Apache-2.0
#include "sw/golden/float_to_fixed.h"

#include <doctest/doctest.h>

#include "tb/unit/bench.h"
#include "tb/unit/header.h"
#include "tb/unit/models/float_to_fixed.h"

namespace {

using namespace aqpim::tb;
using namespace aqpim::tb::unit;
using aqpim::golden::Fixed;

}  // namespace

TEST_CASE_TEMPLATE_DEFINE(
    "pq_float_to_fixed: every bit pattern of both formats at every fraction, one per cycle, zero "
    "in gaps",
    Dut, float_to_fixed_patterns) {
  INFO(Dut::parameters);
  Bench<typename Dut::Model> bench;
  Due<Fixed> due(stated_cycles("float_to_fixed"));
  Random random(test_seed(), "pq_float_to_fixed");
  Fixed last;
  std::uint64_t wrong = 0, compared = 0;
  for (unsigned bits = 0; bits < 65536; ++bits) {
    // Neighbours in time differ in format and fraction.
    for (unsigned variant = 0; variant < 64; ++variant) {
      const bool valid = variant < 62;  // then two cycles without a number
      const bool bfloat16 = variant % 2 != 0;
      const unsigned fraction = variant / 2 % 31;
      bench->valid_i = valid;
      bench->float_i = static_cast<std::uint16_t>(valid ? bits : random.bits(16));
      bench->bfloat16_i = bfloat16;
      bench->fraction_i = static_cast<std::uint8_t>(fraction);
      bench.settle();
      if (valid) {
        last = aqpim::golden::float_to_fixed(static_cast<std::uint16_t>(bits), bfloat16, fraction,
                                             Dut::Width);
      }
      // The number itself goes on saying whether it was finite.
      const auto expected = due.next(valid ? last : Fixed{0, last.nonfinite, false});
      const Fixed got{static_cast<std::int32_t>(get_signed(bench->value_o, 0, Dut::Width)),
                      bench->nonfinite_o != 0, bench->saturated_o != 0};
      if (expected && !(got == *expected)) {
        ++wrong;
        if (wrong == 1) {
          CHECK_MESSAGE(false, "bits ", bits, " bfloat16 ", bfloat16, " fraction ", fraction,
                        " give ", got.value, ", expected ", expected->value,
                        " (in the cycle that brings the result)");
        }
      }
      if (expected) ++compared;
      bench.clock();
    }
  }
  CHECK(wrong == 0);
  CHECK(compared > 4000000);
}
TEST_CASE_TEMPLATE_APPLY(float_to_fixed_patterns, float_to_fixed_models);
