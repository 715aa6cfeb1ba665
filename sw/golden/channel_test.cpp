// SPDX-License-Identifier: Apache-2.0
#include "sw/golden/channel.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdint>
#include <span>
#include <stdexcept>
#include <vector>

#include "sw/golden/channel_test_support.h"
#include "sw/seed/seed.h"

namespace {

using aqpim::Random;
using aqpim::config::ChannelShape;
using aqpim::golden::AnswerCode;
using aqpim::golden::Beat;
using aqpim::golden::Channel;
using aqpim::golden::HostAnswer;
using aqpim::golden::HostCommand;
using aqpim::golden::HostOpcode;
using aqpim::golden::Result;
using aqpim::test::channel_shapes;
using aqpim::test::command;
using aqpim::test::make_channel;
using aqpim::test::Target;

// Contents that tell where they come from.
Beat label(unsigned rank, unsigned bank, unsigned row, unsigned column) {
  Beat beat = {};
  beat[0] = static_cast<std::uint8_t>(1 + rank);
  beat[1] = static_cast<std::uint8_t>(bank);
  beat[2] = static_cast<std::uint8_t>(row);
  beat[3] = static_cast<std::uint8_t>(row >> 8);
  beat[4] = static_cast<std::uint8_t>(column);
  return beat;
}

std::vector<Beat> random_beats(Random& random, std::size_t count) {
  std::vector<Beat> beats(count);
  for (Beat& beat : beats) {
    for (std::uint8_t& byte : beat) byte = static_cast<std::uint8_t>(random.bits(8));
  }
  return beats;
}

// A context of scope rank: codebooks from rows 0 and 80, codes from 160 and 200, raw from 240, 40
// rows each but for 80 of codebooks.
HostCommand wide_config(Target target = {}) {
  return command(HostOpcode::kSetConfig, {0, 80, 80, 160, 200, 40, 0, 240, 40}, {}, target);
}

}  // namespace

// ---- Memory -------------------------------------------------------------------------------------

TEST_CASE("channel: an access of one bank goes column by column, then row by row") {
  const ChannelShape shape = make_channel(4, 8, 256);
  Channel channel(shape, label);
  REQUIRE(channel.execute(wide_config()).code == AnswerCode::kOk);
  const HostAnswer read = channel.execute(command(HostOpcode::kRead, {5, 161, 30, 40}));
  REQUIRE(read.code == AnswerCode::kOk);
  REQUIRE(read.data.size() == 40);
  CHECK(read.data[0] == label(0, 5, 161, 30));
  CHECK(read.data[1] == label(0, 5, 161, 31));
  CHECK(read.data[2] == label(0, 5, 162, 0));
  CHECK(read.data[39] == label(0, 5, 163, 5));
}

TEST_CASE("channel: a striped access goes through the groups, the banks of a group, the columns") {
  const ChannelShape shape = make_channel(4, 8, 256);
  Channel channel(shape, label);
  REQUIRE(channel.execute(wide_config({.rank = 1})).code == AnswerCode::kOk);
  const auto read = [&](unsigned first, unsigned beats) {
    return channel.execute(command(HostOpcode::kRead, {16, 161, first, beats}, {}, {.rank = 1}))
        .data;
  };
  const std::vector<Beat> data = read(0, 513);
  REQUIRE(data.size() == 513);
  const unsigned banks[] = {0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15};
  for (unsigned i = 0; i < 16; ++i) {
    CHECK(data[i] == label(1, banks[i], 161, 0));
    CHECK(data[i + 16] == label(1, banks[i], 161, 1));
    CHECK(data[i + 496] == label(1, banks[i], 161, 31));
  }
  CHECK(data[512] == label(1, 0, 162, 0));
  CHECK(read(511, 5)[4] == label(1, 12, 162, 0));
}

