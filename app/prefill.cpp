// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "app/commands.h"
#include "app/options.h"
#include "app/progress.h"
#include "app/rtl_backend.h"
#include "app/run.h"
#include "sw/cache/half.h"
#include "sw/config/config.h"
#include "sw/config/error.h"
#include "sw/golden/engine.h"
#include "sw/quantize/software_backend.h"
#include "sw/seed/seed.h"
#include "sw/system/clustering.h"
#include "sw/system/projection.h"
#include "tb/engine/env.h"
#include "tb/reducer/reducer_env.h"

namespace aqpim::app {

namespace {

using golden::Operation;

struct Arguments {
  std::vector<std::string> configurations;  // empty: all that cluster
  std::size_t tokens = 32768;
  unsigned engines = 16;
  std::uint64_t seed = 1;
};

struct Tokens {
  std::vector<std::uint16_t> vectors;  // [n, D]
  std::vector<std::uint8_t> weights;   // [n]
};

// Clumps of tokens that fill the range of a raw token. What they are has no influence on cycles.
Tokens make_tokens(std::size_t n, const config::EngineConfig& engine, std::uint64_t seed) {
  constexpr double kLargest = 2047.0;  // · 2^−8
  Random random(seed, "prefill");
  Tokens tokens;
  tokens.vectors.reserve(n * engine.head_dim);
  for (std::size_t t = 0; t < n; ++t) {
    const double clump = 400.0 * static_cast<double>(random.below(9)) - 1600.0;
    for (std::size_t d = 0; d < engine.head_dim; ++d) {
      const double value = clump + static_cast<double>(random.below(1200)) - 600.0;
      tokens.vectors.push_back(
          cache::to_half(std::ldexp(std::clamp(value, -kLargest, kLargest), -8)));
    }
    tokens.weights.push_back(static_cast<std::uint8_t>(random.between(1, 255)));
  }
  return tokens;
}

// The first engine and the reducer in RTL, all others golden models, which know no time; the
// schedule of an engine does not depend on data.
class PrefillEngines : public system::Engines {
 public:
  PrefillEngines(tb::Env& env, tb::ReducerEnv& reducer, unsigned count)
      : Engines(env.configuration().engine, count),
        env_(env),
        reducer_(reducer),
        others_(count - 1, golden::Engine(config())) {}

  golden::Answers play(unsigned engine, const golden::Program& program) override {
    if (engine > 0) return others_[engine - 1].run(program);
    ++played_;
    return env_.play(program);
  }

  golden::Reduced reduce(std::span<const std::vector<std::uint8_t>> partials,
                         bool values) override {
    return reducer_.reduce(partials, values);
  }

  std::uint64_t played() const { return played_; }  // programs of the first engine

 private:
  tb::Env& env_;
  tb::ReducerEnv& reducer_;
  std::vector<golden::Engine> others_;
  std::uint64_t played_ = 0;
};

// The keys of one head.
class Prefill {
 public:
  Prefill(const config::Configuration& configuration, const Arguments& arguments)
      : configuration_(configuration),
        arguments_(arguments),
        env_(configuration, {.seed = arguments.seed}),
        reducer_(configuration, arguments.seed) {}

  void run() {
    const config::EngineConfig& engine = configuration_.engine;
    const Tokens tokens = make_tokens(arguments_.tokens, engine, arguments_.seed);
    const std::size_t window =
        configuration_.window == 0 ? arguments_.tokens : configuration_.window;
    // With a codebook per window, every engine has windows of its own; these are the first one's.
    const std::size_t step = configuration_.window == 0 ? window : window * arguments_.engines;
    PrefillEngines engines(env_, reducer_, configuration_.window == 0 ? arguments_.engines : 1);
    PrefillEngines first_engine(env_, reducer_, 1);
    const auto software = quantize::fixed_backend(engine);
    const std::size_t share = (arguments_.tokens + arguments_.engines - 1) / arguments_.engines;
    env_.take_statistics();
    reducer_.take_statistics();
    for (std::size_t first = 0; first < arguments_.tokens; first += step) {
      const std::size_t count = std::min(window, arguments_.tokens - first);
      const auto vectors =
          std::span(tokens.vectors).subspan(first * engine.head_dim, count * engine.head_dim);
      const auto weights = std::span(tokens.weights).subspan(first, count);
      const std::vector<std::uint8_t> codebook = system::cluster(vectors, weights, false, engines);
      clustering_ += env_.take_statistics();
      if (codebook != software->cluster(vectors, weights, false)) {
        failure_ = fmt::format("{}: a codebook is not that of software\n", configuration_.name);
      }
      // The first engine's tokens: its share of the only window, or its window.
      const std::size_t own = configuration_.window == 0 ? share : count;
      const auto mine = vectors.first(own * engine.head_dim);
      const std::vector<std::uint8_t> codes = system::encode(mine, codebook, false, first_engine);
      encoding_ += env_.take_statistics();
      if (codes != software->encode(mine, codebook, false)) {
        failure_ += fmt::format("{}: codes are not those of software\n", configuration_.name);
      }
    }
    programs_ = engines.played();
    failure_ += env_.verdict(engine.centroids()) + reducer_.verdict(engine.centroids());
  }

