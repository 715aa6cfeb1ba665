// SPDX-License-Identifier: Apache-2.0
#include "tb/unit/models/slice.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <optional>
#include <vector>

#include "tb/unit/bench.h"
#include "tb/unit/header.h"

namespace {

using namespace aqpim::tb;
using namespace aqpim::tb::unit;

// The slice with memories around it, as the lanes have them, and what is to be in them.
template <class Dut>
class Slice {
 public:
  static constexpr unsigned kLanes = Dut::WordBits / Dut::CodeBits;
  static constexpr unsigned kCentroids = 1u << Dut::CodeBits;
  static constexpr unsigned kChannels = kLanes / 2;
  static constexpr unsigned kSubspaces = kChannels / Dut::SubDim;
  static constexpr unsigned kSlots = Dut::WordBits / 8 / kChannels;
  static constexpr unsigned kRecordWords = 8 / kSlots;
  static constexpr unsigned kRecordBytes = kRecordWords * Dut::WordBits / 8;

  struct Token {
    std::vector<unsigned> codes;         // by sub-space
    std::vector<std::int32_t> weighted;  // by channel
    unsigned weight = 0;
  };

  Slice() {
    idle();
    // Random contents, as after power-up.
    for (auto& lane : memory_) {
      for (std::uint64_t& word : lane) word = random.bits(Dut::LaneWidth);
    }
  }

  void load(unsigned code) {
    idle();
    bench->load_i = 1;
    bench->load_code_i = static_cast<std::uint8_t>(code);
    for (unsigned i = 0; i < kChannels; ++i) {
      const auto element = static_cast<std::int32_t>(
          random.chance(1, 4) ? random.pick({-2048, 2047}) : random.between(-2048, 2047));
      put(bench->load_centroid_i, 12 * i, 12, static_cast<std::uint64_t>(element));
      centroids[code][i] = element;
      sums[code][i] = 0;
    }
    weights[code].assign(kSubspaces, 0);
    cycle();
  }

  void load_all() {
    for (unsigned code = 0; code < kCentroids; ++code) load(code);
  }

  // A group's tokens, as after their loop: captured, then read and stored slot by slot, while the
  // next loop reads centroids in every cycle.
  void add(const std::vector<Token>& tokens) {
    loop_idle();
    bench->capture_i = 1;
    for (unsigned n = 0; n < kSlots; ++n) {
      for (unsigned s = 0; s < kSubspaces; ++s) {
        put(bench->codes_i, (n * kSubspaces + s) * Dut::CodeBits, Dut::CodeBits,
            tokens[n].codes[s]);
      }
    }
    cycle();
    for (unsigned n = 0; n < kSlots; ++n) {
      for (const bool store : {false, true}) {
        loop_idle();
        bench->read_i = static_cast<std::uint8_t>(store ? 0 : 1u << n);
        bench->store_i = static_cast<std::uint8_t>(store ? 1u << n : 0);
        for (unsigned m = 0; m < kSlots; ++m) {
          put(bench->weight_i, 8 * m, 8, tokens[m].weight);
          for (unsigned i = 0; i < kChannels; ++i) {
            put(bench->weighted_i, (m * kChannels + i) * 20, 20,
                store && m == n ? static_cast<std::uint64_t>(tokens[m].weighted[i]) : 0);
          }
        }
        cycle();
      }
      for (unsigned s = 0; s < kSubspaces; ++s) {
        const unsigned code = tokens[n].codes[s];
        weights[code][s] += tokens[n].weight;
        for (unsigned d = 0; d < Dut::SubDim; ++d) {
          const unsigned i = s * Dut::SubDim + d;
          sums[code][i] += tokens[n].weighted[i];
        }
      }
    }
  }

  // All records compared with what they are to be, words at any spacing.
  void unload(std::uint64_t pace) {
    for (unsigned code = 0; code < kCentroids; ++code) {
      const std::vector<std::uint8_t> record = record_of(code);
      for (unsigned word = 0; word < kRecordWords; ++word) {
        do {
          idle();
          if (word == 0) {
            bench->unload_i = 1;
            bench->code_i = static_cast<std::uint8_t>(code);
          }
          if (word > 0) check_record(record, word - 1);
          cycle();
        } while (!random.chance(1, pace) && word > 0);
      }
      idle();
      check_record(record, kRecordWords - 1);
      cycle();
      sums[code].assign(kChannels, 0);
      weights[code].assign(kSubspaces, 0);
    }
  }