TEST_CASE("channel: what is written is read, and nothing else changes") {
  const ChannelShape shape = make_channel(4, 8, 256);
  Channel channel(shape, label);
  Random random(1, "channel");
  REQUIRE(channel.execute(wide_config()).code == AnswerCode::kOk);
  const std::vector<Beat> striped = random_beats(random, 21), single = random_beats(random, 7);
  CHECK(channel.execute(command(HostOpcode::kWrite, {16, 82, 510, 21}, striped)) == HostAnswer{});
  CHECK(channel.execute(command(HostOpcode::kWrite, {9, 250, 30, 7}, single)) == HostAnswer{});
  CHECK(channel.execute(command(HostOpcode::kRead, {16, 82, 510, 21})).data == striped);
  CHECK(channel.execute(command(HostOpcode::kRead, {9, 250, 30, 7})).data == single);
  CHECK(channel.stored(0, 11, 82, 31) == striped[0]);
  CHECK(channel.stored(0, 0, 83, 0) == striped[2]);
  CHECK(channel.stored(0, 9, 251, 4) == single[6]);
  CHECK(channel.stored(0, 9, 251, 5) == label(0, 9, 251, 5));
  CHECK(channel.stored(0, 7, 82, 31) == label(0, 7, 82, 31));
  CHECK(channel.stored(1, 9, 250, 30) == label(1, 9, 250, 30));
}

TEST_CASE("channel: a beat that was never written is zero, or what the caller says") {
  const ChannelShape shape = make_channel(4, 8, 256);
  CHECK(Channel(shape).stored(1, 15, 511, 31) == Beat{});
  Channel channel(shape, label);
  CHECK(channel.stored(1, 15, 511, 31) == label(1, 15, 511, 31));
  channel.store(1, 15, 511, 31, Beat{});
  CHECK(channel.stored(1, 15, 511, 31) == Beat{});
  CHECK_THROWS_AS(channel.stored(2, 0, 0, 0), std::out_of_range);
  CHECK_THROWS_AS(channel.stored(0, 16, 0, 0), std::out_of_range);
  CHECK_THROWS_AS(channel.stored(0, 0, 512, 0), std::out_of_range);
  CHECK_THROWS_AS(channel.store(0, 0, 0, 32, Beat{}), std::out_of_range);
}

TEST_CASE("channel: a shape that the RTL does not have is refused") {
  CHECK_THROWS_AS(Channel(make_channel(4, 4, 128)), std::invalid_argument);     // half a beat
  CHECK_THROWS_AS(Channel(make_channel(2, 4, 128, 2)), std::invalid_argument);  // words too short
  CHECK_THROWS_AS(Channel(make_channel(4, 8, 256, 4)), std::invalid_argument);
  ChannelShape shape = make_channel(4, 8, 256);
  shape.engine.quantize = 0;
  CHECK_THROWS_AS(Channel{shape}, std::invalid_argument);
  shape = make_channel(4, 8, 256);
  shape.memory.ranks = 3;
  CHECK_THROWS_AS(Channel{shape}, std::invalid_argument);
}

TEST_CASE("channel: a payload of the wrong length is an error of the caller") {
  Channel channel(make_channel(4, 8, 256));
  channel.execute(wide_config());
  CHECK_THROWS_AS(channel.execute(command(HostOpcode::kWrite, {0, 0, 0, 2}, std::vector<Beat>(3))),
                  std::invalid_argument);
}