  static std::string header() {
    return fmt::format(
        "{:<8} {:>7} {:>7} {:>12} {:>11} {:>11} {:>5} {:>9} {:>6} {:>7} {:>12} {:>9}\n", "config",
        "tokens", "engines", "per codebook", "utilization", "token loops", "LOAD", "reduction",
        "other", "ENCODE", "keys of head", "at 650MHz");
  }

  // Engine cycles; the parts are those of one pass of one slice and codebook, and of one vector.
  std::string row() const {
    const config::EngineConfig& engine = configuration_.engine;
    const tb::OperationStatistics& cluster = clustering_[Operation::kCluster];
    const system::PrefillCosts costs =
        prefill_costs(clustering_, programs_, reducer_.statistics(), encoding_, engine);
    const std::uint64_t cycles = system::prefill_cycles(costs, engine, arguments_.tokens,
                                                        arguments_.engines, configuration_.window);
    const double reduction = static_cast<double>(reducer_.statistics().cycles) /
                             static_cast<double>(reducer_.statistics().reductions);
    constexpr double kMegahertz = 650.0;
    return fmt::format(
        "{:<8} {:>7} {:>7} {:>12} {:>11.4f} {:>11.0f} {:>5.0f} {:>9.0f} {:>6.0f} {:>7.0f} {:>12} "
        "{:>6.2f} ms\n",
        configuration_.name, arguments_.tokens, arguments_.engines,
        configuration_.window == 0 ? arguments_.tokens : configuration_.window,
        cluster.utilization(),
        static_cast<double>(cluster.loops.cycles) / static_cast<double>(programs_), costs.load,
        reduction, costs.setup + costs.overhead + costs.unload, costs.encode, cycles,
        static_cast<double>(cycles) / kMegahertz / 1000.0);
  }

  const std::string& failure() const { return failure_; }

 private:
  const config::Configuration& configuration_;
  const Arguments& arguments_;
  tb::Env env_;
  tb::ReducerEnv reducer_;
  tb::Statistics clustering_, encoding_;
  std::uint64_t programs_ = 0;  // of clustering
  std::string failure_;
};

void run_all(const Arguments& arguments, int& exit_code) {
  std::vector<const config::Configuration*> configurations;
  for (const std::string& name : arguments.configurations) {
    configurations.push_back(&config::find_configuration(name));
    if (configurations.back()->engine.quantize == 0) {
      throw InputError(
          fmt::format("configuration {} cannot cluster: it is without Quantize", name));
    }
  }
  if (configurations.empty()) {
    for (const config::Configuration& configuration : config::built_configurations()) {
      if (configuration.engine.quantize != 0) configurations.push_back(&configuration);
    }
  }
  fmt::print("{}", Prefill::header());
  std::string failures;
  for (const config::Configuration* configuration : configurations) {
    Prefill prefill(*configuration, arguments);
    {
      ProgressLine line;
      line.show(fmt::format("{}: clustering", configuration->name), 0.0);
      prefill.run();
    }
    fmt::print("{}", prefill.row());
    failures += prefill.failure();
  }
  end_with(failures, exit_code);
}

}  // namespace

void add_prefill(CLI::App& app, int& exit_code) {
  CLI::App* command = app.add_subcommand(
      "prefill",
      "Cluster and encode synthetic keys on many engines, the first one in RTL; count cycles.");
  const auto arguments = std::make_shared<Arguments>();
  add_configurations_option(*command, arguments->configurations, "all that cluster");
  command->add_option("--tokens", arguments->tokens, "tokens of the head")
      ->check(CLI::Range(1, 1 << 20))
      ->capture_default_str();
  command->add_option("--engines", arguments->engines, "engines that share them")
      ->check(CLI::Range(1, 64))
      ->capture_default_str();
  command->add_option("--seed", arguments->seed, "of tokens and power-up state")
      ->capture_default_str();
  command->callback([arguments, &exit_code] { run_all(*arguments, exit_code); });
}

}  // namespace aqpim::app
