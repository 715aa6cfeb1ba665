// SPDX-License-Identifier: Apache-2.0
#include "sw/golden/bias.h"

#include <doctest/doctest.h>

#include <vector>

#include "tb/unit/bench.h"
#include "tb/unit/header.h"
#include "tb/unit/models/bias.h"

namespace {

using namespace aqpim::tb;
using namespace aqpim::tb::unit;

template <class Dut>
class BiasBench {
 public:
  static constexpr unsigned kPerWord = Dut::WordBits / 16;

  BiasBench() { idle(); }

  void write_word(unsigned index) {
    std::vector<std::int16_t> values(kPerWord);
    for (unsigned i = 0; i < kPerWord; ++i) {
      values[i] = static_cast<std::int16_t>(random.between(-32768, 32767));
      put(bench->write_data_i, 16 * i, 16, static_cast<std::uint16_t>(values[i]));
    }
    golden.write(std::size_t{index} * kPerWord, values);
    bench->write_i = 1;
    bench->write_index_i = static_cast<std::uint8_t>(index);
    bench.clock();
    bench->write_i = 0;
  }

  void write_all() {
    for (unsigned index = 0; index < Dut::BiasDepth / kPerWord; ++index) write_word(index);
  }

  // A SCORE command of `tokens` tokens, one in `pace` cycles on average.
  void score(bool first, unsigned run, unsigned tokens, unsigned pace) {
    bench->start_i = 1;
    bench->first_i = first;
    bench->run_i = static_cast<std::uint8_t>(run);
    bench.clock();
    bench->start_i = 0;
    bench->first_i = static_cast<std::uint8_t>(random.below(2));
    if (first) golden.start_tile();
    const unsigned shown = stated_cycles("bias", "start_i to bias_o:");
    const unsigned taken = stated_cycles("bias", "first advance_i:");
    for (unsigned cycle = 1; cycle < taken; ++cycle) {
      bench.settle();
      if (cycle >= shown && tokens > 0) {
        aqpim::golden::Bias peek = golden;
        REQUIRE(static_cast<std::int16_t>(bench->bias_o) == peek.next(run));
      }
      bench.clock();
    }
    for (unsigned token = 0; token < tokens; ++token) {
      CAPTURE(token);
      const std::int16_t expected = golden.next(run);
      // Waiting changes nothing.
      while (true) {
        bench.settle();
        REQUIRE(static_cast<std::int16_t>(bench->bias_o) == expected);
        if (random.chance(1, pace)) break;
        bench.clock();
      }
      bench->advance_i = 1;
      bench.clock();
      bench->advance_i = 0;
    }
    // A SCORE drains before anything else happens.
    for (int cycle = 0; cycle < 4; ++cycle) bench.clock();
  }

  void idle() {
    bench->write_i = 0;
    bench->start_i = 0;
    bench->advance_i = 0;
  }

  Bench<typename Dut::Model> bench;
  Random random{test_seed(), "pq_bias"};
  aqpim::golden::Bias golden{Dut::BiasDepth};
};

}  // namespace

TEST_CASE_TEMPLATE_DEFINE(
    "pq_bias: every bias of a tile in its place, at the shortest and longest "
    "runs, a token per cycle",
    Dut, bias_all) {
  INFO(Dut::parameters);
  REQUIRE(stated_cycles("bias", "next token's bias:") == 1);
  BiasBench<Dut> bench;
  for (const unsigned run : {8u, 9u, 128u}) {
    bench.write_all();
    bench.score(true, run, Dut::BiasDepth * run, 1);
  }
}
TEST_CASE_TEMPLATE_APPLY(bias_all, bias_models);

TEST_CASE_TEMPLATE_DEFINE(
    "pq_bias: a tile of many SCORE commands goes on where it was, with gaps "
    "and new biases in between",
    Dut, bias_commands) {
  INFO(Dut::parameters);
  BiasBench<Dut> bench;
  bench.write_all();
  for (std::uint64_t tile = 0; tile < test_iterations(40); ++tile) {
    const auto run = static_cast<unsigned>(bench.random.pick({0u, 8u, 8u, 9u, 16u, 31u}));
    unsigned left = run == 0 ? 700 : std::min(Dut::BiasDepth * run, 700u);
    bool first = true;
    while (left > 0) {
      const auto tokens = static_cast<unsigned>(
          bench.random.chance(1, 3) ? bench.random.below(3) : bench.random.between(0, 40));
      bench.score(first, run, std::min(tokens, left), bench.random.pick({1u, 1u, 3u}));
      left -= std::min(tokens, left);
      first = false;
      if (bench.random.chance(1, 4)) {
        bench.write_word(
            static_cast<unsigned>(bench.random.below(Dut::BiasDepth / bench.kPerWord)));
      }
      if (bench.random.chance(1, 20)) break;
    }
  }
}
TEST_CASE_TEMPLATE_APPLY(bias_commands, bias_models);

TEST_CASE("pq_bias: writing while a bias is fetched violates an assertion") {
  using Dut = bias_0;
  BiasBench<Dut> bench;
  bench.write_all();
  bench.bench->start_i = 1;
  bench.bench.clock();
  bench.bench->start_i = 0;
  bench.bench->write_i = 1;
  CHECK(bench.bench.take_errors() == 0);
  bench.bench.clock();
  CHECK(bench.bench.take_errors() == 1);
}