TEST_CASE("channel: a result is packed in 40 bits an output and unpacked again") {
  const ChannelShape shape = make_channel(4, 8, 256);
  Result result{.outputs = std::vector<std::int64_t>(128),
                .maximum = -3,
                .weight_sum = 0x89abcdef,
                .flags = 0x15};
  result.outputs[0] = 0x1234567890;
  result.outputs[9] = -2;
  result.outputs[127] = -(std::int64_t{1} << 36);
  const std::vector<Beat> beats = aqpim::golden::pack_result(result);
  REQUIRE(beats.size() == shape.result_beats());
  CHECK(beats[0][0] == 0x90);
  CHECK(beats[0][3] == 0x34);
  CHECK(beats[16][0] == 0x12);
  CHECK(beats[1][4] == 0xfe);
  CHECK(beats[1][7] == 0xff);
  CHECK(beats[16][9] == 0xff);
  CHECK(beats[19][31] == 0xf0);
  CHECK(beats[20][0] == 0xef);
  CHECK(beats[20][3] == 0x89);
  CHECK(beats[20][4] == 0xfd);
  CHECK(beats[20][5] == 0xff);
  CHECK(beats[20][6] == 0x15);
  CHECK(beats[20][8] == 0);
  CHECK(aqpim::golden::unpack_result(beats, shape.engine) == result);
}

// ---- Commands of engines ------------------------------------------------------------------------

namespace {

constexpr unsigned kFraction = 12;

// A channel whose memory is full of random bytes, with a context of scope rank and the registers
// of a query to be set.
class Fixture {
 public:
  explicit Fixture(const ChannelShape& shape)
      : shape_(shape),
        channel_(shape, [](unsigned rank, unsigned bank, unsigned row, unsigned column) {
          Random random((rank * 16 + bank) * 512 + row, "row");
          return random_beats(random, 32)[column];
        }) {
    run(wide_config());
  }

  HostAnswer run(const HostCommand& to_run) {
    const HostAnswer answer = channel_.execute(to_run);
    REQUIRE(answer.code == AnswerCode::kOk);
    return answer;
  }

  // Tokens and control; no shifts.
  std::vector<Beat> setup(const std::vector<std::uint16_t>& tokens, unsigned run = 0,
                          bool clear = true) const {
    std::vector<Beat> payload(2 + shape_.shift_beats());
    payload[0] = aqpim::test::beats_of_halves(tokens)[0];
    payload[1][0] = static_cast<std::uint8_t>(kFraction | (clear ? 0x20 : 0));
    payload[1][1] = static_cast<std::uint8_t>(run);
    return payload;
  }

  // All elements of the query are this binary16; 2^−9 makes no weight vanish.
  void query(const std::vector<std::uint16_t>& tokens, std::uint16_t element = 0x1800,
             bool clear = true) {
    std::vector<Beat> payload = setup(tokens, 0, clear);
    const std::vector<std::uint16_t> elements(shape_.engine.head_dim, element);
    append(payload, aqpim::test::beats_of_halves(elements));
    run(command(HostOpcode::kSetQuery, {0, 0}, payload));
  }

  static void append(std::vector<Beat>& payload, const std::vector<Beat>& more) {
    payload.insert(payload.end(), more.begin(), more.end());
  }

  void attend(unsigned tokens) { run(command(HostOpcode::kAttend, {tokens, 0, 0, 1})); }

  // Results of the engines, in their order.
  std::vector<Result> results() {
    const std::vector<Beat> data = run(command(HostOpcode::kResult, {})).data;
    std::vector<Result> results(shape_.engines());
    for (unsigned i = 0; i < shape_.engines(); ++i) {
      std::vector<Beat> own;
      for (std::size_t b = 0; b < shape_.result_beats(); ++b) {
        own.push_back(data[b * shape_.engines() + i]);
      }
      results[shape_.engine_in_turn(i)] = aqpim::golden::unpack_result(own, shape_.engine);
    }
    return results;
  }

  std::vector<Result> ask(const std::vector<std::uint16_t>& tokens, unsigned most) {
    query(tokens);
    attend(most);
    return results();
  }

  Channel& channel() { return channel_; }

 private:
  ChannelShape shape_;
  Channel channel_;
};

std::vector<std::uint16_t> all_tokens(const ChannelShape& shape, unsigned tokens) {
  return std::vector<std::uint16_t>(shape.engines(), static_cast<std::uint16_t>(tokens));
}

}  // namespace

