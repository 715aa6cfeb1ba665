// SPDX-License-Identifier: Apache-2.0
#include "sw/golden/reducer.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <deque>
#include <vector>

#include "sw/golden/reducer_test_support.h"
#include "tb/unit/bench.h"
#include "tb/unit/header.h"
#include "tb/unit/models/reducer.h"

namespace {

using namespace aqpim::tb;
using namespace aqpim::tb::unit;
using aqpim::config::EngineConfig;
using aqpim::golden::Part;
using aqpim::golden::random_part;
using Bytes = std::vector<std::uint8_t>;

template <class Dut>
class Reducer {
 public:
  static constexpr EngineConfig kEngine{.head_dim = 64,
                                        .sub_dim = Dut::SubDim,
                                        .code_bits = Dut::CodeBits,
                                        .word_bits = Dut::WordBits,
                                        .score_depth = Dut::ScoreDepth,
                                        .quantize = 1};
  static constexpr std::size_t kWordBytes = Dut::WordBits / 8;
  static constexpr unsigned kChannels = Dut::WordBits / Dut::CodeBits / 2;
  static constexpr unsigned kRecordWords = 32 / Dut::CodeBits;
  static constexpr unsigned kMostParts = 1u << Dut::PartsWidth;

  Reducer() { idle(); }

  // All centroids of these parts, a word in `numerator` of `denominator` cycles in which the
  // reducer takes one. Outputs may still be on their way at the end.
  void round(const std::vector<Part>& parts, bool values, std::uint64_t numerator,
             std::uint64_t denominator) {
    std::vector<Bytes> partials;
    for (const Part& part : parts) partials.push_back(records(kEngine, part));
    const aqpim::golden::Reduced reduced = aqpim::golden::reduce(partials, kEngine, values);
    const std::size_t record = kRecordWords * kWordBytes;
    for (unsigned c = 0; c < kEngine.centroids(); ++c) {
      for (std::size_t part = 0; part < parts.size(); ++part) {
        for (unsigned w = 0; w < kRecordWords; ++w) {
          const bool first = part == 0 && w == 0;
          const bool last = part + 1 == parts.size() && w + 1 == kRecordWords;
          while (!random.chance(numerator, denominator)) cycle();
          idle();
          bench->word_valid_i = 1;
          set_word(partials[part].data() + c * record + w * kWordBytes);
          if (first) {
            bench->last_part_i = static_cast<std::uint8_t>(parts.size() - 1);
            bench->values_i = values;
          }
          while (!step()) {
          }
          if (last) expect(reduced, c);
        }
      }
    }
  }

  // A cycle without a word.
  void cycle() {
    idle();
    step();
  }

  void drain() {
    while (!words.empty() || !elements.empty()) cycle();
    for (unsigned i = 0; i < 2 * kChannels + 20; ++i) cycle();
  }

  std::vector<Part> random_parts(unsigned count) {
    std::vector<Part> parts;
    while (parts.size() < count) {
      parts.push_back(
          random_part(kEngine, random, random.pick({1u, 8u, Dut::ScoreDepth, Dut::ScoreDepth})));
    }
    return parts;
  }

  // What is given while no word is, or beside a word that does not take it.
  void idle() {
    Bytes word(kWordBytes);
    for (std::uint8_t& byte : word) byte = static_cast<std::uint8_t>(random.bits(8));
    set_word(word.data());
    bench->word_valid_i = 0;
    bench->last_part_i = static_cast<std::uint8_t>(random.below(kMostParts));
    bench->values_i = random.chance(1, 2);
  }

  void set_word(const std::uint8_t* bytes) {
    for (unsigned i = 0; i < kWordBytes; ++i) put(bench->word_i, 8 * i, 8, bytes[i]);
  }

  // Ends the cycle, with what is due in it checked; whether a word was taken.
  bool step() {
    bench.settle();
    const bool waits = !divided.empty() && now < divided.back();
    CAPTURE(now);
    REQUIRE((bench->word_ready_o != 0) == !waits);
    check(bench->centroid_valid_o != 0, bench->centroid_o, words);
    check(bench->elements_valid_o != 0, bench->elements_o, elements);
    const bool taken = bench->word_valid_i != 0 && bench->word_ready_o != 0;
    bench.clock();
    ++now;
    return taken;
  }

