// SPDX-License-Identifier: Apache-2.0
//
// Simulation speed of the engine, assertions on, waves off. words_per_second counts stream words;
// cycles_per_second all cycles. A tile is a whole one: the score memory full, one codebook window.
#include <benchmark/benchmark.h>

#include <string>

#include "sw/config/config.h"
#include "tb/common/random.h"
#include "tb/engine/env.h"
#include "tb/engine/stimulus.h"

namespace {

using aqpim::config::Configuration;
using namespace aqpim::tb;

void play_tiles(benchmark::State& state, const Configuration& configuration, bool check) {
  Env env(configuration, {.seed = 1, .check = check});
  Stimulus stimulus(configuration.engine, Random(1, "bench"));
  Sequence sequence = stimulus.all_registers({});
  for (Item& item : stimulus.tile({.windows = {configuration.engine.score_depth}})) {
    sequence.push_back(std::move(item));
  }
  env.take_statistics();
  for (auto _ : state) {
    env.play(sequence);
    env.take_results();
  }
  const Statistics statistics = env.statistics();
  state.counters["words_per_second"] =
      benchmark::Counter(static_cast<double>(statistics.words()), benchmark::Counter::kIsRate);
  state.counters["cycles_per_second"] =
      benchmark::Counter(static_cast<double>(statistics.cycles), benchmark::Counter::kIsRate);
  if (env.model().failed_assertions() > 0) state.SkipWithError("an assertion failed");
  if (check && env.failed()) state.SkipWithError("RTL and golden model differ");
}

}  // namespace

int main(int argc, char** argv) {
  for (const Configuration& configuration : aqpim::config::built_configurations()) {
    for (const bool check : {false, true}) {
      const std::string name = configuration.name + (check ? "/with golden model" : "/RTL");
      benchmark::RegisterBenchmark(name.c_str(), [&configuration, check](benchmark::State& state) {
        play_tiles(state, configuration, check);
      })->Unit(benchmark::kMillisecond);
    }
  }
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
