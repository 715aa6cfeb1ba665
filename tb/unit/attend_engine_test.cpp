// SPDX-License-Identifier: Apache-2.0
#include "sw/golden/attend_engine.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <bit>
#include <optional>
#include <string>
#include <vector>

#include "tb/unit/bench.h"
#include "tb/unit/header.h"
#include "tb/unit/models/attend_engine.h"

namespace {

using namespace aqpim::tb;
using namespace aqpim::tb::unit;
using aqpim::golden::AttendConfig;
using aqpim::golden::AttendEngine;
using aqpim::golden::AttendOperation;
using enum aqpim::pq_pkg::AttendBusKind;
using BusKind = aqpim::pq_pkg::AttendBusKind;
using Bytes = std::vector<std::uint8_t>;

constexpr unsigned kBeatBytes = AttendConfig::kBeatBytes;
constexpr unsigned kIndex = 11;  // of the engine in its rank

constexpr auto kNoKind = static_cast<BusKind>(aqpim::pq_pkg::kAttendBusKinds);

// Plays the engine and its golden model side by side.
template <class Dut>
class Player {
 public:
  Player() {
    bench->index_i = kIndex;
    idle();
    bench.clock();
  }

  // No command, no beat, no access; anything on the other pins.
  void idle() {
    bench->cmd_valid_i = 0;
    bench->bank_valid_i = 0;
    bench->bus_valid_i = 0;
    bench->read_valid_i = 0;
    bench->cmd_operation_i = static_cast<std::uint8_t>(random.bits(2));
    bench->cmd_first_i = random.bits(1) != 0;
    put(bench->cmd_tokens_i, 0, kTokensWidth, random.bits());
    bench->bus_kind_i = static_cast<std::uint8_t>(random.bits(2));
    bench->bus_index_i = static_cast<std::uint8_t>(random.bits(4));
    bench->read_index_i = static_cast<std::uint8_t>(random.bits(6));
    for (unsigned bank = 0; bank < Dut::Banks; ++bank)
      put(bench->bank_data_i, 256 * bank, 64, random.bits());
    put(bench->bus_data_i, 0, 64, random.bits());
  }

  // Ends a cycle in which something was refused, or nothing: error_o tells in the next one.
  void clock(bool refused = false) {
    bench.settle();
    REQUIRE((bench->error_o != 0) == refused_before_);
    bench.clock();
    refused_before_ = refused;
    idle();
  }

  // ---- Registers --------------------------------------------------------------------------------

  void bus(BusKind kind, unsigned index, const Bytes& beat, bool refused = false) {
    bench->bus_valid_i = 1;
    bench->bus_kind_i = static_cast<std::uint8_t>(kind);
    bench->bus_index_i = static_cast<std::uint8_t>(index);
    for (unsigned b = 0; b < kBeatBytes; ++b) put(bench->bus_data_i, 8 * b, 8, beat[b]);
    clock(refused);
  }

  void write_tokens(unsigned tokens) {
    Bytes beat = random_bytes(kBeatBytes);
    beat[2 * kIndex] = static_cast<std::uint8_t>(tokens);
    beat[2 * kIndex + 1] = static_cast<std::uint8_t>(tokens >> 8);
    bus(kTokens, 0, beat, tokens > AttendConfig::kMaxTokens);
    golden.write_tokens(tokens);
  }

  void write_control(unsigned fraction, bool clear) {
    Bytes beat = random_bytes(kBeatBytes);
    beat[0] = static_cast<std::uint8_t>((beat[0] & 0xd0) | fraction | (clear ? 0x20 : 0));
    bus(kControl, 0, beat, fraction < AttendConfig::kScoreFraction);
    golden.write_control(beat);
  }

  void write_parameters(unsigned index, const Bytes& beat) {
    bus(kParameters, index, beat);
    golden.write_parameters(index, beat);
  }

  // Elements of up to `amplitude`, shifts of `shift` to `shift` + 2.
  void write_query(std::int64_t amplitude, unsigned shift) {
    for (unsigned group = 0; group < kGroups; ++group) {
      Bytes beat;
      for (unsigned j = 0; j < 8; ++j) {
        const auto element = [&] {
          return static_cast<std::uint32_t>(
              std::min<std::int64_t>(random.between(-amplitude, amplitude), 2047) & 0xfff);
        };
        const std::uint32_t word = element() | element() << 12 |
                                   static_cast<std::uint32_t>(shift + random.below(3)) << 24 |
                                   static_cast<std::uint32_t>(random.bits(4)) << 28;
        for (unsigned i = 0; i < 4; ++i) beat.push_back(static_cast<std::uint8_t>(word >> 8 * i));
      }
      write_parameters(group, beat);
    }
  }