  std::vector<std::uint8_t> record_of(unsigned code) const {
    std::vector<std::uint8_t> record;
    const auto append = [&](std::int64_t value, unsigned bytes) {
      for (unsigned b = 0; b < bytes; ++b) {
        record.push_back(static_cast<std::uint8_t>(value >> 8 * b));
      }
    };
    for (const std::int64_t sum : sums[code]) append(sum, 4);
    for (const std::uint32_t weight : weights[code]) append(weight, 4);
    record.resize(kRecordBytes - 2 * kChannels);
    for (const std::int32_t element : centroids[code]) append(element, 2);
    return record;
  }

  Token random_token(unsigned codes) {
    Token token;
    for (unsigned s = 0; s < kSubspaces; ++s) {
      token.codes.push_back(static_cast<unsigned>(random.below(codes)));
    }
    token.weight = static_cast<unsigned>(random.chance(1, 4) ? random.pick({0, 255})
                                                             : static_cast<int>(random.bits(8)));
    for (unsigned i = 0; i < kChannels; ++i) {
      token.weighted.push_back(static_cast<std::int32_t>(random.between(-2048, 2047) *
                                                         static_cast<std::int64_t>(token.weight)));
    }
    return token;
  }

  Bench<typename Dut::Model> bench;
  Random random{test_seed(), "pq_slice"};
  std::vector<std::vector<std::int32_t>> centroids{kCentroids,
                                                   std::vector<std::int32_t>(kChannels)};
  std::vector<std::vector<std::int64_t>> sums{kCentroids, std::vector<std::int64_t>(kChannels)};
  std::vector<std::vector<std::uint32_t>> weights{kCentroids,
                                                  std::vector<std::uint32_t>(kSubspaces)};

 private:
  // Nothing asked; random values on the pins that must not matter then.
  void idle() {
    bench->load_i = bench->loop_i = bench->unload_i = bench->capture_i = 0;
    bench->read_i = bench->store_i = bench->record_i = 0;
    bench->load_code_i = static_cast<std::uint8_t>(random.below(kCentroids));
    bench->code_i = static_cast<std::uint8_t>(random.below(kCentroids));
    bench->record_word_i = static_cast<std::uint8_t>(random.below(kRecordWords));
    put(bench->codes_i, 0, std::min(64u, kSubspaces * kSlots * Dut::CodeBits), random.bits());
    put(bench->weight_i, 0, 8 * kSlots, random.bits());
    for (unsigned i = 0; i < kSlots * kChannels; ++i) {
      put(bench->weighted_i, 20 * i, 20, random.bits());
    }
  }

  // The same in a loop: a centroid is read.
  void loop_idle() {
    idle();
    bench->loop_i = random.chance(7, 8);
  }

  void check_record(const std::vector<std::uint8_t>& record, unsigned word) {
    bench->record_word_i = static_cast<std::uint8_t>(word);
    bench->record_i = 0;
    bench.settle();
    for (unsigned b = 0; b < Dut::WordBits / 8; ++b) REQUIRE(get(bench->record_o, 8 * b, 8) == 0);
    bench->record_i = 1;
    bench.settle();
    for (unsigned b = 0; b < Dut::WordBits / 8; ++b) {
      REQUIRE(get(bench->record_o, 8 * b, 8) == record[word * Dut::WordBits / 8 + b]);
    }
  }

