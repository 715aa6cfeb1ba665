// SPDX-License-Identifier: Apache-2.0
// Clustering and encoding on golden engines, against plain software.
#include "sw/system/clustering.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "sw/cache/half.h"
#include "sw/config/error.h"
#include "sw/golden/engine.h"
#include "sw/quantize/backend.h"
#include "sw/quantize/software_backend.h"
#include "sw/quantize/test_heads.h"
#include "sw/quantize/test_kmeans.h"

namespace {

using aqpim::config::EngineConfig;
using aqpim::golden::Answers;
using aqpim::golden::Command;
using aqpim::golden::Operation;
using aqpim::golden::Program;
using aqpim::golden::Reduced;
using aqpim::quantize::Backend;
using aqpim::system::ClusterStatistics;
using aqpim::system::Engines;
using aqpim::test::Draw;
using aqpim::test::make_engine;
using aqpim::test::PlainKmeans;

constexpr int kLargest = 2047;  // of a raw token element · 2^8

// Golden engines and a golden reducer.
class GoldenEngines : public Engines {
 public:
  GoldenEngines(const EngineConfig& config, unsigned count, std::size_t chunk = 0)
      : Engines(config, count, chunk), engines_(count, aqpim::golden::Engine(config)) {}

  Answers play(unsigned engine, const Program& program) override {
    return engines_.at(engine).run(program);
  }
  Reduced reduce(std::span<const std::vector<std::uint8_t>> partials, bool values) override {
    return aqpim::golden::reduce(partials, config(), values);
  }

 protected:
  std::vector<aqpim::golden::Engine> engines_;
};

// One engine and its reducer, and what they made of each pass.
class Watched : public GoldenEngines {
 public:
  explicit Watched(const EngineConfig& config) : GoldenEngines(config, 1) {}

  Answers play(unsigned engine, const Program& program) override {
    Answers answers = GoldenEngines::play(engine, program);
    assigned.push_back(engines_.front().assigned());
    return answers;
  }
  Reduced reduce(std::span<const std::vector<std::uint8_t>> partials, bool values) override {
    Reduced reduced = GoldenEngines::reduce(partials, values);
    centroids.push_back(reduced.centroids);
    return reduced;
  }

