// SPDX-License-Identifier: Apache-2.0
#include "tb/unit/models/attend_weight_sum.h"

#include <doctest/doctest.h>

#include <vector>

#include "sw/golden/weight_bound.h"
#include "tb/unit/bench.h"
#include "tb/unit/header.h"

namespace {

using namespace aqpim::tb;
using namespace aqpim::tb::unit;

constexpr unsigned kWeightWidth = 14;
constexpr std::uint32_t kLargest = (1u << kWeightWidth) - 1;
constexpr bool bounded(unsigned bucket_width) { return bucket_width < kWeightWidth + 10; }

// The scores or weights of a cycle, at most Slots.
using Step = std::vector<std::uint32_t>;

template <class Dut>
class WeightSum {
 public:
  static constexpr unsigned kSumWidth = kWeightWidth + 11;

  WeightSum() {
    idle();
    bench.clock();
  }

  void idle() {
    bench->start_tile_i = 0;
    bench->start_weights_i = 0;
    bench->valid_i = 0;
    bench->use_i = 0;
    put(bench->weights_i, 0, Dut::Slots * kWeightWidth, random.bits());
    put(bench->maximum_i, 0, 9, random.bits());
  }

  void put_weights(const Step& weights) {
    for (std::size_t s = 0; s < weights.size(); ++s) {
      put(bench->weights_i, static_cast<unsigned>(s) * kWeightWidth, kWeightWidth, weights[s]);
    }
  }

  // SCORE: maxima, and the weights that come later. Then start_weights_i, and the exponent.
  // Returns it.
  unsigned bound(const std::vector<Step>& steps, const std::vector<std::int32_t>& maxima,
                 std::uint64_t pace) {
    bench->start_tile_i = 1;
    bench.clock();
    idle();
    const unsigned to_weights = stated_cycles("attend_weight_sum", "valid_i to its weights_i:");
    const unsigned to_sum = stated_cycles("attend_weight_sum", "to sum_o:");
    Due<Step> weights(to_weights);
    Due<std::uint64_t> sums(to_sum);
    aqpim::golden::WeightBound golden;
    std::size_t given = 0;
    for (unsigned drained = 0; drained <= to_sum;) {
      CAPTURE(given);
      Step now;
      if (given < steps.size() && random.chance(1, pace)) {
        now = steps[given];
        bench->valid_i = static_cast<std::uint8_t>((1u << now.size()) - 1);
        put(bench->maximum_i, 0, 9, static_cast<std::uint64_t>(maxima[given]));
        golden.add(now, maxima[given]);
        ++given;
      } else if (given == steps.size()) {
        ++drained;
      }
      if (const auto due = weights.next(now)) put_weights(*due);
      bench.settle();
      const auto due = sums.next(golden.value());
      if (due) REQUIRE(bench->sum_o == (bounded(Dut::BucketWidth) ? *due : 0));
      REQUIRE(bench->coarse_o == 0);
      bench.clock();
      idle();
    }
    bench->start_weights_i = 1;
    bench.clock();
    idle();
    bench.settle();
    const unsigned coarse = bounded(Dut::BucketWidth) ? golden.coarse(Dut::BucketWidth) : 0;
    REQUIRE(bench->coarse_o == coarse);
    REQUIRE(bench->sum_o == 0);
    return coarse;
  }

  // ACCUMULATE.
  void weigh(const std::vector<Step>& steps, std::uint64_t pace, unsigned coarse) {
    Due<std::uint64_t> sums(stated_cycles("attend_weight_sum", "use_i to sum_o:"));
    std::uint64_t sum = 0;
    for (std::size_t given = 0, drained = 0; drained < 4;) {
      CAPTURE(given);
      if (given < steps.size() && random.chance(1, pace)) {
        const Step& now = steps[given++];
        bench->use_i = static_cast<std::uint8_t>((1u << now.size()) - 1);
        put_weights(now);
        for (const std::uint32_t weight : now) sum += weight;
      } else if (given == steps.size()) {
        ++drained;
      }
      bench.settle();
      const auto due = sums.next(sum);
      if (due) REQUIRE(bench->sum_o == *due);
      REQUIRE(bench->coarse_o == coarse);
      bench.clock();
      idle();
    }
  }

  Bench<typename Dut::Model> bench;
  Random random{test_seed(), "pq_attend_weight_sum"};
};

// A window's steps, the last one perhaps incomplete.
template <class Dut, typename Weight>
std::vector<Step> steps_of(std::size_t tokens, Weight&& weight) {
  std::vector<Step> steps;
  for (std::size_t t = 0; t < tokens; ++t) {
    if (t % Dut::Slots == 0) steps.emplace_back();
    steps.back().push_back(weight());
  }
  return steps;
}

}  // namespace