  // What the memories do: a read shows in the next cycle and stays; reads for clearing write zero
  // then; reads and writes of one address never meet.
  void cycle() {
    bench.settle();
    if (looped_) {
      for (unsigned i = 0; i < kChannels; ++i) {
        REQUIRE(get_signed(bench->centroid_o, 12 * i, 12) == centroids[*looped_][i]);
      }
    }
    looped_ = bench->loop_i != 0 ? std::optional<unsigned>(bench->code_i) : std::nullopt;

    std::vector<std::optional<unsigned>> clears(kLanes);
    std::vector<std::uint64_t> words(kLanes);
    for (unsigned lane = 0; lane < kLanes; ++lane) {
      const auto address =
          static_cast<unsigned>(get(bench->address_o, lane * Dut::CodeBits, Dut::CodeBits));
      const bool looks_up = get(bench->lookup_o, lane, 1) != 0;
      const bool clears_it = get(bench->clear_o, lane, 1) != 0;
      const bool stores = get(bench->store_o, lane, 1) != 0;
      REQUIRE_FALSE((looks_up && clears_it));
      REQUIRE_FALSE((stores && clear_[lane]));
      // COMBINE's address comes from elsewhere: the centroid of the word.
      const unsigned read_address = clears_it ? bench->code_i : address;
      words[lane] = read_[lane];
      if (looks_up || clears_it) words[lane] = memory_[lane][read_address];
      if (stores) {
        const auto to =
            static_cast<unsigned>(get(bench->store_address_o, lane * Dut::CodeBits, Dut::CodeBits));
        REQUIRE_FALSE(((looks_up || clears_it) && read_address == to));
        memory_[lane][to] = get(bench->store_data_o, lane * Dut::LaneWidth, Dut::LaneWidth);
      }
      if (clear_[lane]) memory_[lane][*clear_[lane]] = 0;
      if (clears_it) clears[lane] = read_address;
    }
    bench.clock();
    clear_ = clears;
    read_ = words;
    for (unsigned lane = 0; lane < kLanes; ++lane) {
      put(bench->words_i, lane * Dut::LaneWidth, Dut::LaneWidth, read_[lane]);
    }
  }

  std::vector<std::vector<std::uint64_t>> memory_{kLanes, std::vector<std::uint64_t>(kCentroids)};
  std::vector<std::uint64_t> read_ = std::vector<std::uint64_t>(kLanes);
  std::vector<std::optional<unsigned>> clear_ = std::vector<std::optional<unsigned>>(kLanes);
  std::optional<unsigned> looped_;
};

}  // namespace

TEST_CASE_TEMPLATE_DEFINE(
    "pq_slice: centroids and sums of random tokens come out as they were loaded and added", Dut,
    slice_random) {
  INFO(Dut::parameters);
  REQUIRE(stated_cycles("slice", "to the words:") == 1);
  Slice<Dut> slice;
  Random& random = slice.random;
  for (std::uint64_t round = 0; round < test_iterations(6); ++round) {
    CAPTURE(round);
    if (round % 3 != 1) slice.load_all();
    // Few codes: the slots of a group, and groups in a row, have the same.
    const unsigned codes = random.pick({1u, 2u, slice.kCentroids});
    for (auto group = random.below(std::min(100u, Dut::ScoreDepth / slice.kSlots)); group > 0;
         --group) {
      std::vector<typename Slice<Dut>::Token> tokens;
      for (unsigned n = 0; n < slice.kSlots; ++n) tokens.push_back(slice.random_token(codes));
      slice.add(tokens);
    }
    slice.unload(random.pick({1u, 1u, 3u}));
    // UNLOAD has emptied the sums and left the centroids.
    if (round % 2 == 0) slice.unload(1);
  }
}
TEST_CASE_TEMPLATE_APPLY(slice_random, slice_models);

TEST_CASE_TEMPLATE_DEFINE("pq_slice: sums of a full pass reach both ends of their widths", Dut,
                          slice_ends) {
  INFO(Dut::parameters);
  Slice<Dut> slice;
  using Token = typename Slice<Dut>::Token;
  slice.load_all();
  // Channels in turn at the lowest and the highest number of 20 bits, in the last centroid.
  Token token;
  token.codes.assign(slice.kSubspaces, slice.kCentroids - 1);
  token.weight = 255;
  for (unsigned i = 0; i < slice.kChannels; ++i) {
    token.weighted.push_back(i % 2 == 0 ? -(1 << 19) : (1 << 19) - 1);
  }
  for (unsigned t = 0; t < Dut::ScoreDepth; t += slice.kSlots) {
    slice.add(std::vector<Token>(slice.kSlots, token));
  }
  CHECK(slice.sums.back()[0] == -(std::int64_t{Dut::ScoreDepth} << 19));
  CHECK(slice.weights.back()[0] == 255 * Dut::ScoreDepth);
  slice.unload(1);
}
TEST_CASE_TEMPLATE_APPLY(slice_ends, slice_models);
