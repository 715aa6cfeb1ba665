// SPDX-License-Identifier: Apache-2.0
#include "tb/unit/models/quantizer_input.h"

#include <doctest/doctest.h>

#include <optional>
#include <vector>

#include "sw/golden/float_to_fixed.h"
#include "sw/golden/quantizer.h"
#include "tb/unit/bench.h"
#include "tb/unit/header.h"

namespace {

using namespace aqpim::tb;
using namespace aqpim::tb::unit;
using aqpim::golden::Quantizer;
using aqpim::golden::QuantizerOperation;
using Bytes = std::vector<std::uint8_t>;

constexpr unsigned kControl = 0, kQuery = 1, kShift = 2, kNowhere = 3;

// What an access must give, `parameters` or the integers of a token.
struct Expected {
  Bytes parameters;
  unsigned index = 0, rank = 0;
  std::vector<std::int32_t> token;
};

template <class Dut>
class Input {
 public:
  Input() {
    for (unsigned rank = 0; rank < Dut::Ranks; ++rank) {
      for (unsigned i = 0; i * 64 < Dut::HeadDim; ++i) write(rank, kShift, i);
    }
  }

  Bytes random_beat() {
    Bytes beat(32);
    for (std::uint8_t& byte : beat) byte = static_cast<std::uint8_t>(random.bits(8));
    return beat;
  }

  void nothing() { access(std::nullopt, 0, 0); }

  void write(unsigned rank, unsigned select, unsigned index) {
    bench->reg_valid_i = 1;
    bench->reg_select_i = static_cast<std::uint8_t>(select);
    bench->reg_index_i = static_cast<std::uint8_t>(index);
    bench->reg_rank_i = static_cast<std::uint8_t>(rank);
    Bytes beat = random_beat();
    if (select == kControl && random.chance(7, 8)) beat[0] |= 8;
    bool legal = false;
    Expected expected;
    switch (select) {
      case kControl:
        legal = index == 0 && golden.write_control(rank, beat);
        if (legal) bfloat16[rank] = (beat[0] & 0x10) != 0;
        break;
      case kShift:
        legal = golden.write_shifts(rank, index, beat);
        break;
      case kQuery:
        if (const auto parameters = golden.convert(rank, index, beat)) {
          expected = {*parameters, index, rank, {}};
          legal = true;
        }
        break;
      default:
        break;
    }
    access(expected, rank, 0, beat);
    bench.settle();
    REQUIRE((bench->error_o != 0) == !legal);
  }

  // LOAD's first centroid: the golden model converts it, and leaves its flags.
  void token(unsigned rank) {
    const Bytes beat = random_beat();
    Expected expected;
    for (std::size_t i = 0; i < 16; ++i) {
      const auto bits = static_cast<std::uint16_t>(beat[2 * i] | beat[2 * i + 1] << 8);
      expected.token.push_back(aqpim::golden::float_to_fixed(bits, bfloat16[rank], 8, 12).value);
    }
    Bytes stream(16 * 32);
    std::ranges::copy(beat, stream.begin());
    REQUIRE(golden.command({.operation = QuantizerOperation::kLoad, .rank = rank}, stream));
    bench->token_i = 1;
    access(expected, rank, 1, beat);
  }

  void drain_and_compare_flags() {
    for (unsigned cycle = 0; cycle < latency + 1; ++cycle) nothing();
    bench.settle();
    for (unsigned rank = 0; rank < Dut::Ranks; ++rank) {
      REQUIRE(get(bench->flags_o, 2 * rank, 2) == golden.flags(rank));
    }
  }

  Bench<typename Dut::Model> bench;
  Random random{test_seed(), "pq_quantizer_input"};
  Quantizer golden{{.head_dim = Dut::HeadDim, .ranks = Dut::Ranks}};
  std::vector<bool> bfloat16 = std::vector<bool>(Dut::Ranks);
  std::uint64_t compared = 0;

 private:
  void access(const std::optional<Expected>& expected, unsigned rank, unsigned is_token,
              const Bytes& beat = Bytes(32)) {
    bench->token_i = static_cast<std::uint8_t>(is_token);
    bench->token_rank_i =
        static_cast<std::uint8_t>(is_token != 0 ? rank : random.below(Dut::Ranks));
    if (!expected || is_token != 0) bench->reg_valid_i = 0;
    for (unsigned b = 0; b < 32; ++b) put(bench->data_i, 8 * b, 8, beat[b]);
    bench.settle();
    if (const auto now = due.next(expected.value_or(Expected{}))) {
      REQUIRE((bench->parameters_valid_o != 0) == !now->parameters.empty());
      REQUIRE((bench->token_o != 0) == !now->token.empty());
      if (!now->parameters.empty()) {
        REQUIRE(bench->parameters_index_o == now->index);
        REQUIRE(bench->parameters_rank_o == now->rank);
        for (unsigned b = 0; b < 32; ++b) {
          REQUIRE(get(bench->parameters_o, 8 * b, 8) == now->parameters[b]);
        }
        ++compared;
      }
      for (unsigned i = 0; i < now->token.size(); ++i) {
        REQUIRE(get_signed(bench->values_o, 12 * i, 12) == now->token[i]);
        ++compared;
      }
    }
    bench.clock();
    bench->reg_valid_i = 0;
    bench->token_i = 0;
  }

  unsigned latency = stated_cycles("quantizer_input", "parameters_o:");
  Due<Expected> due{latency};
};

}  // namespace

TEST_CASE_TEMPLATE_DEFINE(
    "pq_quantizer_input: tokens, queries and registers of all ranks, one per cycle or with gaps",
    Dut, quantizer_input_random) {
  INFO(Dut::parameters);
  Input<Dut> input;
  Random& random = input.random;
  for (std::uint64_t round = 0; round < test_iterations(100); ++round) {
    CAPTURE(round);
    for (unsigned cycle = 0; cycle < 12; ++cycle) {
      const auto rank = static_cast<unsigned>(random.below(Dut::Ranks));
      const auto index = static_cast<unsigned>(random.below(random.chance(1, 8) ? 8 : 2));
      switch (random.below(8)) {
        case 0:
          input.nothing();
          break;
        case 1:
        case 2:
          input.write(rank, kShift, index);
          break;
        case 3:
        case 4:
          input.write(rank, kQuery, static_cast<unsigned>(random.below(8)));
          break;
        case 5:
          input.write(rank, random.chance(1, 4) ? kNowhere : kControl, index / 7);
          break;
        default:
          input.token(rank);
          break;
      }
    }
    input.drain_and_compare_flags();
  }
  if (test_iterations(100) >= 100) CHECK(input.compared > 1000);
}
TEST_CASE_TEMPLATE_APPLY(quantizer_input_random, quantizer_input_models);
