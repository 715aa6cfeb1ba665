// SPDX-License-Identifier: Apache-2.0
#include "sw/golden/quantizer.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <bit>
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "tb/unit/bench.h"
#include "tb/unit/header.h"
#include "tb/unit/models/quantizer.h"

namespace {

using namespace aqpim::tb;
using namespace aqpim::tb::unit;
using aqpim::golden::Quantizer;
using aqpim::golden::QuantizerCommand;
using aqpim::golden::QuantizerConfig;
using aqpim::golden::QuantizerOperation;
using Bytes = std::vector<std::uint8_t>;

constexpr unsigned kBeatBytes = QuantizerConfig::kBeatBytes;
constexpr unsigned kControl = 0, kQuery = 1, kShift = 2;

// Plays the quantizer and its golden model side by side.
template <class Dut>
class Player {
 public:
  static constexpr unsigned kTokensWidth = std::bit_width(Dut::WindowDepth);

  Player() {
    begin();
    write_registers();
  }

  // The pins after a reset; the golden model is made anew.
  void begin() {
    idle();
    queries_ = std::deque<std::optional<Query>>(stated_cycles("quantizer", "to parameters_o:"));
    refused_before_ = false;
    golden = Quantizer(config);
  }

  void reset() {
    bench.reset();
    begin();
    write_registers();
  }

  void idle() {
    bench->cmd_valid_i = 0;
    bench->beat_valid_i = 0;
    bench->reg_valid_i = 0;
    bench->codes_read_i = 0;
    bench->cmd_operation_i = static_cast<std::uint8_t>(random.bits(3));
    bench->cmd_slice_i = static_cast<std::uint8_t>(random.below(config.slices()));
    put(bench->cmd_tokens_i, 0, kTokensWidth, random.bits());
    bench->cmd_last_i = random.chance(1, 2);
    bench->cmd_values_i = random.chance(1, 2);
    bench->cmd_rank_i = static_cast<std::uint8_t>(random.below(Dut::Ranks));
    bench->reg_select_i = static_cast<std::uint8_t>(random.bits(2));
    bench->codes_address_i = static_cast<std::uint8_t>(random.bits(5));
    for (unsigned w = 0; w < 4; ++w) put(bench->data_i, 64 * w, 64, random.bits());
  }

  // Ends a cycle in which something was refused, or nothing: error_o tells in the next one.
  void clock(bool refused = false) {
    bench.settle();
    REQUIRE((bench->error_o != 0) == refused_before_);
    const auto query = queries_.front();
    queries_.pop_front();
    REQUIRE((bench->parameters_valid_o != 0) == query.has_value());
    if (query) {
      REQUIRE(bench->parameters_index_o == query->index);
      REQUIRE(bench->parameters_rank_o == query->rank);
      for (unsigned b = 0; b < kBeatBytes; ++b) {
        REQUIRE(get(bench->parameters_o, 8 * b, 8) == query->beat[b]);
      }
      ++queries;
    }
    if (bench->elements_valid_o != 0) {
      const auto index = static_cast<unsigned>(bench->elements_index_o);
      REQUIRE(index == 16 * slice + elements % 16);
      const auto expected = expected_elements.subspan(elements % 16 * 16, 16);
      for (unsigned i = 0; i < 16; ++i) {
        REQUIRE(get(bench->elements_o, 8 * i, 8) == expected[i]);
      }
      ++elements;
    }
    if (queries_.size() < stated_cycles("quantizer", "to parameters_o:")) {
      queries_.push_back(std::nullopt);
    }
    bench.clock();
    refused_before_ = refused;
    idle();
  }

  Bytes random_beat() {
    Bytes beat(kBeatBytes);
    for (std::uint8_t& byte : beat) byte = static_cast<std::uint8_t>(random.bits(8));
    return beat;
  }

  void put_data(std::span<const std::uint8_t> beat) {
    for (unsigned b = 0; b < kBeatBytes; ++b) put(bench->data_i, 8 * b, 8, beat[b]);
  }