TEST_CASE_TEMPLATE_DEFINE(
    "pq_attend_weight_sum: bound, exponent and sum of random windows with rising maxima", Dut,
    attend_weight_sum_random) {
  INFO(Dut::parameters);
  WeightSum<Dut> dut;
  Random& random = dut.random;
  std::vector<std::uint64_t> seen(16);
  for (std::uint64_t window = 0; window < test_iterations(100); ++window) {
    CAPTURE(window);
    const std::size_t tokens = random.pick({0u, 1u, 2u, 7u, 100u, Dut::TileDepth});
    const std::uint64_t most = random.pick({kLargest, kLargest, 300u, 3u});
    const auto weight = [&] {
      return static_cast<std::uint32_t>(random.chance(1, 2) ? most : random.below(most + 1));
    };
    const std::vector<Step> scores = steps_of<Dut>(tokens, weight);
    std::vector<std::int32_t> maxima;
    auto maximum = static_cast<std::int32_t>(random.between(-128, 100));
    const std::uint64_t rises = random.pick({1u, 50u, 100000u});
    for (std::size_t i = 0; i < scores.size(); ++i) {
      maxima.push_back(maximum);
      if (random.chance(1, rises))
        maximum += static_cast<std::int32_t>(random.pick({1, 1, 2, 31, 32, 70}));
      maximum = std::min(maximum, 128);
    }
    const std::uint64_t pace = random.pick({1u, 1u, 3u});
    const unsigned coarse = dut.bound(scores, maxima, pace);
    ++seen[coarse];
    // Any weights: that those of these scores fit is not decided here.
    dut.weigh(steps_of<Dut>(tokens, weight), pace, coarse);
  }
  if (test_iterations(100) >= 100 && bounded(Dut::BucketWidth)) {
    for (const unsigned coarse : {0u, 8u}) CHECK(seen[coarse] > 0);
  }
}
TEST_CASE_TEMPLATE_APPLY(attend_weight_sum_random, attend_weight_sum_models);

TEST_CASE_TEMPLATE_DEFINE(
    "pq_attend_weight_sum: the largest window, and bounds on either side of a "
    "step of the exponent",
    Dut, attend_weight_sum_bounds) {
  INFO(Dut::parameters);
  WeightSum<Dut> dut;
  const auto largest = steps_of<Dut>(Dut::TileDepth, [] { return kLargest; });
  const std::vector<std::int32_t> level(largest.size(), 128);
  const unsigned coarse = dut.bound(largest, level, 1);
  CHECK(coarse == (bounded(Dut::BucketWidth) ? 9 : 0));
  dut.weigh(largest, 1, coarse);
  // Weights that make a bound of 63,550, which fits 16 bits with its margin, or one more.
  for (const std::uint32_t last : {14397u, 14398u}) {
    std::vector<Step> steps =
        steps_of<Dut>(4, [n = 0, last]() mutable { return ++n == 4 ? last : kLargest; });
    const std::vector<std::int32_t> maxima(steps.size(), -3);
    CHECK(dut.bound(steps, maxima, 2) == (bounded(Dut::BucketWidth) && last == 14398 ? 1 : 0));
  }
}
TEST_CASE_TEMPLATE_APPLY(attend_weight_sum_bounds, attend_weight_sum_models);

TEST_CASE_TEMPLATE_DEFINE(
    "pq_attend_weight_sum: a window that begins while weights of the last one are on their way",
    Dut, attend_weight_sum_anew) {
  INFO(Dut::parameters);
  WeightSum<Dut> dut;
  const auto steps = steps_of<Dut>(6, [] { return kLargest; });
  const std::vector<std::int32_t> maxima(steps.size(), 0);
  for (const bool scores : {true, false}) {
    for (unsigned gap = 0; gap < stated_cycles("attend_weight_sum", "to sum_o:"); ++gap) {
      CAPTURE(scores);
      CAPTURE(gap);
      dut.bench->valid_i = scores ? 1 : 0;
      dut.bench->use_i = scores ? 0 : 1;
      put(dut.bench->maximum_i, 0, 9, 0);  // as that of the new ones
      for (unsigned cycle = 0; cycle <= gap; ++cycle) {
        dut.bench.clock();
        dut.idle();
      }
      dut.bound(steps, maxima, 1);
    }
  }
}
TEST_CASE_TEMPLATE_APPLY(attend_weight_sum_anew, attend_weight_sum_models);

TEST_CASE("pq_attend_weight_sum: assertions fail when more weights come than there are tokens") {
  using Dut = attend_weight_sum_0;
  WeightSum<Dut> dut;
  dut.weigh({}, 1, 0);
  dut.bench->start_tile_i = 1;
  dut.bench.clock();
  dut.idle();
  for (unsigned t = 0; t <= Dut::TileDepth; ++t) {
    dut.bench->use_i = 1;
    dut.put_weights({kLargest});
    dut.bench.clock();
    dut.idle();
  }
  CHECK(dut.bench.take_errors() == 0);
  dut.bench.clock();
  CHECK(dut.bench.take_errors() == 1);
}
