// SPDX-License-Identifier: Apache-2.0
#include "sw/golden/engine.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <memory>
#include <stdexcept>
#include <vector>

#include "sw/seed/seed.h"

namespace {

using aqpim::Random;
using aqpim::test_iterations;
using aqpim::test_seed;
using aqpim::config::EngineConfig;
using aqpim::golden::Command;
using aqpim::golden::Engine;
using aqpim::golden::kFlagNonfinite;
using aqpim::golden::kFlagProtocol;
using aqpim::golden::kFlagQuerySaturated;
using aqpim::golden::kFlagScoreSaturated;
using aqpim::golden::kFlagTableSaturated;
using aqpim::golden::Operation;
using aqpim::golden::Program;
using aqpim::golden::ReadResult;
using aqpim::golden::RegisterSelect;
using aqpim::golden::RegisterWrite;
using aqpim::golden::Result;
using Bytes = std::vector<std::uint8_t>;

// Every ratio of sub-spaces, lanes and words: one word a token, two and four; K = 16 and 256.
std::vector<EngineConfig> configurations() {
  const EngineConfig smallest{.head_dim = 64,
                              .sub_dim = 4,
                              .code_bits = 4,
                              .word_bits = 64,
                              .query_width = 12,
                              .entry_width = 16,
                              .score_width = 16,
                              .score_fraction = 8,
                              .score_depth = 16,
                              .bias_depth = 8,
                              .weight_width = 14};
  EngineConfig two_words = smallest;
  two_words.sub_dim = 2;
  two_words.score_fraction = 6;
  EngineConfig four_words = smallest;
  four_words.sub_dim = 1;
  four_words.query_width = 10;
  four_words.weight_width = 12;
  EngineConfig many_centroids = smallest;
  many_centroids.sub_dim = 8;
  many_centroids.code_bits = 8;
  EngineConfig pq8 = smallest;
  pq8.head_dim = 128;
  pq8.code_bits = 8;
  pq8.word_bits = 256;
  pq8.score_depth = 64;
  pq8.bias_depth = 32;
  return {smallest, two_words, four_words, many_centroids, pq8};
}

// ---- Making programs
// ------------------------------------------------------------------------------

RegisterWrite register_write(const EngineConfig& config, RegisterSelect select, unsigned index,
                             Bytes data = {}) {
  data.resize(config.word_bytes());
  return {select, index, std::move(data)};
}

RegisterWrite control(const EngineConfig& config, unsigned fraction, unsigned run,
                      bool clear = false, bool bfloat16 = false) {
  const unsigned low = fraction | (bfloat16 ? 0x10u : 0u) | (clear ? 0x20u : 0u);
  return register_write(config, RegisterSelect::kControl, 0,
                        {static_cast<std::uint8_t>(low), static_cast<std::uint8_t>(run)});
}

// As many writes as `bytes` fill.
void write_all(Engine& engine, const EngineConfig& config, RegisterSelect select,
               const Bytes& bytes) {
  for (std::size_t at = 0; at < bytes.size(); at += config.word_bytes()) {
    const std::size_t end = std::min<std::size_t>(at + config.word_bytes(), bytes.size());
    engine.write(register_write(config, select, static_cast<unsigned>(at / config.word_bytes()),
                                Bytes(bytes.begin() + static_cast<std::ptrdiff_t>(at),
                                      bytes.begin() + static_cast<std::ptrdiff_t>(end))));
  }
}

Command command(Operation operation, bool first, unsigned tokens, Bytes stream) {
  const std::size_t bytes = stream.size();
  return {operation, first, tokens, std::make_shared<const Bytes>(std::move(stream)), 0, bytes};
}

// A command with a stream of zeros of the right length.
Command plain(const EngineConfig& config, Operation operation, bool first, unsigned tokens = 0) {
  const std::size_t token = config.slice_channels() * sizeof(std::uint16_t);
  std::size_t bytes = 0;
  switch (operation) {
    case Operation::kTable:
    case Operation::kCombine:
    case Operation::kEncode:
      bytes = config.centroids() * config.head_dim;
      break;
    case Operation::kScore:
    case Operation::kAccumulate:
      bytes = std::size_t{tokens} * config.subspaces() * config.code_bits / 8;
      break;
    case Operation::kLoad:
      bytes = config.centroids() * token;
      break;
    case Operation::kCluster:
      for (unsigned t = 0; t < tokens; ++t) {
        bytes += token + (t % config.word_bytes() == 0 ? config.word_bytes() : 0);
      }
      break;
    case Operation::kUnload:
      bytes = config.centroids() * 4 * token;
      break;
  }
  return command(operation, first, tokens, Bytes(bytes));
}

// codes[token][sub-space], packed as a number of code_bits · M bits per token, sub-space 0 lowest.
Bytes pack_codes(const EngineConfig& config, const std::vector<std::vector<unsigned>>& codes) {
  Bytes bytes;
  for (const auto& token : codes) {
    for (std::size_t m = 0; m < token.size(); m += 8 / config.code_bits) {
      bytes.push_back(static_cast<std::uint8_t>(
          config.code_bits == 8 ? token[m] : token[m] | token[m + 1] << 4));
    }
  }
  return bytes;
}

// The bfloat16 of a number that is one.
std::uint16_t bfloat16_of(float value) {
  std::uint32_t bits = 0;
  std::memcpy(&bits, &value, sizeof bits);
  REQUIRE((bits & 0xffff) == 0);
  return static_cast<std::uint16_t>(bits >> 16);
}

// ---- Attention in real numbers
// --------------------------------------------------------------------

double minifloat(std::uint8_t byte) {
  const int exponent = byte >> 4 & 7;
  const double magnitude =
      std::ldexp(exponent == 0 ? byte % 16 : 16 + byte % 16, std::max(exponent, 1) - 1);
  return byte >= 128 ? -magnitude : magnitude;
}

struct Window {
  std::vector<std::int8_t> codebook_k;  // [K][D]
  Bytes codebook_v;                     // [K][D]
  std::vector<std::vector<unsigned>> codes_k, codes_v;
};

struct Tile {
  unsigned table_fraction = 8;
  unsigned run = 0;
  std::vector<unsigned> shifts;
  std::vector<double> query;  // numbers that the fixed point holds exactly
  std::vector<std::int16_t> biases;
  std::vector<Window> windows;
};

Tile random_tile(const EngineConfig& config, Random& random) {
  Tile tile;
  tile.table_fraction = static_cast<unsigned>(random.between(config.score_fraction, 11));
  tile.run = random.pick({0u, 8u, 9u, 13u});
  for (unsigned m = 0; m < config.subspaces(); ++m) {
    // Dot products reach 8 · 63 · 127 of 2^-shift each, so that none saturates.
    tile.shifts.push_back(static_cast<unsigned>(random.between(2, 6)));
    for (unsigned i = 0; i < config.sub_dim; ++i) {
      const int power = static_cast<int>(tile.table_fraction + tile.shifts[m]);
      const int range = static_cast<int>(48 / config.sub_dim);
      tile.query.push_back(std::ldexp(static_cast<double>(random.between(-range, range)), -power));
    }
  }
  for (unsigned b = 0; b < config.bias_depth; ++b) {
    tile.biases.push_back(static_cast<std::int16_t>(random.between(-1000, 1000)));
  }
  const std::size_t windows = 1 + random.below(3);
  for (std::size_t w = 0; w < windows; ++w) {
    Window window;
    for (unsigned i = 0; i < config.centroids() * config.head_dim; ++i) {
      window.codebook_k.push_back(static_cast<std::int8_t>(random.between(-127, 127)));
      window.codebook_v.push_back(static_cast<std::uint8_t>(random.bits(8)));
    }
    const std::size_t tokens = random.pick({0u, 1u, 2u, config.score_depth / 3});
    for (std::size_t t = 0; t < tokens; ++t) {
      std::vector<unsigned> code_k, code_v;
      for (unsigned m = 0; m < config.subspaces(); ++m) {
        code_k.push_back(static_cast<unsigned>(random.bits(config.code_bits)));
        code_v.push_back(static_cast<unsigned>(random.below(random.chance(1, 2) ? 2 : 16)));
      }
      window.codes_k.push_back(code_k);
      window.codes_v.push_back(code_v);
    }
    tile.windows.push_back(window);
  }
  return tile;
}

// Runs the tile; scores of a window may come in two commands, and so may its weights.
Result run_tile(const EngineConfig& config, const Tile& tile, Engine& engine, Random& random) {
  engine.write(control(config, tile.table_fraction, tile.run, true, true));
  Bytes query, biases;
  for (const double element : tile.query) {
    const std::uint16_t bits = bfloat16_of(static_cast<float>(element));
    query.push_back(static_cast<std::uint8_t>(bits));
    query.push_back(static_cast<std::uint8_t>(bits >> 8));
  }
  for (const std::int16_t bias : tile.biases) {
    biases.push_back(static_cast<std::uint8_t>(bias));
    biases.push_back(static_cast<std::uint8_t>(bias >> 8));
  }
  write_all(engine, config, RegisterSelect::kShift, Bytes(tile.shifts.begin(), tile.shifts.end()));
  write_all(engine, config, RegisterSelect::kQuery, query);
  write_all(engine, config, RegisterSelect::kBias, biases);

  const auto stream_tokens = [&](Operation operation, bool first, const auto& codes) {
    const auto split = static_cast<std::ptrdiff_t>(random.below(codes.size() + 1));
    using Codes = std::vector<std::vector<unsigned>>;
    const Codes head(codes.begin(), codes.begin() + split);
    const Codes tail(codes.begin() + split, codes.end());
    CHECK(engine.command(
        command(operation, first, static_cast<unsigned>(head.size()), pack_codes(config, head))));
    CHECK(engine.command(
        command(operation, false, static_cast<unsigned>(tail.size()), pack_codes(config, tail))));
  };
  bool first = true;
  for (const Window& window : tile.windows) {
    CHECK(engine.command(command(Operation::kTable, first, 0,
                                 Bytes(window.codebook_k.begin(), window.codebook_k.end()))));
    stream_tokens(Operation::kScore, first, window.codes_k);
    first = false;
  }
  first = true;
  for (const Window& window : tile.windows) {
    stream_tokens(Operation::kAccumulate, first, window.codes_v);
    CHECK(engine.command(command(Operation::kCombine, first, 0, window.codebook_v)));
    first = false;
  }
  return engine.result();
}

// The scores in real numbers, log2 domain.
std::vector<double> real_scores(const EngineConfig& config, const Tile& tile) {
  std::vector<double> scores;
  for (const Window& window : tile.windows) {
    for (const auto& codes : window.codes_k) {
      double sum = 0;
      for (unsigned d = 0; d < config.head_dim; ++d) {
        sum += tile.query[d] * window.codebook_k[codes[d / config.sub_dim] * config.head_dim + d];
      }
      if (tile.run != 0)
        sum += std::ldexp(tile.biases[scores.size() / tile.run],
                          -static_cast<int>(config.score_fraction));
      scores.push_back(sum);
    }
  }
  return scores;
}

// Compares with attention in double precision. Every allowance is a bound, not a measurement.
void check_against_real_attention(const EngineConfig& config, const Tile& tile,
                                  const Engine& engine, const Result& result) {
  const std::vector<double> scores = real_scores(config, tile);
  // Each entry and the score are rounded once.
  const double score_error =
      config.subspaces() * std::ldexp(0.5, -static_cast<int>(tile.table_fraction)) +
      std::ldexp(0.5, -static_cast<int>(config.score_fraction));
  const double weight_step = std::ldexp(1.0, -static_cast<int>(config.weight_width));

  REQUIRE(engine.scores().size() == scores.size());
  const int fraction = static_cast<int>(config.score_fraction);
  double largest = -std::ldexp(1.0, static_cast<int>(config.score_width) - 1 - fraction);
  for (std::size_t t = 0; t < scores.size(); ++t) {
    CHECK(std::abs(std::ldexp(engine.scores()[t], -fraction) - scores[t]) <= score_error);
    largest = std::max(largest, scores[t]);
  }
  CHECK(result.maximum >= largest - score_error);
  CHECK(result.maximum < largest + score_error + 1);

  double weight_sum = 0, weight_error = 0;
  std::vector<double> outputs(config.head_dim), output_errors(config.head_dim);
  std::size_t token = 0;
  for (const Window& window : tile.windows) {
    for (const auto& codes : window.codes_v) {
      const double weight = std::exp2(scores[token] - result.maximum);
      // exp2 is within 0.11 %, the weight is rounded, and 1.0 becomes one step less.
      const double error = weight * (1.0011 * std::exp2(score_error) - 1) + 1.5 * weight_step;
      CHECK(std::abs(engine.weights()[token] * weight_step - weight) <= error);
      weight_sum += weight;
      weight_error += error;
      for (unsigned d = 0; d < config.head_dim; ++d) {
        const double value =
            minifloat(window.codebook_v[codes[d / config.sub_dim] * config.head_dim + d]);
        outputs[d] += weight * value;
        output_errors[d] += error * std::abs(value);
      }
      ++token;
    }
  }
  CHECK(std::abs(result.weight_sum * weight_step - weight_sum) <= weight_error + 1e-12);
  for (unsigned d = 0; d < config.head_dim; ++d) {
    CHECK(std::abs(static_cast<double>(result.outputs[d]) * weight_step - outputs[d]) <=
          output_errors[d] + 1e-9);
  }
}

}  // namespace

