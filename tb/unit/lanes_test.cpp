// SPDX-License-Identifier: Apache-2.0
#include "tb/unit/models/lanes.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <vector>

#include "sw/golden/table_lane.h"
#include "tb/unit/bench.h"
#include "tb/unit/header.h"

namespace {

using namespace aqpim::tb;
using namespace aqpim::tb::unit;
using aqpim::golden::TableLane;

// The lanes beside golden ones, sub-space by sub-space.
template <class Dut>
class Lanes {
 public:
  static constexpr unsigned kLanes = Dut::WordBits / Dut::CodeBits;
  static constexpr unsigned kCentroids = 1u << Dut::CodeBits;
  static constexpr unsigned kSubspaces = Dut::HeadDim / Dut::SubDim;
  static constexpr unsigned kTokenWords = kSubspaces / kLanes;
  static constexpr unsigned kMultipliers = Dut::WordBits / 8;
  static constexpr unsigned kGroups = kMultipliers / Dut::SubDim;
  static constexpr unsigned kCentroidWords = Dut::HeadDim / kMultipliers;
  static constexpr unsigned kLaneWidth =
      std::max(Dut::StoreWidth, 1 + std::max(Dut::BucketWidth, Dut::EntryWidth));

  Lanes() { idle(); }

  // Nothing asked; anything on the other pins.
  void idle() {
    bench->entry_valid_i = bench->score_i = bench->accumulate_i = 0;
    bench->combine_i = bench->bucket_valid_i = 0;
    for (unsigned lane = 0; lane < kLanes; ++lane) {
      put(bench->lookup_i, lane, 1, 0);
      put(bench->clear_i, lane, 1, 0);
      put(bench->store_i, lane, 1, 0);
      put(bench->address_i, lane * Dut::CodeBits, Dut::CodeBits, random.bits());
      put(bench->store_address_i, lane * Dut::CodeBits, Dut::CodeBits, random.bits());
      put(bench->store_data_i, lane * kLaneWidth, kLaneWidth, random.bits());
      put(bench->codes_i, lane * Dut::CodeBits, Dut::CodeBits, random.bits());
    }
    put(bench->entry_word_i, 0, bits_of(kCentroidWords), random.bits());
    put(bench->combine_word_i, 0, Dut::WordWidth, random.bits());
    put(bench->bucket_word_i, 0, Dut::WordWidth, random.bits());
    put(bench->code_word_i, 0, Dut::WordWidth, random.bits());
  }

  // TABLE of a whole codebook.
  void table() {
    for (unsigned c = 0; c < kCentroids; ++c) {
      for (unsigned w = 0; w < kCentroidWords; ++w) {
        idle();
        bench->entry_valid_i = 1;
        put(bench->entry_word_i, 0, bits_of(kCentroidWords), w);
        put(bench->entry_centroid_i, 0, Dut::CodeBits, c);
        for (unsigned g = 0; g < kGroups; ++g) {
          const std::int32_t limit = 1 << (Dut::EntryWidth - 1);
          const auto entry = static_cast<std::int32_t>(random.between(-limit, limit - 1));
          put(bench->entries_i, g * Dut::EntryWidth, Dut::EntryWidth,
              static_cast<std::uint64_t>(entry));
          golden[w * kGroups + g].write(c, entry);
        }
        bench.clock();
      }
    }
  }

  // A token of SCORE or of ACCUMULATE, word after word. Few codes meet in a row.
  void token(bool accumulates, unsigned codes) {
    const auto weight = static_cast<std::uint32_t>(random.bits(Dut::WeightWidth));
    std::vector<unsigned> token(kSubspaces);
    for (unsigned& code : token) code = static_cast<unsigned>(random.below(codes));
    for (unsigned word = 0; word <= kTokenWords; ++word) {
      idle();
      const bool there = word < kTokenWords;
      bench->score_i = there && !accumulates;
      bench->accumulate_i = there && accumulates;
      put(bench->weight_i, 0, Dut::WeightWidth, weight);
      if (there) {
        put(bench->code_word_i, 0, Dut::WordWidth, word);
        for (unsigned lane = 0; lane < kLanes; ++lane) {
          put(bench->codes_i, lane * Dut::CodeBits, Dut::CodeBits, token[word * kLanes + lane]);
        }
      }
      bench.settle();
      for (unsigned lane = 0; word > 0 && lane < kLanes; ++lane) {
        const unsigned m = (word - 1) * kLanes + lane;
        CAPTURE(m);
        if (accumulates) {
          golden[m].add(token[m], weight);
        } else {
          REQUIRE(get_signed(bench->entries_o, lane * Dut::EntryWidth, Dut::EntryWidth) ==
                  golden[m].lookup(token[m]));
        }
      }
      bench.clock();
    }
  }

