// SPDX-License-Identifier: Apache-2.0
#include "sw/golden/table_lane.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <vector>

#include "tb/unit/bench.h"
#include "tb/unit/header.h"
#include "tb/unit/models/table_lane.h"

namespace {

using namespace aqpim::tb;
using namespace aqpim::tb::unit;

// An address, or a cycle without one.
using Code = std::optional<unsigned>;

template <class Dut>
class Lane {
 public:
  Lane() { idle(); }

  void idle() {
    bench->table_write_i = 0;
    bench->lookup_i = 0;
    bench->accumulate_i = 0;
    bench->combine_i = 0;
    bench->store_i = 0;
    // Whatever else is on the pins must not matter.
    bench->table_address_i = static_cast<std::uint16_t>(random_address());
    bench->lookup_address_i = static_cast<std::uint16_t>(random_address());
    bench->combine_address_i = static_cast<std::uint16_t>(random_address());
    put(bench->table_entry_i, 0, Dut::EntryWidth, random.bits());
    put(bench->weight_i, 0, Dut::WeightWidth, random.bits());
    bench->store_address_i = static_cast<std::uint16_t>(random_address());
    put(bench->store_data_i, 0, kWidth, random.bits(kWidth));
  }

  // TABLE: all entries, one per cycle.
  void table() {
    for (unsigned address = 0; address < Dut::LaneDepth; ++address) {
      const std::int32_t limit = 1 << (Dut::EntryWidth - 1);
      const auto entry =
          static_cast<std::int32_t>(random.chance(1, 4) ? random.pick({-limit, limit - 1})
                                                        : random.between(-limit, limit - 1));
      idle();
      bench->table_write_i = 1;
      bench->table_address_i = static_cast<std::uint16_t>(address);
      put(bench->table_entry_i, 0, Dut::EntryWidth, static_cast<std::uint64_t>(entry));
      golden.write(address, entry);
      bench.clock();
    }
    drain();
  }

  // SCORE: looks codes up.
  void look_up(const std::vector<Code>& codes) {
    Code last;
    for (std::size_t i = 0; i <= codes.size(); ++i) {
      CAPTURE(i);
      const Code code = i < codes.size() ? codes[i] : std::nullopt;
      idle();
      bench->lookup_i = code.has_value();
      if (code) bench->lookup_address_i = static_cast<std::uint16_t>(*code);
      bench.settle();
      if (last) {
        REQUIRE(get_signed(bench->entry_o, 0, Dut::EntryWidth) == golden.lookup(*last));
      }
      bench.clock();
      last = code;
    }
    drain();
  }

  // ACCUMULATE: adds a weight per code, which comes a cycle later.
  template <typename Weights>
  void accumulate(const std::vector<Code>& codes, Weights&& next_weight) {
    Code last;
    for (std::size_t i = 0; i <= codes.size(); ++i) {
      const Code code = i < codes.size() ? codes[i] : std::nullopt;
      idle();
      bench->lookup_i = code.has_value();
      bench->accumulate_i = 1;  // without lookup_i it means nothing
      if (code) bench->lookup_address_i = static_cast<std::uint16_t>(*code);
      if (last) {
        const std::uint32_t weight = next_weight();
        put(bench->weight_i, 0, Dut::WeightWidth, weight);
        golden.add(*last, weight);
      }
      bench.clock();
      last = code;
    }
    drain();
  }
  void accumulate(const std::vector<Code>& codes) {
    accumulate(codes, [&] {
      return static_cast<std::uint32_t>(random.chance(1, 4)
                                            ? random.pick({0u, (1u << Dut::WeightWidth) - 1})
                                            : random.bits(Dut::WeightWidth));
    });
  }

  // COMBINE: every bucket once, with gaps if `pace` > 1.
  void combine(std::uint64_t pace = 1) {
    Code last;
    unsigned address = 0;
    while (address < Dut::LaneDepth || last) {
      CAPTURE(address);
      const Code code =
          address < Dut::LaneDepth && random.chance(1, pace) ? Code(address) : std::nullopt;
      idle();
      bench->combine_i = code.has_value();
      if (code) bench->combine_address_i = static_cast<std::uint16_t>(address++);
      bench.settle();
      if (last) {
        // A word without the mark is an empty bucket.
        const bool marked = get(bench->word_o, kWidth - 1, 1) != 0;
        REQUIRE((marked ? get(bench->word_o, 0, Dut::BucketWidth) : 0) == golden.take(*last));
      }
      bench.clock();
      last = code;
    }
    drain();
  }

