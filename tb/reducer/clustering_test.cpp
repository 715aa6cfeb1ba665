// SPDX-License-Identifier: Apache-2.0
// Clustering and encoding on the RTL of engine and reducer, as the host software plans them.
#include "sw/system/clustering.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include "sw/config/config.h"
#include "sw/golden/reducer.h"
#include "sw/quantize/software_backend.h"
#include "tb/common/random.h"
#include "tb/engine/env.h"
#include "tb/reducer/reducer_env.h"

namespace {

using aqpim::config::Configuration;
using aqpim::golden::Answers;
using aqpim::golden::Command;
using aqpim::golden::Operation;
using aqpim::golden::Program;
using aqpim::golden::Reduced;
using aqpim::system::Engines;
using namespace aqpim::tb;

struct Tokens {
  std::vector<std::uint16_t> vectors;  // [n, D], binary16 between −8 and 8
  std::vector<std::uint8_t> weights;   // [n]
};

Tokens make_tokens(std::size_t n, std::size_t head_dim) {
  Random random(1, "tokens");
  Tokens tokens;
  for (std::size_t i = 0; i < n * head_dim; ++i) {
    // Sign, and less than 0x4800.
    tokens.vectors.push_back(
        static_cast<std::uint16_t>(random.bits(1) << 15 | (0x3000 + random.below(0x1800))));
  }
  for (std::size_t i = 0; i < n; ++i) {
    tokens.weights.push_back(static_cast<std::uint8_t>(random.between(1, 255)));
  }
  return tokens;
}

enum class Kind { kUniform, kDuplicates, kFew, kZeroChannels, kWidest, kSubnormal, kAnyBits };
constexpr Kind kKinds[] = {Kind::kUniform, Kind::kDuplicates, Kind::kFew,    Kind::kZeroChannels,
                           Kind::kWidest,  Kind::kSubnormal,  Kind::kAnyBits};

std::uint16_t random_element(Random& random, Kind kind) {
  constexpr std::uint16_t kLargest = 0x7bff;  // 65504
  const std::uint64_t sign = random.bits(1) << 15;
  if (kind == Kind::kAnyBits) return static_cast<std::uint16_t>(random.bits(16));
  if (kind == Kind::kWidest && random.chance(1, 2)) {
    return static_cast<std::uint16_t>(sign | kLargest);
  }
  if (kind == Kind::kSubnormal && random.chance(3, 4)) {
    return static_cast<std::uint16_t>(sign | random.bits(10));
  }
  // Less than 8.
  return static_cast<std::uint16_t>(sign | (0x3000 + random.below(0x1800)));
}

// 1, fewer than centroids, and more than those of the smallest codebook.
std::size_t random_count(Random& random, const aqpim::config::EngineConfig& engine) {
  constexpr std::size_t kMost = 64;
  if (random.chance(1, 6)) return 1;
  if (random.chance(1, 3))
    return 2 + random.below(std::min<std::size_t>(engine.centroids(), kMost) - 2);
  return 17 + random.below(kMost - 16);
}

Tokens random_tokens(Random& random, Kind kind, std::size_t n,
                     const aqpim::config::EngineConfig& engine) {
  const std::size_t dim = engine.head_dim;
  std::vector<bool> zero(dim, false);
  if (kind == Kind::kZeroChannels) {
    for (std::size_t d = 0; d < dim; ++d) zero[d] = random.chance(1, 2);
  }
  // Fewer different vectors than centroids.
  const std::size_t distinct = kind == Kind::kFew ? 1 + random.below(3) : n;
  Tokens tokens;
  for (std::size_t t = 0; t < n; ++t) {
    const bool copy = t >= distinct || (kind == Kind::kDuplicates && t > 0 && random.chance(1, 2));
    const std::size_t origin = copy ? random.below(std::min(t, distinct)) : t;
    for (std::size_t d = 0; d < dim; ++d) {
      tokens.vectors.push_back(copy      ? tokens.vectors[origin * dim + d]
                               : zero[d] ? std::uint16_t{0}
                                         : random_element(random, kind));
    }
  }
  const auto weights = random.below(4);
  for (std::size_t t = 0; t < n; ++t) {
    const std::uint64_t weight = weights == 0   ? 255
                                 : weights == 1 ? random.below(2)
                                                : random.below(256);
    tokens.weights.push_back(static_cast<std::uint8_t>(weight));
  }
  return tokens;
}

// All engines are one model.
class OnRtl : public Engines {
 public:
  OnRtl(Env& env, ReducerEnv& reducer, Pace pace, unsigned count = 2, std::size_t chunk = 24)
      : Engines(env.configuration().engine, count, chunk),
        env_(env),
        reducer_(reducer),
        pace_(pace) {}

  Answers play(unsigned, const Program& program) override { return env_.play(program, pace_); }
  Reduced reduce(std::span<const std::vector<std::uint8_t>> partials, bool values) override {
    return reducer_.reduce(partials, values, pace_);
  }

 private:
  Env& env_;
  ReducerEnv& reducer_;
  Pace pace_;
};

std::vector<const Configuration*> clustering_configurations() {
  std::vector<const Configuration*> configurations;
  for (const Configuration& configuration : aqpim::config::built_configurations()) {
    if (configuration.engine.quantize != 0) configurations.push_back(&configuration);
  }
  return configurations;
}

}  // namespace