  // COMBINE of a whole codebook: words with gaps if `pace` > 1.
  void combine(std::uint64_t pace) {
    std::optional<unsigned> read;
    const auto cycle = [&](std::optional<unsigned> place) {
      idle();
      bench->combine_i = place.has_value();
      if (place) {
        put(bench->combine_centroid_i, 0, Dut::CodeBits, *place / kCentroidWords);
        put(bench->combine_word_i, 0, Dut::WordWidth, *place % kCentroidWords);
      }
      bench->bucket_valid_i = read.has_value();
      if (read) put(bench->bucket_word_i, 0, Dut::WordWidth, *read % kCentroidWords);
      bench.settle();
      for (unsigned g = 0; g < kGroups; ++g) {
        const std::uint32_t bucket =
            read ? golden[*read % kCentroidWords * kGroups + g].take(*read / kCentroidWords) : 0;
        REQUIRE(get(bench->buckets_o, g * Dut::BucketWidth, Dut::BucketWidth) == bucket);
      }
      bench.clock();
      read = place;
    };
    for (unsigned place = 0; place < kCentroids * kCentroidWords; ++place) {
      while (!random.chance(1, pace)) cycle(std::nullopt);
      cycle(place);
    }
    cycle(std::nullopt);
    cycle(std::nullopt);
  }

  // Stores a word in each lane, at an address of its own; reads it; clears it, at one address in
  // all lanes.
  void work_space() {
    std::vector<unsigned> address(kLanes);
    std::vector<std::uint64_t> word(kLanes);
    const auto clear_at = static_cast<unsigned>(random.below(kCentroids));
    const auto compare = [&] {
      bench.settle();
      for (unsigned lane = 0; lane < kLanes; ++lane) {
        REQUIRE(get(bench->words_o, lane * kLaneWidth, kLaneWidth) == word[lane]);
      }
    };
    const auto each_lane = [&](auto&& set) {
      idle();
      for (unsigned lane = 0; lane < kLanes; ++lane) set(lane);
      bench.clock();
    };
    each_lane([&](unsigned lane) {
      address[lane] =
          random.chance(1, 2) ? clear_at : static_cast<unsigned>(random.below(kCentroids));
      word[lane] = random.bits(kLaneWidth);
      put(bench->store_i, lane, 1, 1);
      put(bench->store_address_i, lane * Dut::CodeBits, Dut::CodeBits, address[lane]);
      put(bench->store_data_i, lane * kLaneWidth, kLaneWidth, word[lane]);
    });
    const auto read = [&](unsigned lane) {
      put(bench->lookup_i, lane, 1, 1);
      put(bench->address_i, lane * Dut::CodeBits, Dut::CodeBits, address[lane]);
    };
    each_lane(read);
    compare();
    each_lane([&](unsigned lane) {
      put(bench->clear_i, lane, 1, address[lane] == clear_at ? 1 : 0);
      put(bench->combine_centroid_i, 0, Dut::CodeBits, clear_at);
      put(bench->combine_word_i, 0, Dut::WordWidth, 0);
    });
    compare();
    each_lane([](unsigned) {});
    for (unsigned lane = 0; lane < kLanes; ++lane) {
      if (address[lane] == clear_at) word[lane] = 0;
    }
    each_lane(read);
    compare();
  }

  Bench<typename Dut::Model> bench;
  Random random{test_seed(), "pq_lanes"};
  std::vector<TableLane> golden = std::vector<TableLane>(kSubspaces, TableLane(kCentroids));

 private:
  static constexpr unsigned bits_of(unsigned count) {
    return count > 1 ? static_cast<unsigned>(std::bit_width(count - 1)) : 1;
  }
};

}  // namespace

TEST_CASE_TEMPLATE_DEFINE(
    "pq_lanes: tables, buckets and words of random windows come out of the lane of their sub-space",
    Dut, lanes_random) {
  INFO(Dut::parameters);
  REQUIRE(stated_latency("lanes") == "as in pq_table_lane");
  Lanes<Dut> lanes;
  for (std::uint64_t round = 0; round < test_iterations(4); ++round) {
    CAPTURE(round);
    lanes.table();
    const unsigned codes = lanes.random.pick({2u, lanes.kCentroids});
    for (int token = 0; token < 40; ++token) lanes.token(false, codes);
    for (int token = 0; token < 40; ++token) lanes.token(true, codes);
    lanes.combine(lanes.random.pick({1u, 3u}));
    if (round % 2 == 0) {
      for (int token = 0; token < 40; ++token) lanes.token(true, codes);
      lanes.combine(1);
    }
    for (int word = 0; word < 20; ++word) lanes.work_space();
  }
}
TEST_CASE_TEMPLATE_APPLY(lanes_random, lanes_models);
