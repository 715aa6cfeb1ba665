// SPDX-License-Identifier: Apache-2.0
//
// The engine in parameter sets that no configuration has. Those of configs/ are tested in
// tb/engine, with monitors, coverage and every kind of trouble; here it is the widths and ratios
// that count.
#include "sw/golden/engine.h"

#include <doctest/doctest.h>

#include <memory>
#include <vector>

#include "tb/unit/bench.h"
#include "tb/unit/header.h"
#include "tb/unit/models/engine.h"

namespace {

using namespace aqpim::tb;
using namespace aqpim::tb::unit;
using aqpim::golden::Command;
using aqpim::golden::Operation;
using aqpim::golden::RegisterSelect;
using aqpim::golden::RegisterWrite;
using Bytes = std::vector<std::uint8_t>;

template <class Dut>
aqpim::config::EngineConfig engine_config() {
  return {.head_dim = Dut::HeadDim,
          .sub_dim = Dut::SubDim,
          .code_bits = Dut::CodeBits,
          .word_bits = Dut::WordBits,
          .query_width = Dut::QueryWidth,
          .entry_width = Dut::EntryWidth,
          .score_width = Dut::ScoreWidth,
          .score_fraction = Dut::ScoreFraction,
          .score_depth = Dut::ScoreDepth,
          .bias_depth = Dut::BiasDepth,
          .weight_width = Dut::WeightWidth};
}

template <class Dut>
class Player {
 public:
  static constexpr unsigned kWordBytes = Dut::WordBits / 8;

  Player() : golden(config) {
    bench->cmd_valid_i = 0;
    bench->word_valid_i = 0;
    bench->reg_valid_i = 0;
    bench->result_read_i = 0;
  }

  void write(RegisterSelect select, unsigned index, Bytes data) {
    data.resize(kWordBytes);
    const RegisterWrite write{select, index, data};
    golden.write(write);
    bench->reg_valid_i = 1;
    bench->reg_select_i = static_cast<std::uint8_t>(select);
    bench->reg_index_i = static_cast<std::uint8_t>(index);
    put_word(bench->reg_data_i, data.data());
    bench.clock();
    bench->reg_valid_i = 0;
  }

  void write_all(RegisterSelect select, const Bytes& bytes) {
    for (unsigned at = 0; at < bytes.size(); at += kWordBytes) {
      const auto begin = bytes.begin() + at;
      const auto left = static_cast<std::size_t>(bytes.end() - begin);
      write(select, at / kWordBytes, Bytes(begin, begin + std::min<std::size_t>(kWordBytes, left)));
    }
  }

  // One word in `pace` cycles on average.
  void command(Operation operation, bool first, unsigned tokens, Bytes stream, std::uint64_t pace) {
    const auto shared = std::make_shared<const Bytes>(std::move(stream));
    REQUIRE(golden.command({operation, first, tokens, shared, 0, shared->size()}));
    bench->cmd_valid_i = 1;
    bench->cmd_operation_i = static_cast<std::uint8_t>(operation);
    bench->cmd_first_i = first;
    bench->cmd_tokens_i = static_cast<std::uint16_t>(tokens);
    bench.clock();
    bench->cmd_valid_i = 0;
    std::size_t at = 0;
    for (unsigned waited = 0; waited < 1000; ++waited) {
      bench.settle();
      if (bench->done_o != 0) break;
      const bool streams = bench->word_ready_o != 0 && random.chance(1, pace);
      if (streams) {
        waited = 0;
        REQUIRE(at < shared->size());
        put_word(bench->word_i, shared->data() + at);
        at += kWordBytes;
      }
      bench->word_valid_i = streams;
      bench.clock();
    }
    bench->word_valid_i = 0;
    REQUIRE(bench->done_o == 1);
    REQUIRE(at == shared->size());
  }

  void compare_results() {
    for (unsigned index = 0; index <= Dut::HeadDim * 8 / kWordBytes; ++index) {
      CAPTURE(index);
      const Bytes expected = golden.read(index).value();
      bench->result_read_i = 1;
      bench->result_index_i = static_cast<std::uint16_t>(index);
      bench.clock();
      bench->result_read_i = 0;
      for (unsigned cycle = 1; cycle < stated_cycles("engine", "result read:"); ++cycle) {
        REQUIRE(bench->result_valid_o == 0);
        bench.clock();
      }
      REQUIRE(bench->result_valid_o == 1);
      for (unsigned b = 0; b < kWordBytes; ++b) {
        REQUIRE(get(bench->result_o, 8 * b, 8) == expected[b]);
      }
      bench.clock();
    }
  }

