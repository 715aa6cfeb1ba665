// SPDX-License-Identifier: Apache-2.0
#include "sw/golden/attend_engine.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <stdexcept>
#include <vector>

#include "sw/golden/e3m4.h"
#include "sw/golden/engine.h"
#include "sw/golden/float_to_fixed.h"
#include "sw/seed/seed.h"

namespace {

using aqpim::Random;
using aqpim::test_iterations;
using aqpim::test_seed;
using aqpim::config::EngineConfig;
using aqpim::golden::AttendConfig;
using aqpim::golden::AttendEngine;
using aqpim::golden::AttendOperation;
using aqpim::golden::Command;
using aqpim::golden::Engine;
using aqpim::golden::Operation;
using aqpim::golden::RegisterSelect;
using aqpim::golden::RegisterWrite;
using aqpim::golden::Result;
using Bytes = std::vector<std::uint8_t>;

constexpr unsigned kBeatBytes = AttendConfig::kBeatBytes;

// A query and its windows, in the layouts of pq_engine: codebooks centroid-major, codes token by
// token.
struct Window {
  Bytes keys, values;  // codebooks [16, D]
  Bytes key_codes, value_codes;
  unsigned tokens = 0;
};

struct Query {
  unsigned fraction = 8;
  Bytes floats;  // binary16 [D]
  Bytes shifts;  // [M]
  Bytes biases;  // int16, one for 128 tokens
  std::vector<Window> windows;
};

Bytes random_bytes(Random& random, std::size_t count) {
  Bytes bytes(count);
  for (std::uint8_t& byte : bytes) byte = static_cast<std::uint8_t>(random.bits(8));
  return bytes;
}

// `flat`: many tokens have much the same score.
Query random_query(const AttendConfig& config, Random& random, bool flat) {
  Query query;
  query.fraction = static_cast<unsigned>(random.between(8, 12));
  query.floats = random_bytes(random, 2 * config.head_dim);
  for (std::size_t d = 0; d < config.head_dim; ++d) {
    // binary16 of less than 2^-9, or less than 2.
    std::uint8_t& high = query.floats[2 * d + 1];
    high = static_cast<std::uint8_t>((high & 0x80) | (high & 0x7f) % (flat ? 0x18 : 0x40));
  }
  for (unsigned m = 0; m < config.subspaces(); ++m) {
    query.shifts.push_back(static_cast<std::uint8_t>(random.below(4)));
  }
  for (unsigned b = 0; b < 128; ++b) {
    const auto bias = static_cast<std::uint16_t>(random.between(-300, 300));
    query.biases.push_back(static_cast<std::uint8_t>(bias));
    query.biases.push_back(static_cast<std::uint8_t>(bias >> 8));
  }
  const auto count = 1 + random.below(3);
  for (std::uint64_t w = 0; w < count; ++w) {
    Window window;
    // Windows but the last one are whole runs of biases.
    window.tokens = w + 1 < count ? 128u * static_cast<unsigned>(1 + random.below(3))
                                  : static_cast<unsigned>(random.below(config.tile_depth + 1));
    window.keys = random_bytes(random, 16 * config.head_dim);
    window.values = random_bytes(random, 16 * config.head_dim);
    window.key_codes = random_bytes(random, std::size_t{window.tokens} * config.subspaces() / 2);
    window.value_codes = random_bytes(random, window.key_codes.size());
    query.windows.push_back(std::move(window));
  }
  return query;
}

// ---- Of today's engine: a tile for each window --------------------------------------------------

std::vector<Result> run(const EngineConfig& config, const Query& query) {
  Engine engine(config);
  const auto write = [&](RegisterSelect select, const Bytes& bytes) {
    for (std::size_t at = 0; at < bytes.size(); at += config.word_bytes()) {
      Bytes word(bytes.begin() + static_cast<std::ptrdiff_t>(at),
                 bytes.begin() + static_cast<std::ptrdiff_t>(std::min<std::size_t>(
                                     at + config.word_bytes(), bytes.size())));
      word.resize(config.word_bytes());
      engine.write({select, static_cast<unsigned>(at / config.word_bytes()), std::move(word)});
    }
  };
  const auto command = [&](Operation operation, unsigned tokens, const Bytes& stream) {
    REQUIRE(engine.command(
        {operation, true, tokens, std::make_shared<const Bytes>(stream), 0, stream.size()}));
  };
  std::vector<Result> results;
  std::size_t run = 0;  // biases of the windows before
  for (const Window& window : query.windows) {
    write(RegisterSelect::kControl, {static_cast<std::uint8_t>(query.fraction | 0x20), 128});
    write(RegisterSelect::kShift, query.shifts);
    write(RegisterSelect::kQuery, query.floats);
    Bytes biases(query.biases.begin() + static_cast<std::ptrdiff_t>(2 * run), query.biases.end());
    biases.resize(2 * config.bias_depth);
    write(RegisterSelect::kBias, biases);
    command(Operation::kTable, 0, window.keys);
    command(Operation::kScore, window.tokens, window.key_codes);
    command(Operation::kAccumulate, window.tokens, window.value_codes);
    command(Operation::kCombine, 0, window.values);
    results.push_back(engine.result());
    run += window.tokens / 128;
  }
  return results;
}

// ---- Of the attend engine -----------------------------------------------------------------------

// The beats of TURN.
Bytes turn_stream(const AttendConfig& config, const Bytes& values, const Bytes& keys) {
  Bytes stream;
  for (std::size_t group = 0; group < config.head_dim / 16; ++group) {
    for (std::size_t c = 0; c < 16; ++c) {
      for (const Bytes* codebook : {&values, &keys}) {
        const auto first =
            codebook->begin() + static_cast<std::ptrdiff_t>(c * config.head_dim + group * 16);
        stream.insert(stream.end(), first, first + 16);
      }
    }
  }
  return stream;
}

Bytes whole_beats(Bytes codes) {
  codes.resize((codes.size() + kBeatBytes - 1) / kBeatBytes * kBeatBytes, 0x5a);
  return codes;
}

void write_query(AttendEngine& engine, const AttendConfig& config, const Query& query) {
  Bytes beat(kBeatBytes);
  beat[0] = static_cast<std::uint8_t>(query.fraction | 0x20);
  engine.write_control(beat);
  for (unsigned group = 0; group < config.head_dim / 16; ++group) {
    for (unsigned j = 0; j < 8; ++j) {
      const unsigned m = group * 8 + j;
      std::uint32_t word = std::uint32_t{query.shifts[m]} << 24;
      for (unsigned i = 0; i < 2; ++i) {
        const std::size_t d = 2 * m + i;
        const auto bits =
            static_cast<std::uint16_t>(query.floats[2 * d] | query.floats[2 * d + 1] << 8);
        const auto fixed =
            aqpim::golden::float_to_fixed(bits, false, query.fraction + query.shifts[m], 12);
        word |= (static_cast<std::uint32_t>(fixed.value) & 0xfff) << 12 * i;
      }
      for (unsigned b = 0; b < 4; ++b) beat[4 * j + b] = static_cast<std::uint8_t>(word >> 8 * b);
    }
    engine.write_parameters(group, beat);
  }
  for (unsigned index = 0; index < 8; ++index) {
    std::copy_n(query.biases.begin() + index * kBeatBytes, kBeatBytes, beat.begin());
    engine.write_parameters(8 + index, beat);
  }
  unsigned tokens = 0;
  for (const Window& window : query.windows) tokens += window.tokens;
  engine.write_tokens(tokens);
}

// Calls `check` when a window has its weights.
template <typename Check>
std::vector<Result> run(const AttendConfig& config, const Query& query, Check&& check) {
  AttendEngine engine(config);
  write_query(engine, config, query);
  const Bytes nothing(16 * config.head_dim);
  std::vector<Result> results;
  for (std::size_t w = 0; w <= query.windows.size(); ++w) {
    const Bytes& values = w == 0 ? nothing : query.windows[w - 1].values;
    const Bytes& keys = w == query.windows.size() ? nothing : query.windows[w].keys;
    REQUIRE(engine.command(AttendOperation::kTurn, w == 0, 0, turn_stream(config, values, keys)));
    if (w > 0) results.push_back(engine.result());
    if (w == query.windows.size()) break;
    const Window& window = query.windows[w];
    REQUIRE(engine.command(AttendOperation::kScore, false, window.tokens,
                           whole_beats(window.key_codes)));
    check(engine, window);
    REQUIRE(
        engine.command(AttendOperation::kAccumulate, false, 0, whole_beats(window.value_codes)));
  }
  return results;
}

}  // namespace

