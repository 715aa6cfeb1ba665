// SPDX-License-Identifier: Apache-2.0
#include "tb/unit/models/quantizer_subspace.h"

#include <doctest/doctest.h>

#include <array>
#include <bit>
#include <vector>

#include "sw/golden/nearest.h"
#include "tb/unit/bench.h"
#include "tb/unit/header.h"

namespace {

using namespace aqpim::tb;
using namespace aqpim::tb::unit;
using Vector = std::array<std::int32_t, 2>;

constexpr unsigned kCentroids = 16;
constexpr unsigned kParallel = 8;

template <class Dut>
class Subspace {
 public:
  static constexpr unsigned kWeightBits = 8 + std::bit_width(Dut::WindowDepth) - 1;
  static constexpr unsigned kSumBits = 12 + kWeightBits;

  struct Word {
    std::int64_t weight = 0;
    std::array<std::int64_t, 2> sums{};
  };

  Vector draw(std::int64_t limit) {
    return {static_cast<std::int32_t>(random.between(-limit, limit - 1)),
            static_cast<std::int32_t>(random.between(-limit, limit - 1))};
  }

  void put_vector(const Vector& vector) {
    for (unsigned i = 0; i < 2; ++i) {
      put(bench->vector_i, 12 * i, 12, static_cast<std::uint64_t>(vector[i]));
    }
  }

  // New centroids, and empty words with them, as LOAD leaves them.
  void load(std::int64_t limit) {
    for (unsigned c = 0; c < kCentroids; ++c) {
      centroids[c] = draw(limit);
      put_vector(centroids[c]);
      bench->store_i = 1;
      bench->sums_index_i = static_cast<std::uint8_t>(c);
      cycle();
      words[c] = {0, {centroids[c][0], centroids[c][1]}};
    }
  }

  // A token begins in the next cycle(), and goes on in the one behind it.
  void token(const Vector& vector, std::uint8_t weight) {
    std::vector<std::int32_t> all;
    for (const Vector& centroid : centroids)
      all.insert(all.end(), centroid.begin(), centroid.end());
    const unsigned code = aqpim::golden::Nearest(all, 2)(vector);
    tokens.push_back({now, vector, weight, code});
    if (weight != 0) {
      Word& word = words[code];
      if (word.weight == 0) word.sums = {};
      word.weight += weight;
      for (unsigned i = 0; i < 2; ++i) word.sums[i] += std::int64_t{weight} * vector[i];
    }
  }

  // The pulses of all tokens on their way, as the control gives them, and what is due.
  void cycle() {
    bench->keep_i = 0;
    bench->first_i = 0;
    bench->code_read_i = 0;
    bench->add_i = 0;
    put(bench->weights_i, 0, 16, random.bits());
    for (const Token& token : tokens) {
      const std::uint64_t age = now - token.begin;
      if (age <= 1) {
        put_vector(token.vector);
        for (unsigned p = 0; p < kParallel; ++p) {
          for (unsigned i = 0; i < 2; ++i) {
            put(bench->centroids_i, 24 * p + 12 * i, 12,
                static_cast<std::uint64_t>(centroids[age * kParallel + p][i]));
          }
        }
      }
      if (age == 1) bench->keep_i |= 1;
      if (age == 3) bench->keep_i |= 2;
      if (age == 4) bench->first_i = 1;
      if (age == 5 || age == 6) put(bench->weights_i, 0, 8, token.weight);
      if (age == 7) put(bench->weights_i, 8, 8, token.weight);
      bench->code_read_i |= age == 6 && adding;
      bench->add_i |= age == 7 && adding && token.weight != 0;
    }
    bench.settle();
    for (const Token& token : tokens) {
      if (now - token.begin == code_cycles) {
        REQUIRE(bench->code_o == token.code);
        ++compared;
      }
    }
    bench.clock();
    ++now;
    bench->store_i = 0;
    bench->sums_read_i = 0;
    // Pins without a meaning
    put_vector(draw(2048));
    std::erase_if(tokens, [&](const Token& token) { return now - token.begin >= sum_cycles; });
  }