TEST_CASE("golden engine: random tiles of several windows agree with attention in real numbers") {
  Random random(test_seed(), "golden engine");
  for (const EngineConfig& config : configurations()) {
    CAPTURE(config.sub_dim);
    CAPTURE(config.code_bits);
    // One engine plays all tiles: nothing may be left of the one before.
    Engine engine(config);
    for (std::uint64_t i = 0; i < test_iterations(12); ++i) {
      const Tile tile = random_tile(config, random);
      const Result result = run_tile(config, tile, engine, random);
      CHECK(result.flags == 0);
      check_against_real_attention(config, tile, engine, result);
      Engine fresh(config);
      Random other(test_seed(), "other splits");
      CHECK(run_tile(config, tile, fresh, other) == result);
    }
  }
}

TEST_CASE("golden engine: an empty tile has no weight, no output and the lowest maximum") {
  const EngineConfig config = configurations()[0];
  Engine engine(config);
  Random random(test_seed(), "golden engine");
  // The tile before leaves scores, weights and outputs behind.
  Tile full = random_tile(config, random);
  full.windows[0].codes_k.assign(2, std::vector<unsigned>(config.subspaces(), 1));
  full.windows[0].codes_v = full.windows[0].codes_k;
  full.windows.resize(1);
  const Result before = run_tile(config, full, engine, random);
  CHECK(before.weight_sum > 0);

  Tile tile = full;
  tile.windows[0].codes_k.clear();
  tile.windows[0].codes_v.clear();
  const Result result = run_tile(config, tile, engine, random);
  CHECK(result == Result{std::vector<std::int64_t>(config.head_dim), -128, 0, 0});
}