  void write_biases(std::int64_t amplitude) {
    for (unsigned index = 8; index < 16; ++index) {
      Bytes beat;
      for (unsigned i = 0; i < 16; ++i) {
        const auto bias = static_cast<std::uint16_t>(random.between(-amplitude, amplitude));
        beat.push_back(static_cast<std::uint8_t>(bias));
        beat.push_back(static_cast<std::uint8_t>(bias >> 8));
      }
      write_parameters(index, beat);
    }
  }

  // ---- Commands ---------------------------------------------------------------------------------

  // Gives a command that is accepted, and its beats: one in `pace` cycles on average, the first one
  // as early as can be, and `surplus` beats more. With `reads`, the results of the window before
  // are compared beside them.
  void run(AttendOperation operation, bool first, unsigned tokens, const Bytes& stream,
           std::uint64_t pace = 1, unsigned surplus = 0, bool reads = false) {
    const std::size_t beats = golden.beats(operation, tokens);
    bench.settle();
    REQUIRE(bench->ready_o == 1);
    give(operation, first, tokens);
    clock();
    REQUIRE(golden.command(operation, first, tokens, stream));
    const bool weighs = operation == AttendOperation::kAccumulate;
    const unsigned fill =
        stated_cycles("attend_control", weighs ? "of ACCUMULATE:" : "command to its first beat:");
    for (unsigned cycle = 1; cycle < fill; ++cycle) wait();
    for (std::size_t sent = 0; sent < beats;) {
      bench.settle();
      REQUIRE(bench->ready_o == 0);
      if (reads) start_read(static_cast<unsigned>(random.below(golden_beats())));
      if (random.chance(1, pace)) put_beat(stream.data() + kBeatBytes * sent++);
      clock();
      if (reads) compare_read();
    }
    const char* drain = operation == AttendOperation::kTurn    ? "last beat of TURN to ready_o:"
                        : operation == AttendOperation::kScore ? "of SCORE:"
                                                               : "of ACCUMULATE:";
    if (beats == 0) drain = weighs ? "ACCUMULATE to ready_o:" : "SCORE to ready_o:";
    const std::string latency = stated_latency("attend_control");
    // "of ACCUMULATE:" is there twice: of its Fill, and of its Drain.
    unsigned cycles = stated_cycles("attend_control", drain);
    if (weighs && beats != 0) {
      const std::size_t second = latency.rfind("of ACCUMULATE:");
      cycles = static_cast<unsigned>(std::stoul(latency.substr(second + 14)));
    }
    if (beats == 0) cycles = cycles > fill - 1 ? cycles - (fill - 1) : 0;
    for (unsigned cycle = 1; cycle < cycles; ++cycle) {
      bench.settle();
      REQUIRE(bench->ready_o == 0);
      const Bytes other = random_bytes(kBeatBytes);
      if (surplus > 0 && random.chance(1, 2)) {
        put_beat(other.data());
        --surplus;
      }
      clock();
    }
    bench.settle();
    REQUIRE(bench->ready_o == 1);
    for (; surplus > 0; --surplus) {
      const Bytes other = random_bytes(kBeatBytes);
      put_beat(other.data());
      clock();
    }
  }

  // Gives a command that is refused.
  void refuse(AttendOperation operation, unsigned tokens = 0) {
    give(operation, true, tokens);
    REQUIRE(!golden.command(operation, true, tokens, {}));
    clock(true);
    bench.settle();
    REQUIRE(bench->ready_o == 1);
  }

  void give(AttendOperation operation, bool first, unsigned tokens) {
    bench->cmd_valid_i = 1;
    bench->cmd_operation_i = static_cast<std::uint8_t>(operation);
    bench->cmd_first_i = first;
    put(bench->cmd_tokens_i, 0, kTokensWidth, tokens);
  }

