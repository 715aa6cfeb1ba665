// SPDX-License-Identifier: Apache-2.0
#include "tb/unit/models/result.h"

#include <doctest/doctest.h>

#include <optional>
#include <vector>

#include "tb/unit/bench.h"
#include "tb/unit/header.h"

namespace {

using namespace aqpim::tb;
using namespace aqpim::tb::unit;
using Bytes = std::vector<std::uint8_t>;

template <class Dut>
class Result {
 public:
  static constexpr unsigned kWordBytes = Dut::WordBits / 8;
  static constexpr unsigned kLowWords = Dut::HeadDim * 4 / kWordBytes;
  static constexpr unsigned kOutputWords = kLowWords + Dut::HeadDim / kWordBytes;
  static constexpr unsigned kMultipliers = kWordBytes;

  Result() { contents(); }

  // New outputs, status and codes; no answer may be on its way.
  void contents() {
    for (unsigned cycle = 0; cycle < latency; ++cycle) this->cycle(std::nullopt, false);
    const std::int64_t limit = std::int64_t{1} << (Dut::OutputWidth - 1);
    for (std::int64_t& output : outputs_) {
      output = random.chance(1, 8) ? random.pick({-limit, limit - 1, std::int64_t{-1}})
                                   : random.between(-limit, limit - 1);
    }
    status_ = random.bits();
    for (std::uint8_t& byte : codes_) byte = static_cast<std::uint8_t>(random.bits(8));
    put(bench->status_i, 0, 64, status_);
  }

  void permissions(bool outputs, bool codes) {
    bench->outputs_valid_i = outputs;
    bench->codes_valid_i = codes;
  }

  // One cycle with a read of this index, or a record; everything compared.
  void cycle(std::optional<unsigned> index, bool record) {
    bench->read_i = index.has_value();
    bench->index_i = static_cast<std::uint16_t>(
        index.value_or(static_cast<unsigned>(random.below(kOutputWords + 1))));
    bench->record_valid_i = record;
    Bytes record_word(kWordBytes);
    for (unsigned b = 0; b < kWordBytes; ++b) {
      record_word[b] = static_cast<std::uint8_t>(random.bits(8));
      put(bench->record_i, 8 * b, 8, record_word[b]);
    }
    // Of the centroid word that was selected in the cycle before.
    for (unsigned i = 0; i < kMultipliers; ++i) {
      put(bench->outputs_i, i * Dut::OutputWidth, Dut::OutputWidth,
          static_cast<std::uint64_t>(outputs_[selected_ * kMultipliers + i]));
    }
    bench.settle();
    const std::optional<Bytes> answer =
        answers_.next(index && allowed(*index) ? std::optional(word(*index)) : std::nullopt)
            .value_or(std::nullopt);
    const std::optional<Bytes> given =
        records_.next(record ? std::optional(record_word) : std::nullopt).value_or(std::nullopt);
    REQUIRE(bench->valid_o == (answer || given ? 1 : 0));
    for (unsigned b = 0; b < kWordBytes && (answer || given); ++b) {
      REQUIRE(get(bench->result_o, 8 * b, 8) == (answer ? *answer : *given)[b]);
    }
    REQUIRE((bench->refused_o != 0) == refusals_.next(index && !allowed(*index)).value_or(false));
    compared += answer || given ? 1 : 0;
    REQUIRE((bench->selecting_o != 0) ==
            selections_.next(index && allowed(*index)).value_or(false));
    selected_ = static_cast<unsigned>(bench->select_o);
    const bool codes_read =
        code_reads_.next(index && allowed(*index) && *index > kOutputWords).value_or(false);
    REQUIRE((bench->codes_read_o != 0) == codes_read);
    // There are codes only when they are read.
    for (unsigned b = 0; b < codes_.size(); ++b) {
      put(bench->codes_i, 8 * b, 8, codes_read ? codes_[b] : 0);
    }
    bench.clock();
  }

