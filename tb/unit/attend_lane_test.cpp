// SPDX-License-Identifier: Apache-2.0
#include "tb/unit/models/attend_lane.h"

#include <doctest/doctest.h>

#include <optional>
#include <vector>

#include "sw/golden/table_lane.h"
#include "tb/unit/bench.h"

namespace {

using namespace aqpim::tb;
using namespace aqpim::tb::unit;

constexpr unsigned kCentroids = 16;
constexpr unsigned kEntryWidth = 16;
constexpr unsigned kWeightWidth = 14;
constexpr unsigned kDelay = 4;  // of TURN, from the bucket's read to the entry's write

// A code, or a cycle without one.
using Code = std::optional<unsigned>;

template <class Dut>
class Lane {
 public:
  static constexpr unsigned kValueWidth = std::max(kEntryWidth, Dut::BucketWidth);

  Lane() {
    idle();
    bench.clock();
  }

  void idle() {
    bench->lookup_i = 0;
    bench->add_i = 0;
    bench->table_write_i = 0;
    bench->combine_i = 0;
    bench->gate_i = 0;
    // Whatever else is on the pins must not matter.
    bench->code_i = static_cast<std::uint8_t>(random.bits(4));
    bench->table_address_i = static_cast<std::uint8_t>(random.bits(4));
    bench->combine_address_i = static_cast<std::uint8_t>(random.bits(4));
    put(bench->addend_i, 0, kValueWidth, random.bits());
  }

  // TURN: reads all buckets and writes all entries, with gaps if `pace` > 1. The buckets are
  // compared unless the lane holds nothing yet.
  void turn(std::uint64_t pace, bool compared = true) {
    std::vector<Code> reads;  // one per cycle
    unsigned address = 0;
    for (unsigned drained = 0; drained <= kDelay;) {
      const Code read = address < kCentroids && random.chance(1, pace) ? Code(address++) : Code();
      if (address == kCentroids) ++drained;
      reads.push_back(read);
      idle();
      bench->combine_i = read.has_value();
      if (read) bench->combine_address_i = static_cast<std::uint8_t>(*read);
      const auto before = [&](unsigned cycles) {
        return reads.size() > cycles ? reads[reads.size() - 1 - cycles] : Code();
      };
      bench->gate_i = before(1).has_value();
      if (const Code write = before(kDelay)) {
        const auto entry = static_cast<std::int32_t>(
            random.chance(1, 4) ? random.pick({-32768, 32767}) : random.between(-32768, 32767));
        bench->table_write_i = 1;
        bench->table_address_i = static_cast<std::uint8_t>(*write);
        put(bench->addend_i, 0, kEntryWidth, static_cast<std::uint64_t>(entry));
        golden.write(*write, entry);
      }
      bench.settle();
      const std::uint64_t bucket = get(bench->bucket_o, 0, Dut::BucketWidth);
      if (const Code shown = before(1)) {
        CAPTURE(*shown);
        const std::uint32_t expected = golden.take(*shown);
        if (compared) REQUIRE(bucket == expected);
      } else {
        REQUIRE(bucket == 0);
      }
      bench.clock();
    }
  }

  // SCORE.
  void look_up(const std::vector<Code>& codes) {
    Code last;
    for (std::size_t i = 0; i <= codes.size(); ++i) {
      CAPTURE(i);
      const Code code = i < codes.size() ? codes[i] : Code();
      idle();
      bench->lookup_i = code.has_value();
      if (code) bench->code_i = static_cast<std::uint8_t>(*code);
      bench.settle();
      if (last) REQUIRE(get_signed(bench->entry_o, 0, kEntryWidth) == golden.lookup(*last));
      bench.clock();
      last = code;
    }
  }

  // ACCUMULATE: the weight comes a cycle after its code.
  void accumulate(const std::vector<Code>& codes, std::uint64_t most) {
    Code last;
    for (std::size_t i = 0; i <= codes.size(); ++i) {
      const Code code = i < codes.size() ? codes[i] : Code();
      idle();
      bench->lookup_i = code.has_value();
      if (code) bench->code_i = static_cast<std::uint8_t>(*code);
      if (last) {
        const std::uint64_t weight = random.chance(1, 3) ? most : random.below(most + 1);
        bench->add_i = 1;
        bench->gate_i = 1;
        put(bench->addend_i, 0, kValueWidth, weight);
        golden.add(*last, static_cast<std::uint32_t>(weight));
      }
      bench.clock();
      last = code;
    }
  }

  std::vector<Code> random_codes(std::size_t count) {
    const unsigned distinct = random.pick({1u, 2u, 3u, kCentroids});
    const auto first = static_cast<unsigned>(random.below(kCentroids));
    const std::uint64_t pace = random.pick({1u, 1u, 2u, 4u});
    std::vector<Code> codes;
    for (std::size_t i = 0; i < count; ++i) {
      while (!random.chance(1, pace)) codes.emplace_back();
      codes.emplace_back(static_cast<unsigned>((first + random.below(distinct)) % kCentroids));
    }
    return codes;
  }

