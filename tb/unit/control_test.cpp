// SPDX-License-Identifier: Apache-2.0
#include "tb/unit/models/control.h"

#include <doctest/doctest.h>

#include <bit>
#include <memory>

#include "sw/golden/engine.h"
#include "tb/unit/bench.h"
#include "tb/unit/header.h"

namespace {

using namespace aqpim::tb;
using namespace aqpim::tb::unit;
using aqpim::golden::Command;
using aqpim::golden::Engine;
using aqpim::golden::Operation;
using aqpim::golden::RegisterSelect;

// An engine whose operations take these words.
template <class Dut>
aqpim::config::EngineConfig engine_config() {
  constexpr unsigned kCodeBits = std::countr_zero(Dut::Centroids);
  return {.head_dim = Dut::CentroidWords * Dut::WeightsWord,
          .sub_dim = Dut::CentroidWords * kCodeBits / (8 * Dut::TokenWords),
          .code_bits = kCodeBits,
          .word_bits = 8 * Dut::WeightsWord,
          .query_width = 12,
          .entry_width = 12,
          .score_width = 12,
          .score_fraction = 4,
          .score_depth = Dut::ScoreDepth,
          .bias_depth = Dut::BiasDepth,
          .weight_width = 8,
          .quantize = Dut::Quantize};
}

template <class Dut>
class Control {
 public:
  Control() : golden(engine_config<Dut>()) {
    bench->cmd_valid_i = 0;
    bench->word_valid_i = 0;
    bench->bias_run_i = 0;
    bench->cluster_ready_i = 0;
    bench->cluster_active_i = 0;
  }

  void set_bias_run(unsigned run) {
    std::vector<std::uint8_t> data(Dut::WeightsWord);
    data[0] = 4;
    data[1] = static_cast<std::uint8_t>(run);
    golden.write({RegisterSelect::kControl, 0, data});
    bias_run = run;
  }

  // The bias run is another module's register, and stays.
  void reset() {
    bench.reset();
    golden = Engine(engine_config<Dut>());
    outputs_valid = codes_valid = false;
    tile_run = 0;
    set_bias_run(bias_run);
  }

