// SPDX-License-Identifier: Apache-2.0
#include "sw/golden/centroid_group.h"

#include <doctest/doctest.h>

#include <vector>

#include "tb/unit/bench.h"
#include "tb/unit/header.h"
#include "tb/unit/models/centroid_group.h"

namespace {

using namespace aqpim::tb;
using namespace aqpim::tb::unit;
using aqpim::golden::Rounded;

struct Inputs {
  bool combine = false;
  std::vector<std::int32_t> query;
  std::vector<std::int8_t> elements;
  std::uint32_t bucket = 0;
  unsigned shift = 0;
};

template <class Dut>
Inputs random_inputs(Random& random, bool combine) {
  const std::int32_t limit = 1 << (Dut::QueryWidth - 1);
  Inputs inputs;
  inputs.combine = combine;
  // All elements of a sub-space at the ends saturate, on either side.
  const bool ends = random.chance(1, 4);
  const bool same_sign = random.chance(1, 2);
  for (unsigned i = 0; i < Dut::SubDim; ++i) {
    inputs.query.push_back(static_cast<std::int32_t>(ends ? random.pick({-limit, limit - 1})
                                                          : random.between(-limit, limit - 1)));
    inputs.elements.push_back(
        static_cast<std::int8_t>(ends ? random.pick({-128, 127, 0}) : random.between(-128, 127)));
    if (ends && same_sign) {
      inputs.query[i] = -limit;
      inputs.elements[i] = inputs.elements[0];
    }
  }
  inputs.bucket = static_cast<std::uint32_t>(
      random.chance(1, 8) ? (std::uint64_t{1} << Dut::BucketWidth) - 1
                          : random.bits(static_cast<unsigned>(random.below(Dut::BucketWidth + 1))));
  inputs.shift = static_cast<unsigned>(random.chance(1, 4) ? 0 : random.below(16));
  return inputs;
}

// Streams `cycles` inputs, one per cycle, and compares every result.
template <class Dut, typename Mode>
void check_stream(std::uint64_t cycles, Mode&& combine_in) {
  constexpr unsigned kOutputWidth = Dut::BucketWidth + 12;
  Random random(test_seed(), "pq_centroid_group");
  Bench<typename Dut::Model> bench;
  Due<std::optional<Rounded>> due_entry(stated_cycles("centroid_group", "table:"));
  Due<std::vector<std::int64_t>> due_weighted(stated_cycles("centroid_group", "combine:"));
  Due<unsigned> due_shift(stated_cycles("centroid_group", "sampled"));
  std::uint64_t entries = 0, weighted = 0, saturated = 0, gaps = 0;
  std::optional<Rounded> entry;
  std::vector<std::int64_t> products;
  for (std::uint64_t cycle = 0; cycle < cycles; ++cycle) {
    CAPTURE(cycle);
    const Inputs inputs = random_inputs<Dut>(random, combine_in(random));
    const bool valid = random.chance(7, 8);
    if (!valid) ++gaps;
    bench->valid_i = valid;
    bench->combine_i = inputs.combine;
    bench->shift_i = static_cast<std::uint8_t>(
        due_shift.next(inputs.shift).value_or(static_cast<unsigned>(random.below(16))));
    put(bench->bucket_i, 0, Dut::BucketWidth, inputs.bucket);
    // In a gap the results stay; but COMBINE may change an entry, for which nobody waits then.
    if (valid && inputs.combine) {
      entry = std::nullopt;
      products.clear();
    }
    for (unsigned i = 0; i < Dut::SubDim; ++i) {
      const auto element = static_cast<std::uint8_t>(inputs.elements[i]);
      put(bench->query_i, i * Dut::QueryWidth, Dut::QueryWidth,
          static_cast<std::uint64_t>(inputs.query[i]));
      put(bench->element_i, i * 8, 8, element);
      if (valid && inputs.combine) {
        products.push_back(aqpim::golden::weighted_element(inputs.bucket, element));
      }
    }
    if (valid && !inputs.combine) {
      entry =
          aqpim::golden::table_entry(inputs.query, inputs.elements, inputs.shift, Dut::EntryWidth);
    }
    bench.settle();
    const auto expected_entry = due_entry.next(entry);
    if (expected_entry && *expected_entry) {
      REQUIRE(get_signed(bench->entry_o, 0, Dut::EntryWidth) == (*expected_entry)->value);
      REQUIRE((bench->saturated_o != 0) == (*expected_entry)->saturated);
      ++entries;
      saturated += (*expected_entry)->saturated ? 1 : 0;
    }
    const auto expected_products = due_weighted.next(products);
    if (expected_products && !expected_products->empty()) {
      for (unsigned i = 0; i < Dut::SubDim; ++i) {
        REQUIRE(get_signed(bench->weighted_o, i * kOutputWidth, kOutputWidth) ==
                (*expected_products)[i]);
      }
      ++weighted;
    }
    bench.clock();
  }
  CHECK(entries + weighted + gaps + 5 >= cycles);
  if (entries > 1000) CHECK(saturated > 10);
}

}  // namespace

TEST_CASE_TEMPLATE_DEFINE("pq_centroid_group: a table entry per cycle", Dut, centroid_group_table) {
  INFO(Dut::parameters);
  check_stream<Dut>(test_iterations(5000), [](Random&) { return false; });
}
TEST_CASE_TEMPLATE_APPLY(centroid_group_table, centroid_group_models);

TEST_CASE_TEMPLATE_DEFINE("pq_centroid_group: a weighted centroid per cycle", Dut,
                          centroid_group_combine) {
  INFO(Dut::parameters);
  check_stream<Dut>(test_iterations(5000), [](Random&) { return true; });
}
TEST_CASE_TEMPLATE_APPLY(centroid_group_combine, centroid_group_models);

TEST_CASE_TEMPLATE_DEFINE("pq_centroid_group: the uses can change from cycle to cycle", Dut,
                          centroid_group_mixed) {
  INFO(Dut::parameters);
  check_stream<Dut>(test_iterations(5000), [](Random& random) { return random.chance(1, 2); });
}
TEST_CASE_TEMPLATE_APPLY(centroid_group_mixed, centroid_group_models);
