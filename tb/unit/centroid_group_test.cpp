// SPDX-License-Identifier: Apache-2.0
#include "sw/golden/centroid_group.h"

#include <doctest/doctest.h>

#include <bit>
#include <vector>

#include "tb/unit/bench.h"
#include "tb/unit/header.h"
#include "tb/unit/models/centroid_group.h"

namespace {

using namespace aqpim::tb;
using namespace aqpim::tb::unit;
using aqpim::golden::Rounded;

enum class Use { kTable, kCombine, kDistance, kWeigh };

struct Inputs {
  Use use = Use::kTable;
  std::vector<std::int32_t> query;
  std::vector<std::int8_t> elements;
  std::vector<std::int32_t> centroid;
  std::uint32_t bucket = 0;
  std::uint32_t weight = 0;
  unsigned shift = 0;
};

template <class Dut>
Inputs random_inputs(Random& random, Use use) {
  const std::int32_t limit = 1 << (Dut::QueryWidth - 1);
  Inputs inputs;
  inputs.use = use;
  // All elements of a sub-space at the ends saturate, on either side.
  const bool ends = random.chance(1, 4);
  const bool same_sign = random.chance(1, 2);
  for (unsigned i = 0; i < Dut::SubDim; ++i) {
    inputs.query.push_back(static_cast<std::int32_t>(ends ? random.pick({-limit, limit - 1})
                                                          : random.between(-limit, limit - 1)));
    inputs.elements.push_back(
        static_cast<std::int8_t>(ends ? random.pick({-128, 127, 0}) : random.between(-128, 127)));
    inputs.centroid.push_back(static_cast<std::int32_t>(ends ? random.pick({-2048, 2047, 0})
                                                             : random.between(-2048, 2047)));
    if (ends && same_sign) {
      inputs.query[i] = -limit;
      inputs.elements[i] = inputs.elements[0];
    }
    // The largest differences, of both signs.
    if (ends && same_sign && use == Use::kDistance) {
      inputs.query[i] = i % 2 == 0 ? -limit : limit - 1;
      inputs.centroid[i] = i % 2 == 0 ? 2047 : -2048;
    }
  }
  inputs.bucket = static_cast<std::uint32_t>(
      random.chance(1, 8) ? (std::uint64_t{1} << Dut::BucketWidth) - 1
                          : random.bits(static_cast<unsigned>(random.below(Dut::BucketWidth + 1))));
  inputs.weight = static_cast<std::uint32_t>(
      random.chance(1, 4) ? random.pick({0, 1, 31, 32, 255}) : static_cast<int>(random.bits(8)));
  inputs.shift = static_cast<unsigned>(random.chance(1, 4) ? 0 : random.below(16));
  return inputs;
}

// What the outputs show once the inputs so far have come through: in gaps they stay. A use that
// goes through the same registers leaves an output that nobody waits for.
struct Expected {
  std::optional<Rounded> entry;
  std::optional<std::uint32_t> distance;
  std::vector<std::int64_t> weighted;

