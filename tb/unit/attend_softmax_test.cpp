// SPDX-License-Identifier: Apache-2.0
#include "tb/unit/models/attend_softmax.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <functional>
#include <vector>

#include "sw/golden/exp2.h"
#include "sw/golden/maximum.h"
#include "sw/golden/weight_bound.h"
#include "tb/unit/bench.h"
#include "tb/unit/header.h"

namespace {

using namespace aqpim::tb;
using namespace aqpim::tb::unit;

constexpr unsigned kScoreWidth = 16;
constexpr unsigned kFraction = 8;
constexpr unsigned kWeightWidth = 14;
constexpr std::int32_t kLimit = 1 << (kScoreWidth - 1);

std::uint32_t weight(std::int32_t score, std::int32_t exponent) {
  return aqpim::golden::exp2(score - exponent * (1 << kFraction), kFraction, kWeightWidth);
}

std::int32_t maximum(std::span<const std::int32_t> scores) {
  return aqpim::golden::maximum(scores, kFraction, kScoreWidth);
}

template <class Dut>
class Softmax {
 public:
  Softmax() {
    idle();
    bench.clock();
  }

  void idle() {
    bench->start_tile_i = 0;
    bench->score_valid_i = 0;
    bench->flush_i = 0;
    bench->start_weights_i = 0;
    bench->fill_i = 0;
    bench->use_i = 0;
    put(bench->scores_i, 0, Dut::Slots * kScoreWidth, random.bits());
  }

  void clock() {
    bench.clock();
    idle();
  }

  // Score by score, then weight by weight; with gaps if `pace` > 1. Returns how much the exponent
  // is above the maximum.
  int window(const std::vector<std::int32_t>& scores, std::uint64_t pace) {
    bench->start_tile_i = 1;
    clock();
    aqpim::golden::WeightBound bound;
    for (std::size_t first = 0; first < scores.size(); first += Dut::Slots) {
      CAPTURE(first);
      while (!random.chance(1, pace)) clock();
      const std::size_t end = std::min<std::size_t>(first + Dut::Slots, scores.size());
      bench->score_valid_i = static_cast<std::uint8_t>((1u << (end - first)) - 1);
      const std::int32_t largest = maximum(std::span(scores).first(end));
      std::vector<std::uint32_t> weights;
      for (std::size_t t = first; t < end; ++t) {
        put(bench->scores_i, static_cast<unsigned>(t - first) * kScoreWidth, kScoreWidth,
            static_cast<std::uint64_t>(scores[t]));
        weights.push_back(weight(scores[t], largest));
      }
      bound.add(weights, largest);
      clock();
      bench.settle();
      REQUIRE(get_signed(bench->exponent_o, 0, 9) == largest);
    }
    // As early as the header allows.
    const unsigned drain = stated_cycles("attend_softmax", "exponent_o and weights:");
    for (unsigned cycle = 1; cycle < drain; ++cycle) {
      bench->flush_i = cycle == 3;
      clock();
    }
    bench->start_weights_i = 1;
    clock();
    bench.settle();
    const bool bounded = Dut::TileDepth << kWeightWidth > 1u << Dut::BucketWidth;
    const auto coarse = static_cast<std::int32_t>(bounded ? bound.coarse(Dut::BucketWidth) : 0);
    const std::int32_t exponent = maximum(scores) + coarse;
    REQUIRE(get_signed(bench->exponent_o, 0, 9) == exponent);
    for (unsigned step = 0; step < stated_cycles("attend_softmax", "to weights_o:"); ++step) {
      bench->fill_i = 1;
      clock();
    }
    std::uint64_t sum = 0;
    for (std::size_t first = 0; first < scores.size(); first += Dut::Slots) {
      CAPTURE(first);
      const std::size_t end = std::min<std::size_t>(first + Dut::Slots, scores.size());
      do {
        bench.settle();
        for (std::size_t t = first; t < end; ++t) {
          REQUIRE(get(bench->weights_o, static_cast<unsigned>(t - first) * kWeightWidth,
                      kWeightWidth) == weight(scores[t], exponent));
        }
        if (random.chance(1, pace)) break;
        clock();
      } while (true);
      for (std::size_t t = first; t < end; ++t) sum += weight(scores[t], exponent);
      bench->use_i = static_cast<std::uint8_t>((1u << (end - first)) - 1);
      clock();
    }
    for (unsigned c = 1; c < stated_cycles("attend_softmax", "use_i to sum_o:"); ++c) clock();
    bench.settle();
    REQUIRE(bench->sum_o == sum);
    REQUIRE(sum < std::uint64_t{1} << Dut::BucketWidth);
    return coarse;
  }

