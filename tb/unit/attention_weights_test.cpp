// SPDX-License-Identifier: Apache-2.0
#include "tb/unit/models/attention_weights.h"

#include <doctest/doctest.h>

#include <bit>
#include <vector>

#include "sw/golden/bias.h"
#include "sw/golden/exp2.h"
#include "sw/golden/maximum.h"
#include "sw/golden/score.h"
#include "sw/golden/score_sum.h"
#include "tb/unit/bench.h"
#include "tb/unit/header.h"

namespace {

using namespace aqpim::tb;
using namespace aqpim::tb::unit;

// Plays the commands of a tile, words of codes at any spacing, and compares what is stated of them.
template <class Dut>
class Weights {
 public:
  static constexpr unsigned kMaximumWidth = Dut::ScoreWidth - Dut::ScoreFraction + 1;
  static constexpr unsigned kPerWord = Dut::WordBits / 16;

  Weights() {
    bench->busy_i = 1;
    bench->bias_write_i = 0;
    idle();
  }

  void write_biases() {
    for (unsigned word = 0; word < Dut::BiasDepth / kPerWord; ++word) {
      std::vector<std::int16_t> values(kPerWord);
      for (unsigned i = 0; i < kPerWord; ++i) {
        values[i] = static_cast<std::int16_t>(random.between(-600, 600));
        put(bench->reg_data_i, 16 * i, 16, static_cast<std::uint64_t>(values[i]));
      }
      bias_.write(word * kPerWord, values);
      bench->bias_write_i = 1;
      bench->reg_index_i = static_cast<std::uint8_t>(word);
      bench.clock();
      bench->bias_write_i = 0;
    }
  }

  void start_tile(unsigned fraction, unsigned run) {
    bench->table_fraction_i = static_cast<std::uint8_t>(fraction);
    bench->tile_run_i = static_cast<std::uint8_t>(run);
    fraction_ = fraction;
    run_ = run;
    scores.clear();
    used_ = 0;
    sum_ = 0;
    bias_.start_tile();
  }

  // SCORE: `tokens` more. The last one shows in the maximum when the header says so.
  void score(unsigned tokens, std::uint64_t pace) {
    start(bench->start_score_i, scores.empty());
    clipped_ = 0;
    for (unsigned token = 0; token < tokens; ++token) {
      std::vector<std::int32_t> entries;
      for (unsigned word = 0; word < Dut::TokenWords; ++word) {
        while (!random.chance(1, pace)) cycle();
        bench->score_i = 1;
        bench->first_word_i = word == 0;
        bench->last_word_i = word + 1 == Dut::TokenWords;
        const std::size_t begin = entries.size();
        for (unsigned lane = 0; lane < Dut::Lanes; ++lane) entries.push_back(entry());
        cycle();
        for (unsigned lane = 0; lane < Dut::Lanes; ++lane) {
          put(bench->entries_i, lane * Dut::EntryWidth, Dut::EntryWidth,
              static_cast<std::uint64_t>(entries[begin + lane]));
        }
      }
      const auto score = aqpim::golden::score(aqpim::golden::score_sum(entries), bias_.next(run_),
                                              fraction_ - Dut::ScoreFraction, Dut::ScoreWidth);
      scores.push_back(static_cast<std::int32_t>(score.value));
      saturated += score.saturated ? 1 : 0;
      expected_clipped_ += score.saturated ? 1 : 0;
    }
    REQUIRE(stated_latency("attention_weights").find("ceil(log2(Lanes) / 2) + 6 cycles") !=
            std::string::npos);
    for (unsigned waited = 1; waited < (std::bit_width(Dut::Lanes - 1) + 1u) / 2 + 6; ++waited) {
      cycle();
    }
    bench.settle();
    REQUIRE(get_signed(bench->maximum_o, 0, kMaximumWidth) == maximum());
    REQUIRE(clipped_ == std::exchange(expected_clipped_, 0));
  }

  // ACCUMULATE: the weights of `tokens` tokens, each until its last word's additions.
  void accumulate(unsigned tokens, std::uint64_t pace) {
    start(bench->start_weights_i, false);
    for (unsigned token = 0; token < tokens; ++token) {
      const std::uint32_t weight =
          aqpim::golden::exp2(scores[used_++] - maximum() * (1 << Dut::ScoreFraction),
                              Dut::ScoreFraction, Dut::WeightWidth);
      for (unsigned word = 0; word < Dut::TokenWords; ++word) {
        while (!random.chance(1, pace)) cycle();
        bench->accumulate_i = 1;
        bench->first_word_i = word == 0;
        bench->last_word_i = word + 1 == Dut::TokenWords;
        cycle();
        bench.settle();
        REQUIRE(get(bench->weight_o, 0, Dut::WeightWidth) == weight);
      }
      sum_ += weight;
    }
    cycle();
    bench.settle();
    REQUIRE(bench->weight_sum_o == sum_);
  }