  template <class Dut>
  void take(const Inputs& inputs) {
    entry.reset();
    switch (inputs.use) {
      case Use::kTable:
        entry = aqpim::golden::table_entry(inputs.query, inputs.elements, inputs.shift,
                                           Dut::EntryWidth);
        distance.reset();
        break;
      case Use::kDistance:
        distance = aqpim::golden::squared_distance(inputs.query, inputs.centroid);
        break;
      case Use::kCombine:
        weighted.clear();
        for (const std::int8_t element : inputs.elements) {
          weighted.push_back(
              aqpim::golden::weighted_element(inputs.bucket, static_cast<std::uint8_t>(element)));
        }
        break;
      case Use::kWeigh:
        weighted.clear();
        for (const std::int32_t element : inputs.query) {
          weighted.push_back(aqpim::golden::weighted_token(element, inputs.weight));
        }
        break;
    }
  }
};

struct Counts {
  std::uint64_t entries = 0, saturated = 0;
  std::uint64_t distances = 0, farthest = 0;
  std::uint64_t weighted = 0;
};

// Streams `cycles` inputs, one per cycle, and compares every result.
template <class Dut, typename Choice>
Counts check_stream(std::uint64_t cycles, Choice&& use_in) {
  constexpr unsigned kOutputWidth = Dut::BucketWidth + 12;
  constexpr unsigned kDistanceWidth = 24 + std::countr_zero(Dut::SubDim);
  Random random(test_seed(), "pq_centroid_group");
  Bench<typename Dut::Model> bench;
  Due<Expected> due_entry(stated_cycles("centroid_group", "table:"));
  Due<Expected> due(stated_cycles("centroid_group", "combine, distance, weigh:"));
  Due<unsigned> due_shift(stated_cycles("centroid_group", "sampled"));
  Counts counts;
  Expected expected;
  for (std::uint64_t cycle = 0; cycle < cycles; ++cycle) {
    CAPTURE(cycle);
    const Inputs inputs = random_inputs<Dut>(random, use_in(random));
    const bool valid = random.chance(7, 8);
    bench->valid_i = valid;
    bench->combine_i = inputs.use == Use::kCombine;
    bench->distance_i = inputs.use == Use::kDistance;
    bench->weigh_i = inputs.use == Use::kWeigh;
    bench->weight_i = static_cast<std::uint8_t>(inputs.weight);
    bench->shift_i = static_cast<std::uint8_t>(
        due_shift.next(inputs.shift).value_or(static_cast<unsigned>(random.below(16))));
    put(bench->bucket_i, 0, Dut::BucketWidth, inputs.bucket);
    for (unsigned i = 0; i < Dut::SubDim; ++i) {
      put(bench->query_i, i * Dut::QueryWidth, Dut::QueryWidth,
          static_cast<std::uint64_t>(inputs.query[i]));
      put(bench->element_i, i * 8, 8, static_cast<std::uint8_t>(inputs.elements[i]));
      put(bench->centroid_i, i * 12, 12, static_cast<std::uint64_t>(inputs.centroid[i]));
    }
    if (valid) expected.take<Dut>(inputs);
    bench.settle();
    if (const auto entry = due_entry.next(expected).value_or(Expected{}).entry) {
      REQUIRE(get_signed(bench->entry_o, 0, Dut::EntryWidth) == entry->value);
      REQUIRE((bench->saturated_o != 0) == entry->saturated);
      ++counts.entries;
      counts.saturated += entry->saturated ? 1 : 0;
    }
    const Expected now = due.next(expected).value_or(Expected{});
    if (now.distance) {
      REQUIRE(get(bench->distance_o, 0, kDistanceWidth) == *now.distance);
      ++counts.distances;
      counts.farthest += *now.distance == Dut::SubDim * 4095u * 4095u ? 1 : 0;
    }
    for (unsigned i = 0; i < now.weighted.size(); ++i) {
      REQUIRE(get_signed(bench->weighted_o, i * kOutputWidth, kOutputWidth) == now.weighted[i]);
    }
    counts.weighted += now.weighted.empty() ? 0 : 1;
    bench.clock();
  }
  return counts;
}

// Cycles before the first valid input has come through.
constexpr std::uint64_t kFilling = 30;

}  // namespace

TEST_CASE_TEMPLATE_DEFINE("pq_centroid_group: a table entry per cycle", Dut, centroid_group_table) {
  INFO(Dut::parameters);
  const Counts counts =
      check_stream<Dut>(test_iterations(5000), [](Random&) { return Use::kTable; });
  CHECK(counts.entries + kFilling >= test_iterations(5000));
  if (counts.entries > 1000) CHECK(counts.saturated > 10);
}
TEST_CASE_TEMPLATE_APPLY(centroid_group_table, centroid_group_models);

TEST_CASE_TEMPLATE_DEFINE("pq_centroid_group: a weighted centroid per cycle", Dut,
                          centroid_group_combine) {
  INFO(Dut::parameters);
  const Counts counts =
      check_stream<Dut>(test_iterations(5000), [](Random&) { return Use::kCombine; });
  CHECK(counts.weighted + kFilling >= test_iterations(5000));
}
TEST_CASE_TEMPLATE_APPLY(centroid_group_combine, centroid_group_models);

TEST_CASE_TEMPLATE_DEFINE(
    "pq_centroid_group: a distance per cycle, up to the largest, which fills its width", Dut,
    centroid_group_distance) {
  INFO(Dut::parameters);
  if (Dut::Quantize == 0) return;
  const Counts counts =
      check_stream<Dut>(test_iterations(5000), [](Random&) { return Use::kDistance; });
  CHECK(counts.distances + kFilling >= test_iterations(5000));
  if (counts.distances > 1000) CHECK(counts.farthest > 10);
}
TEST_CASE_TEMPLATE_APPLY(centroid_group_distance, centroid_group_models);

TEST_CASE_TEMPLATE_DEFINE("pq_centroid_group: the uses can change from cycle to cycle", Dut,
                          centroid_group_mixed) {
  INFO(Dut::parameters);
  const Counts counts = check_stream<Dut>(test_iterations(5000), [](Random& random) {
    return Dut::Quantize != 0
               ? random.pick({Use::kTable, Use::kCombine, Use::kDistance, Use::kWeigh})
               : random.pick({Use::kTable, Use::kCombine});
  });
  if (test_iterations(5000) >= 5000) {
    CHECK(counts.entries > 500);
    CHECK(counts.weighted > 500);
    if (Dut::Quantize != 0) CHECK(counts.distances > 500);
  }
}
TEST_CASE_TEMPLATE_APPLY(centroid_group_mixed, centroid_group_models);
