// SPDX-License-Identifier: Apache-2.0
// The speed that the pseudo-channel must reach, on its RTL: 64 heads per stack, D = 128, power
// limited, refresh on, against AttAcc's 16-bit floats on the same memory. docs/performance.md.
#include "tb/channel/attention_run.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>

#include "sw/config/config.h"
#include "sw/performance/attacc.h"
#include "sw/performance/stack.h"
#include "tb/channel/channel_models.h"

namespace {

using namespace aqpim;
using performance::Placement;

struct Bar {
  const char* configuration;
  unsigned banks_per_engine;
  unsigned tokens;
  double speedup;  // at least
};

constexpr Bar kBars[] = {
    {"pq4", 1, 4096, 6.0},  {"pq4", 1, 32768, 7.5},     {"pq8", 1, 4096, 3.0},
    {"pq8", 1, 32768, 6.5}, {"pq4-w256", 2, 4096, 6.5}, {"pq4-w256", 2, 32768, 8.5},
};

bool built(const Bar& bar) {
  return std::ranges::any_of(tb::channel_builds(), [&](const tb::ChannelBuild& build) {
    return build.configuration == bar.configuration && build.memory == AQPIM_MEMORY &&
           build.banks_per_engine == bar.banks_per_engine && build.power_limited;
  });
}

void check(const Bar& bar) {
  INFO(std::string(bar.configuration), ", ", bar.banks_per_engine,
       " banks per engine, L = ", bar.tokens);
  const config::Configuration& configuration = config::find_configuration(bar.configuration);
  const tb::ChannelBuild& build =
      tb::find_channel(bar.configuration, AQPIM_MEMORY, bar.banks_per_engine, true);
  const config::Memory& memory = config::find_memory(build.memory);
  const performance::ChannelSetup setup =
      performance::make_setup(configuration.engine, memory, bar.banks_per_engine, true);
  const unsigned window = configuration.window == 0 ? 0 : performance::usual_window(bar.tokens);
  const Placement placement =
      performance::placements(setup.shape, {}, {.tokens = bar.tokens, .heads = 64}, window).front();
  REQUIRE(placement.ranks == 1);
  REQUIRE(placement.caches == 1);

  const tb::AttentionRun run = tb::run_attention(build, placement.query);
  CHECK(run.failure == "");
  CHECK(run.attends >= 8);
  CHECK(run.span >= 10u * memory.timing.refresh_interval);
  const double attacc =
      performance::attacc_cycles(performance::built_attacc(), {.memory = &memory,
                                                               .power_limited = true,
                                                               .head_dim = 128,
                                                               .tokens = bar.tokens,
                                                               .heads = 64});
  CHECK(attacc / run.cycles >= bar.speedup);
  CHECK(run.score_delivered >= 0.98);
  CHECK(run.accumulate_delivered >= 0.98);
  CHECK(run.score_delivered <= 1.0);
  CHECK(run.accumulate_delivered <= 1.0);
  // The model that scales to other contexts is near.
  CHECK(performance::steady_state(setup, placement.query).cycles ==
        doctest::Approx(run.cycles).epsilon(0.02));
  CHECK(static_cast<double>(performance::latency(setup, placement.query)) ==
        doctest::Approx(static_cast<double>(run.latency)).epsilon(0.01));
}

}  // namespace

TEST_CASE("attention in RTL: 4,096 tokens are as fast as they must be") {
  for (const Bar& bar : kBars) {
    if (built(bar) && bar.tokens == 4096) check(bar);
  }
}

TEST_CASE("attention in RTL: 32,768 tokens are as fast as they must be") {
  for (const Bar& bar : kBars) {
    if (built(bar) && bar.tokens == 32768) check(bar);
  }
}
