// SPDX-License-Identifier: Apache-2.0
// Whole lives of heads on a golden pseudo-channel, against plain software and the double precision
// reference.
#include "sw/system/channel_head.h"

#include <doctest/doctest.h>

#include <string>
#include <utility>
#include <vector>

#include "sw/config/error.h"
#include "sw/quantize/outliers.h"
#include "sw/system/channel_head_test_support.h"

namespace {

using namespace aqpim::test;
using aqpim::InputError;
using aqpim::config::ChannelShape;
using aqpim::golden::HostOpcode;
using aqpim::system::CommandRefused;
using aqpim::system::HostPhase;
using aqpim::system::HostProgram;
using aqpim::system::RankStatistics;

}  // namespace

TEST_CASE("channel head: a prefill by software changes nothing but who made it") {
  for (const std::size_t window : {std::size_t{0}, std::size_t{64}}) {
    const ChannelShape shape = make_channel(2, 4, 128);
    const Head head = make_head(3, 700, 128);
    ChannelHeadOptions options = options_for(head, window, 128);
    options.software_prefill = true;
    ChannelHead by_software(head, shape, options);
    GoldenPort port(shape, noise);
    const RankStatistics statistics = play(port, {by_software.program()}).at(0);
    CHECK(statistics[static_cast<std::size_t>(HostPhase::kCluster)].commands == 0);
    check_life(by_software, head, options);

    options.software_prefill = false;
    ChannelHead by_channel(head, shape, options);
    GoldenPort other(shape, noise);
    play(other, {by_channel.program()});
    CHECK(by_channel.outputs() == by_software.outputs());
  }
}

TEST_CASE("channel head: from one token per engine to eight tiles of each") {
  ChannelShape shape = make_channel(2, 4, 128);
  const Head shortest = make_head(4, 70, 128, 2, 8);
  ChannelHeadOptions single = options_for(shortest, 0, 16, 1);
  single.cache.centring = false;
  {
    ChannelHead life(shortest, shape, single);
    CHECK(life.placement().tokens(15, 16) == 1);
  }
  check_alone(shortest, shape, single);

  const Head longest = make_head(5, 4200, 128, 1, 16);
  for (const std::size_t window : {std::size_t{0}, std::size_t{32}}) {
    ChannelHeadOptions options = options_for(longest, window, 128, 2);
    options.software_prefill = true;
    options.tile_limit = 32;
    ChannelHead life(longest, shape, options);
    GoldenPort port(shape, noise);
    play(port, {life.program()});
    CHECK(life.tiles() == 2 * 8);
    check_life(life, longest, options);
  }
}

TEST_CASE("channel head: windows that begin after the prefill use the newest codebook") {
  const ChannelShape shape = make_channel(2, 4, 128);
  const Head head = make_head(6, 900, 128, 1, 700);
  ChannelHeadOptions options;
  options.cache.window = 32;
  options.cache.timeline.append_block = 48;
  options.cache.timeline.prefill = 300;
  options.queries = aqpim::quantize::queries_of(head, options.cache, 5);
  ChannelHead life(head, shape, options);
  GoldenPort port(shape, noise);
  play(port, {life.program()});
  CHECK(life.cache().windows == 9);
  CHECK(life.placement().windows() == 26);
  check_life(life, head, options);
}

TEST_CASE("channel head: outliers among the encoded tokens count as they are") {
  const ChannelShape shape = make_channel(2, 4, 128);
  Head head = make_head(8, 500, 128);
  // Many, so that it counts what the engine counts for their stand-ins.
  for (std::size_t t = 20; t < 400; t += 8) head.k[t * 128 + 3] = 60.0f;
  for (const std::size_t window : {std::size_t{0}, std::size_t{64}}) {
    const ChannelHeadOptions options = options_for(head, window, 16);
    Head apart = head;
    aqpim::quantize::set_outliers_apart(apart, 8, 468);
    REQUIRE(apart.exact.size() == 48);
    check_alone(apart, shape, options);
  }
}

TEST_CASE("channel head: a refused command ends the run with a sentence") {
  const ChannelShape shape = make_channel(2, 4, 128);
  GoldenPort port(shape);
  HostProgram program;
  program.push_back({.make =
                         [] {
                           std::vector<aqpim::system::HostStep> steps(1);
                           steps[0].command.opcode = HostOpcode::kResult;
                           return steps;
                         },
                     .settled = false});
  CHECK_THROWS_WITH_AS(play(port, {program}), "the channel refused RESULT of rank 0: NOT_READY",
                       CommandRefused);
}

TEST_CASE("channel head: floating-point clustering is not the channel's") {
  const Head head = make_head(7, 300, 128);
  ChannelHeadOptions options = options_for(head, 0, 128);
  options.cache.clustering = aqpim::quantize::Clustering::kFloat;
  CHECK_THROWS_WITH_AS(ChannelHead(head, make_channel(2, 4, 128), options),
                       "a pseudo-channel clusters and encodes in fixed point", InputError);
}
