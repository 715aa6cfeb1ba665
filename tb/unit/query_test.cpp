// SPDX-License-Identifier: Apache-2.0
#include "tb/unit/models/query.h"

#include <doctest/doctest.h>

#include <map>
#include <vector>

#include "sw/golden/float_to_fixed.h"
#include "tb/unit/bench.h"
#include "tb/unit/header.h"

namespace {

using namespace aqpim::tb;
using namespace aqpim::tb::unit;
using aqpim::golden::Fixed;
using aqpim::golden::float_to_fixed;

// One of these per cycle: the bus carries one register write, and the stream comes while the
// registers are locked.
enum class Access { kNone, kQuery, kShift, kControl, kStream };

template <class Dut>
class Query {
 public:
  static constexpr unsigned kSubspaces = Dut::HeadDim / Dut::SubDim;
  static constexpr unsigned kElements = Dut::WordBits / 16;
  static constexpr unsigned kMultipliers = Dut::WordBits / 8;
  static constexpr unsigned kGroups = kMultipliers / Dut::SubDim;
  static constexpr unsigned kWords = Dut::HeadDim / kMultipliers;

  Query() {
    bench->bfloat16_i = 0;
    bench->table_fraction_i = 8;
    run(Access::kNone, 0);
    // Every register is written once before anything is compared.
    for (unsigned index = 0; index < kSubspaces; index += kMultipliers) {
      run(Access::kShift, index / kMultipliers);
    }
    for (unsigned index = 0; index < Dut::HeadDim / kElements; ++index) run(Access::kQuery, index);
    for (unsigned cycle = 0; cycle < latency; ++cycle) run(Access::kNone, 0);
    complete = true;
  }

  // One cycle with this access, and random read addresses.
  void run(Access access, unsigned index, bool clear = false) {
    bench->query_write_i = access == Access::kQuery;
    bench->shift_write_i = access == Access::kShift;
    bench->clear_flags_i = clear;
    // Without Quantize a stream means nothing.
    bench->stream_write_i = Dut::Quantize != 0 ? access == Access::kStream : random.chance(1, 2);
    bench->index_i = static_cast<std::uint8_t>(
        access == Access::kStream ? random.below(Dut::HeadDim / kElements) : index);
    bench->stream_index_i =
        static_cast<std::uint8_t>(access == Access::kStream ? index : random.below(4));
    for (unsigned e = 0; e < kElements; ++e) {
      put(bench->data_i, 16 * e, 16, random_element());
      put(bench->stream_data_i, 16 * e, 16, random_element());
    }
    bench->query_word_i = static_cast<std::uint8_t>(random.below(kWords));
    bench->shift_word_i = static_cast<std::uint8_t>(random.below(kWords));

    // What this cycle shows: writes that have arrived, and events of those that are arriving.
    std::erase_if(coming, [&](const Write& write) {
      if (write.cycle + latency > cycle) return false;
      for (unsigned e = 0; e < kElements; ++e)
        query[write.index * kElements + e] = write.values[e].value;
      return true;
    });
    bool nonfinite = false, saturated = false;
    if (clear) {
      for (Write& write : coming) write.reports = false;
    }
    for (const Write& write : coming) {
      if (write.cycle + latency != cycle + 1 || !write.reports) continue;
      for (const Fixed& fixed : write.values) {
        nonfinite |= fixed.nonfinite;
        saturated |= fixed.saturated;
      }
    }
    bench.settle();
    CAPTURE(cycle);
    if (complete) {
      for (unsigned i = 0; i < kMultipliers; ++i) {
        REQUIRE(get_signed(bench->query_o, i * Dut::QueryWidth, Dut::QueryWidth) ==
                query[bench->query_word_i * kMultipliers + i]);
      }
      if (shift_word) {
        for (unsigned g = 0; g < kGroups; ++g) {
          REQUIRE(get(bench->shift_o, 4 * g, 4) == shifts_a_cycle_ago[*shift_word * kGroups + g]);
        }
      }
      REQUIRE((bench->nonfinite_o != 0) == nonfinite);
      REQUIRE((bench->saturated_o != 0) == saturated);
      events += (nonfinite ? 1 : 0) + (saturated ? 1 : 0);
    }
    shift_word = bench->shift_word_i;
    shifts_a_cycle_ago = shifts;

    if (access == Access::kQuery || access == Access::kStream) {
      const auto& data = access == Access::kQuery ? bench->data_i : bench->stream_data_i;
      Write write{cycle, index, {}, true};
      for (unsigned e = 0; e < kElements; ++e) {
        const unsigned channel = index * kElements + e;
        write.values.push_back(float_to_fixed(
            static_cast<std::uint16_t>(get(data, 16 * e, 16)), bench->bfloat16_i != 0,
            bench->table_fraction_i + shifts[channel / Dut::SubDim], Dut::QueryWidth));
      }
      coming.push_back(write);
    } else if (access == Access::kShift) {
      for (unsigned b = 0; b < kMultipliers; ++b) {
        const unsigned m = index * kMultipliers + b;
        if (m < kSubspaces) shifts[m] = static_cast<unsigned>(get(bench->data_i, 8 * b, 4));
      }
    }
    bench.clock();
    ++cycle;
    if (access == Access::kControl) {
      // A write of CONTROL is in force from the next cycle on.
      bench->bfloat16_i = static_cast<std::uint8_t>(random.below(2));
      bench->table_fraction_i = static_cast<std::uint8_t>(random.between(4, 15));
    }
  }