  const unsigned latency = stated_cycles("result", "read_i to valid_o:");
  Bench<typename Dut::Model> bench;
  Random random{test_seed(), "pq_result"};
  std::uint64_t compared = 0;

 private:
  bool allowed(unsigned index) {
    return index <= kOutputWords
               ? bench->outputs_valid_i != 0
               : bench->codes_valid_i != 0 && index <= kOutputWords + Dut::TokenWords;
  }

  Bytes word(unsigned index) const {
    Bytes word;
    const auto append = [&](std::uint64_t value, unsigned bytes) {
      for (unsigned b = 0; b < bytes; ++b) {
        word.push_back(static_cast<std::uint8_t>(value >> 8 * b));
      }
    };
    if (index > kOutputWords) {
      const auto first = codes_.begin() + (index - kOutputWords - 1) * kWordBytes;
      return {first, first + kWordBytes};
    }
    if (index == kOutputWords) {
      append(status_, 8);
      word.resize(kWordBytes);
      return word;
    }
    const bool high = index >= kLowWords;
    const unsigned bytes = high ? 1 : 4;
    const unsigned first = (high ? index - kLowWords : index) * kWordBytes / bytes;
    for (unsigned i = first; i < first + kWordBytes / bytes; ++i) {
      append(static_cast<std::uint64_t>(outputs_[i]) >> (high ? 32 : 0), bytes);
    }
    return word;
  }

  Due<std::optional<Bytes>> answers_{latency};
  Due<std::optional<Bytes>> records_{stated_cycles("result", "record_valid_i to valid_o:")};
  Due<bool> selections_{stated_cycles("result", "selecting_o:")};
  Due<bool> code_reads_{stated_cycles("result", "codes_read_o:")};
  Due<bool> refusals_{stated_cycles("result", "refused_o:")};
  std::vector<std::int64_t> outputs_ = std::vector<std::int64_t>(Dut::HeadDim);
  std::uint64_t status_ = 0;
  Bytes codes_ = Bytes(Dut::TokenWords * kWordBytes);
  unsigned selected_ = 0;
};

}  // namespace

TEST_CASE_TEMPLATE_DEFINE("pq_result: every word of outputs, status and codes, one per cycle", Dut,
                          result_words) {
  INFO(Dut::parameters);
  Result<Dut> result;
  result.permissions(true, true);
  for (int round = 0; round < 3; ++round) {
    result.contents();
    for (unsigned index = 0; index <= result.kOutputWords + Dut::TokenWords; ++index) {
      result.cycle(index, false);
    }
  }
  result.contents();
  CHECK(result.compared == 3 * (result.kOutputWords + 1 + Dut::TokenWords));
}
TEST_CASE_TEMPLATE_APPLY(result_words, result_models);

TEST_CASE_TEMPLATE_DEFINE(
    "pq_result: reads in any order and spacing; those without a word are refused", Dut,
    result_random) {
  INFO(Dut::parameters);
  Result<Dut> result;
  Random& random = result.random;
  for (std::uint64_t round = 0; round < test_iterations(40); ++round) {
    CAPTURE(round);
    result.contents();
    result.permissions(random.chance(3, 4), random.chance(3, 4));
    for (int step = 0; step < 30; ++step) {
      const auto index = static_cast<unsigned>(
          random.chance(1, 16) ? random.bits(9)
                               : random.below(result.kOutputWords + Dut::TokenWords + 3));
      result.cycle(random.chance(2, 3) ? std::optional(index) : std::nullopt, false);
    }
    // Records, after the last answer.
    for (unsigned cycle = 0; cycle < result.latency; ++cycle) result.cycle(std::nullopt, false);
    for (int step = 0; step < 10; ++step) result.cycle(std::nullopt, random.chance(1, 2));
  }
}
TEST_CASE_TEMPLATE_APPLY(result_random, result_models);
