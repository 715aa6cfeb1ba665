// SPDX-License-Identifier: Apache-2.0
// Whole lives of heads on a golden pseudo-channel, against plain software and the double precision
// reference.
#include "sw/system/channel_head.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "sw/config/error.h"
#include "sw/golden/channel_test_support.h"
#include "sw/quantize/test_heads.h"
#include "sw/reference/accuracy.h"
#include "sw/reference/attention.h"

namespace {

using aqpim::InputError;
using aqpim::config::ChannelShape;
using aqpim::golden::AnswerCode;
using aqpim::golden::Beat;
using aqpim::golden::HostCommand;
using aqpim::golden::HostOpcode;
using aqpim::system::ChannelHead;
using aqpim::system::ChannelHeadOptions;
using aqpim::system::CommandRefused;
using aqpim::system::GoldenPort;
using aqpim::system::HostPhase;
using aqpim::system::HostProgram;
using aqpim::system::RankStatistics;
using aqpim::test::channel_shapes;
using aqpim::test::Draw;
using aqpim::test::make_channel;
using aqpim::test::make_head;
using aqpim::workload::Head;

Beat noise(unsigned rank, unsigned bank, unsigned row, unsigned column) {
  Draw draw(((std::uint64_t{rank} * 16 + bank) * 512 + row) * 32 + column);
  Beat beat;
  for (std::uint8_t& byte : beat) byte = static_cast<std::uint8_t>(draw.below(256));
  return beat;
}

ChannelHeadOptions options_for(const Head& head, std::size_t window, std::size_t block,
                               std::size_t queries = 3) {
  ChannelHeadOptions options;
  options.cache.window = window;
  options.cache.timeline.append_block = block;
  options.queries = aqpim::quantize::queries_of(head, options.cache, queries);
  return options;
}

void check_life(const ChannelHead& life, const Head& head, const ChannelHeadOptions& options) {
  CHECK(life.mismatches() == 0);
  CHECK(life.flags() == 0);
  const auto& cache = life.cache();
  std::size_t bytes = cache.codes_k.size() / (cache.centroids == 16 ? 2 : 1) * 2;
  if (!options.software_prefill) bytes += cache.codebook_k.size() + cache.codebook_v.size();
  CHECK(life.compared() == bytes);
  const aqpim::reference::PqReference pq(head, cache);
  const auto outputs = life.outputs();
  REQUIRE(outputs.size() == head.groups * options.queries.size());
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    CAPTURE(i);
    const auto expected =
        pq(i / options.queries.size(), options.queries[i % options.queries.size()]);
    CHECK(aqpim::reference::relative_error(outputs[i], expected.output) < 0.004);
  }
}

// A life alone on rank 0.
std::vector<RankStatistics> check_alone(const Head& head, const ChannelShape& shape,
                                        const ChannelHeadOptions& options) {
  ChannelHead life(head, shape, options);
  GoldenPort port(shape, noise);
  const auto statistics = play(port, {life.program()});
  check_life(life, head, options);
  return statistics;
}

}  // namespace

TEST_CASE("channel head: one codebook or windows, two heads on two ranks at once") {
  for (const ChannelShape& shape : channel_shapes()) {
    for (const std::size_t window : {std::size_t{0}, std::size_t{64}}) {
      const Head first = make_head(1, 700, 128), second = make_head(2, 500, 128);
      ChannelHeadOptions one = options_for(first, window, 128),
                         other = options_for(second, window, 48);
      other.rank = 1;
      other.context = 3;
      CAPTURE(window);
      CAPTURE(shape.banks_per_engine);
      CAPTURE(shape.engine.code_bits);
      ChannelHead life(first, shape, one), beside(second, shape, other);
      GoldenPort port(shape, noise);
      play(port, {life.program(), beside.program()});
      check_life(life, first, one);
      check_life(beside, second, other);
    }
  }
}

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

TEST_CASE("channel head: captured heads on the channel of pq8 and pq4") {
  const auto workload = aqpim::workload::load(std::string(AQPIM_SOURCE_DIR) +
                                              "/workloads/gqa128_prose_2k.safetensors");
  for (const bool windows : {false, true}) {
    ChannelShape shape = windows ? make_channel(2, 4, 128) : make_channel(4, 8, 256);
    shape.engine.score_depth = 2048;
    shape.engine.bias_depth = 256;
    ChannelHeadOptions options = options_for(workload.heads[0], windows ? 256 : 0, 128, 2);
    check_alone(workload.heads[0], shape, options);
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