  Bytes random_bytes(std::size_t count) {
    Bytes bytes(count);
    for (std::uint8_t& byte : bytes) byte = static_cast<std::uint8_t>(random.bits(8));
    return bytes;
  }

  const aqpim::config::EngineConfig config = engine_config<Dut>();
  Bench<typename Dut::Model> bench;
  Random random{test_seed(), "pq_engine"};
  aqpim::golden::Engine golden;

 private:
  template <typename Port>
  static void put_word(Port& port, const std::uint8_t* bytes) {
    for (unsigned b = 0; b < kWordBytes; ++b) put(port, 8 * b, 8, bytes[b]);
  }
};

}  // namespace

TEST_CASE_TEMPLATE_DEFINE("pq_engine: other widths and ratios equal the golden model", Dut,
                          engine_others) {
  INFO(Dut::parameters);
  Player<Dut> player;
  Random& random = player.random;
  const auto& config = player.config;
  std::uint64_t unsaturated = 0;
  for (std::uint64_t tile = 0; tile < test_iterations(12); ++tile) {
    CAPTURE(tile);
    const unsigned run = random.pick({0u, 8u, 8u, 17u});
    const auto fraction = static_cast<unsigned>(
        random.between(Dut::ScoreFraction, std::min(Dut::ScoreFraction + 4, 15u)));
    player.write(RegisterSelect::kControl, 0,
                 {static_cast<std::uint8_t>(fraction | 0x20u), static_cast<std::uint8_t>(run)});
    // Shifts of 2 to 5, and binary16 queries of less than 2^-10, which saturate nowhere, of less
    // than 2^11, or of any bits.
    Bytes shifts = player.random_bytes(config.subspaces());
    for (std::uint8_t& shift : shifts) shift = static_cast<std::uint8_t>(0xf0 | (2 + shift % 4));
    player.write_all(RegisterSelect::kShift, shifts);
    Bytes query = player.random_bytes(2 * config.head_dim);
    const unsigned largest = tile % 3 == 0 ? 0x14u : random.pick({0x28u, 0x68u, 0x80u});
    for (std::size_t d = 0; d < config.head_dim; ++d) {
      std::uint8_t& high = query[2 * d + 1];
      high = static_cast<std::uint8_t>((high & 0x80) | (high & 0x7f) % largest);
    }
    player.write_all(RegisterSelect::kQuery, query);
    Bytes biases = player.random_bytes(2 * config.bias_depth);
    for (std::size_t b = 0; b < config.bias_depth; ++b) biases[2 * b + 1] %= 4;
    player.write_all(RegisterSelect::kBias, biases);

    const std::size_t windows = 1 + random.below(2);
    std::vector<unsigned> tokens;
    for (std::size_t w = 0; w < windows; ++w) {
      const unsigned most = std::min(run == 0 ? 40u : config.bias_depth * run, 40u);
      tokens.push_back(
          static_cast<unsigned>(random.below(std::min(most, config.score_depth) / windows + 1)));
    }
    const std::size_t codebook = std::size_t{config.centroids()} * config.head_dim;
    const std::size_t token_bytes = config.subspaces() * config.code_bits / 8;
    const auto codes = [&](unsigned count) {
      Bytes bytes = player.random_bytes(count * token_bytes);
      // Half of the tiles have few different codes.
      if (tile % 2 == 0) {
        for (std::uint8_t& byte : bytes) byte &= 0x11;
      }
      return bytes;
    };
    const std::uint64_t pace = random.pick({1u, 1u, 3u});
    for (std::size_t w = 0; w < windows; ++w) {
      player.command(Operation::kTable, w == 0, 0, player.random_bytes(codebook), pace);
      player.command(Operation::kScore, w == 0, tokens[w], codes(tokens[w]), pace);
    }
    for (std::size_t w = 0; w < windows; ++w) {
      player.command(Operation::kAccumulate, w == 0, tokens[w], codes(tokens[w]), pace);
      player.command(Operation::kCombine, w == 0, 0, player.random_bytes(codebook), pace);
    }
    unsaturated += player.golden.flags() == 0 ? 1 : 0;
    player.compare_results();
  }
  CHECK(unsaturated > 0);
}
TEST_CASE_TEMPLATE_APPLY(engine_others, engine_models);
