// SPDX-License-Identifier: Apache-2.0
#include "tb/unit/models/softmax.h"

#include <doctest/doctest.h>

#include <numeric>
#include <vector>

#include "sw/golden/exp2.h"
#include "sw/golden/maximum.h"
#include "tb/unit/bench.h"
#include "tb/unit/header.h"

namespace {

using namespace aqpim::tb;
using namespace aqpim::tb::unit;

template <class Dut>
class Softmax {
 public:
  static constexpr unsigned kMaximumWidth = Dut::ScoreWidth - Dut::ScoreFraction + 1;
  static constexpr std::int32_t kLimit = 1 << (Dut::ScoreWidth - 1);

  Softmax() { idle(); }

  void idle() {
    bench->start_tile_i = 0;
    bench->score_valid_i = 0;
    bench->start_weights_i = 0;
    bench->fill_i = 0;
    bench->use_i = 0;
    put(bench->score_i, 0, Dut::ScoreWidth, random.bits());
  }

  void start_tile() {
    idle();
    bench->start_tile_i = 1;
    bench.clock();
    idle();
    bench.clock();
    scores.clear();
    used = 0;
    bench.settle();
    check_sum();
  }

  // SCORE: one score in `pace` cycles, with the maximum checked in every cycle.
  void append(const std::vector<std::int32_t>& more, std::uint64_t pace) {
    Due<std::int32_t> due(stated_cycles("softmax", "score_i to maximum_o:"));
    const auto cycle = [&](std::optional<std::int32_t> score) {
      idle();
      bench->score_valid_i = score.has_value();
      if (score) {
        put(bench->score_i, 0, Dut::ScoreWidth, static_cast<std::uint64_t>(*score));
        scores.push_back(*score);
      }
      bench.settle();
      const auto expected =
          due.next(aqpim::golden::maximum(scores, Dut::ScoreFraction, Dut::ScoreWidth));
      if (expected) {
        REQUIRE(get_signed(bench->maximum_o, 0, kMaximumWidth) == *expected);
      }
      bench.clock();
    };
    for (const std::int32_t score : more) {
      while (!random.chance(1, pace)) cycle(std::nullopt);
      cycle(score);
    }
    for (int i = 0; i < 4; ++i) cycle(std::nullopt);
  }

  // ACCUMULATE: the weights of the next `tokens` tokens, one in `pace` cycles.
  void weigh(std::size_t tokens, std::uint64_t pace) {
    const std::int32_t largest =
        aqpim::golden::maximum(scores, Dut::ScoreFraction, Dut::ScoreWidth) *
        (1 << Dut::ScoreFraction);
    idle();
    bench->start_weights_i = 1;
    bench.clock();
    idle();
    bench->fill_i = 1;
    for (unsigned i = 0; i < stated_cycles("softmax", "start_weights_i to weight_o:"); ++i) {
      bench.clock();
    }
    bench->fill_i = 0;
    for (std::size_t i = 0; i < tokens; ++i) {
      CAPTURE(used);
      const std::uint32_t weight =
          aqpim::golden::exp2(scores[used] - largest, Dut::ScoreFraction, Dut::WeightWidth);
      while (true) {
        bench.settle();
        REQUIRE(get(bench->weight_o, 0, Dut::WeightWidth) == weight);
        if (random.chance(1, pace)) break;
        bench.clock();
      }
      bench->use_i = 1;
      bench.clock();
      bench->use_i = 0;
      sum += weight;
      ++used;
      bench.settle();
      check_sum();
    }
    bench.clock();
  }

  void check_sum() {
    if (used == 0) sum = 0;
    REQUIRE(bench->weight_sum_o == sum);
  }

  // A spread of scores around `centre`: within a few weights of it, or anywhere.
  std::vector<std::int32_t> random_scores(std::size_t count) {
    const auto centre = static_cast<std::int32_t>(random.between(-kLimit, kLimit - 1));
    const std::int32_t spread =
        random.pick({0, 1 << Dut::ScoreFraction, 8 << Dut::ScoreFraction, 2 * kLimit});
    std::vector<std::int32_t> drawn(count);
    for (std::int32_t& score : drawn) {
      score = static_cast<std::int32_t>(
          std::clamp<std::int64_t>(centre + random.between(-spread, spread), -kLimit, kLimit - 1));
    }
    return drawn;
  }

  Bench<typename Dut::Model> bench;
  Random random{test_seed(), "pq_softmax"};
  std::vector<std::int32_t> scores;
  std::size_t used = 0;
  std::uint64_t sum = 0;
};

}  // namespace

TEST_CASE_TEMPLATE_DEFINE(
    "pq_softmax: random tiles whose scores and weights come in several "
    "commands, with gaps",
    Dut, softmax_tiles) {
  INFO(Dut::parameters);
  Softmax<Dut> softmax;
  for (std::uint64_t tile = 0; tile < test_iterations(60); ++tile) {
    CAPTURE(tile);
    softmax.start_tile();
    while (softmax.random.chance(3, 4)) {
      const std::size_t room = Dut::ScoreDepth - softmax.scores.size();
      softmax.append(softmax.random_scores(static_cast<std::size_t>(
                         softmax.random.below(std::min(room, std::size_t{60}) + 1))),
                     softmax.random.pick({1u, 1u, 3u}));
    }
    while (softmax.random.chance(3, 4)) {
      const std::size_t left = softmax.scores.size() - softmax.used;
      softmax.weigh(static_cast<std::size_t>(softmax.random.below(left + 1)),
                    softmax.random.pick({1u, 1u, 3u}));
    }
  }
}
TEST_CASE_TEMPLATE_APPLY(softmax_tiles, softmax_models);

TEST_CASE_TEMPLATE_DEFINE("pq_softmax: an exactly full score memory of the largest weights", Dut,
                          softmax_full) {
  INFO(Dut::parameters);
  Softmax<Dut> softmax;
  for (const std::int32_t score :
       {softmax.kLimit - 1, 0, -softmax.kLimit, -(1 << Dut::ScoreFraction)}) {
    softmax.start_tile();
    softmax.append(std::vector<std::int32_t>(Dut::ScoreDepth, score), 1);
    softmax.weigh(Dut::ScoreDepth, 1);
    softmax.weigh(0, 1);
  }
}
TEST_CASE_TEMPLATE_APPLY(softmax_full, softmax_models);

TEST_CASE_TEMPLATE_DEFINE("pq_softmax: one token, and tokens so far below that they weigh nothing",
                          Dut, softmax_few) {
  INFO(Dut::parameters);
  Softmax<Dut> softmax;
  softmax.start_tile();
  softmax.append({5}, 1);
  softmax.weigh(1, 1);
  softmax.start_tile();
  softmax.append({-softmax.kLimit, softmax.kLimit - 1, -softmax.kLimit}, 1);
  softmax.weigh(3, 1);
  CHECK(softmax.bench->weight_sum_o <= 1u << Dut::WeightWidth);
  // An empty tile.
  softmax.start_tile();
  softmax.append({}, 1);
  softmax.weigh(0, 1);
  CHECK(softmax.bench->weight_sum_o == 0);
}
TEST_CASE_TEMPLATE_APPLY(softmax_few, softmax_models);

TEST_CASE("pq_softmax: scoring while weights are fetched violates an assertion") {
  Softmax<softmax_0> softmax;
  softmax.start_tile();
  softmax.append({1, 2, 3}, 1);
  softmax.bench->fill_i = 1;
  softmax.bench->score_valid_i = 1;
  CHECK(softmax.bench.take_errors() == 0);
  softmax.bench.clock();
  CHECK(softmax.bench.take_errors() == 1);
}
