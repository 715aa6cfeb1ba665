// SPDX-License-Identifier: Apache-2.0
// Lives that take their time, with code that channel_head_test.cpp reaches, too.
#include <doctest/doctest.h>

#include <string>

#include "sw/system/channel_head_test_support.h"
#include "sw/workload/workload.h"

namespace {

using namespace aqpim::test;
using aqpim::config::ChannelShape;

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

TEST_CASE("channel head: captured heads on the channel of pq8 and pq4") {
  const auto workload = aqpim::workload::load(std::string(AQPIM_SOURCE_DIR) +
                                              "/workloads/gqa128_prose_2k.safetensors");
  const Head head = workload.read(workload.heads[0]);
  for (const bool windows : {false, true}) {
    ChannelShape shape = windows ? make_channel(2, 4, 128) : make_channel(4, 8, 256);
    shape.engine.score_depth = 2048;
    shape.engine.bias_depth = 256;
    ChannelHeadOptions options = options_for(head, windows ? 256 : 0, 128, 2);
    check_alone(head, shape, options);
  }
}

}  // namespace
