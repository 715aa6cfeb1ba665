// SPDX-License-Identifier: Apache-2.0
#include "sw/system/placement.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <set>
#include <utility>
#include <vector>

#include "sw/config/error.h"
#include "sw/golden/channel_test_support.h"

namespace {

using aqpim::InputError;
using aqpim::config::ChannelShape;
using aqpim::golden::Region;
using aqpim::system::check_channel;
using aqpim::system::Placement;
using aqpim::system::PlacementOptions;
using aqpim::test::channel_shapes;
using aqpim::test::make_channel;

PlacementOptions options(std::size_t block, std::size_t window, std::size_t longest,
                         bool centred = true) {
  return {.append_block = block,
          .window = window,
          .centred = centred,
          .longest = longest,
          .raw_tokens = 32,
          .tile_limit = 0};
}

std::vector<PlacementOptions> all_options() {
  return {options(128, 0, 1152),       options(16, 0, 1152),      options(48, 0, 1152),
          options(1024, 0, 1024),      options(16, 0, 16, false), options(144, 0, 1152, false),
          options(128, 64, 1152),      options(48, 128, 1152),    options(16, 128, 16),
          options(48, 64, 1152, false)};
}

}  // namespace

TEST_CASE("placement: each token has a place of its own, and places of an engine have no gaps") {
  for (const ChannelShape& shape : channel_shapes()) {
    for (const PlacementOptions& wanted : all_options()) {
      const Placement placement(shape, wanted);
      std::vector<std::size_t> count(shape.engines(), 0);
      for (std::size_t token = 0; token < wanted.longest; ++token) {
        const Placement::Spot spot = placement.spot(token);
        REQUIRE(spot.engine < shape.engines());
        // Tokens of an engine keep their order, so the next place is the count so far.
        CHECK(spot.place == count[spot.engine]);
        ++count[spot.engine];
        CHECK(placement.token(spot) == token);
        for (const unsigned e : {0u, spot.engine, shape.engines() - 1}) {
          CHECK(placement.tokens(e, token + 1) == count[e]);
          CHECK(placement.tokens(0, token + 1) >= count[e]);
        }
      }
    }
  }
}

TEST_CASE("placement: an append block is spread over all engines in runs of eight or more") {
  const ChannelShape one = make_channel(4, 8, 256), two = make_channel(4, 8, 256, 2);
  const Placement wide(one, options(128, 0, 1024)), narrow(two, options(128, 0, 1024));
  CHECK(wide.bias_run() == 8);
  CHECK(narrow.bias_run() == 16);
  CHECK(wide.biases_shared());
  CHECK(narrow.biases_shared());
  CHECK(wide.spot(128 + 3 * 8 + 5) == Placement::Spot{3, 8 + 5});
  CHECK(narrow.spot(128 + 3 * 16 + 5) == Placement::Spot{3, 16 + 5});
  // Where that would be shorter runs, some divide a block and a row of codes.
  const Placement blocks(one, options(48, 0, 1152));
  CHECK(blocks.bias_run() == 16);
  CHECK_FALSE(blocks.biases_shared());
  CHECK(blocks.spot(17 * 16 + 5) == Placement::Spot{1, 16 + 5});
  // Without biases a block of 16 gives one token to each.
  const Placement single(one, options(16, 0, 16, false));
  CHECK(single.bias_run() == 0);
  CHECK(single.tokens(15, 16) == 1);
}

TEST_CASE("placement: codebook windows are dealt out to the engines") {
  const ChannelShape shape = make_channel(2, 4, 128);
  const Placement placement(shape, options(128, 64, 64 * 37));
  CHECK(placement.windows() == 37);
  CHECK(placement.slots() == 3);
  CHECK(placement.bias_run() == 64);
  CHECK_FALSE(placement.biases_shared());
  for (std::size_t w = 0; w < 37; ++w) {
    const Placement::Spot spot = placement.spot(w * 64 + 63);
    CHECK(spot.engine == placement.engine_of_window(w));
    CHECK(placement.slot(spot.place) == placement.slot_of_window(w));
    CHECK(spot.place == w / 16 * 64 + 63);
  }
}

TEST_CASE("placement: biases are shared only if each run of all engines has one centre") {
  for (const ChannelShape& shape : channel_shapes()) {
    for (const PlacementOptions& wanted : all_options()) {
      const Placement placement(shape, wanted);
      if (!wanted.centred) {
        CHECK(placement.bias_run() == 0);
        continue;
      }
      const std::size_t run = placement.bias_run();
      REQUIRE(run >= 8);
      bool same = true;
      for (std::size_t token = 0; token < wanted.longest; ++token) {
        const Placement::Spot spot = placement.spot(token);
        const std::size_t begin = placement.token({spot.engine, spot.place / run * run});
        CHECK(token / wanted.append_block == begin / wanted.append_block);
        const std::size_t first = placement.token({0, spot.place});
        same = same && token / wanted.append_block == first / wanted.append_block;
      }
      if (placement.biases_shared()) CHECK(same);
    }
  }
}