  std::uint16_t random_element() {
    switch (random.below(4)) {
      case 0:  // NaN, infinities, zeros, subnormals of both formats
        return random.pick({std::uint16_t{0x7e00}, std::uint16_t{0x7c00}, std::uint16_t{0xfc00},
                            std::uint16_t{0x7f80}, std::uint16_t{0xff80}, std::uint16_t{0xffff},
                            std::uint16_t{0}, std::uint16_t{0x8000}, std::uint16_t{1},
                            std::uint16_t{0x83ff}, std::uint16_t{0x007f}});
      case 1:
        return static_cast<std::uint16_t>(random.bits(16));
      default:  // numbers around 2^-6
        return static_cast<std::uint16_t>(random.bits(1) << 15 | random.between(0x1c00, 0x2c00));
    }
  }

  struct Write {
    std::uint64_t cycle;
    unsigned index;
    std::vector<Fixed> values;
    bool reports;
  };

  const unsigned latency = stated_cycles("query", "write:");
  Bench<typename Dut::Model> bench;
  Random random{test_seed(), "pq_query"};
  std::uint64_t cycle = 0, events = 0;
  bool complete = false;
  std::vector<Write> coming;
  std::map<unsigned, std::int64_t> query;
  std::vector<unsigned> shifts = std::vector<unsigned>(kSubspaces), shifts_a_cycle_ago = shifts;
  std::optional<unsigned> shift_word;
};

}  // namespace

TEST_CASE_TEMPLATE_DEFINE(
    "pq_query: writes of query, shifts, CONTROL and the stream in any order take effect in that "
    "order, with their events",
    Dut, query_random) {
  INFO(Dut::parameters);
  REQUIRE(stated_latency("query").find("query read: combinational") != std::string::npos);
  REQUIRE(stated_cycles("query", "shift read:") == 1);
  Query<Dut> query;
  for (std::uint64_t step = 0; step < test_iterations(1500); ++step) {
    Access access = query.random.pick({Access::kNone, Access::kQuery, Access::kQuery,
                                       Access::kStream, Access::kShift, Access::kControl});
    if (access == Access::kStream && Dut::Quantize == 0) access = Access::kQuery;
    const unsigned words = access == Access::kStream ? 4
                           : access == Access::kQuery
                               ? Dut::HeadDim / query.kElements
                               : (query.kSubspaces + query.kMultipliers - 1) / query.kMultipliers;
    const bool clear = access == Access::kControl && query.random.chance(1, 2);
    query.run(access, static_cast<unsigned>(query.random.below(words)), clear);
  }
  if (test_iterations(1500) >= 1500) CHECK(query.events > 300);
}
TEST_CASE_TEMPLATE_APPLY(query_random, query_models);

TEST_CASE("pq_query: clearing the flags drops the events of writes on their way, in each stage") {
  using Dut = query_0;
  Query<Dut> query;
  for (unsigned wait = 0; wait < query.latency + 2; ++wait) {
    query.run(Access::kQuery, 0);
    for (unsigned cycle = 0; cycle < wait; ++cycle) query.run(Access::kNone, 0);
    query.run(Access::kControl, 0, true);
    query.run(Access::kQuery, 1);
    for (unsigned cycle = 0; cycle < query.latency; ++cycle) query.run(Access::kNone, 0);
  }
}