  // Random codes of few or many different addresses; the buckets hold that many weights.
  std::vector<Code> random_codes(std::size_t count) {
    constexpr std::size_t kMost = std::size_t{1} << (Dut::BucketWidth - Dut::WeightWidth);
    const unsigned addresses = random.pick({1u, 2u, 3u, Dut::LaneDepth});
    const unsigned first = random_address();
    const std::uint64_t pace = random.pick({1u, 1u, 2u, 4u});
    std::vector<Code> codes;
    for (std::size_t i = 0; i < std::min(count, kMost); ++i) {
      while (!random.chance(1, pace)) codes.push_back(std::nullopt);
      codes.push_back(static_cast<unsigned>((first + random.below(addresses)) % Dut::LaneDepth));
    }
    return codes;
  }

  // Of a word.
  static constexpr unsigned kWidth =
      std::max({Dut::StoreWidth, 1 + Dut::BucketWidth, 1 + Dut::EntryWidth});

  Bench<typename Dut::Model> bench;
  Random random{test_seed(), "pq_table_lane"};
  aqpim::golden::TableLane golden{Dut::LaneDepth};

 private:
  unsigned random_address() { return static_cast<unsigned>(random.below(Dut::LaneDepth)); }

  void drain() {
    for (int cycle = 0; cycle < 2; ++cycle) {
      idle();
      bench.clock();
    }
  }
};

}  // namespace

TEST_CASE_TEMPLATE_DEFINE("pq_table_lane: look-ups return the table entries after one cycle", Dut,
                          table_lane_lookup) {
  INFO(Dut::parameters);
  REQUIRE(stated_cycles("table_lane", "lookup:") == 1);
  Lane<Dut> lane;
  for (int round = 0; round < 2; ++round) {
    lane.table();
    lane.look_up(lane.random_codes(300));
    std::vector<Code> all;
    for (unsigned address = 0; address < Dut::LaneDepth; ++address) all.push_back(address);
    lane.look_up(all);
  }
}
TEST_CASE_TEMPLATE_APPLY(table_lane_lookup, table_lane_models);

TEST_CASE_TEMPLATE_DEFINE("pq_table_lane: the same code at every distance adds up", Dut,
                          table_lane_hazards) {
  INFO(Dut::parameters);
  REQUIRE(stated_cycles("table_lane", "combine:") == 1);
  const Code a = 1, b = 2, c = 3, d = 0, gap = std::nullopt;
  Lane<Dut> lane;
  const std::vector<std::vector<Code>> patterns = {
      {a, a},
      {a, a, a, a, a},
      {a, b, a},
      {a, b, a, b, a, b},
      {a, b, c, a, b, c, a},
      {a, b, c, d, a, b, c, d},
      {a, gap, a},
      {a, gap, gap, a, gap, gap, gap, a},
      {a, a, gap, a, a, b, a, a},
      {a, a, b, b, a, a, b, b},
      {a, gap, a, a, gap, b, gap, b, b, a},
  };
  for (const std::vector<Code>& pattern : patterns) {
    lane.table();
    lane.accumulate(pattern);
    lane.combine();
  }
}
TEST_CASE_TEMPLATE_APPLY(table_lane_hazards, table_lane_models);

TEST_CASE_TEMPLATE_DEFINE(
    "pq_table_lane: windows in random order: tables, look-ups, buckets, combination", Dut,
    table_lane_random) {
  INFO(Dut::parameters);
  Lane<Dut> lane;
  lane.table();
  bool tables = true;
  for (std::uint64_t step = 0; step < test_iterations(60); ++step) {
    CAPTURE(step);
    switch (lane.random.below(tables ? 4 : 3)) {
      case 0:
        lane.table();
        tables = true;
        break;
      case 1:
        lane.accumulate(lane.random_codes(200));
        lane.combine(lane.random.pick({1u, 1u, 3u}));
        tables = false;
        break;
      case 2:
        // COMBINE has emptied the buckets for the next window, TABLE does it too.
        if (!tables) lane.combine();
        lane.accumulate(lane.random_codes(100));
        lane.table();
        tables = true;
        break;
      default:
        lane.look_up(lane.random_codes(100));
        break;
    }
  }
}
TEST_CASE_TEMPLATE_APPLY(table_lane_random, table_lane_models);

TEST_CASE_TEMPLATE_DEFINE("pq_table_lane: a whole tile of equal codes and the largest weights fits",
                          Dut, table_lane_full) {
  INFO(Dut::parameters);
  Lane<Dut> lane;
  lane.table();
  const std::size_t tokens = std::size_t{1} << (Dut::BucketWidth - Dut::WeightWidth);
  lane.accumulate(std::vector<Code>(tokens, 3), [] { return (1u << Dut::WeightWidth) - 1; });
  lane.combine();
  lane.combine();
}
TEST_CASE_TEMPLATE_APPLY(table_lane_full, table_lane_models);

