// SPDX-License-Identifier: Apache-2.0
#include "sw/golden/reducer.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <memory>
#include <optional>
#include <stdexcept>
#include <vector>

#include "sw/golden/e3m4.h"
#include "sw/golden/engine.h"
#include "sw/golden/float_to_fixed.h"
#include "sw/golden/reducer_test_support.h"
#include "sw/seed/seed.h"

namespace {

using aqpim::Random;
using aqpim::test_iterations;
using aqpim::test_seed;
using aqpim::config::EngineConfig;
using aqpim::golden::centroid_half;
using aqpim::golden::Engine;
using aqpim::golden::kMostParts;
using aqpim::golden::mean;
using aqpim::golden::Operation;
using aqpim::golden::Part;
using aqpim::golden::random_part;
using aqpim::golden::records;
using aqpim::golden::reduce;
using aqpim::golden::Reduced;
using aqpim::golden::store_element;
using Bytes = std::vector<std::uint8_t>;

// One and two tokens at a time; all and half of a record's places for Σw in use.
std::vector<EngineConfig> configurations() {
  const EngineConfig pq4_d64{.head_dim = 64,
                             .sub_dim = 2,
                             .code_bits = 4,
                             .word_bits = 128,
                             .query_width = 12,
                             .entry_width = 16,
                             .score_width = 16,
                             .score_fraction = 8,
                             .score_depth = 256,
                             .bias_depth = 64,
                             .weight_width = 14,
                             .quantize = 1};
  EngineConfig wide_subspaces = pq4_d64;
  wide_subspaces.sub_dim = 4;
  EngineConfig pq8_d64 = wide_subspaces;
  pq8_d64.code_bits = 8;
  EngineConfig pq8 = pq8_d64;
  pq8.head_dim = 128;
  pq8.word_bits = 256;
  return {pq4_d64, wide_subspaces, pq8_d64, pq8};
}

// ---- Definitions --------------------------------------------------------------------------------

// Below 2^52 the quotient's distance to a tie is far above what a long double loses.
std::int32_t mean_by_definition(std::int64_t sum, std::int64_t weight) {
  const long double quotient = static_cast<long double>(sum) / static_cast<long double>(weight);
  return static_cast<std::int32_t>(std::nearbyint(quotient));
}

// Of all codes but −0, the nearest; of two, the one of the even mantissa.
std::uint8_t e3m4_by_definition(std::int32_t value) {
  std::optional<std::uint8_t> best;
  for (unsigned code = 0; code < 256; ++code) {
    if (code == 0x80) continue;
    const auto byte = static_cast<std::uint8_t>(code);
    const int distance = std::abs(aqpim::golden::e3m4(byte) - value);
    const int least = best ? std::abs(aqpim::golden::e3m4(*best) - value) : distance + 1;
    if (distance < least || (distance == least && byte % 2 == 0)) best = byte;
  }
  return *best;
}

double half_by_definition(std::uint16_t bits) {
  const int exponent = bits >> 10 & 31;
  const double fraction = (bits & 0x3ff) / 1024.0;
  const double magnitude =
      exponent == 0 ? std::ldexp(fraction, -14) : std::ldexp(1 + fraction, exponent - 15);
  return (bits & 0x8000) != 0 ? -magnitude : magnitude;
}

Reduced reduced_by_definition(const std::vector<Part>& parts, const EngineConfig& engine,
                              bool values) {
  Reduced reduced;
  const std::size_t channels = engine.slice_channels();
  for (std::size_t i = 0; i < engine.centroids() * channels; ++i) {
    const std::size_t s = i / channels * engine.slice_subspaces() + i % channels / engine.sub_dim;
    double sum = 0;
    double weight = 0;
    for (const Part& part : parts) {
      sum += part.sums[i];
      weight += part.weights[s];
    }
    const auto next = static_cast<std::int32_t>(
        weight == 0 ? parts.back().old[i]
                    : mean_by_definition(static_cast<std::int64_t>(sum),
                                         static_cast<std::int64_t>(weight)));
    const std::uint16_t half = centroid_half(next);
    reduced.centroids.push_back(static_cast<std::uint8_t>(half & 0xff));
    reduced.centroids.push_back(static_cast<std::uint8_t>(half >> 8));
    reduced.codebook.push_back(store_element(next, values));
  }
  return reduced;
}

Reduced reduce_parts(const std::vector<Part>& parts, const EngineConfig& engine, bool values) {
  std::vector<Bytes> bytes;
  for (const Part& part : parts) bytes.push_back(records(engine, part));
  return reduce(bytes, engine, values);
}

// ---- What engines give --------------------------------------------------------------------------

struct Tokens {
  std::vector<std::uint16_t> halves;  // [tokens, slice channels]
  Bytes weights;
};

void append_words(Bytes& stream, const std::vector<std::uint16_t>& halves, std::size_t first,
                  std::size_t count) {
  for (std::size_t i = first; i < first + count; ++i) {
    stream.push_back(static_cast<std::uint8_t>(halves[i] & 0xff));
    stream.push_back(static_cast<std::uint8_t>(halves[i] >> 8));
  }
}

void command(Engine& engine, Operation operation, unsigned tokens, Bytes stream, std::size_t word) {
  stream.resize(engine.words(operation, tokens) * word);
  const std::size_t bytes = stream.size();
  REQUIRE(engine.command({.operation = operation,
                          .tokens = tokens,
                          .stream = std::make_shared<const Bytes>(std::move(stream)),
                          .bytes = bytes}));
}

// The partial sums of tokens first … first + count − 1 under `centroids` (words of LOAD).
Bytes partial(const EngineConfig& config, const Bytes& centroids, const Tokens& tokens,
              std::size_t first, std::size_t count) {
  Engine engine(config);
  const std::size_t word = config.word_bytes();
  const std::size_t channels = config.slice_channels();
  command(engine, Operation::kLoad, 0, centroids, word);
  Bytes stream;
  for (std::size_t done = 0; done < count; done += word) {
    const std::size_t block = std::min(word, count - done);
    for (std::size_t i = 0; i < word; ++i) {
      stream.push_back(i < block ? tokens.weights[first + done + i] : 0);
    }
    append_words(stream, tokens.halves, (first + done) * channels, block * channels);
  }
  command(engine, Operation::kCluster, static_cast<unsigned>(count), stream, word);
  command(engine, Operation::kUnload, 0, {}, word);
  REQUIRE(engine.flags() == 0);
  return engine.unloaded();
}

}  // namespace