  void put_beat(const std::uint8_t* bytes) {
    const auto bank = static_cast<unsigned>(random.below(Dut::Banks));
    bench->bank_valid_i = static_cast<std::uint8_t>(1u << bank);
    for (unsigned b = 0; b < kBeatBytes; ++b)
      put(bench->bank_data_i, 256 * bank + 8 * b, 8, bytes[b]);
  }

  void wait() {
    bench.settle();
    REQUIRE(bench->ready_o == 0);
    clock();
  }

  // ---- Results ----------------------------------------------------------------------------------

  unsigned golden_beats() const { return config.output_beats() + 1; }

  void start_read(unsigned index) {
    bench->read_valid_i = 1;
    bench->read_index_i = static_cast<std::uint8_t>(index);
    expected_ = golden.read(index);
    index_ = index;
  }

  // In the next cycle.
  void compare_read() {
    static_assert(kBeatBytes == 32);
    bench.settle();
    CAPTURE(index_);
    REQUIRE((bench->read_valid_o != 0) == expected_.has_value());
    for (unsigned b = 0; b < kBeatBytes; ++b) {
      CAPTURE(b);
      REQUIRE(get(bench->read_data_o, 8 * b, 8) == (expected_ ? (*expected_)[b] : 0));
    }
    compared += expected_ ? 1 : 0;
  }

  void compare_results() {
    for (unsigned index = 0; index < golden_beats(); ++index) {
      start_read(index);
      clock();
      compare_read();
    }
    // Nothing is given out unasked.
    clock();
    bench.settle();
    REQUIRE(bench->read_valid_o == 0);
  }

  // ---- Data -------------------------------------------------------------------------------------

  Bytes random_bytes(std::size_t count) {
    Bytes bytes(count);
    for (std::uint8_t& byte : bytes) byte = static_cast<std::uint8_t>(random.bits(8));
    return bytes;
  }

  Bytes codebooks() { return random_bytes(config.turn_beats() * kBeatBytes); }

  // Codes of up to `distinct` centroids per byte.
  Bytes codes(std::size_t tokens, unsigned distinct) {
    Bytes bytes((tokens + config.slots() - 1) / config.slots() * kBeatBytes);
    for (std::uint8_t& byte : bytes) {
      byte = static_cast<std::uint8_t>(random.below(distinct) | random.below(distinct) << 4);
    }
    return bytes;
  }

  // A window from SCORE on to the TURN that completes it.
  void window(unsigned tokens, std::uint64_t pace, unsigned surplus, bool reads, unsigned distinct,
              bool next_first) {
    const std::size_t taken = golden.beats(AttendOperation::kScore, tokens) * config.slots();
    run(AttendOperation::kScore, false, tokens, codes(taken, 16), pace, surplus, reads);
    run(AttendOperation::kAccumulate, false, 0, codes(taken, distinct), pace, surplus, reads);
    run(AttendOperation::kTurn, next_first, 0, codebooks(), pace);
  }

  // A window without ACCUMULATE: its tokens are those of the next one.
  void give_up(unsigned tokens, std::uint64_t pace) {
    const std::size_t taken = golden.beats(AttendOperation::kScore, tokens) * config.slots();
    run(AttendOperation::kScore, false, tokens, codes(taken, 16), pace);
    run(AttendOperation::kTurn, false, 0, codebooks(), pace);
  }

  static constexpr unsigned kGroups = Dut::HeadDim / AttendConfig::kGroupChannels;
  static constexpr unsigned kTokensWidth = std::bit_width(Dut::TileDepth);

  const AttendConfig config{
      .head_dim = Dut::HeadDim, .bucket_width = Dut::BucketWidth, .tile_depth = Dut::TileDepth};
  Bench<typename Dut::Model> bench;
  Random random{test_seed(), "pq_attend_engine"};
  AttendEngine golden{config};
  std::uint64_t compared = 0;

 private:
  bool refused_before_ = false;
  std::optional<Bytes> expected_;
  unsigned index_ = 0;
};

// A query whose scores are those of sub-space 0: `q · element` for each centroid.
template <class Dut>
void write_plain_query(Player<Dut>& player, unsigned q) {
  for (unsigned index = 0; index < 16; ++index) {
    Bytes beat(kBeatBytes);
    if (index == 0) {
      beat[0] = static_cast<std::uint8_t>(q);
      beat[1] = static_cast<std::uint8_t>(q >> 8);
    }
    player.write_parameters(index, beat);
  }
  player.write_control(8, true);
}

}  // namespace