TEST_CASE("golden engine: a first SCORE empties the tile, before any ACCUMULATE") {
  const EngineConfig config = configurations()[0];
  Engine engine(config);
  CHECK(engine.command(plain(config, Operation::kTable, false)));
  CHECK(engine.command(plain(config, Operation::kScore, true, 3)));
  CHECK(engine.command(plain(config, Operation::kAccumulate, true, 3)));
  CHECK(engine.result().weight_sum == 3 * ((1 << 14) - 1));
  CHECK(engine.command(plain(config, Operation::kTable, false)));
  CHECK(engine.command(plain(config, Operation::kScore, true, 0)));
  CHECK(engine.result().weight_sum == 0);
  CHECK(engine.result().maximum == -128);
  CHECK(engine.scores().empty());
}

TEST_CASE("golden engine: one token gets all the weight") {
  const EngineConfig config = configurations()[0];
  Engine engine(config);
  Bytes values(config.centroids() * config.head_dim);
  // Centroid 5 is 16, 17, ... in E3M4, exponent 1.
  for (unsigned d = 0; d < config.head_dim; ++d) {
    values[5 * config.head_dim + d] = static_cast<std::uint8_t>(0x10 + d % 16);
  }
  const Bytes codes = pack_codes(config, {std::vector<unsigned>(config.subspaces(), 5)});
  CHECK(engine.command(plain(config, Operation::kTable, false)));
  CHECK(engine.command(command(Operation::kScore, true, 1, codes)));
  CHECK(engine.command(command(Operation::kAccumulate, true, 1, codes)));
  CHECK(engine.command(command(Operation::kCombine, true, 0, values)));
  const Result result = engine.result();
  CHECK(result.maximum == 0);
  CHECK(result.weight_sum == (1 << 14) - 1);
  for (unsigned d = 0; d < config.head_dim; ++d) {
    CHECK(result.outputs[d] == ((1 << 14) - 1) * (16 + d % 16));
  }
}