TEST_CASE("golden reducer: a mean is the nearest integer, of two equally near the even one") {
  CHECK(mean(7, 2) == 4);
  CHECK(mean(5, 2) == 2);
  CHECK(mean(-5, 2) == -2);
  CHECK(mean(-7, 2) == -4);
  CHECK(mean(1, 2) == 0);
  CHECK(mean(-1, 2) == 0);
  CHECK(mean(0, 1) == 0);
  CHECK(mean(-4, 3) == -1);
  CHECK(mean(-5, 3) == -2);
  for (std::int64_t weight = 1; weight <= 40; ++weight) {
    for (std::int64_t sum = -200; sum <= 200; ++sum) {
      CAPTURE(sum);
      CAPTURE(weight);
      REQUIRE(mean(sum, weight) == mean_by_definition(sum, weight));
    }
  }
}

TEST_CASE("golden reducer: means of the largest sums, and of sums around ties") {
  Random random(test_seed(), "golden reducer means");
  const std::int64_t most = std::int64_t{255} * 2048 * kMostParts;
  CHECK(mean(-2048 * most, most) == -2048);
  CHECK(mean(2047 * most, most) == 2047);
  for (std::uint64_t i = 0; i < test_iterations(20000); ++i) {
    const auto weight = std::max<std::int64_t>(
        1, static_cast<std::int64_t>(random.bits(static_cast<unsigned>(random.below(28)))));
    const std::int64_t whole = random.between(-2048, 2046);
    const std::int64_t sum = std::clamp(
        whole * weight + random.pick({std::int64_t{0}, weight / 2, random.between(0, weight)}) +
            random.between(-1, 1),
        -2048 * weight, 2047 * weight);
    CAPTURE(sum);
    CAPTURE(weight);
    const std::int64_t nearest = mean(sum, weight);
    REQUIRE(nearest == mean_by_definition(sum, weight));
    // The same without a division.
    const std::int64_t distance = 2 * std::abs(sum - nearest * weight);
    REQUIRE((distance < weight || (distance == weight && nearest % 2 == 0)));
  }
}

TEST_CASE("golden reducer: every 12-bit value is stored as the nearest element, never as -0") {
  for (int value = -2048; value < 2048; ++value) {
    CAPTURE(value);
    REQUIRE(store_element(value, true) == e3m4_by_definition(value));
    const double key = std::clamp(std::nearbyint(value / 16.0), -128.0, 127.0);
    REQUIRE(static_cast<std::int8_t>(store_element(value, false)) == key);
  }
  CHECK(store_element(0, true) == 0);
  CHECK(store_element(1984, true) == 0x7f);
  CHECK(store_element(2047, true) == 0x7f);
  CHECK(store_element(-2048, true) == 0xff);
  CHECK(store_element(33, true) == 0x20);   // 32 and 34 are as near: mantissas 0 and 1
  CHECK(store_element(63, true) == 0x30);   // 62 and 64: mantissas 15 and 0
  CHECK(store_element(-35, true) == 0xa2);  // −34 and −36
}