  std::vector<std::vector<std::uint8_t>> assigned, centroids;
};

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
      tokens.vectors.push_back(aqpim::cache::to_half(
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

Quantized quantized(Backend& backend, const Tokens& tokens, bool values) {
  Quantized result;
  result.codebook = backend.cluster(tokens.vectors, tokens.weights, values);
  result.codes = backend.encode(tokens.vectors, result.codebook, values);
  return result;
}

Quantized quantized(Engines& engines, const Tokens& tokens, bool values) {
  Quantized result;
  result.codebook = aqpim::system::cluster(tokens.vectors, tokens.weights, values, engines);
  result.codes = aqpim::system::encode(tokens.vectors, result.codebook, values, engines);
  return result;
}

struct Shape {
  unsigned head_dim, sub_dim, code_bits, word_bits;
};

// What a golden engine assigns and the golden reducer makes of it, pass by pass.
class Passes {
 public:
  Passes(const Shape& shape, std::size_t n)
      : config_(make_engine(shape.head_dim, shape.sub_dim, shape.code_bits, shape.word_bits)),
        tokens_(make_tokens(7, n, shape.head_dim)) {
    Watched engines(config_);
    aqpim::system::cluster(tokens_.vectors, tokens_.weights, false, engines);
    assigned_ = engines.assigned;
    centroids_ = engines.centroids;
  }

  struct Fixed {
    std::vector<std::vector<std::uint8_t>> codes;  // [pass][n]
    std::vector<std::vector<double>> centroids;    // [pass][K, Dsub], after it, · 2^8
  };

  // Told the start, tokens · 2^8, and what was made of it.
  void for_each_subspace(const std::function<void(PlainKmeans, const Fixed&)>& test) const {
    const std::size_t dim = config_.sub_dim;
    const std::size_t n = tokens_.weights.size();
    for (std::size_t m = 0; m < config_.subspaces(); ++m) {
      PlainKmeans plain{.dim = dim, .tokens = {}, .weights = tokens_.weights, .centroids = {}};
      for (std::size_t t = 0; t < n; ++t) {
        for (std::size_t d = 0; d < dim; ++d) {
          plain.tokens.push_back(integer(tokens_.vectors[t * config_.head_dim + m * dim + d]));
        }
      }
      for (std::size_t c = 0; c < config_.centroids(); ++c) {
        const auto first =
            plain.tokens.begin() + static_cast<std::ptrdiff_t>(c * n / config_.centroids() * dim);
        plain.centroids.insert(plain.centroids.end(), first,
                               first + static_cast<std::ptrdiff_t>(dim));
      }
      test(std::move(plain), fixed(m));
    }
  }

 private:
  static double integer(std::uint16_t half) { return 256.0 * aqpim::cache::from_half(half); }

  Fixed fixed(std::size_t m) const {
    const std::size_t subspaces = config_.slice_subspaces();
    const std::size_t in_slice = m % subspaces;
    Fixed result;
    for (std::size_t pass = 0; pass < aqpim::quantize::kPasses; ++pass) {
      const std::size_t played = m / subspaces * aqpim::quantize::kPasses + pass;
      std::vector<std::uint8_t>& codes = result.codes.emplace_back();
      for (std::size_t t = 0; t < tokens_.weights.size(); ++t) {
        codes.push_back(assigned_[played][t * subspaces + in_slice]);
      }
      std::vector<double>& centroids = result.centroids.emplace_back();
      for (std::size_t e = 0; e < config_.centroids() * config_.sub_dim; ++e) {
        const std::size_t byte = 2 * (e / config_.sub_dim * config_.slice_channels() +
                                      in_slice * config_.sub_dim + e % config_.sub_dim);
        const std::vector<std::uint8_t>& bytes = centroids_[played];
        centroids.push_back(
            integer(static_cast<std::uint16_t>(bytes[byte] | bytes[byte + 1] << 8)));
      }
    }
    return result;
  }

  EngineConfig config_;
  Tokens tokens_;
  std::vector<std::vector<std::uint8_t>> assigned_, centroids_;  // slice by slice, pass by pass
};

}  // namespace

TEST_CASE("clustering: engines and software agree bit for bit, however the tokens are spread") {
  for (const Shape& shape : {Shape{128, 4, 8, 256}, Shape{128, 2, 4, 128}, Shape{64, 4, 8, 128},
                             Shape{64, 2, 8, 256}, Shape{128, 8, 4, 64}}) {
    const EngineConfig config =
        make_engine(shape.head_dim, shape.sub_dim, shape.code_bits, shape.word_bits);
    const Tokens tokens = make_tokens(shape.word_bits, 211, shape.head_dim);
    for (const bool values : {false, true}) {
      const Quantized software = quantized(*aqpim::quantize::fixed_backend(config), tokens, values);
      CHECK(std::set(software.codes.begin(), software.codes.end()).size() >=
            std::min(40u, config.centroids()));
      for (const auto& [engines, chunk] : {std::pair{1u, 64u}, {2u, 7u}, {3u, 0u}, {16u, 7u}}) {
        CAPTURE(shape.head_dim);
        CAPTURE(shape.word_bits);
        CAPTURE(values);
        CAPTURE(engines);
        CAPTURE(chunk);
        GoldenEngines golden(config, engines, chunk);
        CHECK(aqpim::system::cluster(tokens.vectors, tokens.weights, values, golden) ==
              software.codebook);
        CHECK(aqpim::system::encode(tokens.vectors, software.codebook, values, golden) ==
              software.codes);
      }
    }
  }
}

TEST_CASE("clustering: fewer tokens than centroids, and than engines") {
  const EngineConfig config = make_engine(64, 4, 8, 128);
  for (const std::size_t n : {1u, 2u, 5u, 30u}) {
    const Tokens tokens = make_tokens(n, n, 64);
    const Quantized software = quantized(*aqpim::quantize::fixed_backend(config), tokens, false);
    GoldenEngines engines(config, 16);
    CHECK((quantized(engines, tokens, false) == software));
  }
}

TEST_CASE("clustering: more tokens than the engine takes at once go in chunks") {
  EngineConfig config = make_engine(64, 2, 4, 128);
  config.score_depth = 32;
  const Tokens tokens = make_tokens(3, 300, 64);
  const Quantized software = quantized(*aqpim::quantize::fixed_backend(config), tokens, true);
  GoldenEngines engines(config, 1);
  CHECK((quantized(engines, tokens, true) == software));
}

TEST_CASE("clustering: more chunks than sums hold are bad input") {
  EngineConfig config = make_engine(64, 2, 4, 128);
  const Tokens tokens = make_tokens(3, 257, 64);
  GoldenEngines one_by_one(config, 1, 1);
  CHECK_THROWS_AS(aqpim::system::cluster(tokens.vectors, tokens.weights, false, one_by_one),
                  aqpim::InputError);
  const std::span<const std::uint16_t> vectors(tokens.vectors);
  CHECK_NOTHROW(aqpim::system::cluster(vectors.first(256 * 64),
                                       std::span(tokens.weights).first(256), false, one_by_one));
}

TEST_CASE("clustering: a pass loads once per engine, and unloads once per chunk") {
  const EngineConfig config = make_engine(64, 4, 8, 128);
  const Tokens tokens = make_tokens(4, 100, 64);
  class Counting : public GoldenEngines {
   public:
    using GoldenEngines::GoldenEngines;
    Answers play(unsigned engine, const Program& program) override {
      for (const auto& step : program) {
        const auto* command = std::get_if<Command>(&step);
        if (command == nullptr) continue;
        ++commands[command->operation];
        if (command->operation == Operation::kCluster) clustered += command->tokens;
      }
      return GoldenEngines::play(engine, program);
    }
    std::map<Operation, std::size_t> commands;
    std::size_t clustered = 0;
  };
  Counting engines(config, 3, 20);
  aqpim::system::cluster(tokens.vectors, tokens.weights, false, engines);
  const std::size_t passes = aqpim::quantize::kPasses * config.slices();
  CHECK(engines.commands[Operation::kLoad] == 3 * passes);
  CHECK(engines.commands[Operation::kCluster] == 6 * passes);
  CHECK(engines.commands[Operation::kUnload] == 6 * passes);
  // 33, 33 and 34 tokens; 13 are filled up to 14.
  CHECK(engines.clustered == (34 + 34 + 34) * passes);
}

TEST_CASE("clustering: codes that change between passes are those of the golden engine") {
  const EngineConfig config = make_engine(64, 2, 4, 128);
  const Tokens tokens = make_tokens(5, 150, 64);
  // One engine and one chunk: its codes of each pass, slice after slice.
  Watched engines(config);
  ClusterStatistics statistics;
  aqpim::system::cluster(tokens.vectors, tokens.weights, true, engines, &statistics);
  ClusterStatistics expected{.codebooks = 1, .codes = 150 * config.subspaces()};
  for (std::size_t i = 0; i < engines.assigned.size(); ++i) {
    const std::size_t pass = i % aqpim::quantize::kPasses;
    if (pass == 0) continue;
    for (std::size_t c = 0; c < engines.assigned[i].size(); ++c) {
      expected.changed[pass - 1] += engines.assigned[i][c] != engines.assigned[i - 1][c];
    }
  }
  CHECK((statistics == expected));
  CHECK(statistics.changed[0] > statistics.changed[2]);
  CHECK(statistics.changed[2] > 0);
}

TEST_CASE("clustering: a pass is that of double precision, but for the rounding of its means") {
  for (const Shape& shape : {Shape{64, 4, 8, 128}, Shape{64, 2, 4, 128}}) {
    CAPTURE(shape.code_bits);
    const Passes passes(shape, 400);
    std::size_t different = 0;
    double worst = 0.0;
    passes.for_each_subspace([&](PlainKmeans plain, const auto& fixed) {
      for (std::size_t pass = 0; pass < aqpim::quantize::kPasses; ++pass) {
        // The tokens are integers, and so are the centroids that the pass begins with.
        const std::vector<std::uint8_t> codes = plain.pass();
        for (std::size_t t = 0; t < codes.size(); ++t)
          different += codes[t] != fixed.codes[pass][t];
        for (std::size_t e = 0; e < plain.centroids.size(); ++e) {
          worst = std::max(worst, std::abs(plain.centroids[e] - fixed.centroids[pass][e]));
        }
        plain.centroids = fixed.centroids[pass];
      }
    });
    CHECK(different == 0);
    CHECK(worst <= 0.5);
    CHECK(worst > 0.4);
  }
}

TEST_CASE("clustering: four passes end close to where double precision ends from the same start") {
  for (const Shape& shape : {Shape{64, 4, 8, 128}, Shape{64, 2, 4, 128}}) {
    CAPTURE(shape.code_bits);
    const Passes passes(shape, 1000);
    std::size_t alike = 0;
    std::size_t all = 0;
    double plain_distortion = 0.0;
    double fixed_distortion = 0.0;
    passes.for_each_subspace([&](PlainKmeans plain, const auto& fixed) {
      std::vector<std::uint8_t> codes;
      for (std::size_t pass = 0; pass < aqpim::quantize::kPasses; ++pass) codes = plain.pass();
      for (std::size_t t = 0; t < codes.size(); ++t) alike += codes[t] == fixed.codes.back()[t];
      all += codes.size();
      plain_distortion += plain.distortion();
      plain.centroids = fixed.centroids.back();
      fixed_distortion += plain.distortion();
    });
    CHECK(static_cast<double>(alike) >= 0.995 * static_cast<double>(all));
    CHECK(std::abs(fixed_distortion / plain_distortion - 1.0) <= 0.002);
  }
}

TEST_CASE("clustering: an engine that refuses is noticed") {
  EngineConfig config = make_engine(64, 2, 4, 128);
  const Tokens tokens = make_tokens(6, 20, 64);
  class Refusing : public GoldenEngines {
   public:
    using GoldenEngines::GoldenEngines;
    Answers play(unsigned, const Program&) override { return {}; }
  };
  Refusing engines(config, 1);
  CHECK_THROWS_AS(aqpim::system::cluster(tokens.vectors, tokens.weights, false, engines),
                  std::runtime_error);
  CHECK_THROWS_AS(
      aqpim::system::encode(tokens.vectors, std::vector<std::uint8_t>(16 * 64), false, engines),
      std::runtime_error);
}

TEST_CASE("clustering: weights and tokens that do not match are refused") {
  const EngineConfig config = make_engine(64, 2, 4, 128);
  const Tokens tokens = make_tokens(6, 20, 64);
  GoldenEngines engines(config, 1);
  CHECK_THROWS_AS(
      aqpim::system::cluster(tokens.vectors, std::span(tokens.weights).first(19), false, engines),
      std::invalid_argument);
  CHECK_THROWS_AS(aqpim::system::cluster({}, {}, false, engines), std::invalid_argument);
}