TEST_CASE("golden engine: an exactly full score memory of equal scores sums up exactly") {
  const EngineConfig config = configurations()[0];
  Engine engine(config);
  Bytes values(config.centroids() * config.head_dim, 0x7f);  // 1984
  CHECK(engine.command(plain(config, Operation::kTable, false)));
  CHECK(engine.command(plain(config, Operation::kScore, true, config.score_depth)));
  CHECK(engine.command(plain(config, Operation::kAccumulate, true, config.score_depth)));
  CHECK(engine.command(command(Operation::kCombine, true, 0, values)));
  const Result result = engine.result();
  CHECK(result.weight_sum == config.score_depth * ((1u << 14) - 1));
  CHECK(result.outputs[63] == std::int64_t{1984} * result.weight_sum);
  CHECK(result.flags == 0);
}

TEST_CASE("golden engine: each kind of trouble raises its flag, and only CONTROL clears them") {
  const EngineConfig config = configurations()[0];
  Engine engine(config);
  const auto query = [&](std::uint16_t bits) {
    Bytes data(config.word_bytes());
    data[2] = static_cast<std::uint8_t>(bits);
    data[3] = static_cast<std::uint8_t>(bits >> 8);
    engine.write(register_write(config, RegisterSelect::kQuery, 0, data));
  };
  query(0x3c00);  // 1.0
  CHECK(engine.flags() == 0);
  query(0x7e00);  // NaN
  CHECK(engine.flags() == kFlagNonfinite);
  query(0x4800);  // 8.0 = 2048 / 256
  CHECK(engine.flags() == (kFlagNonfinite | kFlagQuerySaturated));
  engine.write(control(config, 8, 0));
  CHECK(engine.flags() == (kFlagNonfinite | kFlagQuerySaturated));
  engine.write(control(config, 8, 0, true));
  CHECK(engine.flags() == 0);
  query(0xfc00);  // -infinity
  CHECK(engine.flags() == (kFlagNonfinite | kFlagQuerySaturated));
  engine.write(control(config, 8, 0, true));

  // -2048 · -127 saturates an entry of 16 bits at shift 0; the score of 16 such entries does, too.
  Bytes keys(config.centroids() * config.head_dim, 0x81);
  CHECK(engine.command(command(Operation::kTable, false, 0, keys)));
  CHECK(engine.flags() == kFlagTableSaturated);
  engine.write(control(config, 8, 8, true));
  engine.write(register_write(config, RegisterSelect::kBias, 0, {1, 0}));
  CHECK(engine.command(plain(config, Operation::kScore, true, 1)));
  CHECK(engine.flags() == kFlagScoreSaturated);
  CHECK(engine.scores()[0] == 32767);
  CHECK(engine.result().maximum == 128);
  engine.stray_word();
  CHECK(engine.flags() == (kFlagScoreSaturated | kFlagProtocol));
}

TEST_CASE("golden engine: register writes out of range are ignored and flagged") {
  const EngineConfig config = configurations()[2];  // M = 64, words of 8 bytes
  const auto refused = [&](const RegisterWrite& write) {
    Engine engine(config);
    engine.write(write);
    return engine.flags() == kFlagProtocol;
  };
  CHECK_FALSE(refused(register_write(config, RegisterSelect::kQuery, 15)));
  CHECK(refused(register_write(config, RegisterSelect::kQuery, 16)));
  CHECK_FALSE(refused(register_write(config, RegisterSelect::kShift, 7)));
  CHECK(refused(register_write(config, RegisterSelect::kShift, 8)));
  CHECK_FALSE(refused(register_write(config, RegisterSelect::kBias, 1)));
  CHECK(refused(register_write(config, RegisterSelect::kBias, 2)));
  CHECK(refused(register_write(config, RegisterSelect::kControl, 1, {8, 0})));
  CHECK_FALSE(refused(control(config, 8, 0)));
  CHECK_FALSE(refused(control(config, 15, 8)));
  CHECK_FALSE(refused(control(config, 15, 128)));
  CHECK(refused(control(config, 7, 0)));
  CHECK(refused(control(config, 8, 7)));
  CHECK(refused(control(config, 8, 129)));

  // A refused CONTROL does not clear flags either.
  Engine engine(config);
  engine.stray_word();
  engine.write(control(config, 7, 0, true));
  CHECK(engine.flags() == kFlagProtocol);
  CHECK_THROWS_AS(engine.write({RegisterSelect::kQuery, 0, Bytes(7)}), std::invalid_argument);
}

TEST_CASE("golden engine: the table fraction is at least the score's") {
  for (unsigned score_fraction = 4; score_fraction <= 8; ++score_fraction) {
    EngineConfig config = configurations()[0];
    config.score_fraction = score_fraction;
    for (unsigned fraction = 0; fraction < 16; ++fraction) {
      Engine engine(config);
      engine.write(control(config, fraction, 0));
      CHECK(engine.flags() == (fraction < score_fraction ? kFlagProtocol : 0));
    }
  }
}