TEST_CASE(
    "attend engine: with buckets of 24 bits, a window is a tile of golden::Engine, bit for bit") {
  Random random(test_seed(), "attend_engine_equal");
  for (const unsigned head_dim : {128u, 64u}) {
    const AttendConfig attend{.head_dim = head_dim, .bucket_width = 24};
    const EngineConfig engine{.head_dim = head_dim,
                              .sub_dim = 2,
                              .code_bits = 4,
                              .word_bits = 2 * head_dim,
                              .query_width = 12,
                              .entry_width = 16,
                              .score_width = 16,
                              .score_fraction = 8,
                              .score_depth = 1024,
                              .bias_depth = 128,
                              .weight_width = 14,
                              .quantize = 0};
    std::uint64_t saturated = 0, windows = 0;
    for (std::uint64_t n = 0; n < test_iterations(12); ++n) {
      CAPTURE(n);
      const Query query = random_query(attend, random, n % 2 == 0);
      const auto expected = run(engine, query);
      const auto results = run(attend, query, [](const AttendEngine&, const Window&) {});
      REQUIRE(results.size() == expected.size());
      for (std::size_t w = 0; w < results.size(); ++w) {
        CAPTURE(w);
        CHECK(results[w].outputs == expected[w].outputs);
        CHECK(results[w].maximum == expected[w].maximum);
        CHECK(results[w].weight_sum == expected[w].weight_sum);
        // Queries are converted elsewhere: their flags are not known here.
        constexpr std::uint16_t kQuery =
            aqpim::golden::kFlagNonfinite | aqpim::golden::kFlagQuerySaturated;
        CHECK(results[w].flags == (expected[w].flags & ~kQuery));
        saturated += results[w].flags != 0 ? 1 : 0;
        ++windows;
      }
    }
    if (test_iterations(12) >= 12) {
      CHECK(saturated > 0);
      CHECK(saturated < windows);
    }
  }
}