// The work space of clustering: whole words in and out, a store beside each read.
TEST_CASE_TEMPLATE_DEFINE(
    "pq_table_lane: words that are stored come back whole, and a word read for clearing is zero",
    Dut, table_lane_store) {
  INFO(Dut::parameters);
  Lane<Dut> lane;
  Random& random = lane.random;
  auto& bench = lane.bench;
  std::vector<std::uint64_t> words(Dut::LaneDepth);
  const auto store = [&](unsigned address) {
    words[address] = random.bits(lane.kWidth);
    bench->store_i = 1;
    bench->store_address_i = static_cast<std::uint16_t>(address);
    put(bench->store_data_i, 0, lane.kWidth, words[address]);
  };
  for (unsigned address = 0; address < Dut::LaneDepth; ++address) {
    lane.idle();
    store(address);
    bench.clock();
  }
  std::optional<std::uint64_t> due;
  Code cleared;  // in the last cycle: its zero is written in this one
  std::uint64_t clears = 0;
  for (std::uint64_t cycle = 0; cycle < test_iterations(3000); ++cycle) {
    CAPTURE(cycle);
    lane.idle();
    bench.settle();
    if (due) REQUIRE(get(bench->word_o, 0, lane.kWidth) == *due);
    // A read stays until the next one.
    const auto address = static_cast<unsigned>(random.below(Dut::LaneDepth));
    const bool reads = random.chance(2, 3) && cleared != address;
    const bool clears_it = reads && random.chance(1, 4);
    if (reads) {
      due = words[address];
      (clears_it ? bench->combine_i : bench->lookup_i) = 1;
      (clears_it ? bench->combine_address_i : bench->lookup_address_i) =
          static_cast<std::uint16_t>(address);
    }
    const auto other = static_cast<unsigned>(random.below(Dut::LaneDepth));
    if (!cleared && !(reads && other == address) && random.chance(1, 2)) store(other);
    cleared = clears_it ? Code(address) : std::nullopt;
    if (clears_it) words[address] = 0;
    clears += clears_it ? 1 : 0;
    bench.clock();
  }
  if (test_iterations(3000) >= 3000) CHECK(clears > 100);
}
TEST_CASE_TEMPLATE_APPLY(table_lane_store, table_lane_models);

TEST_CASE("pq_table_lane: each of its assertions fails when it is violated") {
  using Dut = table_lane_0;
  Lane<Dut> lane;
  auto& bench = lane.bench;
  lane.table();
  SUBCASE("two readers") {
    lane.idle();
    bench->combine_i = 1;
    bench->lookup_i = 1;
  }
  SUBCASE("two writers") {
    lane.idle();
    bench->lookup_i = 1;
    bench->accumulate_i = 1;
    bench->lookup_address_i = 1;
    bench.clock();
    lane.idle();
    bench->table_write_i = 1;
    bench->table_address_i = 2;
  }
  SUBCASE("two writers, one a store") {
    lane.idle();
    bench->combine_i = 1;
    bench->combine_address_i = 1;
    bench.clock();
    lane.idle();
    bench->store_i = 1;
    bench->store_address_i = 2;
  }
  SUBCASE("a store beside a table entry") {
    lane.idle();
    bench->store_i = 1;
    bench->store_address_i = 2;
    bench->table_write_i = 1;
    bench->table_address_i = 2;
  }
  SUBCASE("a store where a look-up reads") {
    lane.idle();
    bench->lookup_i = 1;
    bench->lookup_address_i = 5;
    bench->store_i = 1;
    bench->store_address_i = 5;
  }
  SUBCASE("a collision") {
    lane.idle();
    bench->lookup_i = 1;
    bench->accumulate_i = 1;
    bench->lookup_address_i = 5;
    bench.clock();
    lane.idle();
    bench->lookup_i = 1;
    bench->lookup_address_i = 5;
  }
  SUBCASE("a bucket that overflows") {
    const std::size_t tokens = std::size_t{1} << (Dut::BucketWidth - Dut::WeightWidth);
    lane.accumulate(std::vector<Code>(tokens, 3), [] { return (1u << Dut::WeightWidth) - 1; });
    lane.idle();
    bench->lookup_i = 1;
    bench->accumulate_i = 1;
    bench->lookup_address_i = 3;
    bench.clock();
    lane.idle();
    put(bench->weight_i, 0, Dut::WeightWidth, (1u << Dut::WeightWidth) - 1);
  }
  CHECK(bench.take_errors() == 0);
  bench.clock();
  CHECK(bench.take_errors() == 1);
}