  // Gives a command and plays it to its end; true if it was accepted. A word comes in one of `pace`
  // cycles, also outside the window: those must not count.
  bool play(Operation operation, bool first, unsigned tokens, std::uint64_t pace) {
    const std::size_t words = golden.words(operation, tokens);
    const std::size_t bytes = words * Dut::WeightsWord;
    const auto stream = std::make_shared<const std::vector<std::uint8_t>>(bytes);
    const bool legal = golden.command({operation, first, tokens, stream, 0, bytes});
    if (legal && operation == Operation::kCombine) outputs_valid = true;
    if (legal && operation == Operation::kEncode) codes_valid = true;
    if (legal && operation == Operation::kCluster) codes_valid = false;
    if (legal && operation == Operation::kScore && first) tile_run = bias_run;
    const bool locks = operation != Operation::kAccumulate && operation != Operation::kCombine &&
                       operation != Operation::kUnload;
    const bool clusters = operation == Operation::kCluster;

    // Accepted in this cycle.
    cycle_start(pace);
    put(bench->cmd_tokens_i, 0, kTokensWidth, tokens);
    bench->cmd_operation_i = static_cast<std::uint8_t>(operation);
    bench->cmd_first_i = first;
    bench->cmd_valid_i = 1;
    bench.settle();
    REQUIRE(bench->cmd_ready_o == 1);
    idle_outputs();
    bench.clock();
    // Commands while it is busy are not accepted.
    const auto busy_cycle = [&] {
      cycle_start(pace);
      bench->cmd_valid_i = static_cast<std::uint8_t>(random.below(2));
      bench.settle();
      REQUIRE(bench->cmd_ready_o == 0);
      REQUIRE(bench->busy_o == 1);
      REQUIRE(bench->done_o == 0);
      REQUIRE(bench->locked_o == (locks ? 1 : 0));
    };

    if (!legal) {
      busy_cycle();
      REQUIRE(bench->cmd_error_o == 0);
      REQUIRE(bench->start_o == 0);
      bench.clock();
      cycle_start(pace);
      bench->cmd_valid_i = 0;
      bench.settle();
      REQUIRE(stated_cycles("control", "cmd_error_o:") == 2);
      REQUIRE(bench->cmd_error_o == 1);
      REQUIRE(bench->cmd_ready_o == 1);
      REQUIRE(bench->busy_o == 0);
      REQUIRE(bench->done_o == 0);
      bench.clock();
      ++refused;
      return false;
    }

    // From the cycle of acceptance to the first word: FillCycles + 2.
    for (unsigned cycle = 1; cycle < Dut::FillCycles + 2; ++cycle) {
      busy_cycle();
      REQUIRE(bench->stream_open_o == 0);
      REQUIRE(bench->word_take_o == 0);
      REQUIRE(bench->words_left_o == 1);
      REQUIRE(bench->cmd_error_o == 0);
      REQUIRE(bench->start_o == (cycle == 2 ? 1 : 0));
      REQUIRE(bench->fill_o == (cycle > 2 ? 1 : 0));
      if (cycle >= 2) check_operation(operation, first);
      bench.clock();
    }
    const unsigned unit_words = words_of_a_unit(operation);
    for (std::size_t taken = 0; taken < words;) {
      // The loops of CLUSTER say when there is room; of others nobody asks them.
      bench->cluster_ready_i = static_cast<std::uint8_t>(random.below(2));
      bench->cluster_active_i = clusters ? static_cast<std::uint8_t>(random.below(2)) : 0;
      busy_cycle();
      REQUIRE(bench->stream_open_o == (clusters ? bench->cluster_ready_i : 1));
      REQUIRE(bench->word_take_o == (bench->word_valid_i & bench->stream_open_o));
      REQUIRE(bench->words_left_o == 1);
      REQUIRE(bench->fill_o == 0);
      check_operation(operation, first);
      REQUIRE(bench->word_o == taken % unit_words);
      REQUIRE(bench->last_o == ((taken + 1) % unit_words == 0 ? 1 : 0));
      if (operation != Operation::kScore && operation != Operation::kAccumulate && !clusters) {
        REQUIRE(bench->centroid_o == taken / unit_words);
      }
      taken += bench->word_take_o;
      bench.clock();
    }
    // After the cycle of the last word: DrainCycles busy ones, then done.
    // The last loops of CLUSTER come first.
    for (unsigned loops = clusters ? static_cast<unsigned>(random.below(40)) : 0, cycle = 0;
         cycle < loops + Dut::DrainCycles; ++cycle) {
      bench->cluster_active_i = cycle < loops;
      busy_cycle();
      REQUIRE(bench->stream_open_o == 0);
      REQUIRE(bench->word_take_o == 0);
      REQUIRE(bench->words_left_o == 0);
      check_operation(operation, first);
      bench.clock();
    }
    cycle_start(pace);
    bench->cmd_valid_i = 0;
    bench.settle();
    REQUIRE(bench->done_o == 1);
    REQUIRE(bench->busy_o == 0);
    REQUIRE(bench->cmd_ready_o == 1);
    bench.clock();
    ++accepted;
    return true;
  }

  void wait(unsigned cycles) {
    for (unsigned cycle = 0; cycle < cycles; ++cycle) {
      cycle_start(2);
      bench->cmd_valid_i = 0;
      bench.settle();
      REQUIRE(bench->busy_o == 0);
      idle_outputs();
      bench.clock();
    }
  }

  static constexpr unsigned kTokensWidth = std::bit_width(Dut::ScoreDepth);

  Bench<typename Dut::Model> bench;
  Random random{test_seed(), "pq_control"};
  Engine golden;
  unsigned bias_run = 0, tile_run = 0;
  bool outputs_valid = false, codes_valid = false;
  std::uint64_t accepted = 0, refused = 0;

 private:
  void cycle_start(std::uint64_t pace) {
    bench->bias_run_i = static_cast<std::uint8_t>(bias_run);
    bench->word_valid_i = random.chance(1, pace);
    bench->cmd_operation_i = static_cast<std::uint8_t>(random.below(8));
    bench->cmd_first_i = static_cast<std::uint8_t>(random.below(2));
    put(bench->cmd_tokens_i, 0, kTokensWidth, random.bits());
  }

  void idle_outputs() {
    REQUIRE(bench->cmd_error_o == 0);
    REQUIRE(bench->stream_open_o == 0);
    REQUIRE(bench->word_take_o == 0);
    REQUIRE(bench->words_left_o == 0);
    REQUIRE(bench->locked_o == 0);
    REQUIRE(bench->start_o == 0);
    REQUIRE(bench->fill_o == 0);
    REQUIRE(bench->done_o == 0);
  }

  unsigned words_of_a_unit(Operation operation) const {
    switch (operation) {
      case Operation::kScore:
      case Operation::kAccumulate:
        return Dut::TokenWords;
      case Operation::kLoad:
        return engine_config<Dut>().slice_words();
      case Operation::kUnload:
        return engine_config<Dut>().record_words();
      case Operation::kCluster:
        return 1;
      default:
        return Dut::CentroidWords;
    }
  }