TEST_CASE("attend engine: with buckets of 16 bits, weights are powers of two under the exponent") {
  Random random(test_seed(), "attend_engine_real");
  int coarsest = 0;
  for (const unsigned head_dim : {128u, 64u}) {
    const AttendConfig narrow{.head_dim = head_dim, .bucket_width = 16};
    const AttendConfig wide{.head_dim = head_dim, .bucket_width = 24};
    for (std::uint64_t n = 0; n < test_iterations(8); ++n) {
      CAPTURE(n);
      const Query query = random_query(narrow, random, n % 2 == 0);
      std::vector<std::vector<double>> outputs;
      const auto results =
          run(narrow, query, [&](const AttendEngine& engine, const Window& window) {
            // Attention of these scores in real numbers.
            std::vector<double> output(head_dim);
            const auto weights = engine.weights();
            REQUIRE(weights.size() == window.tokens);
            for (std::size_t t = 0; t < weights.size(); ++t) {
              const double exact = std::exp2(engine.scores()[t] / 256.0 - engine.exponent() + 14);
              // Half a step, 0.11 % of interpolation, and 1.0 becomes one step less.
              CHECK(std::abs(weights[t] - exact) <=
                    0.5 + 0.0011 * exact + (exact >= 16383.5 ? 0.5 : 0));
              for (unsigned d = 0; d < head_dim; ++d) {
                const std::size_t nibble = t * head_dim / 2 + d / 2;
                const unsigned code = window.value_codes[nibble / 2] >> nibble % 2 * 4 & 15;
                output[d] +=
                    weights[t] * double(aqpim::golden::e3m4(window.values[code * head_dim + d]));
              }
            }
            outputs.push_back(output);
          });
      const auto exact = run(wide, query, [](const AttendEngine&, const Window&) {});
      for (std::size_t w = 0; w < results.size(); ++w) {
        CAPTURE(w);
        // Sums of integers below 2^53.
        CHECK(std::vector<double>(results[w].outputs.begin(), results[w].outputs.end()) ==
              outputs[w]);
        CHECK(results[w].weight_sum < 1u << 16);
        CHECK(results[w].maximum >= exact[w].maximum);
        coarsest = std::max(coarsest, results[w].maximum - exact[w].maximum);
        // While they fit, they are those of wide buckets.
        if (results[w].maximum == exact[w].maximum) CHECK(results[w] == exact[w]);
      }
    }
  }
  if (test_iterations(8) >= 8) CHECK(coarsest > 4);
}

TEST_CASE("attend engine: a stream that is too short is an error, and TURN's has no surplus") {
  const AttendConfig config{.tile_depth = 16};
  AttendEngine engine(config);
  const Bytes codebooks(config.turn_beats() * kBeatBytes);
  const auto shorter = std::span(codebooks).first(codebooks.size() - 1);
  Bytes longer = codebooks;
  longer.push_back(0);
  CHECK_THROWS_AS(engine.command(AttendOperation::kTurn, true, 0, shorter), std::invalid_argument);
  CHECK_THROWS_AS(engine.command(AttendOperation::kTurn, true, 0, longer), std::invalid_argument);
  CHECK(engine.command(AttendOperation::kTurn, true, 0, codebooks));
  engine.write_tokens(3);
  CHECK(engine.beats(AttendOperation::kScore, 16) == 3);
  CHECK(engine.beats(AttendOperation::kScore, 2) == 2);
  CHECK_THROWS_AS(
      engine.command(AttendOperation::kScore, false, 16, std::span(codebooks).first(95)),
      std::invalid_argument);
  CHECK(engine.command(AttendOperation::kScore, false, 16, std::span(codebooks).first(200)));
  CHECK(engine.result().flags == 0);
}
