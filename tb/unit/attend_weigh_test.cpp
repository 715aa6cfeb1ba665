// SPDX-License-Identifier: Apache-2.0
#include "tb/unit/models/attend_weigh.h"

#include <doctest/doctest.h>

#include "sw/golden/centroid_group.h"
#include "sw/golden/output_lane.h"
#include "tb/unit/bench.h"
#include "tb/unit/header.h"

namespace {

using namespace aqpim::tb;
using namespace aqpim::tb::unit;

}  // namespace

TEST_CASE_TEMPLATE_DEFINE(
    "pq_attend_weigh: channel after channel, with gaps, up to the ends of an output", Dut,
    attend_weigh_random) {
  INFO(Dut::parameters);
  constexpr unsigned kOutputWidth = Dut::BucketWidth + 12;
  Random random(test_seed(), "pq_attend_weigh");
  Bench<typename Dut::Model> bench;
  const unsigned latency = stated_cycles("attend_weigh", "to output_o:");
  Due<std::int64_t> due(latency);
  std::int64_t output = 0;
  bool first = true;  // nothing is known before
  bool first_before = false;
  std::int64_t lowest = 0, highest = 0;
  for (std::uint64_t channel = 0; channel < test_iterations(2000); ++channel) {
    CAPTURE(channel);
    // Buckets that add up to less than 2^BucketWidth, in one or in several centroids.
    std::uint64_t left = (std::uint64_t{1} << Dut::BucketWidth) - 1;
    const bool one_sided = random.chance(1, 4);
    const auto sign = static_cast<std::uint8_t>(random.bits(1) << 7);
    for (int centroid = 0; centroid < 16;) {
      const bool valid = centroid == 0 || random.chance(3, 4);
      std::uint64_t bucket = 0;
      std::uint8_t element = 0;
      if (valid) {
        bucket = random.chance(1, 4) ? left : random.below(left / 2 + 1);
        left -= bucket;
        element = static_cast<std::uint8_t>(one_sided ? 0x7f | sign : random.bits(8));
        // A negative zero is a zero.
        if (random.chance(1, 8)) element &= 0x80;
        first = centroid == 0;
        output = aqpim::golden::output_accumulate(
            output, aqpim::golden::weighted_element(static_cast<std::uint32_t>(bucket), element),
            first);
        ++centroid;
      } else {
        first = false;
      }
      put(bench->bucket_i, 0, Dut::BucketWidth, bucket);
      bench->element_i = element;
      bench->first_i = first_before;
      bench.settle();
      const auto expected = due.next(output);
      if (expected) REQUIRE(get_signed(bench->output_o, 0, kOutputWidth) == *expected);
      bench.clock();
      first_before = first;
      lowest = std::min(lowest, output);
      highest = std::max(highest, output);
    }
  }
  if (test_iterations(2000) >= 2000) {
    const std::int64_t most = std::int64_t{1984} * ((1 << Dut::BucketWidth) - 1);
    CHECK(lowest == -most);
    CHECK(highest == most);
  }
}
TEST_CASE_TEMPLATE_APPLY(attend_weigh_random, attend_weigh_models);
