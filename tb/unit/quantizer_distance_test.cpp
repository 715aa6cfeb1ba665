// SPDX-License-Identifier: Apache-2.0
#include "tb/unit/models/quantizer_distance.h"

#include <doctest/doctest.h>

#include <array>

#include "sw/golden/centroid_group.h"
#include "tb/unit/bench.h"
#include "tb/unit/header.h"

namespace {

using namespace aqpim::tb;
using namespace aqpim::tb::unit;
using Vector = std::array<std::int32_t, 2>;

}  // namespace

TEST_CASE("pq_quantizer_distance: random vectors, and the ends of what an element can be") {
  Bench<quantizer_distance_0::Model> bench;
  Random random(test_seed(), "pq_quantizer_distance");
  Due<std::uint32_t> due(stated_cycles("quantizer_distance"));
  const auto draw = [&] {
    Vector vector;
    for (std::int32_t& element : vector) {
      element = static_cast<std::int32_t>(random.chance(1, 3)
                                              ? random.pick({-2048, -2047, -1, 0, 1, 2047})
                                              : random.between(-2048, 2047));
    }
    return vector;
  };
  for (std::uint64_t cycle = 0; cycle < test_iterations(20000); ++cycle) {
    const Vector vector = draw(), centroid = draw();
    for (unsigned i = 0; i < 2; ++i) {
      put(bench->vector_i, 12 * i, 12, static_cast<std::uint64_t>(vector[i]));
      put(bench->centroid_i, 12 * i, 12, static_cast<std::uint64_t>(centroid[i]));
    }
    bench.settle();
    const auto expected = due.next(aqpim::golden::squared_distance(vector, centroid));
    if (expected) REQUIRE(bench->distance_o == *expected);
    bench.clock();
  }
}