TEST_CASE("golden engine: a shift is the low four bits of its byte") {
  const EngineConfig config = configurations()[0];
  Engine engine(config);
  Bytes one(config.word_bytes());
  one[1] = 0x04;  // 2^-14 in binary16
  // At fraction 8 + shift the query is 2^(shift - 6), nothing with a shift below 6; the entry
  // shifts it back to 64 · 2^-6.
  Bytes keys(config.centroids() * config.head_dim, 64);
  for (const unsigned shift : {0xe9u, 0xfbu, 0x0fu}) {
    engine.write(control(config, 8, 0, true));
    engine.write(
        register_write(config, RegisterSelect::kShift, 0, {static_cast<std::uint8_t>(shift)}));
    engine.write(register_write(config, RegisterSelect::kQuery, 0, one));
    CHECK(engine.command(command(Operation::kTable, false, 0, keys)));
    CHECK(engine.command(plain(config, Operation::kScore, true, 1)));
    CHECK(engine.flags() == 0);
    CHECK(engine.scores()[0] == 1);
  }
}

TEST_CASE("golden engine: shifts beyond the last sub-space are ignored") {
  EngineConfig config = configurations()[3];
  config.word_bits = 128;
  config.sub_dim = 4;  // M = 16 sub-spaces in a word of 16
  Engine engine(config);
  engine.write(register_write(config, RegisterSelect::kShift, 0, Bytes(16, 0xff)));
  CHECK(engine.flags() == 0);
  config = configurations()[3];  // M = 8 in a word of 8
  Engine other(config);
  other.write(register_write(config, RegisterSelect::kShift, 1));
  CHECK(other.flags() == kFlagProtocol);
}

TEST_CASE(
    "golden engine: results are read as words, low bits of outputs first, then high bits, then the "
    "status") {
  const EngineConfig config = configurations()[4];
  Engine engine(config);
  Random random(test_seed(), "golden read");
  Tile tile = random_tile(config, random);
  tile.windows[0].codes_k.assign(3, std::vector<unsigned>(config.subspaces(), 7));
  tile.windows[0].codes_v = tile.windows[0].codes_k;
  const Result result = run_tile(config, tile, engine, random);
  const auto number = [](const Bytes& word, std::size_t at) {
    std::int64_t value = 0;
    std::memcpy(&value, word.data() + at, sizeof value);
    return value;
  };
  const auto word_at = [&](std::size_t index) {
    const Bytes word = engine.read(static_cast<unsigned>(index)).value();
    REQUIRE(word.size() == 32);
    return word;
  };
  for (std::size_t i = 0; i < 128; ++i) {
    std::uint32_t low = 0;
    std::memcpy(&low, word_at(i / 8).data() + 4 * (i % 8), sizeof low);
    const auto high = static_cast<std::int8_t>(word_at(16 + i / 32)[i % 32]);
    CHECK(low + high * (std::int64_t{1} << 32) == result.outputs[i]);
  }
  engine.stray_word();
  const Bytes status = word_at(20);
  const std::int64_t fields = number(status, 0);
  CHECK((fields & 0xffffffff) == result.weight_sum);
  CHECK(static_cast<std::int16_t>(fields >> 32) == result.maximum);
  CHECK((fields >> 48) == kFlagProtocol);
  for (std::size_t e = 1; e < 4; ++e) CHECK(number(status, 8 * e) == 0);

  engine.write(control(config, 8, 0, true));
  CHECK_FALSE(engine.read(21).has_value());
  CHECK(engine.flags() == kFlagProtocol);
}

TEST_CASE("golden engine: before the first COMBINE there is nothing to read") {
  const EngineConfig config = configurations()[0];
  Engine engine(config);
  CHECK_FALSE(engine.read(0).has_value());
  CHECK(engine.flags() == kFlagProtocol);
  Engine runner(config);
  const Program program = {ReadResult{},
                           plain(config, Operation::kTable, false),
                           plain(config, Operation::kCombine, true),
                           ReadResult{},
                           control(config, 8, 0, true),
                           ReadResult{}};
  const std::vector<Result> results = runner.run(program).results;
  REQUIRE(results.size() == 2);
  CHECK(results[0].flags == kFlagProtocol);
  CHECK(results[1].flags == 0);
}

TEST_CASE("golden engine: a stream of the wrong length is a programming error") {
  const EngineConfig config = configurations()[0];
  Engine engine(config);
  Command shorter = plain(config, Operation::kTable, false);
  shorter.bytes -= 1;
  CHECK_THROWS_AS(engine.command(shorter), std::invalid_argument);
  Command beyond = plain(config, Operation::kTable, false);
  beyond.offset = 1;
  CHECK_THROWS_AS(engine.command(beyond), std::invalid_argument);
  CHECK_THROWS_AS(engine.command({Operation::kTable, false, 0, nullptr, 0, 1024}),
                  std::invalid_argument);
}

// ---- Order rules
// ----------------------------------------------------------------------------------

