// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <set>

#include "sw/seed/replay_listener.h"
#include "sw/seed/seed.h"

using aqpim::Random;

TEST_CASE("random streams: the same seed and agent repeat, other ones differ") {
  Random one(7, "bank"), same(7, "bank"), other_agent(7, "command"), other_seed(8, "bank");
  int equal_agents = 0;
  int equal_seeds = 0;
  for (int i = 0; i < 100; ++i) {
    const std::uint64_t draw = one.bits();
    CHECK(draw == same.bits());
    equal_agents += draw == other_agent.bits() ? 1 : 0;
    equal_seeds += draw == other_seed.bits() ? 1 : 0;
  }
  CHECK(equal_agents == 0);
  CHECK(equal_seeds == 0);
}

TEST_CASE("random streams: draws reach both ends of their range and nothing beyond") {
  Random random(1, "ends");
  std::set<std::int64_t> seen;
  for (int i = 0; i < 1000; ++i) seen.insert(random.between(-3, 4));
  CHECK(seen == std::set<std::int64_t>{-3, -2, -1, 0, 1, 2, 3, 4});
  for (int i = 0; i < 100; ++i) {
    CHECK(random.below(1) == 0);
    CHECK(random.bits(3) < 8);
    CHECK(random.bits(0) == 0);
  }
}
