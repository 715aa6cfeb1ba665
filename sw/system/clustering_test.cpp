// SPDX-License-Identifier: Apache-2.0
// Clustering and encoding on golden engines, against plain software.
#include "sw/system/clustering.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <span>
#include <stdexcept>
#include <string>
#include <variant>
#include <vector>

#include "sw/config/error.h"
#include "sw/golden/engine.h"
#include "sw/quantize/half.h"
#include "sw/quantize/software_backend.h"
#include "sw/quantize/test_heads.h"

namespace {

using aqpim::config::EngineConfig;
using aqpim::golden::Answers;
using aqpim::golden::Command;
using aqpim::golden::Operation;
using aqpim::golden::Program;
using aqpim::quantize::Backend;
using aqpim::system::ClusterStatistics;
using aqpim::system::engine_backend;
using aqpim::system::Engines;
using aqpim::test::Draw;
using aqpim::test::make_engine;

constexpr int kLargest = 2047;  // of a raw token element · 2^8

// Golden engines that live as long as the Engines which play on them.
Engines golden_engines(const EngineConfig& config, unsigned count, std::size_t chunk = 0) {
  const auto engines =
      std::make_shared<std::vector<aqpim::golden::Engine>>(count, aqpim::golden::Engine(config));
  return {
      .config = config,
      .count = count,
      .play = [engines](unsigned engine,
                        const Program& program) { return engines->at(engine).run(program); },
      .reduce = [config](std::span<const std::vector<std::uint8_t>> partials,
                         bool values) { return aqpim::golden::reduce(partials, config, values); },
      .chunk = chunk};
}

struct Tokens {
  std::vector<std::uint16_t> vectors;  // [n, D]
  std::vector<std::uint8_t> weights;   // [n]
};

// Clumps of tokens, some of them alike, some at the ends of the range.
Tokens make_tokens(std::uint64_t seed, std::size_t n, std::size_t head_dim) {
  Draw draw(seed);
  Tokens tokens;
  for (std::size_t t = 0; t < n; ++t) {
    const double clump = static_cast<double>(draw.below(7)) / 4.0 - 0.75;
    for (std::size_t d = 0; d < head_dim; ++d) {
      const double value = 1200.0 * clump + 300.0 * draw.bell();
      tokens.vectors.push_back(aqpim::quantize::to_half(
          std::clamp(std::nearbyint(value), -double{kLargest}, double{kLargest}) / 256.0));
    }
    tokens.weights.push_back(static_cast<std::uint8_t>(1 + draw.below(255)));
  }
  return tokens;
}

struct Quantized {
  std::vector<std::uint8_t> codebook, codes;
  bool operator==(const Quantized&) const = default;
};

Quantized quantized(const Backend& backend, const Tokens& tokens, bool values) {
  Quantized result;
  result.codebook = backend.cluster(tokens.vectors, tokens.weights, values);
  result.codes = backend.encode(tokens.vectors, result.codebook, values);
  return result;
}

struct Shape {
  unsigned head_dim, sub_dim, code_bits, word_bits;
};

}  // namespace

TEST_CASE("clustering: engines and software agree bit for bit, however the tokens are spread") {
  for (const Shape& shape : {Shape{128, 4, 8, 256}, Shape{128, 2, 4, 128}, Shape{64, 4, 8, 128},
                             Shape{64, 2, 8, 256}, Shape{128, 8, 4, 64}}) {
    const EngineConfig config =
        make_engine(shape.head_dim, shape.sub_dim, shape.code_bits, shape.word_bits);
    const Tokens tokens = make_tokens(shape.word_bits, 211, shape.head_dim);
    for (const bool values : {false, true}) {
      const Quantized software = quantized(aqpim::quantize::fixed_backend(config), tokens, values);
      CHECK(std::set(software.codes.begin(), software.codes.end()).size() >=
            std::min(40u, config.centroids()));
      for (const unsigned engines : {1u, 2u, 3u, 16u}) {
        CAPTURE(shape.head_dim);
        CAPTURE(shape.word_bits);
        CAPTURE(values);
        CAPTURE(engines);
        for (const std::size_t chunk : {0u, 7u, 64u}) {
          CAPTURE(chunk);
          CHECK(engine_backend(golden_engines(config, engines, chunk))
                    .cluster(tokens.vectors, tokens.weights, values) == software.codebook);
        }
        CHECK(engine_backend(golden_engines(config, engines))
                  .encode(tokens.vectors, software.codebook, values) == software.codes);
      }
    }
  }
}

TEST_CASE("clustering: fewer tokens than centroids, and than engines") {
  const EngineConfig config = make_engine(64, 4, 8, 128);
  for (const std::size_t n : {1u, 2u, 5u, 30u}) {
    const Tokens tokens = make_tokens(n, n, 64);
    const Quantized software = quantized(aqpim::quantize::fixed_backend(config), tokens, false);
    CHECK((quantized(engine_backend(golden_engines(config, 16)), tokens, false) == software));
  }
}

