// SPDX-License-Identifier: Apache-2.0
#include "sw/golden/score_sum.h"

#include <doctest/doctest.h>

#include <bit>
#include <vector>

#include "tb/unit/bench.h"
#include "tb/unit/header.h"
#include "tb/unit/models/score_sum.h"

namespace {

using namespace aqpim::tb;
using namespace aqpim::tb::unit;

// Streams tokens, a word in `numerator` of `denominator` cycles.
template <class Dut>
void check_tokens(std::uint64_t tokens, std::uint64_t numerator, std::uint64_t denominator) {
  constexpr unsigned kLog2Lanes = std::countr_zero(Dut::Lanes);
  constexpr unsigned kSumWidth = Dut::EntryWidth + std::countr_zero(Dut::Lanes * Dut::TokenWords);
  REQUIRE(stated_latency("score_sum").starts_with("ceil(log2(Lanes) / 2) + 1 cycles"));
  Random random(test_seed(), "pq_score_sum");
  Bench<typename Dut::Model> bench;
  Due<std::optional<std::int64_t>> due((kLog2Lanes + 1) / 2 + 1);
  const std::int32_t limit = 1 << (Dut::EntryWidth - 1);

  std::vector<std::int32_t> entries;
  int kind = 0;
  unsigned word = 0;
  std::uint64_t compared = 0;
  while (compared < tokens) {
    const bool valid = random.chance(numerator, denominator);
    if (word == 0) {
      kind = static_cast<int>(random.below(8));
      entries.clear();
    }
    bench->valid_i = valid;
    bench->first_i = valid ? word == 0 : random.chance(1, 2);
    bench->last_i = valid ? word == Dut::TokenWords - 1 : random.chance(1, 2);
    for (unsigned i = 0; i < Dut::Lanes; ++i) {
      // All at one end, all -1, or anything.
      const auto entry = static_cast<std::int32_t>(kind == 0   ? -limit
                                                   : kind == 1 ? limit - 1
                                                   : kind == 2 ? -1
                                                               : random.between(-limit, limit - 1));
      put(bench->entries_i, i * Dut::EntryWidth, Dut::EntryWidth,
          static_cast<std::uint64_t>(entry));
      if (valid) entries.push_back(entry);
    }
    std::optional<std::int64_t> sum;
    if (valid) {
      word = (word + 1) % Dut::TokenWords;
      if (word == 0) sum = aqpim::golden::score_sum(entries);
    }
    bench.settle();
    const auto expected = due.next(sum).value_or(std::nullopt);
    CAPTURE(compared);
    REQUIRE((bench->valid_o != 0) == expected.has_value());
    if (expected) {
      REQUIRE(get_signed(bench->sum_o, 0, kSumWidth) == *expected);
      ++compared;
    }
    bench.clock();
  }
}

}  // namespace

TEST_CASE_TEMPLATE_DEFINE("pq_score_sum: words back to back", Dut, score_sum_back_to_back) {
  INFO(Dut::parameters);
  check_tokens<Dut>(test_iterations(2000), 1, 1);
}
TEST_CASE_TEMPLATE_APPLY(score_sum_back_to_back, score_sum_models);

TEST_CASE_TEMPLATE_DEFINE("pq_score_sum: words with gaps, also inside a token", Dut,
                          score_sum_gaps) {
  INFO(Dut::parameters);
  check_tokens<Dut>(test_iterations(1000), 1, 3);
}
TEST_CASE_TEMPLATE_APPLY(score_sum_gaps, score_sum_models);