  // ---- Registers --------------------------------------------------------------------------------

  // Puts a register write on the pins of this cycle.
  void put_register(unsigned rank, unsigned select, unsigned index, const Bytes& beat) {
    bench->reg_valid_i = 1;
    bench->reg_select_i = static_cast<std::uint8_t>(select);
    bench->reg_index_i = static_cast<std::uint8_t>(index);
    bench->reg_rank_i = static_cast<std::uint8_t>(rank);
    put_data(beat);
    if (select == kQuery) {
      queries_.push_back(Query{rank, index, *golden.convert(rank, index, beat)});
    }
  }

  void write_control(unsigned rank, unsigned fraction, bool bfloat16) {
    Bytes beat = random_beat();
    beat[0] = static_cast<std::uint8_t>((beat[0] & 0xc0) | fraction | (bfloat16 ? 0x30 : 0x20));
    put_register(rank, kControl, 0, beat);
    REQUIRE(golden.write_control(rank, beat));
    clock();
  }

  void write_registers() {
    for (unsigned rank = 0; rank < Dut::Ranks; ++rank) {
      write_control(rank, static_cast<unsigned>(random.between(8, 15)), random.chance(1, 3));
      for (unsigned i = 0; i * 32 < config.subspaces(); ++i) {
        const Bytes beat = random_beat();
        put_register(rank, kShift, i, beat);
        REQUIRE(golden.write_shifts(rank, i, beat));
        clock();
      }
    }
  }

  // A cycle without a beat: perhaps a query.
  void spare_cycle(bool refused = false) {
    if (bench->beat_valid_i == 0 && random.chance(1, 4)) {
      put_register(static_cast<unsigned>(random.below(Dut::Ranks)), kQuery,
                   static_cast<unsigned>(random.below(config.slices())), random_beat());
    }
    clock(refused);
  }

  // ---- Commands ---------------------------------------------------------------------------------

  void give(const QuantizerCommand& command) {
    bench->cmd_valid_i = 1;
    bench->cmd_operation_i = static_cast<std::uint8_t>(command.operation);
    bench->cmd_slice_i = static_cast<std::uint8_t>(command.slice);
    put(bench->cmd_tokens_i, 0, kTokensWidth, command.tokens);
    bench->cmd_last_i = command.last;
    bench->cmd_values_i = command.values;
    bench->cmd_rank_i = static_cast<std::uint8_t>(command.rank);
  }

  // A command that is accepted, and its beats: one in `pace` cycles on average, as early as can be
  // with 1, and queries in the cycles between. Returns the cycles that it took.
  std::uint64_t run(const QuantizerCommand& command, const Bytes& stream, std::uint64_t pace = 1) {
    bench.settle();
    REQUIRE(bench->ready_o == 1);
    give(command);
    clock();
    REQUIRE(golden.command(command, stream));
    if (command.operation == QuantizerOperation::kLoad) slice = command.slice;
    expected_elements = golden.elements();
    std::uint64_t cycles = 1;
    for (std::size_t sent = 0; sent < stream.size();) {
      bench.settle();
      REQUIRE(bench->ready_o == 0);
      if (bench->beat_ready_o != 0 && random.chance(1, pace)) {
        bench->beat_valid_i = 1;
        put_data(std::span(stream).subspan(sent, kBeatBytes));
        sent += kBeatBytes;
      }
      spare_cycle();
      ++cycles;
    }
    for (bench.settle(); bench->ready_o == 0; bench.settle()) {
      spare_cycle();
      ++cycles;
      REQUIRE(cycles < 100000);
    }
    return cycles;
  }

  void refuse(const QuantizerCommand& command) {
    give(command);
    REQUIRE(!golden.command(command, {}));
    clock(true);
    bench.settle();
    REQUIRE(bench->ready_o == 1);
  }

  // ---- Data -------------------------------------------------------------------------------------