  void check_operation(Operation operation, bool first) {
    REQUIRE(bench->operation_o == static_cast<unsigned>(operation));
    REQUIRE(bench->first_o == (first ? 1 : 0));
    REQUIRE(bench->tile_run_o == tile_run);
    REQUIRE(bench->outputs_valid_o == (outputs_valid ? 1 : 0));
    REQUIRE(bench->codes_valid_o == (codes_valid ? 1 : 0));
  }
};

template <class Dut>
unsigned random_tokens(Random& random, unsigned bias_run) {
  constexpr unsigned kMost = (1u << std::bit_width(Dut::ScoreDepth)) - 1;
  const unsigned biased = Dut::BiasDepth * bias_run;
  return std::min(
      kMost, static_cast<unsigned>(
                 random.chance(1, 3) ? random.pick({0u, 1u, Dut::ScoreDepth, Dut::ScoreDepth + 1,
                                                    kMost, biased, biased + 1, Dut::ScoreDepth / 2})
                                     : random.below(Dut::ScoreDepth / 4)));
}

}  // namespace

TEST_CASE_TEMPLATE_DEFINE(
    "pq_control: random commands are accepted as in the golden engine and take "
    "their words in exactly the stated cycles",
    Dut, control_random) {
  INFO(Dut::parameters);
  const std::string latency = stated_latency("control");
  REQUIRE(latency.find("accept to first word: FillCycles + 2 cycles") != std::string::npos);
  REQUIRE(latency.find("last word to done_o: DrainCycles + 1") != std::string::npos);
  Control<Dut> control;
  Random& random = control.random;
  const std::uint64_t steps = test_iterations(Dut::ScoreDepth <= 64 ? 400 : 60);
  for (std::uint64_t step = 0; step < steps; ++step) {
    CAPTURE(step);
    if (random.chance(1, 4)) control.set_bias_run(random.pick({0u, 8u, 9u, 128u}));
    if (random.chance(1, 4)) control.wait(static_cast<unsigned>(random.below(4)));
    // TABLE more often than the others, or hardly any SCORE would be legal.
    const auto operation = static_cast<Operation>(
        random.chance(1, 3) ? random.pick({4, 5, 6, 6, 7}) : random.pick({0, 0, 1, 1, 1, 2, 2, 3}));
    control.play(operation, random.chance(1, 3), random_tokens<Dut>(random, control.bias_run),
                 random.pick({1u, 1u, 2u, 5u}));
  }
  if (steps >= 60) {
    CHECK(control.accepted > steps / 10);
    CHECK(control.refused > steps / 10);
  }
}
TEST_CASE_TEMPLATE_APPLY(control_random, control_models);

TEST_CASE_TEMPLATE_DEFINE("pq_control: each rule refuses, and lets pass what just keeps it", Dut,
                          control_rules) {
  INFO(Dut::parameters);
  using enum Operation;
  Control<Dut> control;
  const auto plays = [&](Operation operation, bool first, unsigned tokens = 0) {
    return control.play(operation, first, tokens, 1);
  };
  // Nothing but TABLE after reset.
  const auto plays_as_new = [&] {
    CHECK_FALSE(plays(kScore, true));
    CHECK_FALSE(plays(kAccumulate, true));
    CHECK_FALSE(plays(kCombine, true));
    CHECK_FALSE(plays(kCluster, true));
    CHECK_FALSE(plays(kUnload, true));
    CHECK(plays(kTable, false));
  };
  plays_as_new();
  // The score memory: exactly full, at once and in two commands.
  CHECK_FALSE(plays(kScore, true, Dut::ScoreDepth + 1));
  CHECK(plays(kScore, true, Dut::ScoreDepth));
  CHECK_FALSE(plays(kScore, false, 1));
  CHECK(plays(kScore, true, 1));
  CHECK(plays(kScore, false, Dut::ScoreDepth - 1));
  CHECK(plays(kScore, false, 0));
  // Weights need scores, and start once.
  CHECK(plays(kScore, true, 3));
  CHECK_FALSE(plays(kAccumulate, true, 4));
  CHECK(plays(kAccumulate, true, 2));
  CHECK_FALSE(plays(kAccumulate, true, 1));
  CHECK_FALSE(plays(kAccumulate, false, 2));
  CHECK(plays(kAccumulate, false, 1));
  CHECK_FALSE(plays(kAccumulate, false, 1));
  // Outputs go on only within a tile.
  CHECK_FALSE(plays(kCombine, false));
  CHECK(plays(kCombine, true));
  CHECK(plays(kCombine, false));
  // The tables are gone; with new ones the tile's scores are still closed.
  CHECK_FALSE(plays(kScore, true, 1));
  CHECK(plays(kTable, true));
  CHECK_FALSE(plays(kScore, false, 1));
  CHECK(plays(kScore, true, 1));
  CHECK_FALSE(plays(kCombine, false));
  CHECK(plays(kCombine, true));
  CHECK_FALSE(plays(kScore, true, 1));
  // Biases: the tile's first SCORE decides about the run.
  control.set_bias_run(8);
  CHECK(plays(kTable, true));
  if (Dut::BiasDepth * 8 < Dut::ScoreDepth) {
    CHECK_FALSE(plays(kScore, true, Dut::BiasDepth * 8 + 1));
    CHECK(plays(kScore, true, Dut::BiasDepth * 8));
    control.set_bias_run(0);
    CHECK_FALSE(plays(kScore, false, 1));
    CHECK(plays(kScore, true, Dut::BiasDepth * 8 + 1));
  } else {
    CHECK(plays(kScore, true, Dut::ScoreDepth));
  }
  control.reset();
  plays_as_new();
}
TEST_CASE_TEMPLATE_APPLY(control_rules, control_models);

