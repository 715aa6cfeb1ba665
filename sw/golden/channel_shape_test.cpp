// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include "sw/config/channel.h"
#include "sw/golden/channel_test_support.h"

namespace {

using aqpim::config::ChannelShape;
using aqpim::config::obstacle_of;
using aqpim::test::make_channel;

// sim/tests/shapes_test.py shows that the RTL has the same rules.

TEST_CASE("channel shape: each rule of the RTL has its sentence") {
  ChannelShape shape = make_channel(4, 8, 256);
  shape.engine.quantize = 0;
  CHECK(obstacle_of(shape) == "engines of a pseudo-channel must be able to quantize (Quantize 1)");
  shape = make_channel(4, 8, 64);
  CHECK(obstacle_of(shape) == "engines of a pseudo-channel need words of 128 or 256 bits, not 64");
  CHECK(obstacle_of(make_channel(4, 4, 128)) ==
        "in a pseudo-channel a token's codes must fill one or two beats of 256 bits, not 128 bits");
  shape = make_channel(2, 8, 256);
  shape.engine.head_dim = 256;
  CHECK(obstacle_of(shape) ==
        "in a pseudo-channel a token's codes must fill one or two beats of 256 bits, not 1024 "
        "bits");
  shape = make_channel(4, 8, 256);
  shape.engine.bias_depth = 1024;
  CHECK(obstacle_of(shape) ==
        "engines of a pseudo-channel have at most 512 biases (BiasDepth), not 1024");
  CHECK(obstacle_of(make_channel(2, 4, 128, 2)) ==
        "two banks per engine need words of 256 bits, not 128");
  CHECK(obstacle_of(make_channel(4, 8, 256, 4)) == "an engine has one or two banks, not 4");
  shape = make_channel(4, 8, 256);
  shape.memory.bank_groups = 8;
  CHECK(obstacle_of(shape) == "a rank of a pseudo-channel has at most 16 engines, not 32");
  shape = make_channel(4, 8, 256);
  for (const unsigned ranks : {0u, 3u}) {
    shape.memory.ranks = ranks;
    CHECK(obstacle_of(shape) != "");
  }
}

TEST_CASE("channel shape: the ends of what is legal are accepted") {
  for (ChannelShape shape : aqpim::test::channel_shapes()) {
    for (const unsigned ranks : {1u, 2u}) {
      shape.memory.ranks = ranks;
      shape.engine.bias_depth = 512;
      CHECK(obstacle_of(shape) == "");
      ChannelShape most = shape;
      most.memory.bank_groups *= 16 / shape.engines();
      CHECK(obstacle_of(most) == "");
    }
  }
}

}  // namespace
