// SPDX-License-Identifier: Apache-2.0
#include "tb/unit/models/fp16_unit.h"

#include <doctest/doctest.h>

#include <array>
#include <cstdint>

#include "tb/common/random.h"
#include "tb/unit/bench.h"
#include "tb/unit/fp16.h"
#include "tb/unit/header.h"

namespace {

using namespace aqpim::tb;
using namespace aqpim::tb::unit;

}  // namespace

TEST_CASE("pq_fp16_unit: three sums of products in turn, a word every cycle") {
  constexpr unsigned kLanes = 16, kRows = 32, kSums = 3;
  Bench<fp16_unit_0::Model> bench;
  Random random(test_seed(), "pq_fp16_unit");
  const auto small = [&] { return static_cast<std::uint16_t>(0x3400 + random.below(0x800)); };
  std::array<std::array<std::uint16_t, kLanes>, kRows> buffer;
  bench->word_valid_i = 0;
  bench->write_i = 1;
  for (unsigned row = 0; row < kRows; ++row) {
    bench->write_row_i = static_cast<std::uint8_t>(row);
    for (unsigned lane = 0; lane < kLanes; ++lane) {
      buffer[row][lane] = small();
      put(bench->write_data_i, 16 * lane, 16, buffer[row][lane]);
    }
    bench.clock();
  }
  bench->write_i = 0;

  using Sums = std::array<std::uint16_t, kLanes>;
  std::array<Sums, kSums> sums{};
  Due<Sums> due(stated_cycles("fp16_unit"));
  bench->word_valid_i = 1;
  for (unsigned step = 0; step < 300; ++step) {
    const unsigned row = step / kSums % kRows;
    const bool first = row == 0;
    bench->row_i = static_cast<std::uint8_t>(row);
    bench->first_i = first;
    Sums& mine = sums[step % kSums];
    for (unsigned lane = 0; lane < kLanes; ++lane) {
      const std::uint16_t element = small();
      put(bench->word_i, 16 * lane, 16, element);
      mine[lane] = sum(product(element, buffer[row][lane]), first ? 0 : mine[lane]);
    }
    bench.settle();
    if (const auto expected = due.next(mine)) {
      REQUIRE(bench->sum_valid_o == 1);
      for (unsigned lane = 0; lane < kLanes; ++lane) {
        REQUIRE(get(bench->sum_o, 16 * lane, 16) == (*expected)[lane]);
      }
    } else {
      REQUIRE(bench->sum_valid_o == 0);
    }
    bench.clock();
  }
}