  // Around a centre, in an order that is random, rising or falling.
  std::vector<std::int32_t> random_scores() {
    std::vector<std::int32_t> scores(
        random.pick({0u, 1u, 2u, 3u, 5u, Dut::TileDepth / 2, Dut::TileDepth - 1, Dut::TileDepth}));
    const auto centre = static_cast<std::int32_t>(random.between(-kLimit, kLimit - 1));
    const std::int32_t spread = random.pick({0, 300, 3000, 2 * kLimit});
    for (std::int32_t& score : scores) {
      score = static_cast<std::int32_t>(
          std::clamp<std::int64_t>(centre + random.between(-spread, spread), -kLimit, kLimit - 1));
    }
    const unsigned order = random.pick({0u, 1u, 2u});
    if (order == 1) std::ranges::sort(scores);
    if (order == 2) std::ranges::sort(scores, std::greater<>());
    return scores;
  }

  Bench<typename Dut::Model> bench;
  Random random{test_seed(), "pq_attend_softmax"};
};

}  // namespace

TEST_CASE_TEMPLATE_DEFINE(
    "pq_attend_softmax: random windows in any order of their scores, with gaps", Dut,
    attend_softmax_random) {
  INFO(Dut::parameters);
  Softmax<Dut> softmax;
  for (std::uint64_t window = 0; window < test_iterations(60); ++window) {
    CAPTURE(window);
    softmax.window(softmax.random_scores(), softmax.random.pick({1u, 1u, 3u}));
  }
}
TEST_CASE_TEMPLATE_APPLY(attend_softmax_random, attend_softmax_models);

TEST_CASE_TEMPLATE_DEFINE(
    "pq_attend_softmax: a window of equal scores, and the ends of what a score can be", Dut,
    attend_softmax_ends) {
  INFO(Dut::parameters);
  Softmax<Dut> softmax;
  const bool bounded = Dut::TileDepth << kWeightWidth > 1u << Dut::BucketWidth;
  for (const std::int32_t score : {0, 256, kLimit - 1, -kLimit}) {
    CAPTURE(score);
    const int coarse = softmax.window(std::vector<std::int32_t>(Dut::TileDepth, score), 1);
    if (score % 256 == 0 && bounded) CHECK(coarse == std::bit_width(Dut::TileDepth) - 2);
  }
  // The highest exponent there is, and the lowest score beside it, at either end.
  std::vector<std::int32_t> scores(Dut::TileDepth, kLimit - 1);
  scores.back() = -kLimit;
  softmax.window(scores, 1);
  scores.front() = -kLimit;
  softmax.window(scores, 1);
  CHECK(softmax.window(std::vector{-kLimit}, 1) == 0);
  CHECK(softmax.window({}, 1) == 0);
}
TEST_CASE_TEMPLATE_APPLY(attend_softmax_ends, attend_softmax_models);

TEST_CASE_TEMPLATE_DEFINE(
    "pq_attend_softmax: a window that begins while scores of the last one are on their way", Dut,
    attend_softmax_anew) {
  INFO(Dut::parameters);
  Softmax<Dut> softmax;
  for (unsigned gap = 0; gap < stated_cycles("attend_softmax", "exponent_o and weights:"); ++gap) {
    CAPTURE(gap);
    softmax.bench->start_tile_i = 1;
    softmax.clock();
    softmax.bench->score_valid_i = 1;
    put(softmax.bench->scores_i, 0, kScoreWidth, static_cast<std::uint64_t>(-kLimit));
    softmax.clock();
    for (unsigned cycle = 0; cycle < gap; ++cycle) softmax.clock();
    // With one weight more, they would not fit 16 bits.
    CHECK(softmax.window({-kLimit, -kLimit, -kLimit}, 1) == 0);
  }
}
TEST_CASE_TEMPLATE_APPLY(attend_softmax_anew, attend_softmax_models);

TEST_CASE("pq_attend_softmax: each of its assertions fails when it is violated") {
  using Dut = attend_softmax_1;
  Softmax<Dut> softmax;
  SUBCASE("the second slot without the first") {
    softmax.bench->score_valid_i = 2;
    CHECK(softmax.bench.take_errors() == 0);
    softmax.bench.clock();
    CHECK(softmax.bench.take_errors() >= 1);
  }
  SUBCASE("weights that do not fit a bucket") {
    softmax.window(std::vector<std::int32_t>(Dut::TileDepth, 0), 1);
    // The same weights once more.
    bool failed = false;
    for (unsigned i = 0; i <= Dut::TileDepth / Dut::Slots + 2 && !failed; ++i) {
      softmax.bench->use_i = 3;
      softmax.clock();
      failed = softmax.bench.take_errors() != 0;
    }
    CHECK(failed);
  }
}