  struct Output {
    std::uint64_t cycle;
    Bytes bytes;
  };

  template <typename Port>
  void check(bool valid, const Port& port, std::deque<Output>& expected) {
    const bool due = !expected.empty() && expected.front().cycle == now;
    REQUIRE(valid == due);
    if (!due) return;
    Bytes bytes;
    for (unsigned i = 0; i < expected.front().bytes.size(); ++i) {
      bytes.push_back(static_cast<std::uint8_t>(get(port, 8 * i, 8)));
    }
    REQUIRE(bytes == expected.front().bytes);
    expected.pop_front();
    ++compared;
  }

  // The last word of centroid c was taken in the last cycle.
  void expect(const aqpim::golden::Reduced& reduced, unsigned c) {
    // It is divided in the next cycle, or when the divider has seen all channels of the one before.
    const std::uint64_t free = divided.empty() ? 0 : divided.back() + kChannels;
    const std::uint64_t late = std::max(free, now) - now;
    divided.push_back(now + late);
    const std::uint64_t taken = now - 1;
    const auto slice = [&](const Bytes& all, std::size_t index, std::size_t count) {
      const auto first = all.begin() + static_cast<std::ptrdiff_t>(index * count);
      return Bytes(first, first + static_cast<std::ptrdiff_t>(count));
    };
    for (unsigned w = 0; w < kEngine.slice_words(); ++w) {
      const unsigned cycles =
          stated_cycles("reducer", "to word w of centroid_o:") + (w + 1) * Dut::WordBits / 16;
      words.push_back({taken + late + cycles,
                       slice(reduced.centroids, c * kEngine.slice_words() + w, kWordBytes)});
    }
    elements.push_back({taken + late + stated_cycles("reducer", "to elements_o:") + kChannels,
                        slice(reduced.codebook, c, kChannels)});
  }

  Bench<typename Dut::Model> bench;
  Random random{test_seed(), "pq_reducer"};
  std::uint64_t now = 0;
  std::deque<std::uint64_t> divided;   // cycles in which centroids went to the divider
  std::deque<Output> words, elements;  // what is still due, and when
  std::uint64_t compared = 0;
};

}  // namespace

TEST_CASE_TEMPLATE_DEFINE(
    "pq_reducer: random rounds of 1, 2, 3 and 16 parts back to back are as in the golden model, "
    "and come when the header says",
    Dut, reducer_rounds) {
  INFO(Dut::parameters);
  REQUIRE(
      stated_latency("reducer") ==
      "last word of a centroid to word w of centroid_o: 18 + (w + 1) * WordBits / 16 cycles, to "
      "elements_o: 18 + SliceChannels; more by what the divider is behind");
  Reducer<Dut> reducer;
  std::uint64_t rounds = 0;
  for (const unsigned count : {1u, 16u, 2u, 1u, 3u, 3u, 1u, 2u}) {
    if (count > reducer.kMostParts) continue;
    CAPTURE(count);
    // Without gaps, with few and with many.
    const auto pace = reducer.random.pick({1u, 1u, 2u, 9u});
    reducer.round(reducer.random_parts(count), reducer.random.chance(1, 2), pace == 9 ? 1 : pace,
                  pace == 1 ? 1 : pace + 1);
    ++rounds;
  }
  reducer.drain();
  CHECK(reducer.compared ==
        rounds * reducer.kEngine.centroids() * (reducer.kEngine.slice_words() + 1));
}
TEST_CASE_TEMPLATE_APPLY(reducer_rounds, reducer_models);