TEST_CASE("placement: a tile holds whole rows, windows and runs, as many as fit") {
  for (const ChannelShape& shape : channel_shapes()) {
    for (const PlacementOptions& wanted : all_options()) {
      const Placement placement(shape, wanted);
      const std::size_t tile = placement.tile_tokens();
      REQUIRE(tile > 0);
      CHECK(tile <= shape.engine.score_depth);
      CHECK(tile % shape.tokens_per_row() == 0);
      if (placement.bias_run() != 0) {
        CHECK(tile % placement.bias_run() == 0);
        CHECK(tile / placement.bias_run() <= shape.engine.bias_depth);
      }
      if (wanted.window != 0) CHECK(tile % wanted.window == 0);
    }
  }
  ChannelShape shape = make_channel(4, 8, 256);
  CHECK(Placement(shape, options(128, 0, 1024)).tile_tokens() == 128);
  shape.engine.bias_depth = 9;
  CHECK(Placement(shape, options(128, 0, 1024)).tile_tokens() == 64);
  PlacementOptions limited = options(128, 0, 1024);
  limited.tile_limit = 63;
  CHECK(Placement(shape, limited).tile_tokens() == 32);
  limited.tile_limit = 31;
  CHECK_THROWS_WITH_AS(Placement(shape, limited),
                       "a tile must hold at least 32 tokens of an engine, not 31", InputError);
}

TEST_CASE("placement: regions hold the longest context, and do not overlap") {
  for (const ChannelShape& shape : channel_shapes()) {
    for (const PlacementOptions& wanted : all_options()) {
      const Placement placement(shape, wanted);
      const auto& context = placement.context();
      std::vector<Region> regions = {context.codebooks[0], context.codebooks[1], context.codes[0],
                                     context.codes[1], context.raw};
      unsigned next = 0;
      for (const Region& region : regions) {
        CHECK(region.first == next);
        next += region.rows;
      }
      CHECK(next == placement.rows());
      CHECK(next <= shape.memory.rows);
      for (unsigned e = 0; e < shape.engines(); ++e) {
        const auto tokens = static_cast<unsigned>(placement.tokens(e, wanted.longest));
        CHECK(shape.code_rows(tokens) <= context.codes[0].rows);
        if (tokens != 0) CHECK(placement.slot(tokens - 1) < placement.slots());
      }
      for (unsigned side = 0; side < 2; ++side) {
        const Region& region = context.codebooks[side];
        const unsigned rows =
            wanted.window == 0 ? shape.striped_codebook_rows() : shape.local_codebook_rows();
        CHECK(placement.codebook_row(side, 0) == region.first);
        CHECK(placement.codebook_row(side, placement.slots() - 1) + rows ==
              region.first + region.rows);
      }
      CHECK(context.window_rows == wanted.window / shape.tokens_per_row());
      CHECK(context.raw.rows == shape.raw_rows(32));
    }
  }
}

TEST_CASE("placement: what fits no pseudo-channel is refused with a sentence") {
  const ChannelShape shape = make_channel(2, 4, 128);
  CHECK_THROWS_WITH_AS(
      Placement(shape, options(128, 80, 1024)),
      "in a pseudo-channel a codebook window must fill whole rows of 32 tokens, not 80 tokens",
      InputError);
  CHECK_THROWS_WITH_AS(Placement(shape, options(128, 256, 1024)),
                       "a tile must hold at least 256 tokens of an engine, not 128", InputError);
  CHECK_THROWS_WITH_AS(Placement(shape, options(128, 64, 200000)),
                       "a context of 200000 tokens takes 1570 rows of a rank, which has 512",
                       InputError);
  PlacementOptions raw = options(128, 64, 1024);
  raw.raw_tokens = 129;
  CHECK_THROWS_WITH_AS(Placement(shape, raw),
                       "an engine clusters at most 128 tokens at once, not 129", InputError);
  CHECK_THROWS_WITH_AS(
      check_channel(make_channel(4, 4, 128)),
      "in a pseudo-channel a token's codes must fill one or two beats of 256 bits, not 128 bits",
      InputError);
  CHECK_THROWS_WITH_AS(check_channel(make_channel(2, 4, 128, 2)),
                       "two banks per engine need words of 256 bits, not 128", InputError);
  ChannelShape reading = shape;
  reading.engine.quantize = 0;
  CHECK_THROWS_WITH_AS(check_channel(reading),
                       "engines of a pseudo-channel must be able to quantize (Quantize 1)",
                       InputError);
}