  // Tokens of a slice, all floats or magnitudes below 8, of `distinct` different beats.
  Bytes tokens(std::size_t count, std::size_t distinct, bool wild) {
    std::vector<Bytes> pool;
    for (std::size_t i = 0; i < distinct; ++i) {
      Bytes beat = random_beat();
      for (unsigned e = 0; e < 16 && !wild; ++e) {
        std::uint8_t& high = beat[2 * e + 1];
        high = static_cast<std::uint8_t>((high & 0x80) | (high & 0x7f) % 0x48);
      }
      pool.push_back(beat);
    }
    Bytes bytes;
    for (std::size_t t = 0; t < count; ++t) {
      const Bytes& beat = pool[random.below(distinct)];
      bytes.insert(bytes.end(), beat.begin(), beat.end());
    }
    return bytes;
  }

  // With random weights.
  Bytes weighted(const Bytes& beats) {
    Bytes stream;
    for (std::size_t at = 0; at < beats.size(); at += kBeatBytes) {
      if (at / kBeatBytes % 32 == 0) {
        Bytes weights = random_beat();
        if (random.chance(1, 4)) std::ranges::fill(weights, 0);
        stream.insert(stream.end(), weights.begin(), weights.end());
      }
      const auto first = beats.begin() + static_cast<std::ptrdiff_t>(at);
      stream.insert(stream.end(), first, first + kBeatBytes);
    }
    return stream;
  }

  // All slices of a window, two passes each, then some of its codes.
  void window(std::size_t count, std::uint64_t pace) {
    const bool values = random.chance(1, 2), wild = random.chance(1, 3);
    const auto rank = static_cast<unsigned>(random.below(Dut::Ranks));
    const std::size_t distinct = random.pick({2u, 17u, 300u});
    for (unsigned s = 0; s < config.slices(); ++s) {
      run({.operation = QuantizerOperation::kLoad, .slice = s, .rank = rank},
          tokens(16, distinct, wild), pace);
      for (const bool last : {false, true}) {
        const std::size_t half = random.below(count + 1);
        for (const std::size_t some : {half, count - half}) {
          run({.operation = QuantizerOperation::kCluster,
               .tokens = static_cast<unsigned>(some),
               .rank = rank},
              weighted(tokens(some, distinct, wild)), pace);
        }
        run({.operation = QuantizerOperation::kUpdate, .last = last, .values = values}, {});
      }
    }
    encode(rank, wild, distinct, pace);
  }

  void encode(unsigned rank, bool wild, std::size_t distinct, std::uint64_t pace) {
    const auto count = static_cast<unsigned>(
        random.chance(1, 4) ? config.code_tokens() : random.below(config.code_tokens() + 1));
    run({.operation = QuantizerOperation::kEncode, .tokens = count, .rank = rank},
        tokens(count * config.slices(), distinct, wild), pace);
    const unsigned beats = (count + config.slots() - 1) / config.slots();
    for (unsigned address = 0; address < beats; ++address) {
      CAPTURE(address);
      bench->codes_read_i = 1;
      bench->codes_address_i = static_cast<std::uint8_t>(address);
      spare_cycle();
      bench.settle();
      const auto expected = golden.codes(address);
      for (unsigned b = 0; b < kBeatBytes; ++b) {
        REQUIRE(get(bench->codes_o, 8 * b, 8) == expected[b]);
      }
      ++codes;
    }
  }

  // Returns the cycles that it took.
  std::uint64_t codebook(bool values, std::uint64_t pace) {
    Bytes beats;
    for (unsigned c = 0; c < config.head_dim; ++c) {
      const Bytes beat = random_beat();
      beats.insert(beats.end(), beat.begin(), beat.end());
    }
    return run({.operation = QuantizerOperation::kCodebook, .values = values}, beats, pace);
  }

  void compare_flags() {
    for (unsigned cycle = 0; cycle < 6; ++cycle) clock();
    bench.settle();
    for (unsigned rank = 0; rank < Dut::Ranks; ++rank) {
      REQUIRE(get(bench->flags_o, 2 * rank, 2) == golden.flags(rank));
    }
  }