TEST_CASE("golden reducer: every 12-bit value is a binary16 that LOAD turns into the same value") {
  for (int value = -2048; value < 2048; ++value) {
    CAPTURE(value);
    REQUIRE(half_by_definition(centroid_half(value)) == value / 256.0);
    REQUIRE(aqpim::golden::float_to_fixed(centroid_half(value), false, 8, 12) ==
            aqpim::golden::Fixed{.value = value});
  }
  CHECK(centroid_half(0) == 0);
}

TEST_CASE("golden reducer: random parts are added and divided as defined; empty clusters stay") {
  Random random(test_seed(), "golden reducer");
  unsigned empty = 0;
  for (const EngineConfig& engine : configurations()) {
    for (const unsigned count : {1u, 2u, 3u, 16u}) {
      for (const bool values : {false, true}) {
        std::vector<Part> parts;
        for (unsigned p = 0; p < count; ++p) {
          parts.push_back(random_part(engine, random, random.pick({1u, 3u, engine.score_depth})));
        }
        empty += static_cast<unsigned>(count == 1 ? std::ranges::count(parts[0].weights, 0u) : 0);
        REQUIRE(reduce_parts(parts, engine, values) ==
                reduced_by_definition(parts, engine, values));
      }
    }
  }
  CHECK(empty > 100);
}

TEST_CASE("golden reducer: the largest sums of the most parts are exact") {
  const EngineConfig engine = configurations().front();
  const std::size_t elements = engine.centroids() * engine.slice_channels();
  const std::uint32_t weight = 255 * 2048;
  for (const std::int32_t value : {-2048, 2047}) {
    const Part part{
        .sums = std::vector<std::int32_t>(elements, value * static_cast<std::int32_t>(weight)),
        .weights = std::vector<std::uint32_t>(elements / engine.sub_dim, weight),
        .old = std::vector<std::int16_t>(elements)};
    const Reduced reduced = reduce_parts(std::vector(kMostParts, part), engine, true);
    CHECK(reduced.codebook == Bytes(elements, store_element(value, true)));
  }
}

TEST_CASE("golden reducer: neither order nor splitting of the tokens over engines matters") {
  Random random(test_seed(), "golden reducer tokens");
  for (const EngineConfig& engine : configurations()) {
    CAPTURE(engine.code_bits);
    CAPTURE(engine.sub_dim);
    const std::size_t channels = engine.slice_channels();
    const std::size_t count = 96;
    const auto draw = [&] { return centroid_half(static_cast<int>(random.between(-150, 150))); };
    Tokens tokens;
    for (std::size_t i = 0; i < count * channels; ++i) tokens.halves.push_back(draw());
    for (std::size_t t = 0; t < count; ++t) {
      tokens.weights.push_back(static_cast<std::uint8_t>(random.between(1, 255)));
    }
    std::vector<std::uint16_t> start;
    for (std::size_t i = 0; i < engine.centroids() * channels; ++i) start.push_back(draw());
    Bytes centroids;
    append_words(centroids, start, 0, start.size());
    for (unsigned pass = 0; pass < 3; ++pass) {
      const Bytes all = partial(engine, centroids, tokens, 0, count);
      std::vector<Bytes> parts{partial(engine, centroids, tokens, 48, 32),
                               partial(engine, centroids, tokens, 0, 48),
                               partial(engine, centroids, tokens, 80, 16)};
      const Reduced once = reduce(std::vector<Bytes>{all}, engine, pass == 1);
      CHECK(reduce(parts, engine, pass == 1) == once);
      std::ranges::rotate(parts, parts.begin() + 1);
      CHECK(reduce(parts, engine, pass == 1) == once);
      if (pass == 0) CHECK(once.centroids != centroids);

      // What LOAD takes of the result are the centroids that UNLOAD shows: the result is a fixed
      // point of reducing nothing.
      const Bytes nothing = partial(engine, once.centroids, tokens, 0, 0);
      CHECK(reduce(std::vector<Bytes>{nothing}, engine, pass == 1) == once);
      centroids = once.centroids;
    }
  }
}

TEST_CASE("golden reducer: no parts, too many and wrong sizes are refused") {
  const EngineConfig engine = configurations().front();
  const Bytes part(engine.centroids() * engine.record_words() * engine.word_bytes());
  CHECK_THROWS_AS(reduce({}, engine, false), std::invalid_argument);
  CHECK_NOTHROW(reduce(std::vector(kMostParts, part), engine, false));
  CHECK_THROWS_AS(reduce(std::vector(kMostParts + 1, part), engine, false), std::invalid_argument);
  for (const std::size_t size : {std::size_t{0}, part.size() - 1, part.size() + 1}) {
    CHECK_THROWS_AS(reduce(std::vector<Bytes>{part, Bytes(size)}, engine, false),
                    std::invalid_argument);
  }
}
