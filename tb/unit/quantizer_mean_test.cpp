// SPDX-License-Identifier: Apache-2.0
#include "tb/unit/models/quantizer_mean.h"

#include <doctest/doctest.h>

#include <bit>
#include <optional>

#include "sw/golden/reducer.h"
#include "tb/unit/bench.h"
#include "tb/unit/header.h"

namespace {

using namespace aqpim::tb;
using namespace aqpim::tb::unit;

struct Expected {
  std::int32_t quotient = 0;
  std::uint8_t element = 0;
};

}  // namespace

TEST_CASE_TEMPLATE_DEFINE(
    "pq_quantizer_mean: channels of random words, empty ones among them, with gaps", Dut,
    quantizer_mean_random) {
  INFO(Dut::parameters);
  constexpr unsigned kWeightBits = 8 + std::bit_width(Dut::WindowDepth) - 1;
  constexpr unsigned kSumBits = 12 + kWeightBits;
  constexpr unsigned kWidth = kWeightBits + 2 * kSumBits;
  constexpr std::int64_t kMostWeight = 255 * std::int64_t{Dut::WindowDepth};
  Bench<typename Dut::Model> bench;
  Random random(test_seed(), "pq_quantizer_mean");
  for (const bool values : {false, true}) {
    Due<std::optional<Expected>> due(stated_cycles("quantizer_mean"));
    bench->values_i = values;
    for (std::uint64_t cycle = 0; cycle < test_iterations(4000); ++cycle) {
      const auto channel = static_cast<unsigned>(random.below(16));
      bench->channel_i = static_cast<std::uint8_t>(channel);
      bench->valid_i = random.chance(3, 4);
      for (unsigned s = 0; s < 8; ++s) put(bench->words_i, s * kWidth, 60, random.bits());
      // Quotients of all sizes, ties and the ends among them; a whole number times a weight.
      std::int64_t weight = random.between(0, random.pick({std::int64_t{3}, kMostWeight}));
      if (random.chance(1, 4)) weight = 0;
      std::int64_t sum = random.between(-2048, 2047);
      if (weight != 0) {
        const std::int64_t most = 2047 * weight, least = -2048 * weight;
        sum = sum * weight + random.pick({std::int64_t{0}, weight / 2, random.between(0, weight)});
        sum = random.chance(1, 8) ? random.pick({most, least}) : std::min(sum, most);
      }
      put(bench->words_i, channel / 2 * kWidth + channel % 2 * kSumBits, kSumBits,
          static_cast<std::uint64_t>(sum));
      put(bench->words_i, channel / 2 * kWidth + 2 * kSumBits, kWeightBits,
          static_cast<std::uint64_t>(weight));
      std::optional<Expected> expected;
      if (bench->valid_i != 0) {
        const std::int32_t mean = aqpim::golden::mean(sum, weight == 0 ? 1 : weight);
        expected = {mean, aqpim::golden::store_element(mean, values)};
      }
      bench.settle();
      if (const auto now = due.next(expected)) {
        REQUIRE((bench->valid_o != 0) == now->has_value());
        if (*now) {
          REQUIRE(get_signed(bench->quotient_o, 0, 12) == (*now)->quotient);
          REQUIRE(bench->element_o == (*now)->element);
        }
      }
      bench.clock();
    }
    // What is on its way keeps its values_i.
    bench->valid_i = 0;
    for (unsigned cycle = 0; cycle < stated_cycles("quantizer_mean"); ++cycle) bench.clock();
  }
}
TEST_CASE_TEMPLATE_APPLY(quantizer_mean_random, quantizer_mean_models);
