// SPDX-License-Identifier: Apache-2.0
#include "tb/unit/models/attend_parameters.h"

#include <doctest/doctest.h>

#include <array>

#include "tb/unit/bench.h"
#include "tb/unit/header.h"

namespace {

using namespace aqpim::tb;
using namespace aqpim::tb::unit;

constexpr unsigned kWords = 16;
constexpr unsigned kFirstBias = 8;

template <class Dut>
class Parameters {
 public:
  Parameters() {
    idle();
    bench.clock();
    for (unsigned index = 0; index < kWords; ++index) write(index);
  }

  void idle() {
    bench->write_i = 0;
    bench->read_query_i = 0;
    bench->start_i = 0;
    bench->advance_i = 0;
    bench->index_i = static_cast<std::uint8_t>(random.bits(4));
    bench->group_i = static_cast<std::uint8_t>(random.bits(3));
    bench->token_i = static_cast<std::uint16_t>(random.bits(14));
  }

  void write(unsigned index) {
    bench->write_i = 1;
    bench->index_i = static_cast<std::uint8_t>(index);
    for (unsigned i = 0; i < 16; ++i) {
      words[index][i] = static_cast<std::uint16_t>(random.bits(16));
      put(bench->data_i, 16 * i, 16, words[index][i]);
    }
    clock();
  }

  void clock() {
    bench.clock();
    idle();
  }

  // SCORE of `tokens` from `first` on.
  void score(unsigned first, unsigned tokens, std::uint64_t pace) {
    bench->start_i = 1;
    bench->token_i = static_cast<std::uint16_t>(first);
    clock();
    for (unsigned t = 0; t < tokens;) {
      CAPTURE(t);
      bench.settle();
      const unsigned run = (first + t) / 128;
      REQUIRE(bench->bias_o == words[kFirstBias + run / 16][run % 16]);
      bench->advance_i = random.chance(1, pace);
      if (bench->advance_i != 0) t += Dut::Slots;
      clock();
    }
  }

  Bench<typename Dut::Model> bench;
  Random random{test_seed(), "pq_attend_parameters"};
  std::array<std::array<std::uint16_t, 16>, kWords> words{};
};

}  // namespace

TEST_CASE_TEMPLATE_DEFINE("pq_attend_parameters: every token has its bias, from any first one on",
                          Dut, attend_parameters_biases) {
  INFO(Dut::parameters);
  CHECK(stated_cycles("attend_parameters", "start_i to bias_o:") == 1);
  CHECK(stated_cycles("attend_parameters", "bias_o:") == 1);
  Parameters<Dut> dut;
  // Over the ends of a bias and of a word, and to the last token.
  for (const unsigned first : {0u, 126u, 2046u, 4094u, 6000u, 16384u - 400u}) {
    CAPTURE(first);
    dut.score(first, 400, 1);
    dut.score(first, 20, 3);
  }
  for (std::uint64_t n = 0; n < test_iterations(20); ++n) {
    CAPTURE(n);
    if (dut.random.chance(1, 2)) dut.write(static_cast<unsigned>(dut.random.below(kWords)));
    const auto tokens = static_cast<unsigned>(dut.random.below(1025));
    const auto first = static_cast<unsigned>(dut.random.below(16384 - 1024)) / 2 * 2;
    dut.score(first, tokens, dut.random.pick({1u, 1u, 2u}));
  }
}
TEST_CASE_TEMPLATE_APPLY(attend_parameters_biases, attend_parameters_models);

TEST_CASE("pq_attend_parameters: the query's words, held until the next read") {
  Parameters<attend_parameters_0> dut;
  REQUIRE(stated_cycles("attend_parameters", "read_query_i to data_o:") == 1);
  std::optional<unsigned> shown;
  for (int cycle = 0; cycle < 400; ++cycle) {
    CAPTURE(cycle);
    dut.bench.settle();
    if (shown) {
      for (unsigned i = 0; i < 16; ++i) {
        REQUIRE(get(dut.bench->data_o, 16 * i, 16) == dut.words[*shown][i]);
      }
    }
    if (dut.random.chance(1, 3)) {
      shown = static_cast<unsigned>(dut.random.below(8));
      dut.bench->read_query_i = 1;
      dut.bench->group_i = static_cast<std::uint8_t>(*shown);
      dut.clock();
    } else if (dut.random.chance(1, 4)) {
      const auto index = static_cast<unsigned>(dut.random.below(kWords));
      // What is shown stays as it was read.
      if (shown != index) dut.write(index);
    } else {
      dut.clock();
    }
  }
}

TEST_CASE("pq_attend_parameters: each of its assertions fails when it is violated") {
  Parameters<attend_parameters_0> dut;
  SUBCASE("a write beside a read") {
    dut.bench->write_i = 1;
    dut.bench->read_query_i = 1;
  }
  SUBCASE("a write at the end of a word of biases") {
    dut.score(0, 2047, 1);
    dut.bench->advance_i = 1;
    dut.bench->write_i = 1;
  }
  SUBCASE("two readers") {
    dut.bench->read_query_i = 1;
    dut.bench->start_i = 1;
  }
  CHECK(dut.bench.take_errors() == 0);
  dut.bench.clock();
  CHECK(dut.bench.take_errors() == 1);
}