TEST_CASE("channel: an engine without tokens gives no weight, the others their own") {
  for (const ChannelShape& shape : channel_shapes()) {
    Fixture fixture(shape);
    std::vector<std::uint16_t> tokens;
    for (unsigned e = 0; e < shape.engines(); ++e) {
      tokens.push_back(static_cast<std::uint16_t>(e % 3 == 1 ? 0 : e + 1));
    }
    const std::vector<Result> results = fixture.ask(tokens, shape.engines());
    const std::vector<Result> all =
        fixture.ask(all_tokens(shape, shape.engines()), shape.engines());
    for (unsigned e = 0; e < shape.engines(); ++e) {
      CAPTURE(e);
      CHECK((results[e].weight_sum == 0) == (tokens[e] == 0));
      CHECK(results[e].flags == 0);
      if (tokens[e] == 0) {
        CHECK(std::ranges::all_of(results[e].outputs, [](std::int64_t o) { return o == 0; }));
      } else {
        CHECK((results[e] == all[e]) == (tokens[e] == shape.engines()));
      }
    }
  }
}

TEST_CASE("channel: a tile has no more tokens than its command says") {
  const ChannelShape shape = make_channel(4, 8, 256);
  Fixture fixture(shape);
  const auto some = fixture.ask(all_tokens(shape, 20), 128);
  CHECK(fixture.ask(all_tokens(shape, 65535), 20) == some);
  CHECK(fixture.ask(all_tokens(shape, 20), 20) == some);
  CHECK(fixture.ask(all_tokens(shape, 21), 128) != some);
}

TEST_CASE("channel: two results wait, the older one is read first, its flags stay its own") {
  const ChannelShape shape = make_channel(4, 8, 256);
  Fixture fixture(shape);
  const auto tokens = all_tokens(shape, 9);
  const std::vector<Result> plain = fixture.ask(tokens, 9);
  fixture.query(tokens, 0x7bff);  // the largest: saturates
  fixture.attend(9);
  fixture.query(tokens);
  fixture.attend(9);
  // The third query's flags show in its own tile.
  fixture.query(tokens, 0x7e00);  // not a number
  const std::vector<Result> saturated = fixture.results();
  for (const Result& result : saturated) {
    CHECK((result.flags & aqpim::golden::kFlagQuerySaturated) != 0);
    CHECK((result.flags & aqpim::golden::kFlagNonfinite) == 0);
  }
  CHECK(fixture.results() == plain);
  fixture.attend(9);
  // And stick until CONTROL clears them.
  fixture.query(tokens, 0x1800, false);
  fixture.attend(9);
  CHECK(fixture.results()[0].flags == aqpim::golden::kFlagNonfinite);
  CHECK(fixture.results()[0].flags == aqpim::golden::kFlagNonfinite);
  CHECK(fixture.ask(tokens, 9)[0].flags == 0);
}

TEST_CASE("channel: biases are the same for all engines, or each has its own") {
  const ChannelShape shape = make_channel(4, 8, 256);
  Fixture fixture(shape);
  const auto maxima = [&](bool own) {
    std::vector<Beat> payload = fixture.setup(all_tokens(shape, 8), 8);
    Fixture::append(payload, std::vector<Beat>(shape.query_beats()));
    // The first bias of the i-th engine in turn is 256 · (i + 1): i + 1 in the log2 domain.
    std::vector<Beat> biases(own ? shape.engines() : 1);
    for (std::size_t i = 0; i < biases.size(); ++i) {
      biases[i][1] = static_cast<std::uint8_t>(i + 1);
    }
    Fixture::append(payload, biases);
    fixture.run(command(HostOpcode::kSetQuery, {1, own ? 1u : 0u}, payload));
    fixture.attend(8);
    std::vector<int> maxima;
    for (const Result& result : fixture.results()) maxima.push_back(result.maximum);
    return maxima;
  };
  CHECK(maxima(false) == std::vector<int>(16, 1));
  CHECK(maxima(true) == std::vector<int>{1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15, 4, 8, 12, 16});
}

