// SPDX-License-Identifier: Apache-2.0
#include "sw/golden/score.h"

#include <doctest/doctest.h>

#include "tb/unit/bench.h"
#include "tb/unit/header.h"
#include "tb/unit/models/score.h"

namespace {

using namespace aqpim::tb;
using namespace aqpim::tb::unit;
using aqpim::golden::Rounded;

}  // namespace

TEST_CASE_TEMPLATE_DEFINE("pq_score: bias, ties and saturation, one token per cycle and with gaps",
                          Dut, score_tokens) {
  INFO(Dut::parameters);
  Random random(test_seed(), "pq_score");
  Bench<typename Dut::Model> bench;
  const unsigned latency = stated_cycles("score");
  const std::int64_t limit = std::int64_t{1} << (Dut::SumWidth - 1);
  std::uint64_t saturated_low = 0, saturated_high = 0;
  // The fraction does not change within an operation.
  for (unsigned extra = 0; extra < 1u << Dut::ExtraWidth; ++extra) {
    CAPTURE(extra);
    Due<std::optional<Rounded>> due(latency);
    bench->extra_i = static_cast<std::uint8_t>(extra);
    const std::uint64_t cycles = test_iterations(2000);
    for (std::uint64_t cycle = 0; cycle < cycles + latency; ++cycle) {
      // The last cycles only drain.
      const bool valid = cycle < cycles && (cycle < cycles / 2 || random.chance(1, 2));
      const std::int64_t near = std::int64_t{4} << extra;
      const std::int64_t sum = random.chance(1, 8)   ? random.pick({-limit, limit - 1})
                               : random.chance(1, 2) ? random.between(-limit, limit - 1)
                                                     : random.between(std::max(-limit, -near),
                                                                      std::min(limit - 1, near));
      const auto bias =
          static_cast<std::int16_t>(random.chance(1, 4) ? random.pick({-32768, -1, 0, 1, 32767})
                                                        : random.between(-32768, 32767));
      bench->valid_i = valid;
      put(bench->sum_i, 0, Dut::SumWidth, static_cast<std::uint64_t>(sum));
      bench->bias_i = static_cast<std::uint16_t>(bias);
      std::optional<Rounded> score;
      if (valid) score = aqpim::golden::score(sum, bias, extra, Dut::ScoreWidth);
      bench.settle();
      const auto expected = due.next(score).value_or(std::nullopt);
      CAPTURE(cycle);
      REQUIRE((bench->valid_o != 0) == expected.has_value());
      if (expected) {
        REQUIRE(get_signed(bench->score_o, 0, Dut::ScoreWidth) == expected->value);
        REQUIRE((bench->saturated_o != 0) == expected->saturated);
        (expected->value < 0 ? saturated_low : saturated_high) += expected->saturated ? 1 : 0;
      }
      bench.clock();
    }
  }
  if (test_iterations(2000) >= 2000) {
    CHECK(saturated_low > 100);
    CHECK(saturated_high > 100);
  }
}
TEST_CASE_TEMPLATE_APPLY(score_tokens, score_models);