  Bench<typename Dut::Model> bench;
  Random random{test_seed(), "pq_attend_lane"};
  aqpim::golden::TableLane golden{kCentroids};
};

}  // namespace

TEST_CASE_TEMPLATE_DEFINE(
    "pq_attend_lane: random windows, with gaps and any run of equal codes, equal the golden lane",
    Dut, attend_lane_random) {
  INFO(Dut::parameters);
  Lane<Dut> lane;
  lane.turn(1, false);
  for (std::uint64_t window = 0; window < test_iterations(150); ++window) {
    CAPTURE(window);
    lane.look_up(lane.random_codes(40));
    // Some windows have fewer codes than buckets, or none: those are empty.
    const std::size_t tokens = lane.random.pick({0u, 1u, 3u, 200u});
    const std::uint64_t most =
        ((std::uint64_t{1} << Dut::BucketWidth) - 1) / std::max<std::size_t>(tokens, 1);
    lane.accumulate(lane.random_codes(tokens),
                    std::min<std::uint64_t>(most, (1u << kWeightWidth) - 1));
    lane.turn(lane.random.pick({1u, 1u, 3u}));
  }
}
TEST_CASE_TEMPLATE_APPLY(attend_lane_random, attend_lane_models);

TEST_CASE_TEMPLATE_DEFINE("pq_attend_lane: a bucket is filled to its last bit", Dut,
                          attend_lane_full) {
  INFO(Dut::parameters);
  Lane<Dut> lane;
  lane.turn(1, false);
  const std::uint64_t most = (std::uint64_t{1} << Dut::BucketWidth) - 1;
  for (const std::uint64_t weight : {std::uint64_t{1} << (Dut::BucketWidth - 1), most}) {
    for (const unsigned gaps : {0u, 1u}) {
      // All but the last bit, then the last bit.
      const std::vector<std::uint64_t> weights =
          weight == most ? std::vector{most} : std::vector{weight, weight - 1};
      for (std::size_t i = 0; i < weights.size(); ++i) {
        lane.idle();
        lane.bench->lookup_i = 1;
        lane.bench->code_i = 7;
        lane.bench.clock();
        lane.idle();
        lane.bench->add_i = 1;
        lane.bench->gate_i = 1;
        // Without a gap the next look-up follows at once, and is forwarded.
        lane.bench->lookup_i = gaps == 0 && i + 1 < weights.size();
        lane.bench->code_i = 7;
        put(lane.bench->addend_i, 0, lane.kValueWidth, weights[i]);
        lane.golden.add(7, static_cast<std::uint32_t>(weights[i]));
        if (lane.bench->lookup_i != 0) {
          lane.bench.clock();
          lane.idle();
          ++i;
          lane.bench->add_i = 1;
          lane.bench->gate_i = 1;
          put(lane.bench->addend_i, 0, lane.kValueWidth, weights[i]);
          lane.golden.add(7, static_cast<std::uint32_t>(weights[i]));
        }
        lane.bench.clock();
      }
      lane.turn(1);
    }
  }
}
TEST_CASE_TEMPLATE_APPLY(attend_lane_full, attend_lane_models);

TEST_CASE("pq_attend_lane: each of its assertions fails when it is violated") {
  using Dut = attend_lane_0;
  Lane<Dut> lane;
  auto& bench = lane.bench;
  lane.turn(1, false);
  lane.idle();
  SUBCASE("two readers") {
    bench->combine_i = 1;
    bench->lookup_i = 1;
  }
  SUBCASE("two writers") {
    bench->add_i = 1;
    bench->table_write_i = 1;
    put(bench->addend_i, 0, 16, 0);
  }
  SUBCASE("a look-up where an entry is written") {
    bench->table_write_i = 1;
    bench->table_address_i = 4;
    bench->lookup_i = 1;
    bench->code_i = 4;
  }
  SUBCASE("a combine read where an entry is written") {
    bench->table_write_i = 1;
    bench->table_address_i = 4;
    bench->combine_i = 1;
    bench->combine_address_i = 4;
  }
  SUBCASE("a bucket that overflows") {
    lane.accumulate({3u}, 0);
    for (int i = 0; i < 2; ++i) {
      lane.idle();
      bench->lookup_i = 1;
      bench->code_i = 3;
      bench.clock();
      lane.idle();
      bench->add_i = 1;
      bench->gate_i = 1;
      put(bench->addend_i, 0, lane.kValueWidth, 0x8000);
      if (i == 0) bench.clock();
    }
  }
  CHECK(bench.take_errors() == 0);
  bench.clock();
  CHECK(bench.take_errors() == 1);
}
