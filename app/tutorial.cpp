// SPDX-License-Identifier: Apache-2.0
//
// The numbers of docs/tutorial.md: one token, from its key and value to its share of the output,
// step by step through the golden functions, which are the RTL's blocks bit for bit.
#include <fmt/format.h>

#include <array>
#include <cmath>
#include <cstdint>
#include <numbers>
#include <string>
#include <vector>

#include "app/commands.h"
#include "sw/cache/formats.h"
#include "sw/cache/half.h"
#include "sw/golden/centroid_group.h"
#include "sw/golden/e3m4.h"
#include "sw/golden/exp2.h"
#include "sw/golden/float_to_fixed.h"
#include "sw/golden/maximum.h"
#include "sw/golden/nearest.h"
#include "sw/golden/output_lane.h"
#include "sw/golden/score.h"
#include "sw/golden/score_sum.h"
#include "sw/golden/table_lane.h"

namespace aqpim::app {
namespace {

// The toy engine.
constexpr unsigned kSubspaces = 4, kCentroids = 4, kDimension = 2;
constexpr unsigned kChannels = kSubspaces * kDimension;
// Formats as in the engines that are built.
constexpr int kTokenWidth = 12, kEntryWidth = 16, kScoreWidth = 16, kScoreFraction = 8,
              kWeightWidth = 14;
// What the host chooses: fraction bits of keys and values as integers, of the table's entries, and
// the query's further ones.
constexpr int kTokenFraction = 10, kTableFraction = 12, kShift = 4;
constexpr int kKeyUnits = 16;  // such integers per int8 of a stored key centroid

using Codes = std::array<unsigned, kSubspaces>;
using Lanes = std::vector<golden::TableLane>;
using Vector = std::array<double, kChannels>;
using Pair = std::array<int, kDimension>;
using Codebook = std::array<std::array<Pair, kCentroids>, kSubspaces>;

constexpr Vector kKey = {1.25, -0.5, 0.75, 1.75, -1.5, -0.25, 0.125, 1.0};
constexpr Vector kValue = {0.5, 0.25, -0.75, 1.0, 0.125, -0.5, 1.5, 0.375};
constexpr Vector kQuery = {2.0, 1.0, -1.0, 1.5, -2.0, 0.5, 1.0, 1.5};
constexpr Codebook kKeyCodebook = {{{{{80, -30}, {-40, 60}, {10, 10}, {-90, -70}}},
                                    {{{-60, 20}, {100, -50}, {50, 110}, {0, 0}}},
                                    {{{70, 10}, {-100, -20}, {30, 90}, {-50, -80}}},
                                    {{{-70, 0}, {90, 40}, {-20, -100}, {10, 60}}}}};
constexpr Codebook kValueCodebook = {{{{{-240, 480}, {60, -960}, {496, 272}, {0, 0}}},
                                      {{{-736, 992}, {832, 160}, {-320, -448}, {96, 704}}},
                                      {{{-576, 52}, {144, -480}, {960, 960}, {-112, 224}}},
                                      {{{240, -352}, {-832, 88}, {176, 1472}, {1472, 416}}}}};

std::int32_t integer(double value) {
  return golden::float_to_fixed(cache::to_half(value), false, kTokenFraction, kTokenWidth).value;
}

std::string row(unsigned subspace, const Vector& vector) {
  return fmt::format("{}  {:>6.3f} {:>6.3f}", subspace, vector[kDimension * subspace],
                     vector[kDimension * subspace + 1]);
}

// Prints the search and returns the code of each sub-space.
Codes encode(const Vector& vector, const Codebook& codebook, bool values) {
  Codes codes{};
  fmt::print("m  real           integers     distances to c = 0 ... 3                code\n");
  for (unsigned m = 0; m < kSubspaces; ++m) {
    const std::array<std::int32_t, kDimension> token = {integer(vector[kDimension * m]),
                                                        integer(vector[kDimension * m + 1])};
    fmt::print("{}  {:>5} {:>5}", row(m, vector), token[0], token[1]);
    std::array<std::uint32_t, kCentroids> distances{};
    for (unsigned c = 0; c < kCentroids; ++c) {
      const auto stored = [&](int element) {
        return golden::stored_element(
            values ? cache::encode_minifloat(element) : static_cast<std::uint8_t>(element), values);
      };
      const std::array<std::int32_t, kDimension> centroid = {stored(codebook[m][c][0]),
                                                             stored(codebook[m][c][1])};
      distances[c] = golden::squared_distance(token, centroid);
      if (distances[c] < distances[codes[m]]) codes[m] = c;
      fmt::print(" {:>8}", distances[c]);
    }
    fmt::print("     {}\n", codes[m]);
  }
  return codes;
}

Lanes table() {
  fmt::print("\nTABLE, entries with {} fraction bits\n", kTableFraction);
  fmt::print("m  query          integers     entries of c = 0 ... 3\n");
  const double folded =
      std::ldexp(kKeyUnits * std::numbers::log2e, -kTokenFraction) / std::sqrt(kChannels);
  Lanes lanes(kSubspaces, golden::TableLane(kCentroids));
  for (unsigned m = 0; m < kSubspaces; ++m) {
    std::array<std::int32_t, kDimension> query{};
    for (unsigned d = 0; d < kDimension; ++d) {
      const std::uint16_t bits = cache::to_half(kQuery[kDimension * m + d] * folded);
      query[d] = golden::float_to_fixed(bits, false, kTableFraction + kShift, kTokenWidth).value;
    }
    fmt::print("{}  {:>5} {:>5}", row(m, kQuery), query[0], query[1]);
    for (unsigned c = 0; c < kCentroids; ++c) {
      const std::array<std::int8_t, kDimension> centroid = {
          static_cast<std::int8_t>(kKeyCodebook[m][c][0]),
          static_cast<std::int8_t>(kKeyCodebook[m][c][1])};
      const auto entry = golden::table_entry(query, centroid, kShift, kEntryWidth).value;
      lanes[m].write(c, static_cast<std::int32_t>(entry));
      fmt::print(" {:>8}", entry);
    }
    fmt::print("\n");
  }
  return lanes;
}

std::int32_t score(const Lanes& lanes, const Codes& codes) {
  std::array<std::int32_t, kSubspaces> entries{};
  for (unsigned m = 0; m < kSubspaces; ++m) entries[m] = lanes[m].lookup(codes[m]);
  const std::int64_t sum = golden::score_sum(entries);
  const auto score = static_cast<std::int32_t>(
      golden::score(sum, 0, kTableFraction - kScoreFraction, kScoreWidth).value);
  double exact = 0;
  for (unsigned i = 0; i < kChannels; ++i) exact += kQuery[i] * kKey[i];
  exact *= std::numbers::log2e / std::sqrt(kChannels);
  fmt::print("\nSCORE\n");
  fmt::print("entries {} + {} + {} + {} = {}\n", entries[0], entries[1], entries[2], entries[3],
             sum);
  fmt::print("score   {} = {:.4f}, exact {:.4f}\n", score, std::ldexp(score, -kScoreFraction),
             exact);
  return score;
}

// The lanes' words were entries; now they are buckets, which TABLE has emptied.
std::uint32_t accumulate(Lanes& lanes, const Codes& codes, std::int32_t score) {
  const std::int32_t maximum = golden::maximum({&score, 1}, kScoreFraction, kScoreWidth);
  const std::int32_t argument = score - maximum * (1 << kScoreFraction);
  const std::uint32_t weight = golden::exp2(argument, kScoreFraction, kWeightWidth);
  fmt::print("\nACCUMULATE\n");
  fmt::print("maximum {}, argument {}, weight {} = {:.4f}, 2^argument {:.4f}\n", maximum, argument,
             weight, std::ldexp(weight, -kWeightWidth),
             std::exp2(std::ldexp(argument, -kScoreFraction)));
  for (unsigned m = 0; m < kSubspaces; ++m) lanes[m].add(codes[m], weight);
  return weight;
}

void combine(Lanes& lanes, std::uint32_t weight_sum) {
  fmt::print("\nCOMBINE\n");
  fmt::print("m  buckets of c = 0 ... 3           sums                   output        value\n");
  for (unsigned m = 0; m < kSubspaces; ++m) {
    std::array<std::int64_t, kDimension> sums{};
    fmt::print("{}", m);
    for (unsigned c = 0; c < kCentroids; ++c) {
      const std::uint32_t bucket = lanes[m].take(c);
      fmt::print(" {:>6}", bucket);
      for (unsigned d = 0; d < kDimension; ++d) {
        const std::uint8_t element = cache::encode_minifloat(kValueCodebook[m][c][d]);
        sums[d] =
            golden::output_accumulate(sums[d], golden::weighted_element(bucket, element), c == 0);
      }
    }
    const auto output = [&](unsigned d) {
      return std::ldexp(static_cast<double>(sums[d]) / weight_sum, -kTokenFraction);
    };
    fmt::print("  {:>9} {:>9}  {:>6.3f} {:>6.3f}  {}\n", sums[0], sums[1], output(0), output(1),
               row(m, kValue).substr(3));
  }
}

void run() {
  fmt::print("ENCODE the key\n");
  const Codes key_codes = encode(kKey, kKeyCodebook, false);
  fmt::print("\nENCODE the value\n");
  const Codes value_codes = encode(kValue, kValueCodebook, true);
  Lanes lanes = table();
  const std::uint32_t weight_sum = accumulate(lanes, value_codes, score(lanes, key_codes));
  combine(lanes, weight_sum);
}

}  // namespace

void add_tutorial(CLI::App& app, int& /*exit_code*/) {
  app.add_subcommand("tutorial", "one token through a toy engine, in numbers: docs/tutorial.md")
      ->callback(run);
}

}  // namespace aqpim::app
