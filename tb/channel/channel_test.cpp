// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <string>
#include <vector>

#include "tb/channel/channel_env.h"
#include "tb/channel/host_stimulus.h"
#include "tb/channel/test_channels.h"
#include "tb/common/random.h"
#include "tb/common/replay_listener.h"

namespace {

using namespace aqpim::tb;
using aqpim::golden::HostCommand;

std::vector<HostCommand> random_program(const ChannelEnv& env, const HostOptions& options,
                                        std::uint64_t seed, std::size_t commands) {
  std::vector<HostCommand> program;
  for (HostStep& step :
       HostStimulus(env.shape(), options, Random(seed, "program")).program(commands)) {
    program.push_back(std::move(step.command));
  }
  return program;
}

}  // namespace

TEST_CASE("channel: constrained-random programs") {
  for (const ChannelBuild& build : test_channel_builds()) {
    if (build.name == "hasty") continue;
    const std::uint64_t programs = test_iterations(4);
    for (std::uint64_t i = 0; i < programs; ++i) {
      const std::uint64_t seed = test_seed() + i;
      ChannelEnv env(build, {.seed = seed,
                             .host = {.pace = i % 2 == 0 ? aqpim::tb::Pace::back_to_back()
                                                         : aqpim::tb::Pace::random()}});
      CAPTURE(build.name);
      CAPTURE(seed);
      try {
        env.play(random_program(env, {}, seed, 60));
      } catch (const RunFailed& failure) {
        FAIL_CHECK(failure.what());
      }
      CHECK(env.verdict(60) == "");
      const ChannelStatistics statistics = env.statistics();
      MESSAGE(build.name, " ", seed, ": ", statistics.cycles, " cycles, refreshes ",
              statistics.count(CommandKind::kRef), ", compared ", env.compared());
    }
  }
}