namespace {

struct Accepted {
  Operation operation;
  bool first;
  unsigned tokens;
  unsigned run;  // CONTROL at that time
};

// The rules, read off the history of all accepted commands since reset.
bool allowed_after(const EngineConfig& config, const std::vector<Accepted>& history,
                   const Accepted& next) {
  const auto since_last = [&](auto&& starts) {
    std::size_t at = history.size();
    while (at > 0 && !starts(history[at - 1])) --at;
    return std::span(history).subspan(at);
  };
  const auto is = [](Operation operation) {
    return [operation](const Accepted& step) { return step.operation == operation; };
  };
  const auto is_first = [](Operation operation) {
    return [operation](const Accepted& step) { return step.operation == operation && step.first; };
  };
  const auto tokens = [](std::span<const Accepted> steps, Operation operation) {
    std::uint64_t sum = 0;
    for (const Accepted& step : steps) sum += step.operation == operation ? step.tokens : 0;
    return sum;
  };
  // The tile's commands, the first SCORE included if there was one.
  const auto after_first = since_last(is_first(Operation::kScore));
  const std::size_t begin = history.size() - after_first.size();
  const bool begun = begin > 0;
  const auto tile = std::span(history).subspan(begun ? begin - 1 : 0);

  const bool table_seen =
      std::ranges::any_of(since_last(is(Operation::kLoad)), is(Operation::kTable));
  const bool load_seen =
      std::ranges::any_of(since_last(is(Operation::kTable)), is(Operation::kLoad));
  const auto summed = since_last([](const Accepted& step) {
    return step.operation == Operation::kLoad || step.operation == Operation::kUnload;
  });
  switch (next.operation) {
    case Operation::kTable:
      return true;
    case Operation::kScore: {
      const auto recent = since_last([](const Accepted& step) {
        return step.operation == Operation::kAccumulate || step.operation == Operation::kCombine ||
               step.operation == Operation::kLoad;
      });
      if (std::ranges::none_of(recent, is(Operation::kTable))) return false;
      std::uint64_t scored = next.tokens;
      unsigned run = next.run;
      if (!next.first) {
        if (std::ranges::any_of(tile, is(Operation::kAccumulate))) return false;
        scored += tokens(tile, Operation::kScore);
        run = begun ? tile[0].run : 0;
      }
      return scored <= config.score_depth && (run == 0 || scored <= config.bias_depth * run);
    }
    case Operation::kAccumulate:
      if (next.first && std::ranges::any_of(tile, is(Operation::kAccumulate))) return false;
      return table_seen &&
             tokens(tile, Operation::kAccumulate) + next.tokens <= tokens(tile, Operation::kScore);
    case Operation::kCombine:
      return table_seen && (next.first || std::ranges::any_of(tile, is_first(Operation::kCombine)));
    case Operation::kEncode:
    case Operation::kLoad:
      return config.quantize != 0;
    case Operation::kCluster:
      return load_seen && next.tokens * config.slice_channels() % config.word_bytes() == 0 &&
             tokens(summed, Operation::kCluster) + next.tokens <= config.score_depth;
    case Operation::kUnload:
      return load_seen;
  }
  return false;
}

}  // namespace

TEST_CASE(
    "golden engine: random commands are accepted as the order rules say, fit all widths, or change "
    "nothing") {
  Random random(test_seed(), "golden order rules");
  std::size_t refused = 0, accepted = 0;
  for (std::uint64_t run = 0; run < test_iterations(60); ++run) {
    EngineConfig config = configurations()[0];
    config.bias_depth = 8;
    config.score_depth = 128;
    config.quantize = run % 4 == 1 ? 0 : 1;
    if (run % 6 == 0) config.code_bits = 8;  // groups of two tokens
    // Every token has score 0 and so the largest weight; the largest values take the outputs to the
    // end of their width.
    const Bytes largest_values(config.centroids() * config.head_dim, 0x7f);
    Engine engine(config);
    std::vector<Accepted> history;
    unsigned bias_run = 0;
    for (int step = 0; step < 60; ++step) {
      if (random.chance(1, 8)) {
        bias_run = random.pick({0u, 8u, 11u});
        engine.write(control(config, 8, bias_run, true));
      }
      const auto operation =
          static_cast<Operation>(random.chance(1, 4) ? random.between(4, 7) : random.below(4));
      const Accepted next{operation, random.chance(1, 3),
                          random.pick({0u, 1u, 5u, 20u, 63u, 64u, 65u, 88u, 128u, 129u}), bias_run};
      CAPTURE(run);
      CAPTURE(step);
      const Engine before = engine;
      const bool allowed = allowed_after(config, history, next);
      Command attempt = plain(config, operation, next.first, next.tokens);
      if (operation == Operation::kCombine) {
        attempt = command(operation, next.first, 0, largest_values);
      }
      REQUIRE(engine.command(attempt) == allowed);
      if (allowed) {
        history.push_back(next);
        ++accepted;
        const Result result = engine.result();
        REQUIRE(result.weight_sum < std::uint64_t{1} << config.bucket_width());
        REQUIRE(result.outputs[0] < std::int64_t{1} << (config.output_width() - 1));
        continue;
      }
      ++refused;
      Result expected = before.result();
      expected.flags |= kFlagProtocol;
      REQUIRE(engine.result() == expected);
      REQUIRE(std::ranges::equal(engine.scores(), before.scores()));
    }
  }
  if (test_iterations(60) >= 60) {
    CHECK(refused > 500);
    CHECK(accepted > 500);
  }
}

TEST_CASE("golden engine: a refused command leaves the tile as it was") {
  // Two engines play one tile; one of them is also given every kind of refused command in between.
  const EngineConfig config = configurations()[1];
  Random random(test_seed(), "golden refused");
  const Tile tile = random_tile(config, random);
  Engine clean(config), disturbed(config);
  CHECK_FALSE(disturbed.command(plain(config, Operation::kScore, true, 1)));
  CHECK_FALSE(disturbed.command(plain(config, Operation::kAccumulate, true, 0)));
  CHECK_FALSE(disturbed.command(plain(config, Operation::kCombine, true)));
  Random one(1, "splits"), same(1, "splits");
  const Result expected = run_tile(config, tile, clean, one);
  run_tile(config, tile, disturbed, same);
  for (unsigned reserved = 4; reserved < 8; ++reserved) {
    CHECK_FALSE(disturbed.command({static_cast<Operation>(reserved), true, 0, nullptr, 0, 0}));
  }
  CHECK_FALSE(disturbed.command(plain(config, Operation::kScore, false, 0)));
  CHECK_FALSE(disturbed.command(plain(config, Operation::kAccumulate, true, 1000)));
  disturbed.write(register_write(config, RegisterSelect::kBias, 200));
  Result flagged = expected;
  flagged.flags = kFlagProtocol;
  CHECK(disturbed.result() == flagged);
}