  struct Query {
    unsigned rank, index;
    Bytes beat;
  };

  const QuantizerConfig config{
      .head_dim = Dut::HeadDim, .window_depth = Dut::WindowDepth, .ranks = Dut::Ranks};
  Bench<typename Dut::Model> bench;
  Random random{test_seed(), "pq_quantizer"};
  Quantizer golden{config};
  unsigned slice = 0;
  std::span<const std::uint8_t> expected_elements;
  std::uint64_t queries = 0, elements = 0, codes = 0;

 private:
  std::deque<std::optional<Query>> queries_;
  bool refused_before_ = false;
};

}  // namespace

TEST_CASE_TEMPLATE_DEFINE(
    "pq_quantizer: windows and appended blocks with gaps, queries beside them and resets, equal "
    "the "
    "golden model",
    Dut, quantizer_random) {
  INFO(Dut::parameters);
  Player<Dut> player;
  Random& random = player.random;
  for (std::uint64_t round = 0; round < test_iterations(5); ++round) {
    CAPTURE(round);
    const std::uint64_t pace = random.pick({1u, 1u, 3u});
    player.window(random.below(std::min(Dut::WindowDepth, 90u) + 1), pace);
    player.compare_flags();
    for (const bool values : {false, true}) {
      player.write_control(static_cast<unsigned>(random.below(Dut::Ranks)), 8, values);
      player.codebook(values, pace);
      player.encode(static_cast<unsigned>(random.below(Dut::Ranks)), values, 40, pace);
    }
    player.compare_flags();
    if (random.chance(1, 2)) {
      // In the middle of something
      player.give({.operation = QuantizerOperation::kCodebook});
      player.clock();
      for (unsigned cycle = 0; cycle < 20; ++cycle) {
        player.bench->beat_valid_i = 1;
        player.clock();
      }
      player.reset();
      player.refuse({.operation = QuantizerOperation::kUpdate});
      player.refuse({.operation = QuantizerOperation::kEncode, .tokens = 1});
    }
  }
  CHECK(player.elements > 0);
  CHECK(player.codes > 0);
  CHECK(player.queries > 0);
}
TEST_CASE_TEMPLATE_APPLY(quantizer_random, quantizer_models);

TEST_CASE_TEMPLATE_DEFINE(
    "pq_quantizer: whatever comes at a wrong time is refused, and nothing "
    "changes",
    Dut, quantizer_refused) {
  INFO(Dut::parameters);
  Player<Dut> player;
  const auto cluster = [](unsigned tokens) {
    return QuantizerCommand{.operation = QuantizerOperation::kCluster, .tokens = tokens};
  };
  player.refuse(cluster(1));
  player.refuse({.operation = static_cast<QuantizerOperation>(7)});
  player.run({.operation = QuantizerOperation::kLoad, .slice = 1}, player.tokens(16, 16, false));
  player.refuse({.operation = QuantizerOperation::kEncode, .tokens = 1});
  player.run(cluster(5), player.weighted(player.tokens(5, 5, false)));
  player.refuse(cluster(Dut::WindowDepth - 4));

  // Beats without an operation, and in the gap behind a token; a register write beside a beat, one
  // that there is not; a command and a read of codes while something runs.
  player.bench->beat_valid_i = 1;
  player.clock(true);
  player.codebook(false, 1);
  const Bytes tokens = player.tokens(player.config.slices(), 8, false);
  player.give({.operation = QuantizerOperation::kEncode, .tokens = 1});
  player.clock();
  for (std::size_t at = 0; at < tokens.size(); at += kBeatBytes) {
    player.bench->beat_valid_i = 1;
    player.put_data(std::span(tokens).subspan(at, kBeatBytes));
    player.bench->reg_valid_i = at == 0;
    player.bench->reg_select_i = kQuery;
    player.bench->reg_index_i = 0;
    player.clock(at == 0);
    player.bench->beat_valid_i = 1;  // in the gap
    player.bench->cmd_valid_i = 1;
    player.bench->codes_read_i = 1;
    player.clock(true);
  }
  for (player.bench.settle(); player.bench->ready_o == 0; player.bench.settle()) {
    player.bench->codes_read_i = 1;
    player.clock(true);
  }
  REQUIRE(player.golden.command({.operation = QuantizerOperation::kEncode, .tokens = 1}, tokens));
  player.bench->codes_read_i = 1;
  player.bench->codes_address_i = 0;
  player.clock();
  player.bench.settle();
  for (unsigned b = 0; b < kBeatBytes; ++b) {
    REQUIRE(get(player.bench->codes_o, 8 * b, 8) == player.golden.codes(0)[b]);
  }
  // One cycle later, as it passes the stage of the beats.
  for (const unsigned select : {kControl, kShift, 3u}) {
    Bytes beat = player.random_beat();
    beat[0] = 7;
    player.bench->reg_valid_i = 1;
    player.bench->reg_select_i = static_cast<std::uint8_t>(select);
    player.bench->reg_index_i = select == kControl ? 0 : 7;
    player.put_data(beat);
    player.clock();
    player.clock(true);
  }
  player.clock();
}
TEST_CASE_TEMPLATE_APPLY(quantizer_refused, quantizer_models);