TEST_CASE("clustering: more tokens than the engine takes at once go in chunks") {
  EngineConfig config = make_engine(64, 2, 4, 128);
  config.score_depth = 32;
  const Tokens tokens = make_tokens(3, 300, 64);
  const Quantized software = quantized(aqpim::quantize::fixed_backend(config), tokens, true);
  CHECK((quantized(engine_backend(golden_engines(config, 1)), tokens, true) == software));
}

TEST_CASE("clustering: more chunks than sums hold are bad input") {
  EngineConfig config = make_engine(64, 2, 4, 128);
  const Tokens tokens = make_tokens(3, 257, 64);
  const Engines one_by_one = golden_engines(config, 1, 1);
  CHECK_THROWS_AS(aqpim::system::cluster(tokens.vectors, tokens.weights, false, one_by_one),
                  aqpim::InputError);
  const std::span<const std::uint16_t> vectors(tokens.vectors);
  CHECK_NOTHROW(aqpim::system::cluster(vectors.first(256 * 64),
                                       std::span(tokens.weights).first(256), false, one_by_one));
}

TEST_CASE("clustering: a pass loads once per engine, and unloads once per chunk") {
  const EngineConfig config = make_engine(64, 4, 8, 128);
  const Tokens tokens = make_tokens(4, 100, 64);
  Engines engines = golden_engines(config, 3, 20);
  std::map<Operation, std::size_t> commands;
  std::size_t clustered = 0;
  const auto play = engines.play;
  engines.play = [&](unsigned engine, const Program& program) {
    for (const auto& step : program) {
      const auto* command = std::get_if<Command>(&step);
      if (command == nullptr) continue;
      ++commands[command->operation];
      if (command->operation == Operation::kCluster) clustered += command->tokens;
    }
    return play(engine, program);
  };
  aqpim::system::cluster(tokens.vectors, tokens.weights, false, engines);
  const std::size_t passes = aqpim::quantize::kPasses * config.slices();
  CHECK(commands[Operation::kLoad] == 3 * passes);
  CHECK(commands[Operation::kCluster] == 6 * passes);
  CHECK(commands[Operation::kUnload] == 6 * passes);
  // 33, 33 and 34 tokens; 13 are filled up to 14.
  CHECK(clustered == (34 + 34 + 34) * passes);
}

TEST_CASE("clustering: codes that change between passes are those of the golden engine") {
  const EngineConfig config = make_engine(64, 2, 4, 128);
  const Tokens tokens = make_tokens(5, 150, 64);
  // One engine and one chunk: its codes of each pass, slice after slice.
  aqpim::golden::Engine engine(config);
  Engines engines = golden_engines(config, 1);
  std::vector<std::vector<std::uint8_t>> assigned;
  engines.play = [&](unsigned, const Program& program) {
    Answers answers = engine.run(program);
    assigned.push_back(engine.assigned());
    return answers;
  };
  ClusterStatistics statistics;
  aqpim::system::cluster(tokens.vectors, tokens.weights, true, engines, &statistics);
  ClusterStatistics expected{.codebooks = 1, .codes = 150 * config.subspaces()};
  for (std::size_t i = 0; i < assigned.size(); ++i) {
    const std::size_t pass = i % aqpim::quantize::kPasses;
    if (pass == 0) continue;
    for (std::size_t c = 0; c < assigned[i].size(); ++c) {
      expected.changed[pass - 1] += assigned[i][c] != assigned[i - 1][c];
    }
  }
  CHECK((statistics == expected));
  CHECK(statistics.changed[0] > statistics.changed[2]);
  CHECK(statistics.changed[2] > 0);
}

TEST_CASE("clustering: an engine that refuses is noticed") {
  EngineConfig config = make_engine(64, 2, 4, 128);
  const Tokens tokens = make_tokens(6, 20, 64);
  Engines engines = golden_engines(config, 1);
  engines.play = [](unsigned, const Program&) { return Answers(); };
  CHECK_THROWS_AS(aqpim::system::cluster(tokens.vectors, tokens.weights, false, engines),
                  std::runtime_error);
  CHECK_THROWS_AS(
      aqpim::system::encode(tokens.vectors, std::vector<std::uint8_t>(16 * 64), false, engines),
      std::runtime_error);
}

TEST_CASE("clustering: weights and tokens that do not match are refused") {
  const EngineConfig config = make_engine(64, 2, 4, 128);
  const Tokens tokens = make_tokens(6, 20, 64);
  const Engines engines = golden_engines(config, 1);
  CHECK_THROWS_AS(
      aqpim::system::cluster(tokens.vectors, std::span(tokens.weights).first(19), false, engines),
      std::invalid_argument);
  CHECK_THROWS_AS(aqpim::system::cluster({}, {}, false, engines), std::invalid_argument);
}
