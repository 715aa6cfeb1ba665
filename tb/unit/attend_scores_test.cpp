// SPDX-License-Identifier: Apache-2.0
#include "tb/unit/models/attend_scores.h"

#include <doctest/doctest.h>

#include <vector>

#include "tb/unit/bench.h"
#include "tb/unit/header.h"

namespace {

using namespace aqpim::tb;
using namespace aqpim::tb::unit;

constexpr unsigned kScoreWidth = 16;

template <class Dut>
class Scores {
 public:
  static constexpr unsigned kPart = Dut::Slots * kScoreWidth;  // scores of a step

  Scores() {
    idle();
    bench.clock();
  }

  void idle() {
    bench->start_tile_i = 0;
    bench->write_i = 0;
    bench->flush_i = 0;
    bench->start_read_i = 0;
    bench->read_i = 0;
    put(bench->scores_i, 0, kPart, random.bits());
  }

  void clock() {
    bench.clock();
    idle();
  }

  // A tile of `steps` steps is written and read `times` times; a step in `pace` cycles.
  void tile(std::size_t steps, std::uint64_t pace, unsigned times) {
    bench->start_tile_i = 1;
    clock();
    std::vector<std::uint64_t> written;
    while (written.size() < steps) {
      if (random.chance(1, pace)) {
        written.push_back(random.bits(kPart));
        bench->write_i = 1;
        put(bench->scores_i, 0, kPart, written.back());
      }
      clock();
    }
    bench->flush_i = 1;
    clock();
    for (unsigned time = 0; time < times; ++time) {
      CAPTURE(time);
      bench->start_read_i = 1;
      clock();
      // Not all of them are always read.
      const std::size_t most = time + 1 < times ? random.below(steps + 1) : steps;
      for (std::size_t i = 0; i < most; ++i) {
        CAPTURE(i);
        bench->read_i = 1;
        clock();
        do {
          bench.settle();
          REQUIRE(get(bench->scores_o, 0, kPart) == written[i]);
          if (random.chance(1, pace)) break;
          clock();
        } while (true);
      }
    }
  }

  Bench<typename Dut::Model> bench;
  Random random{test_seed(), "pq_attend_scores"};
};

}  // namespace

TEST_CASE_TEMPLATE_DEFINE(
    "pq_attend_scores: tiles of any length come back, with gaps and more than once", Dut,
    attend_scores_tiles) {
  INFO(Dut::parameters);
  Scores<Dut> scores;
  constexpr std::size_t kSteps = Dut::TileDepth / Dut::Slots;
  for (std::size_t steps = 0; steps <= kSteps; ++steps) {
    CAPTURE(steps);
    scores.tile(steps, 1, 1);
    scores.tile(steps, 3, 2);
  }
}
TEST_CASE_TEMPLATE_APPLY(attend_scores_tiles, attend_scores_models);

TEST_CASE("pq_attend_scores: writing beside reading violates an assertion") {
  Scores<attend_scores_0> scores;
  scores.bench->read_i = 1;
  SUBCASE("a score") { scores.bench->write_i = 1; }
  SUBCASE("the last word") { scores.bench->flush_i = 1; }
  CHECK(scores.bench.take_errors() == 0);
  scores.bench.clock();
  CHECK(scores.bench.take_errors() == 1);
}