TEST_CASE_TEMPLATE_DEFINE(
    "pq_attend_engine: random queries of many windows, with gaps, surplus beats and reads beside "
    "them, equal the golden model",
    Dut, attend_engine_random) {
  INFO(Dut::parameters);
  Player<Dut> player;
  Random& random = player.random;
  std::uint64_t windows = 0, unsaturated = 0, coarse = 0, weightless = 0;
  const std::uint64_t queries = test_iterations(Dut::TileDepth > 500 ? 5 : 14);
  for (std::uint64_t query = 0; query < queries; ++query) {
    CAPTURE(query);
    // In every third query few tokens share the attention, in the others most do.
    const std::int64_t amplitude = query % 3 == 0 ? 2047 : random.pick({3, 40});
    player.write_tokens(static_cast<unsigned>(random.below(3 * Dut::TileDepth)));
    player.write_control(static_cast<unsigned>(random.between(8, 15)), random.chance(1, 2));
    player.write_query(amplitude, query % 3 == 0 ? random.pick({2u, 6u}) : 4u);
    player.write_biases(random.pick({0, 300, 32767}));
    const std::uint64_t pace = random.pick({1u, 1u, 3u});
    // The last TURN of a query may be the first one of the next.
    if (query == 0 || random.chance(1, 2)) {
      player.run(AttendOperation::kTurn, true, 0, player.codebooks(), pace);
    }
    const auto count = 1 + random.below(4);
    for (std::uint64_t w = 0; w < count; ++w) {
      CAPTURE(w);
      // Most windows are full, of an engine that has the tokens.
      const auto tokens = static_cast<unsigned>(
          random.chance(1, 2) ? Dut::TileDepth : random.below(Dut::TileDepth + 1));
      const bool given_up = random.chance(1, 4);
      if (given_up) player.give_up(tokens, pace);
      const bool reads = !given_up && windows > 0 && w > 0 && random.chance(1, 2);
      player.window(tokens, pace, random.pick({0u, 0u, 5u}), reads, random.pick({1u, 2u, 16u}),
                    w + 1 == count);
      player.compare_results();
      const auto result = player.golden.result();
      unsaturated += result.flags == 0 ? 1 : 0;
      weightless += result.weight_sum == 0 ? 1 : 0;
      coarse += result.weight_sum != 0 && result.weight_sum >> (Dut::BucketWidth - 1) != 0 ? 1 : 0;
      ++windows;
    }
  }
  if (test_iterations(5) >= 5) {
    CHECK(unsaturated > 0);
    CHECK(weightless < windows);
    // Weight sums near the width of a bucket.
    if (Dut::BucketWidth == 16 && Dut::TileDepth > 500) CHECK(coarse > 0);
  }
}
TEST_CASE_TEMPLATE_APPLY(attend_engine_random, attend_engine_models);

