// SPDX-License-Identifier: Apache-2.0
#include "sw/quantize/software_backend.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "sw/cache/half.h"
#include "sw/golden/float_to_fixed.h"
#include "sw/golden/nearest.h"
#include "sw/quantize/test_heads.h"
#include "sw/quantize/test_kmeans.h"

namespace {

using namespace aqpim::cache;
using namespace aqpim::quantize;
using aqpim::config::EngineConfig;
using aqpim::test::Draw;
using aqpim::test::make_engine;

struct Tokens {
  std::vector<std::uint16_t> raw;     // [n, D]
  std::vector<std::uint8_t> weights;  // [n]
};

Tokens make_tokens(std::uint64_t seed, std::size_t count, std::size_t dim, double strength = 1.5) {
  Draw draw(seed);
  Tokens tokens;
  for (std::size_t e = 0; e < count * dim; ++e) {
    tokens.raw.push_back(to_half(std::clamp(strength * draw.bell(), -7.9, 7.9)));
  }
  for (std::size_t t = 0; t < count; ++t) {
    tokens.weights.push_back(static_cast<std::uint8_t>(1 + draw.below(255)));
  }
  return tokens;
}

std::int64_t integer(std::uint16_t raw) {
  return std::lround(std::nearbyint(std::ldexp(from_half(raw), 8)));
}

// sum / weight rounded to nearest even, in floating point that is exact for these sizes.
std::int64_t rounded_mean(std::int64_t sum, std::int64_t weight) {
  const std::int64_t floor =
      static_cast<std::int64_t>(std::floor(static_cast<double>(sum) / static_cast<double>(weight)));
  const std::int64_t rest = sum - floor * weight;
  const bool up = 2 * rest > weight || (2 * rest == weight && floor % 2 != 0);
  return floor + (up ? 1 : 0);
}

// The algorithm as it is written down, without any of the code under test.
std::vector<std::int64_t> plain_kmeans(const Tokens& tokens, const EngineConfig& engine,
                                       std::size_t m, std::size_t offset) {
  const std::size_t dim = engine.head_dim, sub = engine.sub_dim, count = tokens.weights.size();
  const auto x = [&](std::size_t t, std::size_t d) {
    return integer(tokens.raw[t * dim + m * sub + d]);
  };
  std::vector<std::int64_t> centroids;
  for (std::size_t c = 0; c < engine.centroids(); ++c) {
    const std::size_t t = (c * count / engine.centroids() + offset) % count;
    for (std::size_t d = 0; d < sub; ++d) centroids.push_back(x(t, d));
  }
  for (int pass = 0; pass < 4; ++pass) {
    std::vector<std::int64_t> sums(centroids.size(), 0), weights(engine.centroids(), 0);
    for (std::size_t t = 0; t < count; ++t) {
      std::size_t best = 0;
      std::int64_t smallest = INT64_MAX;
      for (std::size_t c = 0; c < engine.centroids(); ++c) {
        std::int64_t distance = 0;
        for (std::size_t d = 0; d < sub; ++d) {
          const std::int64_t difference = x(t, d) - centroids[c * sub + d];
          distance += difference * difference;
        }
        if (distance < smallest) {
          smallest = distance;
          best = c;
        }
      }
      weights[best] += tokens.weights[t];
      for (std::size_t d = 0; d < sub; ++d) sums[best * sub + d] += tokens.weights[t] * x(t, d);
    }
    for (std::size_t e = 0; e < centroids.size(); ++e) {
      if (weights[e / sub] != 0) centroids[e] = rounded_mean(sums[e], weights[e / sub]);
    }
  }
  return centroids;
}

}  // namespace

TEST_CASE("fixed clustering: the same as the algorithm written down, stored in 8 bits") {
  for (const EngineConfig& engine : {make_engine(16, 4, 4), make_engine(16, 2, 8)}) {
    for (const std::size_t count : {40u, 300u}) {
      for (const std::size_t offset : {0u, 5u}) {
        const Tokens tokens = make_tokens(count, count, 16);
        const auto backend = fixed_backend(engine, offset);
        const auto keys = backend->cluster(tokens.raw, tokens.weights, false);
        const auto values = backend->cluster(tokens.raw, tokens.weights, true);
        std::size_t different = 0;
        for (std::size_t m = 0; m < engine.subspaces(); ++m) {
          const auto expected = plain_kmeans(tokens, engine, m, offset);
          for (std::size_t e = 0; e < expected.size(); ++e) {
            const std::size_t at =
                e / engine.sub_dim * 16 + m * engine.sub_dim + e % engine.sub_dim;
            const double key =
                std::min(std::nearbyint(static_cast<double>(expected[e]) / 16), 127.0);
            different += static_cast<std::int8_t>(keys[at]) == key ? 0 : 1;
            // Five significant bits: half a step of the value is the most that rounding moves it.
            const std::int64_t value = aqpim::golden::stored_element(values[at], true);
            const std::int64_t step = std::max<std::int64_t>(1, std::abs(expected[e]) / 16);
            different += 2 * std::abs(value - expected[e]) <= step ? 0 : 1;
          }
        }
        CHECK(different == 0);
      }
    }
  }
}

