// SPDX-License-Identifier: Apache-2.0
//
// Simulation speed of a pseudo-channel, assertions on, waves and golden model off:
// cycles_per_second counts cycles of the memory clock, two to a clock cycle of the RTL, in real
// time. All ranks attend to whole tiles, whose token loops take most of the time. `threads` share
// the engines.
#include <benchmark/benchmark.h>

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "tb/channel/bench_channels.h"
#include "tb/channel/channel_env.h"
#include "tb/channel/channel_models.h"

namespace {

using namespace aqpim::tb;
using aqpim::config::ChannelShape;
using aqpim::golden::HostCommand;
using aqpim::golden::HostOpcode;

using Fields = std::array<std::uint16_t, aqpim::golden::kHostFields>;

HostCommand command(HostOpcode opcode, unsigned rank, const Fields& fields = {}) {
  return {.opcode = opcode, .rank = rank, .context = 0, .fields = fields, .payload = {}};
}

// Regions of the one context of each rank; the memory holds noise.
std::vector<HostCommand> contexts(const ChannelShape& shape) {
  const auto rows = static_cast<std::uint16_t>(shape.code_rows(shape.engine.score_depth));
  const auto books = static_cast<std::uint16_t>(shape.striped_codebook_rows());
  std::vector<HostCommand> commands;
  for (unsigned rank = 0; rank < shape.memory.ranks; ++rank) {
    commands.push_back(
        command(HostOpcode::kSetConfig, rank, {0, books, books, 100, 1000, rows, 0, 0, 0}));
  }
  return commands;
}

// A query and a whole tile for each rank, and their results.
std::vector<HostCommand> tiles(const ChannelShape& shape) {
  const auto tokens = static_cast<std::uint16_t>(shape.engine.score_depth);
  std::vector<HostCommand> commands;
  for (unsigned rank = 0; rank < shape.memory.ranks; ++rank) {
    HostCommand query = command(HostOpcode::kSetQuery, rank);
    query.payload.resize(2 + shape.shift_beats() + shape.query_beats());
    query.payload[0].fill(0xff);
    query.payload[1][0] = 0x28;  // table fraction 8, flags cleared
    commands.push_back(query);
    commands.push_back(command(HostOpcode::kAttend, rank, {tokens, 0, 0, 1}));
  }
  for (unsigned rank = 0; rank < shape.memory.ranks; ++rank) {
    commands.push_back(command(HostOpcode::kResult, rank));
  }
  return commands;
}

void play_tiles(benchmark::State& state, const ChannelBuild& build) {
  ChannelEnv env(build,
                 {.seed = 1, .check = false, .threads = static_cast<unsigned>(state.range(0))});
  env.play(contexts(env.shape()));
  const std::vector<HostCommand> commands = tiles(env.shape());
  const std::uint64_t start = env.cycle();
  for (auto _ : state) env.play(commands);
  state.counters["cycles_per_second"] = benchmark::Counter(
      static_cast<double>(kSlots * (env.cycle() - start)), benchmark::Counter::kIsRate);
  state.counters["engines"] = env.shape().memory.ranks * env.shape().engines();
  if (const std::string verdict = env.verdict(0); !verdict.empty()) {
    state.SkipWithError(verdict.c_str());
  }
}

}  // namespace

int main(int argc, char** argv) {
  for (const std::span<const ChannelBuild> builds : {bench_channel_builds(), channel_builds()}) {
    for (const ChannelBuild& build : builds) {
      // Without a power limit the engines work as much per cycle of the simulation.
      if (!build.power_limited || build.memory != AQPIM_MEMORY) continue;
      benchmark::RegisterBenchmark(std::string(build.name).c_str(),
                                   [&build](benchmark::State& state) { play_tiles(state, build); })
          ->Arg(1)
          ->Arg(2)
          ->ArgName("threads")
          ->UseRealTime()
          ->Unit(benchmark::kMillisecond);
    }
  }
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
