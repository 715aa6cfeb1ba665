// SPDX-License-Identifier: Apache-2.0
#include "sw/performance/measurement.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "sw/performance/test_channel.h"

namespace {

using namespace aqpim::performance;

const aqpim::config::Configuration& four() {
  static const aqpim::config::Configuration configuration{
      .name = "four",
      .description = "",
      .engine = aqpim::test::four_bit_engine(256),
      .window = 256};
  return configuration;
}

Comparison make_comparison() {
  return Comparison({{&four(), 1}, {&four(), 2}}, aqpim::config::find_memory("hbm3-5200"));
}

}  // namespace

TEST_CASE("measurements: none, some of each design, or all of the grid") {
  Comparison comparison = make_comparison();
  CHECK(measurements(comparison, {}, Effort::kNone).empty());
  CHECK(measurements(comparison, {}, Effort::kAll).size() == 2 * 2 * 6);
  const std::vector<Measurement> some = measurements(comparison, {}, Effort::kSome);
  REQUIRE(some.size() == 8);
  CHECK(some[1].tokens == 4096);
  CHECK(some[1].set == std::vector<Attend>{{256, 256}});
  CHECK(some[3].tokens == 8192);
  CHECK_FALSE(some[3].power_limited);
  CHECK(some[6].design == 1);
  CHECK(some[6].tokens == 32768);
  CHECK(some[6].power_limited);
  // Two tiles of ScoreDepth.
  CHECK(some[6].set == std::vector<Attend>{{2048, 1024}, {2048, 1024}});
}

TEST_CASE("measurements: errors are what the model says more than the RTL") {
  Comparison comparison = make_comparison();
  std::vector<Measurement> measured = measurements(comparison, {}, Effort::kSome);
  for (Measurement& point : measured) {
    const ComparisonRow row =
        comparison.row(point.design, point.power_limited, {.tokens = point.tokens, .heads = 64});
    CHECK(point.model_cycles == row.cycles);
    CHECK(point.model_latency == row.latency);
    point.cycles = row.cycles / (point.tokens == 1024 ? 1.1 : 1.02);
    point.latency = row.latency;
    point.attends = 12;
    point.intervals = 10.5;
    point.score_delivered = 0.991;
    point.accumulate_delivered = 0.987;
    point.compared = 77;
  }
  measured.back().cycles *= 1.02 / 0.95;
  const std::string csv = measured_csv(comparison, {}, measured);
  CHECK(csv.starts_with(
      "config,banks_per_engine,power_limited,memory,L,heads,cycles,latency_cycles,speedup,"
      "model_cycles,error_percent,model_latency_cycles,latency_error_percent,attends,"
      "refresh_intervals,score_delivered,accumulate_delivered,compared\nfour,1,1,hbm3-5200,1024,"
      "64,"));
  CHECK(csv.find(",2.00,") != std::string::npos);
  CHECK(csv.ends_with(",12,10.5,0.9910,0.9870,77\n"));
  for (const Measurement& point : measured) {
    comparison.measured(point.design, point.power_limited, point.set, point.cycles, point.latency);
  }
  // Errors are those of the model still.
  const std::string text = measured_markdown(comparison, {}, measured);
  CHECK(text.find(" 99.1 | 98.7 |") != std::string::npos);
  CHECK(text.ends_with(
      "Largest error of the model in these 8 runs: 10.00 % of the cycles, 0.00 % of the latency;\n"
      "from 4096 tokens on, 5.00 % and 0.00 %.\n"));
  CHECK(measured_csv(comparison, {}, measured) == csv);
}
