// SPDX-License-Identifier: Apache-2.0
// Heads for the tests of quantize, reference and system.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <random>
#include <vector>

#include "sw/config/config.h"
#include "sw/workload/workload.h"

namespace aqpim::test {

// Values that are the same with every standard library.
class Draw {
 public:
  explicit Draw(std::uint64_t seed) : generator_(seed) {}

  std::uint64_t below(std::uint64_t bound) { return generator_() % bound; }

  // Uniform in [-1, 1).
  double uniform() { return std::ldexp(static_cast<double>(generator_() >> 11), -52) - 1.0; }

  // Bell-shaped, standard deviation 1: the sum of three uniform values.
  double bell() { return uniform() + uniform() + uniform(); }

 private:
  std::mt19937_64 generator_;
};

// A head whose keys drift, whose channels are correlated in pairs d and d + D/2 and differ in
// strength, and whose queries favour some tokens. Values are exact in binary16.
inline workload::Head make_head(std::uint64_t seed, std::size_t tokens, std::size_t head_dim,
                                std::size_t groups = 2, std::size_t query_tokens = 64) {
  Draw draw(seed);
  workload::Head head;
  head.name = "l0.h0";
  head.tokens = tokens;
  head.head_dim = head_dim;
  head.groups = groups;
  head.query_tokens = query_tokens;
  const auto exact = [](double value) {
    return static_cast<float>(std::nearbyint(value * 256.0) / 256.0);
  };
  const auto strength = [&](std::size_t d) { return 0.3 + 1.5 * static_cast<double>(d % 7) / 7.0; };
  for (std::size_t t = 0; t < tokens; ++t) {
    std::vector<double> key(head_dim), value(head_dim);
    for (std::size_t d = 0; d < head_dim; ++d) {
      const double drift = std::sin(0.01 * static_cast<double>(t) + static_cast<double>(d));
      const double twin = d < head_dim / 2 ? 0.0 : key[d - head_dim / 2];
      key[d] = strength(d) * (0.6 * draw.bell() + drift) + 0.8 * twin;
      value[d] =
          strength(d) * draw.bell() + (d < head_dim / 2 ? 0.0 : 0.8 * value[d - head_dim / 2]);
    }
    for (const double x : key) head.k.push_back(exact(x));
    for (const double x : value) head.v.push_back(exact(x));
  }
  for (std::size_t i = 0; i < groups * query_tokens * head_dim; ++i) {
    head.q.push_back(exact(0.8 * draw.bell()));
  }
  return head;
}

// A small engine: D 64, widths as in the named configurations.
inline config::EngineConfig make_engine(unsigned head_dim, unsigned sub_dim, unsigned code_bits,
                                        unsigned word_bits = 128) {
  return {.head_dim = head_dim,
          .sub_dim = sub_dim,
          .code_bits = code_bits,
          .word_bits = word_bits,
          .query_width = 12,
          .entry_width = 16,
          .score_width = 16,
          .score_fraction = 8,
          .score_depth = 2048,
          .bias_depth = 256,
          .weight_width = 14,
          .quantize = 1};
}

}  // namespace aqpim::test
