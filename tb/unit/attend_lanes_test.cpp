// SPDX-License-Identifier: Apache-2.0
#include "tb/unit/models/attend_lanes.h"

#include <doctest/doctest.h>

#include <bit>
#include <vector>

#include "sw/golden/table_lane.h"
#include "tb/unit/bench.h"
#include "tb/unit/header.h"

namespace {

using namespace aqpim::tb;
using namespace aqpim::tb::unit;
using aqpim::golden::TableLane;

// The lanes beside golden ones, each with its sub-space's entries and its slot's buckets.
template <class Dut>
class Lanes {
 public:
  static constexpr unsigned kLanes = 64, kCodeBits = 4, kCentroids = 16, kGroupLanes = 8;
  static constexpr unsigned kSubspaces = Dut::HeadDim / 2;
  static constexpr unsigned kSlots = kLanes / kSubspaces;
  static constexpr unsigned kSteps = kSubspaces / kGroupLanes * kCentroids;

  Lanes() { idle(); }

  void idle() {
    bench->lookup_i = bench->adds_i = bench->add_i = 0;
    bench->table_valid_i = bench->combine_i = 0;
    for (unsigned lane = 0; lane < kLanes; ++lane) {
      put(bench->codes_i, lane * kCodeBits, kCodeBits, random.bits());
    }
    put(bench->table_step_i, 0, std::bit_width(kSteps - 1), random.bits());
    put(bench->combine_step_i, 0, std::bit_width(kSteps - 1), random.bits());
    put(bench->weights_i, 0, kSlots * Dut::WeightWidth, random.bits());
    for (unsigned j = 0; j < kGroupLanes; ++j) {
      put(bench->entries_i, j * Dut::EntryWidth, Dut::EntryWidth, random.bits());
    }
  }

  // TURN: reads every bucket, and a few steps later puts an entry in its place.
  void turn() {
    constexpr unsigned kBehind = 4;
    for (unsigned step = 0; step < kSteps + kBehind; ++step) {
      CAPTURE(step);
      idle();
      if (step < kSteps) {
        bench->combine_i = 1;
        bench->combine_step_i = static_cast<std::uint8_t>(step);
      }
      std::vector<std::int32_t> entries;
      if (step >= kBehind) {
        bench->table_valid_i = 1;
        bench->table_step_i = static_cast<std::uint8_t>(step - kBehind);
        for (unsigned j = 0; j < kGroupLanes; ++j) {
          const std::int32_t limit = 1 << (Dut::EntryWidth - 1);
          entries.push_back(static_cast<std::int32_t>(random.between(-limit, limit - 1)));
          put(bench->entries_i, j * Dut::EntryWidth, Dut::EntryWidth,
              static_cast<std::uint64_t>(entries.back()));
        }
      }
      bench.settle();
      if (step > 0) compare_buckets(step <= kSteps ? std::optional(step - 1) : std::nullopt);
      bench.clock();
      for (unsigned lane = 0; step >= kBehind && lane < kLanes; ++lane) {
        const unsigned m = lane % kSubspaces, place = step - kBehind;
        if (m / kGroupLanes == place / kCentroids) {
          golden[lane].write(place % kCentroids, entries[m % kGroupLanes]);
        }
      }
    }
  }

  // A beat of codes in one of two cycles: SCORE, or ACCUMULATE, where the last beat of an odd
  // number of tokens has one.
  void beats(unsigned count, bool accumulates, unsigned codes) {
    std::optional<std::vector<unsigned>> last;
    unsigned last_adds = 0;
    for (unsigned beat = 0; beat <= count;) {
      idle();
      const bool there = beat < count && random.chance(1, 2);
      std::vector<unsigned> beat_codes(kLanes);
      const unsigned adds = !accumulates ? 0 : beat + 1 == count ? 1 : (1u << kSlots) - 1;
      if (there) {
        bench->lookup_i = 1;
        bench->adds_i = static_cast<std::uint8_t>(adds);
        for (unsigned lane = 0; lane < kLanes; ++lane) {
          beat_codes[lane] = static_cast<unsigned>(random.below(codes));
          put(bench->codes_i, lane * kCodeBits, kCodeBits, beat_codes[lane]);
        }
      }
      std::vector<std::uint32_t> weights(kSlots);
      for (unsigned s = 0; s < kSlots; ++s) {
        weights[s] = static_cast<std::uint32_t>(random.bits(6));
        put(bench->weights_i, s * Dut::WeightWidth, Dut::WeightWidth, weights[s]);
      }
      bench->add_i = static_cast<std::uint8_t>(last ? last_adds : 0);
      bench.settle();
      for (unsigned lane = 0; last && lane < kLanes; ++lane) {
        CAPTURE(lane);
        if (!accumulates) {
          REQUIRE(get_signed(bench->entries_o, lane * Dut::EntryWidth, Dut::EntryWidth) ==
                  golden[lane].lookup((*last)[lane]));
        } else if ((last_adds >> lane / kSubspaces & 1) != 0) {
          golden[lane].add((*last)[lane], weights[lane / kSubspaces]);
        }
      }
      bench.clock();
      last = there ? std::optional(beat_codes) : std::nullopt;
      last_adds = adds;
      if (there || beat == count) ++beat;
    }
  }

  Bench<typename Dut::Model> bench;
  Random random{test_seed(), "pq_attend_lanes"};
  std::vector<TableLane> golden = std::vector<TableLane>(kLanes, TableLane(kCentroids));

 private:
  // Buckets of a step's group; the others are zero.
  void compare_buckets(std::optional<unsigned> step) {
    for (unsigned lane = 0; lane < kLanes; ++lane) {
      CAPTURE(lane);
      const bool read = step && lane % kSubspaces / kGroupLanes == *step / kCentroids;
      const std::uint32_t bucket = read ? golden[lane].take(*step % kCentroids) : 0;
      REQUIRE(get(bench->buckets_o, lane * Dut::BucketWidth, Dut::BucketWidth) == bucket);
    }
  }
};

}  // namespace

TEST_CASE_TEMPLATE_DEFINE(
    "pq_attend_lanes: entries and buckets of random windows are those of the golden lanes", Dut,
    attend_lanes_random) {
  INFO(Dut::parameters);
  REQUIRE(stated_cycles("attend_lanes", "lookup_i to entries_o:") == 1);
  REQUIRE(stated_cycles("attend_lanes", "combine_i to buckets_o:") == 1);
  Lanes<Dut> lanes;
  // After power-up the memories hold anything: entries first.
  for (unsigned step = 0; step < lanes.kSteps; ++step) {
    lanes.idle();
    lanes.bench->table_valid_i = 1;
    lanes.bench->table_step_i = static_cast<std::uint8_t>(step);
    lanes.bench.clock();
  }
  for (std::uint64_t round = 0; round < test_iterations(20); ++round) {
    CAPTURE(round);
    const unsigned codes = lanes.random.pick({2u, 16u});
    lanes.turn();
    lanes.beats(30, false, codes);
    lanes.beats(30, true, codes);
  }
}
TEST_CASE_TEMPLATE_APPLY(attend_lanes_random, attend_lanes_models);
