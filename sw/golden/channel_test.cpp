// SPDX-License-Identifier: Apache-2.0
#include "sw/golden/channel.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <vector>

#include "sw/golden/channel_test_support.h"
#include "tb/common/random.h"

namespace {

using aqpim::config::ChannelShape;
using aqpim::golden::AnswerCode;
using aqpim::golden::Beat;
using aqpim::golden::Channel;
using aqpim::golden::Engine;
using aqpim::golden::HostAnswer;
using aqpim::golden::HostCommand;
using aqpim::golden::HostOpcode;
using aqpim::golden::Result;
using aqpim::tb::Random;
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
HostCommand wide_config(unsigned window_rows = 0, Target target = {}) {
  return command(HostOpcode::kSetConfig, {0, 80, 80, 160, 200, 40, window_rows, 240, 40}, {},
                 target);
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
  CHECK(channel.execute(command(HostOpcode::kRead, {5, 161, 70, 1})).data[0] ==
        label(0, 5, 163, 6));
}

TEST_CASE("channel: a striped access goes through the groups, the banks of a group, the columns") {
  const ChannelShape shape = make_channel(4, 8, 256);
  Channel channel(shape, label);
  REQUIRE(channel.execute(wide_config(0, {.rank = 1})).code == AnswerCode::kOk);
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
  CHECK(read(515, 1)[0] == label(1, 12, 162, 0));
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
