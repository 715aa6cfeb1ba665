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
    point.cycles = row.cycles / 1.02;
    point.latency = row.latency;
    point.attends = 12;
    point.intervals = 10.5;
    point.compared = 77;
  }
  measured.back().cycles *= 1.02 / 0.95;
  const std::string csv = measured_csv(comparison, {}, measured);
  CHECK(csv.starts_with(
      "config,banks_per_engine,power_limited,memory,L,heads,cycles,latency_cycles,speedup,"
      "model_cycles,error_percent,model_latency_cycles,latency_error_percent,attends,"
      "refresh_intervals,compared\nfour,1,1,hbm3-5200,1024,64,"));
  CHECK(csv.find(",2.00,") != std::string::npos);
  CHECK(csv.ends_with(",12,10.5,77\n"));
  CHECK(
      measured_markdown(comparison, {}, measured)
          .ends_with("Largest error of the model in these 8 runs: 5.00 % of the cycles, 0.00 % of "
                     "the latency.\n"));
}
