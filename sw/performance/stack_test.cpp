// SPDX-License-Identifier: Apache-2.0
#include "sw/performance/stack.h"

#include <doctest/doctest.h>

#include <vector>

#include "sw/config/error.h"
#include "sw/performance/test_channel.h"

namespace {

using aqpim::config::ChannelShape;
using aqpim::performance::Attend;
using aqpim::performance::Placement;
using aqpim::performance::placements;
using aqpim::performance::Stack;
using aqpim::performance::StackCost;
using aqpim::performance::StackModel;
using aqpim::performance::usual_window;
using aqpim::performance::Workload;
using aqpim::test::eight_bit_engine;
using aqpim::test::four_bit_engine;

ChannelShape shape(const aqpim::config::EngineConfig& engine, unsigned banks_per_engine = 1) {
  return {.engine = engine,
          .memory = aqpim::config::find_memory("hbm3-5200").organization,
          .banks_per_engine = banks_per_engine};
}

std::vector<unsigned> ranks_of(const std::vector<Placement>& found) {
  std::vector<unsigned> ranks;
  for (const Placement& placement : found) ranks.push_back(placement.ranks);
  return ranks;
}

}  // namespace

TEST_CASE("stack: 64 heads take a rank each, fewer may have up to a channel") {
  const ChannelShape engines = shape(four_bit_engine());
  const std::vector<Placement> all = placements(engines, {}, {.tokens = 32768, .heads = 64}, 1024);
  REQUIRE(all.size() == 1);
  CHECK(all.front() ==
        Placement{.ranks = 1, .caches = 1, .query = {{.tokens = 2048, .window = 1024}}});
  CHECK(ranks_of(placements(engines, {}, {.tokens = 32768, .heads = 32}, 1024)) ==
        std::vector<unsigned>{1, 2});
  for (const unsigned heads : {1u, 16u}) {
    const std::vector<Placement> found =
        placements(engines, {}, {.tokens = 32768, .heads = heads}, 1024);
    CHECK(ranks_of(found) == std::vector<unsigned>{1, 2, 4});
    CHECK(found.back().query == std::vector<Attend>{{.tokens = 512, .window = 512}});
  }
}

TEST_CASE("stack: more heads than ranks take turns") {
  const std::vector<Placement> found =
      placements(shape(four_bit_engine()), {}, {.tokens = 4096, .heads = 65}, 256);
  REQUIRE(found.size() == 1);
  CHECK(found.front().caches == 2);
}

TEST_CASE("stack: grouped query heads share what their cached head lies on") {
  const ChannelShape engines = shape(eight_bit_engine());
  const std::vector<Placement> found =
      placements(engines, {}, {.tokens = 32768, .heads = 64, .group = 8}, 0);
  // 8 cached heads on 64 ranks.
  CHECK(ranks_of(found) == std::vector<unsigned>{1, 2, 4, 8});
  CHECK(found.back().query == std::vector<Attend>{{.tokens = 256, .window = 0}});
  // One cached head of 2 queries has two channels at most.
  CHECK(ranks_of(placements(engines, {}, {.tokens = 32768, .heads = 2, .group = 2}, 0)) ==
        std::vector<unsigned>{1, 2, 4, 8});
}

TEST_CASE(
    "stack: a context longer than the scores of an engine is several tiles of whole windows") {
  const std::vector<Placement> pairs =
      placements(shape(four_bit_engine(256), 2), {}, {.tokens = 32768, .heads = 64}, 1024);
  CHECK(pairs.front().query == std::vector<Attend>{{2048, 1024}, {2048, 1024}});
  const std::vector<Placement> odd =
      placements(shape(four_bit_engine()), {}, {.tokens = 40000, .heads = 64}, 768);
  CHECK(odd.front().query == std::vector<Attend>{{1536, 768}, {964, 768}});
  const std::vector<Placement> one =
      placements(shape(eight_bit_engine()), {}, {.tokens = 65536, .heads = 64}, 0);
  CHECK(one.front().query == std::vector<Attend>{{2048, 0}, {2048, 0}});
}

TEST_CASE("stack: a window is whole rows, and no more tokens than the engine has") {
  CHECK(usual_window(32768) == 1024);
  CHECK(usual_window(4096) == 256);
  const std::vector<Placement> pairs =
      placements(shape(four_bit_engine(256), 2), {}, {.tokens = 1024, .heads = 16}, 64);
  // A row of a pair has 64 tokens.
  CHECK(pairs.back().query == std::vector<Attend>{{32, 64}});
  const std::vector<Placement> uneven =
      placements(shape(four_bit_engine()), {}, {.tokens = 16000, .heads = 64}, 1000);
  CHECK(uneven.front().query == std::vector<Attend>{{1000, 1024}});
}

TEST_CASE("stack: the fastest placement is taken, and queries of a rank add up") {
  StackModel model(aqpim::performance::make_setup(
      eight_bit_engine(), aqpim::config::find_memory("hbm3-5200"), 1, true));
  const StackCost one = model.cost({.tokens = 32768, .heads = 16}, 0);
  CHECK(one.placement.ranks == 4);
  const StackCost grouped = model.cost({.tokens = 32768, .heads = 64, .group = 4}, 0);
  CHECK(grouped.placement == one.placement);
  CHECK(grouped.channel.cycles == doctest::Approx(4.0 * one.channel.cycles));
  CHECK(grouped.channel.commands.reads == doctest::Approx(4.0 * one.channel.commands.reads));
  CHECK(grouped.latency > 3 * one.latency);
}

TEST_CASE("stack: more heads and tokens than the rows of the banks hold are refused") {
  const ChannelShape engines = shape(eight_bit_engine());
  CHECK_THROWS_WITH_AS(placements(engines, {}, {.tokens = 1u << 24, .heads = 4096}, 0),
                       "a context of 16777216 tokens takes 4194560 rows of a bank, which has 16384 "
                       "(heads of keys and values: 4096)",
                       aqpim::InputError);
  // On four ranks an engine has 262,144 tokens: 2 * 8,192 rows of codes, and codebooks.
  CHECK(ranks_of(placements(engines, {}, {.tokens = 1u << 24, .heads = 2, .group = 2}, 0)) ==
        std::vector<unsigned>{8});
}

TEST_CASE("stack: workloads without tokens or heads, or of broken groups, are refused") {
  const ChannelShape engines = shape(eight_bit_engine());
  for (const Workload& workload :
       {Workload{.tokens = 0, .heads = 1}, Workload{.tokens = 1, .heads = 0},
        Workload{.tokens = 1, .heads = 6, .group = 4},
        Workload{.tokens = 1, .heads = 6, .group = 0}}) {
    CHECK_THROWS_AS(placements(engines, {}, workload, 0), aqpim::InputError);
  }
}