  std::size_t left() const { return scores.size() - used_; }

  // Nothing asked; anything on pins that do not matter then.
  void idle() {
    bench->start_score_i = bench->start_weights_i = bench->fill_i = 0;
    bench->score_i = bench->accumulate_i = 0;
    bench->first_i = random.bits(1) != 0;
    bench->first_word_i = random.bits(1) != 0;
    bench->last_word_i = random.bits(1) != 0;
  }

  void cycle() {
    bench.settle();
    clipped_ += bench->saturated_o;
    bench.clock();
    idle();
    for (unsigned lane = 0; lane < Dut::Lanes; ++lane) {
      put(bench->entries_i, lane * Dut::EntryWidth, Dut::EntryWidth, random.bits());
    }
  }

  Bench<typename Dut::Model> bench;
  Random random{test_seed(), "pq_attention_weights"};
  std::vector<std::int32_t> scores;
  unsigned saturated = 0;

 private:
  template <typename Port>
  void start(Port& port, bool first) {
    idle();
    port = 1;
    bench->first_i = first;
    cycle();
    for (unsigned step = 0; step < fill_steps_; ++step) {
      bench->fill_i = &port == &bench->start_weights_i;
      cycle();
    }
  }

  // Most sums fit a score.
  std::int32_t entry() {
    const int limit = 1 << (random.chance(1, 50) ? Dut::EntryWidth - 1 : Dut::EntryWidth - 5);
    return static_cast<std::int32_t>(random.between(-limit, limit - 1));
  }

  std::int32_t maximum() const {
    return aqpim::golden::maximum(scores, Dut::ScoreFraction, Dut::ScoreWidth);
  }

  const unsigned fill_steps_ = stated_cycles("attention_weights", "start_weights_i to weight_o:");
  aqpim::golden::Bias bias_{Dut::BiasDepth};
  unsigned fraction_ = 0, run_ = 0;
  unsigned clipped_ = 0, expected_clipped_ = 0;
  std::size_t used_ = 0;
  std::uint64_t sum_ = 0;
};

}  // namespace

TEST_CASE_TEMPLATE_DEFINE(
    "pq_attention_weights: scores and weights of random tiles, in several commands and with gaps",
    Dut, attention_weights_random) {
  INFO(Dut::parameters);
  // Words in a row, each the last one of its token
  REQUIRE(stated_cycles("attention_weights", "to the next weight_o:") == 2);
  Weights<Dut> weights;
  Random& random = weights.random;
  for (std::uint64_t tile = 0; tile < test_iterations(30); ++tile) {
    CAPTURE(tile);
    weights.write_biases();
    weights.start_tile(static_cast<unsigned>(random.between(Dut::ScoreFraction, 15)),
                       random.pick({0u, 8u, 11u}));
    for (unsigned command = 0; command < 1 + tile % 3; ++command) {
      weights.score(static_cast<unsigned>(random.below(Dut::ScoreDepth / 3 + 1)),
                    random.pick({1u, 1u, 3u}));
    }
    while (weights.left() > 0) {
      weights.accumulate(static_cast<unsigned>(1 + random.below(weights.left())),
                         random.pick({1u, 1u, 3u}));
    }
  }
  CHECK(weights.saturated > 0);
}
TEST_CASE_TEMPLATE_APPLY(attention_weights_random, attention_weights_models);

TEST_CASE("pq_attention_weights: a word when no operation runs violates an assertion") {
  for (const bool accumulates : {false, true}) {
    Weights<attention_weights_0> weights;
    weights.start_tile(attention_weights_0::ScoreFraction, 0);
    weights.score(2, 1);
    CHECK(weights.bench.take_errors() == 0);
    weights.bench->busy_i = 0;
    weights.cycle();
    CHECK(weights.bench.take_errors() == 0);
    weights.idle();
    (accumulates ? weights.bench->accumulate_i : weights.bench->score_i) = 1;
    weights.bench.clock();
    CHECK(weights.bench.take_errors() == 1);
  }
}
