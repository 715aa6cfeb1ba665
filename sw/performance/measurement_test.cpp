// SPDX-License-Identifier: Apache-2.0
#include "sw/performance/measurement.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "sw/performance/comparison_files.h"
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
  for (const Measurement& point : measured) {
    comparison.measured(point.design, point.power_limited, point.set, point.cycles, point.latency);
  }
  // Errors are those of the model still.
  const auto rows = to_json(comparison, {}, measured, {}, "command")["measured"];
  REQUIRE(rows.size() == 8);
  CHECK(rows[0]["L"] == 1024);
  CHECK(rows[0]["error_percent"].get<double>() == doctest::Approx(10.0));
  CHECK(rows[1]["error_percent"].get<double>() == doctest::Approx(2.0));
  CHECK(rows[7]["error_percent"].get<double>() == doctest::Approx(-5.0));
  CHECK(rows[7]["latency_error_percent"] == 0.0);
  CHECK(rows[7]["attends"] == 12);
  CHECK(rows[7]["refresh_intervals"] == 10.5);
  CHECK(rows[7]["score_delivered"] == 0.991);
  CHECK(rows[7]["compared"] == 77);
}