TEST_CASE_TEMPLATE_DEFINE(
    "pq_control: each rule of encoding and clustering refuses, and lets pass what just keeps it",
    Dut, control_quantize_rules) {
  INFO(Dut::parameters);
  using enum Operation;
  Control<Dut> control;
  const auto plays = [&](Operation operation, bool first, unsigned tokens = 0) {
    return control.play(operation, first, tokens, 1);
  };
  if (Dut::Quantize == 0) {
    CHECK(plays(kTable, true));
    for (const Operation operation : {kEncode, kLoad, kCluster, kUnload}) {
      CHECK_FALSE(plays(operation, true));
      CHECK_FALSE(plays(operation, false));
    }
    return;
  }
  constexpr unsigned kSlots = Dut::TokenSlots;
  constexpr unsigned kDepth = Dut::ScoreDepth;
  // ENCODE and LOAD need nothing. ENCODE leaves the lanes alone.
  CHECK(plays(kEncode, false));
  CHECK_FALSE(plays(kCluster, true, kSlots));
  CHECK_FALSE(plays(kUnload, true));
  CHECK(plays(kLoad, true));
  CHECK(plays(kEncode, true));
  CHECK(plays(kCluster, true, kSlots));
  CHECK(plays(kUnload, true));
  // The sums: exactly full, at once and in two commands. LOAD and UNLOAD empty them; the flag means
  // nothing to CLUSTER.
  CHECK(plays(kCluster, true, kDepth));
  CHECK_FALSE(plays(kCluster, true, kSlots));
  CHECK(plays(kCluster, true, 0));
  CHECK(plays(kUnload, false));
  CHECK_FALSE(plays(kCluster, false, kDepth + kSlots));
  CHECK(plays(kCluster, false, kSlots));
  CHECK_FALSE(plays(kCluster, true, kDepth));
  CHECK(plays(kCluster, false, kDepth - kSlots));
  CHECK_FALSE(plays(kCluster, false, kSlots));
  CHECK(plays(kLoad, false));
  CHECK(plays(kCluster, false, kDepth));
  CHECK(plays(kUnload, false));
  CHECK(plays(kUnload, false));
  // Whole groups.
  if (kSlots > 1) {
    CHECK_FALSE(plays(kCluster, true, 1));
    CHECK_FALSE(plays(kCluster, true, kSlots + 1));
    CHECK_FALSE(plays(kCluster, true, kDepth - 1));
  }
  // LOAD takes the lanes from tables and buckets.
  CHECK_FALSE(plays(kScore, true, 1));
  CHECK_FALSE(plays(kAccumulate, true));
  CHECK_FALSE(plays(kCombine, true));
  CHECK(plays(kTable, true));
  CHECK_FALSE(plays(kCluster, true, kSlots));
  CHECK_FALSE(plays(kUnload, true));
  CHECK(plays(kScore, true, 2));
  CHECK(plays(kAccumulate, true, 1));
  CHECK(plays(kLoad, true));
  CHECK_FALSE(plays(kAccumulate, false, 1));
  CHECK_FALSE(plays(kCombine, true));
  CHECK_FALSE(plays(kScore, false, 1));
  // A new TABLE gives the lanes back, and the tile goes on.
  CHECK(plays(kTable, false));
  CHECK(plays(kAccumulate, false, 1));
  CHECK_FALSE(plays(kUnload, false));
  control.reset();
  CHECK_FALSE(plays(kCluster, false, kSlots));
  CHECK_FALSE(plays(kUnload, false));
}
TEST_CASE_TEMPLATE_APPLY(control_quantize_rules, control_models);