TEST_CASE("channel: a bias run too short for an engine's tokens leaves the others alone") {
  ChannelShape shape = make_channel(4, 8, 256);
  shape.engine.bias_depth = 8;  // with the shortest run, 64 tokens
  Fixture fixture(shape);
  std::vector<std::uint16_t> tokens = all_tokens(shape, 64);
  const std::vector<Result> before = fixture.ask(tokens, 128);
  const auto ask = [&](bool clear) {
    std::vector<Beat> payload = fixture.setup(tokens, 8, clear);
    const std::vector<std::uint16_t> elements(shape.engine.head_dim, 0x1800);
    Fixture::append(payload, aqpim::test::beats_of_halves(elements));
    fixture.run(command(HostOpcode::kSetQuery, {0, 0}, payload));
    fixture.attend(128);
    return fixture.results();
  };
  REQUIRE(ask(true) == before);
  tokens[3] = 65;
  const std::vector<Result> refused = ask(true);
  for (unsigned e = 0; e < shape.engines(); ++e) {
    CAPTURE(e);
    CHECK((refused[e] == before[e]) == (e != 3));
    CHECK(refused[e].flags == (e == 3 ? aqpim::golden::kFlagProtocol : 0));
  }
  CHECK(std::ranges::all_of(refused[3].outputs, [](std::int64_t o) { return o == 0; }));
  // The flag stays, the refusal does not.
  tokens[3] = 64;
  CHECK(ask(false)[3].flags == aqpim::golden::kFlagProtocol);
  CHECK(ask(true) == before);
}

TEST_CASE("channel: a context that is set again counts from the next command on") {
  const ChannelShape shape = make_channel(4, 8, 256);
  Fixture fixture(shape);
  const auto tokens = all_tokens(shape, 9);
  const std::vector<Result> before = fixture.ask(tokens, 9);
  fixture.run(command(HostOpcode::kSetConfig, {0, 80, 80, 161, 200, 40, 0, 240, 40}));
  CHECK(fixture.ask(tokens, 9) != before);
  fixture.run(wide_config());
  CHECK(fixture.ask(tokens, 9) == before);
}

namespace {

// K-means of a slice: 20 tokens in each engine's raw region, started from the first 16 of engine 0.
class Clustering {
 public:
  explicit Clustering(bool bfloat16) : fixture_(make_channel(2, 4, 128)), bfloat16_(bfloat16) {
    Random random(5, "tokens");
    for (unsigned e = 0; e < 16; ++e) {
      std::vector<std::uint8_t> stream;
      for (unsigned t = 0; t < 20; ++t) {
        // A word of 16 weights, then tokens of 16 channels.
        if (t % 16 == 0) stream.insert(stream.end(), 16, 3);
        for (unsigned i = 0; i < 16; ++i) {
          const std::uint16_t half = element(static_cast<unsigned>(random.bits(9)));
          stream.push_back(static_cast<std::uint8_t>(half));
          stream.push_back(static_cast<std::uint8_t>(half >> 8));
        }
      }
      const std::vector<Beat> beats = aqpim::test::beats_of_bytes(stream);
      fixture_.run(
          command(HostOpcode::kWrite, {e, 240, 0, static_cast<unsigned>(beats.size())}, beats));
      if (e == 0) start_ = aqpim::test::beats_of_bytes(std::span(stream).subspan(16, 512));
    }
  }

  std::vector<Beat> operator()(unsigned tokens, unsigned most) {
    std::vector<Beat> payload =
        fixture_.setup(std::vector<std::uint16_t>(16, static_cast<std::uint16_t>(tokens)));
    payload[1][0] = static_cast<std::uint8_t>(0x28 | (bfloat16_ ? 0x10 : 0));
    fixture_.run(command(HostOpcode::kSetVectors, {0}, payload));
    return fixture_.run(command(HostOpcode::kCluster, {0, most, 0}, start_)).elements;
  }

