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
          .weight_width = Dut::WeightWidth,
          .quantize = Dut::Quantize};
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

  // One word in `pace` cycles on average. Returns the words that came out.
  Bytes command(Operation operation, bool first, unsigned tokens, Bytes stream,
                std::uint64_t pace) {
    Bytes out;
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
      if (bench->result_valid_o != 0) {
        for (unsigned b = 0; b < kWordBytes; ++b) {
          out.push_back(static_cast<std::uint8_t>(get(bench->result_o, 8 * b, 8)));
        }
      }
      if (bench->done_o != 0) break;
      const bool streams = bench->stream_open_o != 0 && random.chance(1, pace);
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
    return out;
  }

  void compare_results() { compare_words(0, config.output_words() + 1); }
  void compare_codes() { compare_words(config.output_words() + 1, config.token_words()); }

  void compare_words(unsigned first, unsigned count) {
    for (unsigned index = first; index < first + count; ++index) {
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

  // binary16 numbers of at most `largest` in the high byte: 0x48 is 8, which is 2048 with 8
  // fraction bits.
  Bytes random_floats(std::size_t count, unsigned largest) {
    Bytes bytes = random_bytes(2 * count);
    for (std::size_t i = 0; i < count; ++i) {
      std::uint8_t& high = bytes[2 * i + 1];
      high = static_cast<std::uint8_t>((high & 0x80) | (high & 0x7f) % largest);
    }
    return bytes;
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

// ---- Encoding and clustering --------------------------------------------------------------------

namespace {

// The words of CLUSTER: weights, then tokens, block by block. `tokens` are whole groups.
Bytes cluster_stream(const aqpim::config::EngineConfig& config, const Bytes& weights,
                     const Bytes& tokens) {
  const std::size_t block = config.word_bytes();
  const std::size_t token_bytes = tokens.size() / std::max<std::size_t>(weights.size(), 1);
  Bytes stream;
  for (std::size_t at = 0; at < weights.size(); at += block) {
    const std::size_t end = std::min(at + block, weights.size());
    stream.insert(stream.end(), weights.begin() + static_cast<std::ptrdiff_t>(at),
                  weights.begin() + static_cast<std::ptrdiff_t>(end));
    stream.resize((stream.size() + block - 1) / block * block);
    stream.insert(stream.end(), tokens.begin() + static_cast<std::ptrdiff_t>(at * token_bytes),
                  tokens.begin() + static_cast<std::ptrdiff_t>(end * token_bytes));
  }
  return stream;
}

}  // namespace

TEST_CASE_TEMPLATE_DEFINE("pq_engine: encoding and clustering equal the golden model", Dut,
                          engine_quantizes) {
  INFO(Dut::parameters);
  Player<Dut> player;
  Random& random = player.random;
  const auto& config = player.config;
  if (config.quantize == 0) return;
  const std::size_t word = config.word_bytes();
  const std::size_t codebook = std::size_t{config.centroids()} * config.head_dim;
  for (std::uint64_t round = 0; round < test_iterations(6); ++round) {
    CAPTURE(round);
    const std::uint64_t pace = random.pick({1u, 1u, 3u});
    const bool values = random.chance(1, 2);
    const bool bfloat16 = random.chance(1, 4);
    const auto control =
        static_cast<std::uint8_t>(8u | (bfloat16 ? 0x10u : 0u) | 0x20u | (values ? 0x40u : 0u));
    player.write(RegisterSelect::kControl, 0, {control});
    player.write_all(RegisterSelect::kShift, Bytes(config.subspaces(), 0));

    // Few different tokens leave clusters empty and make ties; the widest ones saturate.
    const unsigned largest = random.pick({0x40u, 0x48u, 0x48u, 0x80u});
    const std::size_t token_bytes = 2 * config.slice_channels();
    const std::size_t distinct = random.pick({1u, 3u, 1000u});
    const auto tokens_of = [&](std::size_t count) {
      const Bytes pool = player.random_floats(std::min(distinct, count) * token_bytes / 2, largest);
      Bytes tokens;
      for (std::size_t t = 0; t < count; ++t) {
        const auto from = pool.begin() + static_cast<std::ptrdiff_t>(
                                             random.below(pool.size() / token_bytes) * token_bytes);
        tokens.insert(tokens.end(), from, from + static_cast<std::ptrdiff_t>(token_bytes));
      }
      return tokens;
    };
    Bytes centroids = tokens_of(config.centroids());
    centroids.resize(config.centroids() * config.slice_words() * word);
    player.command(Operation::kLoad, random.chance(1, 2), 0, std::move(centroids), pace);
    unsigned left = std::min(config.score_depth, 150u);
    for (unsigned part = 0; part < 2; ++part) {
      unsigned tokens = static_cast<unsigned>(random.below(left / 2 + 1));
      if (random.chance(1, 4)) tokens = 0;
      tokens = tokens / config.token_slots() * config.token_slots();
      player.command(Operation::kCluster, false, tokens,
                     cluster_stream(config, player.random_bytes(tokens), tokens_of(tokens)), pace);
      left -= tokens;
    }
    const Bytes unloaded =
        player.command(Operation::kUnload, false, 0,
                       Bytes(config.centroids() * config.record_words() * word), pace);
    REQUIRE(unloaded == player.golden.unloaded());

    player.write_all(RegisterSelect::kQuery, player.random_floats(config.head_dim, largest));
    player.command(Operation::kEncode, false, 0, player.random_bytes(codebook), pace);
    player.compare_codes();
    // Attention afterwards: no trace of the work space is left, and the flags are right.
    player.command(Operation::kTable, true, 0, player.random_bytes(codebook), pace);
    player.command(Operation::kScore, true, 3,
                   player.random_bytes(3 * config.subspaces() * config.code_bits / 8), pace);
    player.command(Operation::kAccumulate, true, 3,
                   player.random_bytes(3 * config.subspaces() * config.code_bits / 8), pace);
    player.command(Operation::kCombine, true, 0, player.random_bytes(codebook), pace);
    player.compare_results();
  }
}
TEST_CASE_TEMPLATE_APPLY(engine_quantizes, engine_models);