TEST_CASE_TEMPLATE_DEFINE(
    "pq_attend_engine: a whole window of the largest weights in one bucket is exact, whatever the "
    "order of its scores",
    Dut, attend_engine_full) {
  INFO(Dut::parameters);
  Player<Dut> player;
  write_plain_query(player, 256);
  // Centroid c of the keys gives the score c − 8 in every window, values are the largest ones.
  Bytes codebooks(player.config.turn_beats() * kBeatBytes);
  for (std::size_t beat = 0; beat < player.config.turn_beats(); ++beat) {
    std::fill_n(codebooks.begin() + static_cast<std::ptrdiff_t>(beat * kBeatBytes), 16,
                beat % 2 == 0 ? 0x7f : 0xff);
    if (beat < 16) codebooks[beat * kBeatBytes + 16] = static_cast<std::uint8_t>(beat - 8);
  }
  player.write_tokens(5 * Dut::TileDepth);
  player.run(AttendOperation::kTurn, true, 0, codebooks);
  for (unsigned order = 0; order < 5; ++order) {
    CAPTURE(order);
    Bytes keys, values;
    for (unsigned t = 0; t < Dut::TileDepth; ++t) {
      // All equal; rising by one at each token; rising late; falling; one large one at the end.
      const unsigned centroid = order == 0   ? 9
                                : order == 1 ? t % 16
                                : order == 2 ? t * 16 / Dut::TileDepth
                                : order == 3 ? 15 - t * 16 / Dut::TileDepth
                                             : (t + 1 == Dut::TileDepth ? 15 : 14);
      const std::size_t bytes = kBeatBytes / player.config.slots();
      keys.push_back(static_cast<std::uint8_t>(centroid));
      keys.insert(keys.end(), bytes - 1, 0);
      values.insert(values.end(), bytes, 0x33);
    }
    player.run(AttendOperation::kScore, false, Dut::TileDepth, keys);
    player.run(AttendOperation::kAccumulate, false, 0, values);
    player.run(AttendOperation::kTurn, false, 0, codebooks);
    player.compare_results();
    const auto result = player.golden.result();
    CHECK(result.flags == 0);
    CHECK(result.weight_sum < std::uint64_t{1} << Dut::BucketWidth);
    if (order == 0) {
      // 2^14 · TileDepth, or as much of it as fits: 33/32 of it must be below 2^BucketWidth.
      const unsigned whole = std::bit_width(Dut::TileDepth) - 1 + AttendConfig::kWeightWidth;
      const unsigned coarse = whole < Dut::BucketWidth + 1u ? 0 : whole + 1 - Dut::BucketWidth;
      CHECK(result.maximum == 1 + static_cast<int>(coarse));
    }
  }
}
TEST_CASE_TEMPLATE_APPLY(attend_engine_full, attend_engine_models);

TEST_CASE_TEMPLATE_DEFINE(
    "pq_attend_engine: whatever comes at a wrong time is refused, and nothing "
    "changes",
    Dut, attend_engine_refused) {
  INFO(Dut::parameters);
  Player<Dut> player;
  auto& golden = player.golden;
  const Bytes zeros(kBeatBytes);
  const Bytes codes = player.codes(16, 16);
  const auto stray = [&](bool refused) {
    const Bytes beat = player.random_bytes(kBeatBytes);
    player.put_beat(beat.data());
    player.clock(refused);
    if (refused) golden.refused();
  };
  const auto locked = [&] {
    for (const BusKind kind : {kControl, kParameters, kNoKind}) {
      player.bus(kind, 5, player.random_bytes(kBeatBytes), true);
      golden.refused();
    }
  };
  const auto no_read = [&](unsigned index) {
    player.start_read(index);
    player.clock(true);
    player.compare_read();
  };

  // Nothing is there yet.
  player.write_tokens(64);
  player.refuse(AttendOperation::kScore, 1);
  player.refuse(AttendOperation::kAccumulate);
  player.refuse(static_cast<AttendOperation>(3));
  stray(true);
  no_read(0);
  no_read(golden.read(0) ? 0 : player.golden_beats() - 1);
  player.bus(kNoKind, 0, zeros, true);
  golden.refused();
  player.write_query(100, 3);
  player.write_biases(100);
  player.write_control(9, false);
  player.write_control(7, true);  // refused: fraction and flag stay
  player.write_tokens(16385);
  player.write_tokens(16384);
  player.write_tokens(40);
  player.write_tokens(65535);

  const Bytes first = player.codebooks();
  player.run(AttendOperation::kTurn, true, 0, first);
  no_read(0);
  player.refuse(AttendOperation::kAccumulate);
  player.refuse(AttendOperation::kScore, Dut::TileDepth + 1);
  stray(true);
  // During SCORE.
  player.give(AttendOperation::kScore, false, 10);
  player.clock();
  locked();
  player.give(AttendOperation::kTurn, true, 0);
  player.clock(true);
  golden.refused();
  const std::size_t beats = golden.beats(AttendOperation::kScore, 10);
  REQUIRE(golden.command(AttendOperation::kScore, false, 10, codes));
  for (std::size_t b = 0; b < beats; ++b) {
    player.put_beat(codes.data() + kBeatBytes * b);
    player.clock();
  }
  while (player.bench.settle(), player.bench->ready_o == 0) {
    player.bus(kParameters, 9, zeros, true);
    golden.refused();
  }
  stray(false);
  player.refuse(AttendOperation::kScore, 1);
  // In the Fill of ACCUMULATE; registers may be written beside it.
  player.give(AttendOperation::kAccumulate, false, 0);
  player.clock();
  REQUIRE(golden.command(AttendOperation::kAccumulate, false, 0, codes));
  for (int cycle = 0; cycle < 4; ++cycle) stray(true);
  for (std::size_t b = 0; b < beats; ++b) {
    player.put_beat(codes.data() + kBeatBytes * b);
    if (b == 0) {
      player.write_parameters(2, player.random_bytes(kBeatBytes));
    } else {
      player.clock();
    }
  }
  while (player.bench.settle(), player.bench->ready_o == 0) stray(false);
  player.refuse(AttendOperation::kScore, 1);
  player.refuse(AttendOperation::kAccumulate);
  // During TURN.
  const Bytes second = player.codebooks();
  player.give(AttendOperation::kTurn, false, 0);
  player.clock();
  REQUIRE(golden.command(AttendOperation::kTurn, false, 0, second));
  locked();
  for (std::size_t b = 0; b < player.config.turn_beats(); ++b) {
    player.put_beat(second.data() + kBeatBytes * b);
    player.bench->read_valid_i = b % 8 == 0;
    player.clock(b % 8 == 0);
    player.bench.settle();
    REQUIRE(player.bench->read_valid_o == 0);
  }
  stray(true);
  while (player.bench.settle(), player.bench->ready_o == 0) {
    player.bench->read_valid_i = 1;
    player.clock(true);
  }
  player.compare_results();
  no_read(player.golden_beats());
  no_read(63);
  CHECK((golden.result().flags & aqpim::golden::kFlagProtocol) != 0);
  player.compare_results();
  player.write_control(8, true);
  CHECK((golden.result().flags & aqpim::golden::kFlagProtocol) == 0);
  player.compare_results();
  // The next window goes on after the first ten tokens, of the forty that were accepted.
  player.window(Dut::TileDepth > 32 ? 64 : 16, 1, 0, true, 16, false);
  player.compare_results();
  // A TURN without a window before it has no outputs.
  player.run(AttendOperation::kTurn, true, 0, first);
  no_read(0);
}
TEST_CASE_TEMPLATE_APPLY(attend_engine_refused, attend_engine_models);