 private:
  // A sign, an exponent of eight and a mantissa of five bits, which both formats hold.
  std::uint16_t element(unsigned bits) const {
    const unsigned sign = bits >> 8, exponent = bits >> 5 & 7, mantissa = bits & 31;
    return static_cast<std::uint16_t>(bfloat16_
                                          ? sign << 15 | (122 + exponent) << 7 | mantissa << 2
                                          : sign << 15 | (10 + exponent) << 10 | mantissa << 5);
  }

  Fixture fixture_;
  bool bfloat16_;
  std::vector<Beat> start_;
};

}  // namespace

TEST_CASE("channel: no more tokens are clustered than the command says") {
  Clustering clustering(false);
  const std::vector<Beat> expected = clustering(18, 20);
  CHECK(expected.size() == 8);
  CHECK(clustering(65535, 18) == expected);
  CHECK(clustering(19, 20) != expected);
}

TEST_CASE("channel: raw tokens and the first centroids may be bfloat16") {
  CHECK(Clustering(true)(20, 20) == Clustering(false)(20, 20));
}

TEST_CASE("channel: a command that is refused changes nothing") {
  const ChannelShape shape = make_channel(4, 8, 256);
  const auto tokens = all_tokens(shape, 9);
  struct Bad {
    AnswerCode code;
    HostCommand bad;
  };
  const std::vector<Beat> beats(1);
  const std::vector<Bad> all = {
      {AnswerCode::kIllegal, command(HostOpcode{9}, {0, 80, 80, 160, 200, 40})},
      {AnswerCode::kIllegal, command(HostOpcode::kWrite, {0, 0, 0, 1}, beats, {.rank = 2})},
      {AnswerCode::kNotReady, command(HostOpcode::kWrite, {0, 0, 0, 1}, beats, {.context = 1})},
      {AnswerCode::kShape, command(HostOpcode::kSetConfig, {0, 0, 0, 0, 0, 1})},
      {AnswerCode::kAddress, command(HostOpcode::kSetConfig, {500, 0, 40, 0, 0, 1})},
      {AnswerCode::kAddress, command(HostOpcode::kWrite, {0, 280, 0, 1}, beats)},
      {AnswerCode::kShape, command(HostOpcode::kAttend, {129, 0, 0, 1})},
      {AnswerCode::kPending, command(HostOpcode::kSetQuery, {0, 0}, std::vector<Beat>(11))},
      {AnswerCode::kPending, command(HostOpcode::kSetVectors, {0}, std::vector<Beat>(3))},
      {AnswerCode::kNotReady, command(HostOpcode::kEncode, {0, 0, 0, 0})},
      {AnswerCode::kCodeFull, command(HostOpcode::kEncode, {0, 0, 40, 0})},
      {AnswerCode::kNotReady, command(HostOpcode::kCluster, {0, 2, 0}, std::vector<Beat>(256))},
  };
  Fixture untouched(shape);
  const std::vector<Result> expected = untouched.ask(tokens, 9);
  for (std::size_t i = 0; i < all.size(); ++i) {
    CAPTURE(i);
    Fixture fixture(shape);
    fixture.query(tokens);
    CHECK(fixture.channel().check(all[i].bad) == all[i].code);
    CHECK(fixture.channel().execute(all[i].bad) == HostAnswer{all[i].code, {}, {}});
    CHECK(fixture.channel().stored(0, 0, 0, 0) == untouched.channel().stored(0, 0, 0, 0));
    CHECK(fixture.channel().stored(0, 0, 160, 0) == untouched.channel().stored(0, 0, 160, 0));
    fixture.attend(9);
    // Of a result there is one.
    CHECK(fixture.results() == expected);
    CHECK(fixture.channel().check(command(HostOpcode::kResult, {})) == AnswerCode::kNotReady);
  }
}