TEST_CASE_TEMPLATE_DEFINE(
    "pq_reducer: a centroid takes as many cycles as its words or its channels, whatever is more",
    Dut, reducer_throughput) {
  INFO(Dut::parameters);
  for (const unsigned count : {1u, 2u, 3u, 4u, 5u}) {
    Reducer<Dut> reducer;
    if (count > reducer.kMostParts) continue;
    const std::vector<Part> parts = reducer.random_parts(count);
    // The first round fills both buffers.
    reducer.round(parts, false, 1, 1);
    const std::uint64_t start = reducer.now;
    reducer.round(parts, true, 1, 1);
    CHECK(reducer.now - start ==
          reducer.kEngine.centroids() * std::max(count * reducer.kRecordWords, reducer.kChannels));
    reducer.drain();
  }
}
TEST_CASE_TEMPLATE_APPLY(reducer_throughput, reducer_models);

TEST_CASE_TEMPLATE_DEFINE("pq_reducer: the largest sums of the most parts, and empty clusters", Dut,
                          reducer_extremes) {
  INFO(Dut::parameters);
  Reducer<Dut> reducer;
  const std::size_t elements = std::size_t{reducer.kEngine.centroids()} * reducer.kChannels;
  for (const std::int32_t value : {-2048, 2047}) {
    const std::uint32_t weight = 255 * Dut::ScoreDepth;
    Part part{.sums = std::vector<std::int32_t>(
                  elements, static_cast<std::int32_t>(value * std::int64_t{weight})),
              .weights = std::vector<std::uint32_t>(elements / Dut::SubDim, weight),
              .old = std::vector<std::int16_t>(elements, 0)};
    reducer.round(std::vector<Part>(reducer.kMostParts, part), value > 0, 1, 1);

    // Parts without tokens whose old centroids differ: those of the last one stay.
    part.sums.assign(elements, 0);
    part.weights.assign(elements / Dut::SubDim, 0);
    Part last = part;
    for (std::int16_t& old : last.old) {
      old = static_cast<std::int16_t>(reducer.random.between(-2048, 2047));
    }
    reducer.round({part, last}, value > 0, 1, 1);
    reducer.round({last}, value > 0, 1, 1);
  }
  reducer.drain();
}
TEST_CASE_TEMPLATE_APPLY(reducer_extremes, reducer_models);

TEST_CASE_TEMPLATE_DEFINE("pq_reducer: a reset forgets what was begun", Dut, reducer_reset) {
  INFO(Dut::parameters);
  Reducer<Dut> reducer;
  const auto ready = [&] {
    reducer.bench.settle();
    return reducer.bench->word_ready_o != 0;
  };
  for (unsigned words = 1; words < 40; words += 3) {
    const Bytes part = records(reducer.kEngine, reducer.random_parts(1)[0]);
    reducer.idle();
    reducer.bench->word_valid_i = 1;
    reducer.bench->last_part_i = 0;
    for (unsigned w = 0; w < words; ++w) {
      reducer.set_word(part.data() + w * reducer.kWordBytes);
      while (!ready()) reducer.bench.clock();
      reducer.bench.clock();
    }
    reducer.idle();
    reducer.bench.reset();
    reducer.divided.clear();
    reducer.round(reducer.random_parts(1), true, 1, 1);
    reducer.drain();
  }
}
TEST_CASE_TEMPLATE_APPLY(reducer_reset, reducer_models);

TEST_CASE("pq_reducer: numbers that no engine gives violate an assertion") {
  using Dut = reducer_0;
  const auto errors_of = [](unsigned wrong_word, std::size_t byte) {
    Reducer<Dut> reducer;
    reducer.idle();
    reducer.bench->word_valid_i = 1;
    for (unsigned w = 0; w < reducer.kRecordWords; ++w) {
      Bytes word(reducer.kWordBytes);
      if (w == wrong_word) word[byte] = 0x40;
      reducer.set_word(word.data());
      reducer.bench.clock();
    }
    return reducer.bench.take_errors();
  };
  const unsigned words = Reducer<Dut>::kRecordWords;
  CHECK(errors_of(0, 3) == 1);
  CHECK(errors_of(words / 2, 3) == 1);
  CHECK(errors_of(words - 1, 1) == 1);
  CHECK(errors_of(words, 0) == 0);
}