  void compare_words() {
    while (!tokens.empty()) cycle();
    for (unsigned c = 0; c < kCentroids; ++c) {
      CAPTURE(c);
      bench->sums_read_i = 1;
      bench->sums_index_i = static_cast<std::uint8_t>(c);
      cycle();
      bench.settle();
      REQUIRE(get(bench->word_o, 2 * kSumBits, kWeightBits) ==
              static_cast<std::uint64_t>(words[c].weight));
      for (unsigned i = 0; i < 2; ++i) {
        REQUIRE(get_signed(bench->word_o, i * kSumBits, kSumBits) == words[c].sums[i]);
      }
    }
  }

  struct Token {
    std::uint64_t begin;
    Vector vector;
    std::uint8_t weight;
    unsigned code;
  };

  Bench<typename Dut::Model> bench;
  Random random{test_seed(), "pq_quantizer_subspace"};
  std::array<Vector, kCentroids> centroids{};
  std::array<Word, kCentroids> words{};
  std::vector<Token> tokens;
  const unsigned code_cycles = stated_cycles("quantizer_subspace", "to code_o:");
  const unsigned sum_cycles = stated_cycles("quantizer_subspace", "to the sums:");
  std::uint64_t now = 0, compared = 0;
  bool adding = true;
};

}  // namespace

TEST_CASE_TEMPLATE_DEFINE(
    "pq_quantizer_subspace: codes and sums of random tokens, with ties and gaps", Dut,
    quantizer_subspace_random) {
  INFO(Dut::parameters);
  REQUIRE(stated_cycles("quantizer_subspace", "sums_read_i to word_o:") == 1);
  Subspace<Dut> subspace;
  Random& random = subspace.random;
  for (std::uint64_t round = 0; round < test_iterations(30); ++round) {
    CAPTURE(round);
    const std::int64_t limit = random.pick({1, 2, 5, 100, 2048});
    subspace.adding = random.chance(3, 4);
    subspace.load(limit);
    const auto unadded = subspace.words;
    const std::uint64_t pace = random.pick({1u, 1u, 3u});
    const auto count = static_cast<unsigned>(random.below(std::min(Dut::WindowDepth, 200u) + 1));
    for (unsigned t = 0; t < count; ++t) {
      subspace.token(subspace.draw(limit),
                     static_cast<std::uint8_t>(random.chance(1, 4) ? 0 : random.bits(8)));
      subspace.cycle();
      do subspace.cycle();
      while (!random.chance(1, pace));
    }
    if (!subspace.adding) subspace.words = unadded;
    subspace.compare_words();
  }
  CHECK(subspace.compared > 0);
}
TEST_CASE_TEMPLATE_APPLY(quantizer_subspace_random, quantizer_subspace_models);

TEST_CASE_TEMPLATE_DEFINE("pq_quantizer_subspace: a whole window of the largest tokens is exact",
                          Dut, quantizer_subspace_full) {
  INFO(Dut::parameters);
  Subspace<Dut> subspace;
  for (const std::int32_t element : {-2048, 2047}) {
    subspace.load(2048);
    for (unsigned t = 0; t < Dut::WindowDepth; ++t) {
      subspace.token({element, -1 - element}, 255);
      subspace.cycle();
      subspace.cycle();
    }
    subspace.compare_words();
  }
}
TEST_CASE_TEMPLATE_APPLY(quantizer_subspace_full, quantizer_subspace_models);

TEST_CASE("pq_quantizer_subspace: its assertion fails when it is violated") {
  using Dut = quantizer_subspace_1;
  Subspace<Dut> subspace;
  subspace.load(1);
  for (unsigned t = 0; t < 2 * Dut::WindowDepth; ++t) {
    subspace.token({0, 0}, 255);
    subspace.cycle();
    subspace.cycle();
  }
  while (!subspace.tokens.empty()) subspace.cycle();
  CHECK(subspace.bench.take_errors() >= 1);
}