TEST_CASE(
    "golden engine: the tile's first SCORE latches the bias run, and nothing else of CONTROL") {
  const EngineConfig config = configurations()[0];
  Engine engine(config);
  Bytes biases;
  for (std::uint8_t b = 0; b < 8; ++b) {
    biases.push_back(b);
    biases.push_back(0);
  }
  write_all(engine, config, RegisterSelect::kBias, biases);
  engine.write(control(config, 8, 8));
  CHECK(engine.command(plain(config, Operation::kTable, false)));
  CHECK(engine.command(plain(config, Operation::kScore, true, 6)));
  // The new run waits for the next tile; the new fraction holds at once.
  engine.write(control(config, 11, 0));
  CHECK(engine.command(plain(config, Operation::kScore, false, 6)));
  CHECK(engine.scores()[7] == 0);
  CHECK(engine.scores()[8] == 1);
  CHECK(engine.command(plain(config, Operation::kScore, true, 16)));
  for (const std::int32_t score : engine.scores()) CHECK(score == 0);

  // Entries of 8 at fraction 8, added with extra 3 they are one each.
  Bytes query(config.word_bytes());
  query[1] = 0x3c;  // 1.0
  engine.write(control(config, 8, 0));
  for (unsigned index = 0; index < 16; ++index) {
    engine.write(register_write(config, RegisterSelect::kQuery, index, query));
  }
  Bytes keys(config.centroids() * config.head_dim, 1);
  CHECK(engine.command(command(Operation::kTable, false, 0, keys)));
  CHECK(engine.command(plain(config, Operation::kScore, true, 1)));
  engine.write(control(config, 11, 0));
  CHECK(engine.command(plain(config, Operation::kScore, false, 1)));
  CHECK(engine.scores()[0] == 16 * 256);
  CHECK(engine.scores()[1] == 16 * 256 / 8);
}

// ---- Encoding and clustering in real numbers
// ----------------------------------------------------------------

namespace {

using Vectors = std::vector<std::vector<double>>;

// The binary16 of a number that is one, and normal or zero.
std::uint16_t half_of(double value) {
  if (value == 0.0) return 0;
  int exponent = 0;
  const double mantissa = std::ldexp(std::frexp(std::abs(value), &exponent), 11);
  REQUIRE(mantissa == std::floor(mantissa));
  return static_cast<std::uint16_t>((value < 0 ? 0x8000 : 0) + ((exponent + 14) << 10) +
                                    static_cast<int>(mantissa) - 1024);
}

void append_floats(Bytes& bytes, const std::vector<double>& vector, bool bfloat16) {
  for (const double element : vector) {
    const std::uint16_t bits =
        bfloat16 ? bfloat16_of(static_cast<float>(element)) : half_of(element);
    bytes.push_back(static_cast<std::uint8_t>(bits));
    bytes.push_back(static_cast<std::uint8_t>(bits >> 8));
  }
}

// Elements of up to eight bits, so that both formats hold them, in units of 2^-fraction.
Vectors random_vectors(Random& random, std::size_t count, std::size_t size, unsigned fraction) {
  Vectors vectors(count, std::vector<double>(size));
  for (auto& vector : vectors) {
    for (double& element : vector) {
      element = std::ldexp(static_cast<double>(random.between(-255, 255)),
                           static_cast<int>(random.below(4)) - static_cast<int>(fraction));
    }
  }
  return vectors;
}

// Of centroids [K][...], channels first ... first + dim - 1; the first of the nearest.
std::size_t nearest_in(const Vectors& centroids, const std::vector<double>& vector,
                       std::size_t first, std::size_t dim) {
  const auto distance = [&](const std::vector<double>& centroid) {
    double sum = 0;
    for (std::size_t i = first; i < first + dim; ++i) sum += std::pow(vector[i] - centroid[i], 2);
    return sum;
  };
  std::size_t best = 0;
  for (std::size_t c = 1; c < centroids.size(); ++c) {
    if (distance(centroids[c]) < distance(centroids[best])) best = c;
  }
  return best;
}

std::int64_t number_at(const Bytes& bytes, std::size_t at, unsigned size) {
  std::uint64_t value = 0;
  for (unsigned b = 0; b < size; ++b) value |= std::uint64_t{bytes.at(at + b)} << 8 * b;
  return static_cast<std::int64_t>(value << (64 - 8 * size)) >> (64 - 8 * size);
}

std::vector<EngineConfig> clustering_configurations() {
  std::vector<EngineConfig> all;
  for (EngineConfig config : configurations()) {
    config.quantize = 1;
    config.query_width = 12;
    if (config.sub_dim >= 2 && config.lanes() >= 2 * config.sub_dim) all.push_back(config);
  }
  return all;
}

}  // namespace