TEST_CASE_TEMPLATE_DEFINE("pq_quantizer: a window takes the cycles that its header says", Dut,
                          quantizer_cycles) {
  INFO(Dut::parameters);
  REQUIRE(stated_cycles("quantizer", "codes_read_i to codes_o:") == 1);
  Player<Dut> player;
  const unsigned count = std::min(Dut::WindowDepth, 1024u);
  const unsigned slices = player.config.slices();
  const std::uint64_t drain = stated_cycles("quantizer", "of CLUSTER and ENCODE:");
  const std::uint64_t update = stated_cycles("quantizer", "UPDATE to ready_o:");
  const std::uint64_t load =
      player.run({.operation = QuantizerOperation::kLoad}, player.tokens(16, 16, false));
  CHECK(load == 16 + stated_cycles("quantizer", "last beat of LOAD to ready_o:"));
  const std::uint64_t cluster =
      player.run({.operation = QuantizerOperation::kCluster, .tokens = count},
                 player.weighted(player.tokens(count, 50, false)));
  CHECK(cluster == 2 * count - 1 + count / 32 + drain);
  CHECK(player.run({.operation = QuantizerOperation::kCluster}, {}) ==
        stated_cycles("quantizer", "without tokens, CLUSTER or ENCODE to ready_o:"));
  CHECK(player.run({.operation = QuantizerOperation::kUpdate}, {}) == update);
  CHECK(player.codebook(true, 1) == 16 * slices + stated_cycles("quantizer", "of CODEBOOK:"));
  const unsigned some = player.config.code_tokens();
  const std::uint64_t encode =
      player.run({.operation = QuantizerOperation::kEncode, .tokens = some},
                 player.tokens(some * slices, 50, false));
  CHECK(encode == 2 * some * slices - 1 + drain);

  // Prefill of an 8B-class model on 4 stacks: each of 128 pseudo-channels has two heads of 32,768
  // tokens, keys and values, in windows. Codes are read out one beat per cycle.
  const std::uint64_t window = slices * (load + 4 * (cluster + update)) +
                               count / some * (encode + QuantizerConfig::kCodeBeats);
  if (Dut::HeadDim == 128 && count == 1024) {
    const double milliseconds = static_cast<double>(2 * 2 * 32768 / count * window) / 650e3;
    MESSAGE("a window of 1,024 tokens: LOAD ", load, ", CLUSTER ", cluster, ", UPDATE ", update,
            ", ENCODE of ", some, " tokens ", encode, ", all of it ", window,
            " cycles; prefill of 32K tokens: ", milliseconds, " ms at 650 MHz");
    CHECK(milliseconds <= 20.0);
  }
}
TEST_CASE_TEMPLATE_APPLY(quantizer_cycles, quantizer_models);
