// SPDX-License-Identifier: Apache-2.0
#include "tb/unit/models/attend_combine.h"

#include <doctest/doctest.h>

#include <deque>
#include <vector>

#include "sw/golden/centroid_group.h"
#include "tb/unit/bench.h"
#include "tb/unit/header.h"

namespace {

using namespace aqpim::tb;
using namespace aqpim::tb::unit;

// One beat of TURN, or none.
struct Beat {
  bool there = false;
  unsigned step = 0;
};

// Plays the beats of TURN, beside what the outputs are to be.
template <class Dut>
class Combine {
 public:
  static constexpr unsigned kCentroids = 16, kChannels = 16, kGroupLanes = 8, kLanes = 64;
  static constexpr unsigned kGroups = Dut::HeadDim / kChannels;
  static constexpr unsigned kSlots = kLanes / (kGroups * kGroupLanes);
  static constexpr unsigned kStages = kSlots + 3;
  static constexpr unsigned kStepWidth = std::bit_width(kGroups * kCentroids - 1);
  static constexpr unsigned kOutputWidth = Dut::BucketWidth + 12;

  // All groups, a beat in one of `pace` cycles. Buckets of a sub-space add up to less than
  // 2^BucketWidth, as those of a window do.
  void turn(std::uint64_t pace) {
    for (unsigned step = 0; step < kGroups * kCentroids; ++step) {
      while (!random.chance(1, pace)) cycle({});
      cycle({true, step});
    }
    for (unsigned i = 0; i < kStages; ++i) cycle({});
    CHECK(written == 2 * kGroups);
    written = 0;
  }

  Bench<typename Dut::Model> bench;
  Random random{test_seed(), "pq_attend_combine"};
  unsigned written = 0;  // halves of groups

 private:
  void cycle(const Beat& beat) {
    // Stage 1 has what the lanes have read, and the elements.
    stages_.push_front(beat);
    stages_.resize(kStages);
    for (unsigned stage = 0; stage < kStages; ++stage) {
      put(bench->turn_i, stage, 1, stages_[stage].there ? 1 : 0);
      put(bench->step_i, stage * kStepWidth, kStepWidth,
          stages_[stage].there ? stages_[stage].step : random.bits());
    }
    if (beat.there && beat.step % kCentroids == 0) outputs_.emplace_back(kChannels);
    for (unsigned i = 0; i < kChannels; ++i) put(bench->elements_i, 8 * i, 8, 0);
    for (unsigned lane = 0; lane < kLanes; ++lane) {
      put(bench->buckets_i, lane * Dut::BucketWidth, Dut::BucketWidth, 0);
    }
    for (unsigned j = 0; beat.there && j < kGroupLanes; ++j) {
      std::uint32_t sum = 0;
      for (unsigned s = 0; s < kSlots; ++s) {
        const auto bucket = static_cast<std::uint32_t>(random.bits(Dut::BucketWidth - 5));
        sum += bucket;
        const unsigned lane = (s * kGroups + beat.step / kCentroids) * kGroupLanes + j;
        put(bench->buckets_i, lane * Dut::BucketWidth, Dut::BucketWidth, bucket);
      }
      for (unsigned i = 2 * j; i < 2 * j + 2; ++i) {
        const auto element = static_cast<std::uint8_t>(random.bits(8));
        put(bench->elements_i, 8 * i, 8, element);
        outputs_.back()[i] += aqpim::golden::weighted_element(sum, element);
      }
    }
    bench.settle();
    compare_half(bench->low_write_o != 0, low_, 0);
    compare_half(bench->high_write_o != 0, high_, kChannels / 2);
    bench.clock();
  }

  void compare_half(bool writes, unsigned stage, unsigned first) {
    const Beat& beat = stages_[stage];
    REQUIRE(writes == (beat.there && beat.step % kCentroids == kCentroids - 1));
    if (!writes) return;
    ++written;
    CHECK(bench->group_o == beat.step / kCentroids);
    for (unsigned i = first; i < first + kChannels / 2; ++i) {
      CAPTURE(i);
      REQUIRE(get_signed(bench->outputs_o, i * kOutputWidth, kOutputWidth) == outputs_.front()[i]);
    }
    if (first != 0) outputs_.pop_front();
  }

  const unsigned low_ = kSlots + stated_cycles("attend_combine", "to low_write_o: Slots +");
  const unsigned high_ = kSlots + stated_cycles("attend_combine", "to high_write_o: Slots +");
  std::deque<Beat> stages_ = std::deque<Beat>(kStages);
  std::deque<std::vector<std::int64_t>> outputs_;  // of groups that are not read yet
};

}  // namespace

TEST_CASE_TEMPLATE_DEFINE(
    "pq_attend_combine: outputs of random buckets and elements, complete when the header says so",
    Dut, attend_combine_random) {
  INFO(Dut::parameters);
  Combine<Dut> combine;
  for (std::uint64_t round = 0; round < test_iterations(20); ++round) {
    CAPTURE(round);
    combine.turn(combine.random.pick({1u, 1u, 3u}));
  }
}
TEST_CASE_TEMPLATE_APPLY(attend_combine_random, attend_combine_models);