TEST_CASE("fixed clustering: equal tokens, and fewer distinct ones than centroids") {
  const EngineConfig engine = make_engine(16, 4, 8);
  Tokens tokens = make_tokens(3, 100, 16);
  for (std::size_t e = 0; e < tokens.raw.size(); ++e) {
    tokens.raw[e] = to_half(e / 16 % 3 == 0 ? 1.0 : -2.0);
  }
  const auto backend = fixed_backend(engine);
  for (const bool values : {false, true}) {
    const auto codebook = backend->cluster(tokens.raw, tokens.weights, values);
    const auto codes = backend->encode(tokens.raw, codebook, values);
    for (std::size_t t = 0; t < 100; ++t) {
      // Stored exactly, and the lowest of the equal centroids: 0 … 2 start from token 0, 3 …
      // from 1.
      const std::size_t code = codes[t * 4 + 1];
      CHECK(aqpim::golden::stored_element(codebook[code * 16 + 5], values) ==
            (t % 3 == 0 ? 256 : -512));
      CHECK(code == (t % 3 == 0 ? 0 : 3));
    }
  }
}

TEST_CASE("fixed encoding: the nearest stored centroid, the lowest index of equal ones") {
  const EngineConfig engine = make_engine(8, 2, 4);
  const Tokens tokens = make_tokens(4, 200, 8, 2.5);
  std::vector<std::uint8_t> codebook(16 * 8);
  Draw draw(9);
  // A coarse grid has ties.
  for (std::uint8_t& byte : codebook) byte = static_cast<std::uint8_t>(draw.below(5) * 16 + 8);
  for (const bool values : {false, true}) {
    const auto codes = fixed_backend(engine)->encode(tokens.raw, codebook, values);
    std::size_t different = 0;
    for (std::size_t t = 0; t < 200; ++t) {
      for (std::size_t m = 0; m < 4; ++m) {
        std::size_t best = 0;
        std::int64_t smallest = INT64_MAX;
        for (std::size_t c = 0; c < 16; ++c) {
          std::int64_t distance = 0;
          for (std::size_t d = 0; d < 2; ++d) {
            const std::int64_t difference =
                integer(tokens.raw[t * 8 + m * 2 + d]) -
                aqpim::golden::stored_element(codebook[c * 8 + m * 2 + d], values);
            distance += difference * difference;
          }
          if (distance < smallest) {
            smallest = distance;
            best = c;
          }
        }
        different += codes[t * 4 + m] == best ? 0 : 1;
      }
    }
    CHECK(different == 0);
  }
}

TEST_CASE("float clustering: the algorithm in double precision, stored in 8 bits") {
  const EngineConfig engine = make_engine(16, 4, 4);
  const Tokens tokens = make_tokens(5, 600, 16);
  for (const bool values : {false, true}) {
    const auto real = float_backend(engine)->cluster(tokens.raw, tokens.weights, values);
    std::size_t different = 0;
    for (std::size_t m = 0; m < engine.subspaces(); ++m) {
      aqpim::test::PlainKmeans plain{
          .dim = 4, .tokens = {}, .weights = tokens.weights, .centroids = {}};
      for (std::size_t t = 0; t < 600; ++t) {
        for (std::size_t d = 0; d < 4; ++d) {
          plain.tokens.push_back(256.0 * from_half(tokens.raw[t * 16 + m * 4 + d]));
        }
      }
      for (std::size_t c = 0; c < 16; ++c) {
        const auto first = plain.tokens.begin() + static_cast<std::ptrdiff_t>(c * 600 / 16 * 4);
        plain.centroids.insert(plain.centroids.end(), first, first + 4);
      }
      for (std::size_t pass = 0; pass < kPasses; ++pass) plain.pass();
      for (std::size_t e = 0; e < plain.centroids.size(); ++e) {
        const double stored =
            aqpim::golden::stored_element(real[e / 4 * 16 + m * 4 + e % 4], values);
        // Half a step of the stored format: 16 for keys, five significant bits for values.
        const double step =
            values ? std::exp2(std::max(std::ilogb(plain.centroids[e]), 4) - 4) : 16.0;
        different += std::abs(stored - plain.centroids[e]) <= 0.5 * step + 1e-9 ? 0 : 1;
      }
    }
    CHECK(different == 0);
    CHECK(
        software_backend(engine, Clustering::kFixed)->cluster(tokens.raw, tokens.weights, values) ==
        fixed_backend(engine)->cluster(tokens.raw, tokens.weights, values));
    CHECK(
        software_backend(engine, Clustering::kFloat)->cluster(tokens.raw, tokens.weights, values) ==
        real);
  }
}