TEST_CASE_TEMPLATE_DEFINE(
    "pq_attend_engine: windows of few tokens, whatever lies beside the last one", Dut,
    attend_engine_few) {
  INFO(Dut::parameters);
  Player<Dut> player;
  player.write_control(8, true);
  player.write_query(40, 4);
  player.write_biases(300);
  player.run(AttendOperation::kTurn, true, 0, player.codebooks());
  for (unsigned tokens = 0; tokens < 32; ++tokens) {
    CAPTURE(tokens);
    // The engine has no more than these, of a window of sixteen.
    player.write_tokens(tokens % 8);
    player.bench.clock();
    player.window(16, 1, 0, false, 16, true);
    player.compare_results();
  }
}
TEST_CASE_TEMPLATE_APPLY(attend_engine_few, attend_engine_models);

TEST_CASE("pq_attend_engine: biases go on over the windows of a query, 128 tokens each") {
  using Dut = attend_engine_0;
  Player<Dut> player;
  write_plain_query(player, 1);
  player.write_biases(2000);
  player.write_tokens(16384);
  player.run(AttendOperation::kTurn, true, 0, player.codebooks());
  // Windows that end in the middle of a bias, and of a word of biases.
  for (const unsigned tokens : {1000u, 900u, 300u, 1u, 1024u, 129u}) {
    CAPTURE(tokens);
    player.window(tokens, 1, 0, false, 16, false);
    player.compare_results();
  }
  // To the last token that there can be.
  while (player.golden.beats(AttendOperation::kScore, 1024) == 1024) {
    player.window(1024, 1, 0, false, 16, false);
  }
  player.window(1024, 1, 0, false, 16, false);
  player.compare_results();
  CHECK(player.golden.result().weight_sum > 0);
  player.window(1024, 1, 3, false, 16, true);
  player.compare_results();
  CHECK(player.golden.result().weight_sum == 0);
}

TEST_CASE("pq_attend_engine: two banks at a time violate an assertion") {
  Player<attend_engine_0> player;
  player.bench->bank_valid_i = 5;
  CHECK(player.bench.take_errors() == 0);
  player.bench.clock();
  CHECK(player.bench.take_errors() == 1);
}