TEST_CASE("golden engine: CLUSTER sums weights and tokens by their nearest centroid") {
  Random random(test_seed(), "golden clustering");
  for (const EngineConfig& config : clustering_configurations()) {
    const std::size_t channels = config.slice_channels();
    const std::size_t dim = config.sub_dim;
    for (std::uint64_t round = 0; round < test_iterations(8); ++round) {
      CAPTURE(round);
      const bool raw = random.chance(1, 2);
      const bool bfloat16 = random.chance(1, 2);
      // Centroids that come as binary16 have eight fraction bits.
      const auto fraction = static_cast<unsigned>(raw ? random.between(8, 12) : 8);
      Engine engine(config);
      engine.write(control(config, fraction, 0, true, bfloat16));
      write_all(engine, config, RegisterSelect::kShift, Bytes(config.subspaces()));
      const Vectors centroids = random_vectors(random, config.centroids(), channels, fraction);
      Bytes stream;
      for (const auto& centroid : centroids) append_floats(stream, centroid, raw && bfloat16);
      REQUIRE(engine.command(command(Operation::kLoad, raw, 0, stream)));

      Vectors sums(config.centroids(), std::vector<double>(channels));
      Vectors weights(config.centroids(), std::vector<double>(config.slice_subspaces()));
      for (int pass = 0; pass < 2; ++pass) {
        const std::size_t slots = config.token_slots();
        const std::size_t tokens = random.below(config.score_depth / 2 + 1) / slots * slots;
        stream.clear();
        Bytes block;
        for (std::size_t t = 0; t < tokens; ++t) {
          if (t % config.word_bytes() == 0) {
            block.clear();
            for (unsigned i = 0; i < config.word_bytes(); ++i) {
              block.push_back(static_cast<std::uint8_t>(random.bits(8)));
            }
            stream.insert(stream.end(), block.begin(), block.end());
          }
          const auto token = random_vectors(random, 1, channels, fraction)[0];
          append_floats(stream, token, bfloat16);
          const double weight = block[t % config.word_bytes()];
          for (std::size_t s = 0; s < config.slice_subspaces(); ++s) {
            const std::size_t code = nearest_in(centroids, token, s * dim, dim);
            weights[code][s] += weight;
            for (std::size_t i = s * dim; i < (s + 1) * dim; ++i) {
              sums[code][i] += weight * token[i];
            }
          }
        }
        REQUIRE(engine.command(
            command(Operation::kCluster, false, static_cast<unsigned>(tokens), stream)));
      }

      // Twice: UNLOAD has emptied the sums, and kept the centroids.
      for (const bool empty : {false, true}) {
        REQUIRE(engine.command(plain(config, Operation::kUnload, false)));
        const Bytes& records = engine.unloaded();
        const std::size_t record = config.record_words() * config.word_bytes();
        REQUIRE(records.size() == config.centroids() * record);
        for (std::size_t c = 0; c < config.centroids(); ++c) {
          for (std::size_t i = 0; i < channels; ++i) {
            const double sum = std::ldexp(sums[c][i], static_cast<int>(fraction));
            REQUIRE(number_at(records, c * record + 4 * i, 4) == (empty ? 0 : sum));
            const double element = std::ldexp(centroids[c][i], static_cast<int>(fraction));
            REQUIRE(number_at(records, (c + 1) * record - 2 * channels + 2 * i, 2) == element);
          }
          for (std::size_t s = 0; s < config.slice_subspaces(); ++s) {
            REQUIRE(number_at(records, c * record + 4 * channels + 4 * s, 4) ==
                    (empty ? 0 : weights[c][s]));
          }
        }
      }
      CHECK(engine.flags() == 0);
    }
  }
}

TEST_CASE("golden engine: ENCODE finds the nearest stored centroid of each sub-space") {
  Random random(test_seed(), "golden encoding");
  for (const EngineConfig& config : clustering_configurations()) {
    for (std::uint64_t round = 0; round < test_iterations(8); ++round) {
      CAPTURE(round);
      const bool values = round % 2 == 1;
      Engine engine(config);
      RegisterWrite write = control(config, 8, 0, true, true);
      write.data[0] = static_cast<std::uint8_t>(write.data[0] | (values ? 0x40u : 0u));
      engine.write(write);
      write_all(engine, config, RegisterSelect::kShift, Bytes(config.subspaces()));
      const auto vector = random_vectors(random, 1, config.head_dim, 8)[0];
      Bytes floats;
      append_floats(floats, vector, true);
      write_all(engine, config, RegisterSelect::kQuery, floats);

      // Few different bytes: ties.
      Bytes codebook(config.centroids() * config.head_dim);
      const unsigned mask = random.pick({0xffu, 0xc3u, 0x80u, 0u});
      for (std::uint8_t& byte : codebook) byte = static_cast<std::uint8_t>(random.bits(8) & mask);
      Vectors centroids(config.centroids(), std::vector<double>(config.head_dim));
      for (std::size_t c = 0; c < centroids.size(); ++c) {
        for (std::size_t i = 0; i < config.head_dim; ++i) {
          const std::uint8_t byte = codebook[c * config.head_dim + i];
          const double element = values ? minifloat(byte) : 16.0 * static_cast<std::int8_t>(byte);
          centroids[c][i] = std::ldexp(element, -8);
        }
      }
      const unsigned outputs = config.output_words();
      CHECK_FALSE(engine.read(outputs + 1).has_value());
      REQUIRE(engine.command(command(Operation::kEncode, false, 0, codebook)));
      Bytes codes;
      for (unsigned word = 0; word < config.token_words(); ++word) {
        const auto read = engine.read(outputs + 1 + word);
        REQUIRE(read.has_value());
        codes.insert(codes.end(), read->begin(), read->end());
      }
      std::vector<std::vector<unsigned>> expected(1);
      for (std::size_t m = 0; m < config.subspaces(); ++m) {
        expected[0].push_back(static_cast<unsigned>(
            nearest_in(centroids, vector, m * config.sub_dim, config.sub_dim)));
      }
      CHECK(codes == pack_codes(config, expected));
      CHECK_FALSE(engine.read(outputs + 1 + config.token_words()).has_value());
      CHECK(engine.flags() == kFlagProtocol);
      // LOAD leaves the codes, CLUSTER takes their place.
      REQUIRE(engine.command(plain(config, Operation::kLoad, true)));
      CHECK(engine.read(outputs + 1).has_value());
      REQUIRE(engine.command(plain(config, Operation::kCluster, true)));
      CHECK_FALSE(engine.read(outputs + 1).has_value());
    }
  }
}