TEST_CASE("clustering in RTL: constrained-random tokens give the codebooks and codes of software") {
  // One takes as long as about so many episodes of the engine's test.
  constexpr std::uint64_t kEpisodes = 20;
  const std::uint64_t iterations =
      std::max<std::uint64_t>(1, test_iterations(kEpisodes * std::size(kKinds)) / kEpisodes);
  for (const Configuration* configuration : clustering_configurations()) {
    CAPTURE(configuration->name);
    const auto& engine = configuration->engine;
    Random random(test_seed(), "clustering " + configuration->name);
    const auto software = aqpim::quantize::fixed_backend(engine);
    Env env(*configuration, {.seed = test_seed()});
    ReducerEnv reducer(*configuration, test_seed());
    for (std::uint64_t i = 0; i < iterations; ++i) {
      CAPTURE(i);
      const std::size_t n = random_count(random, engine);
      const Tokens tokens = random_tokens(random, kKinds[i % std::size(kKinds)], n, engine);
      const bool values = random.chance(1, 2);
      const Pace pace = random.pick({Pace::back_to_back(), Pace{2}, Pace::random()});
      const auto count = static_cast<unsigned>(random.between(1, 3));
      OnRtl engines(env, reducer, pace, count, (n + 3) / 4 + random.below(n));
      CAPTURE(n);
      CAPTURE(values);
      CAPTURE(engines.count());
      CAPTURE(engines.chunk());
      const auto codebook = aqpim::system::cluster(tokens.vectors, tokens.weights, values, engines);
      CHECK(codebook == software->cluster(tokens.vectors, tokens.weights, values));
      const std::span<const std::uint16_t> encoded =
          std::span(tokens.vectors)
              .first((1 + random.below(std::min<std::size_t>(n, 6))) * engine.head_dim);
      CHECK(aqpim::system::encode(encoded, codebook, values, engines) ==
            software->encode(encoded, codebook, values));
    }
    // Of each pass at least one engine's centroids, and what the reducer makes of them.
    const std::uint64_t centroids =
        iterations * aqpim::quantize::kPasses * engine.centroids() * engine.head_dim;
    CHECK(env.verdict(centroids) == std::string());
    CHECK(reducer.verdict(2 * centroids) == std::string());
  }
}

TEST_CASE("clustering in RTL: no multiplier waits in the token loops") {
  for (const Configuration* configuration : clustering_configurations()) {
    CAPTURE(configuration->name);
    const auto& engine = configuration->engine;
    const Tokens tokens = make_tokens(100, engine.head_dim);
    Env env(*configuration);
    ReducerEnv reducer(*configuration, 1);
    OnRtl engines(env, reducer, Pace::back_to_back());
    aqpim::system::cluster(tokens.vectors, tokens.weights, false, engines);
    const OperationStatistics& cluster = env.statistics()[Operation::kCluster];
    const std::uint64_t passes = aqpim::quantize::kPasses * engine.slices();
    // 50 tokens per engine in three chunks.
    CHECK(cluster.count == passes * 6);
    CHECK(cluster.loops.busy ==
          passes * 2 * (50 / engine.token_slots()) * (engine.centroids() + 1));
    CHECK(cluster.utilization() == 1.0);
    for (const Operation operation : {Operation::kLoad, Operation::kUnload}) {
      CHECK(env.statistics()[operation].utilization() == 1.0);
    }
  }
}

TEST_CASE("clustering in RTL: a bank that is too slow for the loops shows in the utilization") {
  for (const Configuration* configuration : clustering_configurations()) {
    CAPTURE(configuration->name);
    const auto& engine = configuration->engine;
    Env env(*configuration);
    const auto play = [&](Operation operation, unsigned tokens, Pace pace) {
      const auto words = env.scoreboard().golden().words(operation, tokens);
      const auto stream =
          std::make_shared<const std::vector<std::uint8_t>>(words * engine.word_bytes());
      env.play(Program{Command{operation, false, tokens, stream, 0, stream->size()}}, pace);
    };
    play(Operation::kLoad, 0, Pace::back_to_back());
    play(Operation::kCluster, 20, Pace{engine.centroids()});
    CHECK(env.statistics()[Operation::kCluster].utilization() < 0.6);
    CHECK(env.statistics()[Operation::kCluster].utilization() > 0.4);
  }
}

TEST_CASE("clustering in RTL: another arithmetic is noticed in sums and codes") {
  for (const Configuration* configuration : clustering_configurations()) {
    CAPTURE(configuration->name);
    aqpim::config::EngineConfig other = configuration->engine;
    other.query_width = 11;
    const Tokens tokens = make_tokens(20, other.head_dim);
    ReducerEnv reducer(*configuration, 1);
    for (const bool clusters : {true, false}) {
      Env env(*configuration, {.seed = 1, .golden_config = &other});
      OnRtl engines(env, reducer, Pace::back_to_back());
      if (clusters) {
        aqpim::system::cluster(tokens.vectors, tokens.weights, false, engines);
      } else {
        std::vector<std::uint8_t> codebook(std::size_t{other.centroids()} * other.head_dim);
        for (std::size_t i = 0; i < codebook.size(); ++i) {
          codebook[i] = static_cast<std::uint8_t>(i * i % 251);
        }
        aqpim::system::encode(tokens.vectors, codebook, false, engines);
      }
      CHECK(env.scoreboard().mismatches() > 0);
    }
  }
}

TEST_CASE("clustering in RTL: the reducer refuses what golden::reduce() refuses") {
  for (const Configuration* configuration : clustering_configurations()) {
    ReducerEnv reducer(*configuration, 1);
    CHECK_THROWS_AS(reducer.reduce({}, false), std::invalid_argument);
  }
}
