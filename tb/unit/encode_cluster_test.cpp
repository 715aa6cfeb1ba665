// SPDX-License-Identifier: Apache-2.0
#include "tb/unit/models/encode_cluster.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <deque>
#include <span>
#include <vector>

#include "sw/golden/centroid_group.h"
#include "sw/golden/nearest.h"
#include "tb/unit/bench.h"
#include "tb/unit/header.h"

namespace {

using namespace aqpim::tb;
using namespace aqpim::tb::unit;
using aqpim::golden::Nearest;
using aqpim::golden::squared_distance;
using Vector = std::vector<std::int32_t>;

// The module with what is around it in the engine: query registers, multipliers, lanes' memories
// and the stages of pq_stages, whose cycles are stated in pq_centroid_group.
template <class Dut>
class Quantizer {
 public:
  static constexpr unsigned kLanes = Dut::WordBits / Dut::CodeBits;
  static constexpr unsigned kCentroids = 1u << Dut::CodeBits;
  static constexpr unsigned kMultipliers = Dut::WordBits / 8;
  static constexpr unsigned kGroups = kMultipliers / Dut::SubDim;
  static constexpr unsigned kCentroidWords = Dut::HeadDim / kMultipliers;
  static constexpr unsigned kChannels = kLanes / 2;  // of a slice
  static constexpr unsigned kSubspaces = kChannels / Dut::SubDim;
  static constexpr unsigned kSlots = kMultipliers / kChannels;
  static constexpr unsigned kRecordWords = 8 / kSlots;

  Quantizer() {
    bench->start_i = bench->take_i = bench->encode_i = bench->distance_i = 0;
    bench->distance_valid_i = bench->load_i = bench->unload_i = bench->record_i = 0;
    bench->codes_read_i = 0;
    for (auto& lane : memory_) {
      for (std::uint64_t& word : lane) word = random.bits(Dut::LaneWidth);
    }
  }

  // ENCODE: all words of a codebook, one in `pace` cycles; then the codes are those of the golden
  // search in each sub-space.
  void encode(bool values, std::uint64_t pace) {
    Vector vector = random_vector(Dut::HeadDim);
    std::vector<Vector> codebook(Dut::HeadDim / Dut::SubDim);
    for (unsigned c = 0; c < kCentroids; ++c) {
      for (unsigned w = 0; w < kCentroidWords; ++w) {
        while (!random.chance(1, pace)) cycle();
        Vector elements;
        for (unsigned i = 0; i < kMultipliers; ++i) {
          // Few different bytes make ties.
          const auto byte = static_cast<std::uint8_t>(random.bits(8) & (values ? 0xff : 0x81));
          put(bench->elements_i, 8 * i, 8, byte);
          elements.push_back(aqpim::golden::stored_element(byte, values));
          codebook[(w * kMultipliers + i) / Dut::SubDim].push_back(elements.back());
        }
        bench->encode_i = 1;
        bench->values_i = values;
        bench.settle();
        compare_compared(elements);
        cycle({.valid = true,
               .centroid = c,
               .word = w,
               .distances =
                   distances(std::span(vector).subspan(w * kMultipliers, kMultipliers), elements)});
      }
    }
    for (unsigned i = 0; i < distance_cycles_ + 1; ++i) cycle();
    bench->codes_read_i = 1;
    bench.settle();
    for (std::size_t m = 0; m < codebook.size(); ++m) {
      const Nearest nearest(codebook[m], Dut::SubDim);
      CAPTURE(m);
      REQUIRE(get(bench->codes_o, static_cast<unsigned>(m) * Dut::CodeBits, Dut::CodeBits) ==
              nearest(std::span(vector).subspan(m * Dut::SubDim, Dut::SubDim)));
    }
    bench->codes_read_i = 0;
    bench.settle();
    CHECK(get(bench->codes_o, 0, Dut::CodeBits) == 0);
  }

  void load() {
    for (unsigned c = 0; c < kCentroids; ++c) {
      centroids_[c] = random_vector(kChannels);
      sums_[c].assign(kChannels, 0);
      weights_[c].assign(kSubspaces, 0);
      bench->load_i = 1;
      put(bench->load_centroid_i, 0, Dut::CodeBits, c);
      for (unsigned i = 0; i < kChannels; ++i) {
        put(bench->load_vector_i, 12 * i, 12, static_cast<std::uint64_t>(centroids_[c][i]));
      }
      cycle();
    }
  }

  // CLUSTER: so many groups of random tokens, words when there is room and in one of `pace` cycles.
  void cluster(unsigned groups, std::uint64_t pace) {
    bench->start_i = 1;
    cycle();
    unsigned words = 2 * groups;
    const std::uint64_t patience = cycle_ + (groups + 2) * (2 * kCentroids + 4 * pace + 40);
    while (words > 0 || bench->active_o != 0) {
      REQUIRE(cycle_ < patience);
      bench.settle();
      const bool weights = bench->weights_next_o != 0;
      if (words > 0 && bench->ready_o != 0 && random.chance(1, pace)) {
        bench->take_i = 1;
        if (weights) {
          for (unsigned i = 0; i < Dut::WordBits / 8; ++i) {
            block_[i] = static_cast<unsigned>(random.chance(1, 4) ? 0 : random.bits(8));
          }
          group_ = 0;
        } else {
          // A word is half of the elements of a group.
          const auto index = static_cast<unsigned>(bench->raw_index_o);
          const Vector half = random_vector(kMultipliers / 2);
          std::copy(half.begin(), half.end(), arriving_.begin() + index % 2 * kMultipliers / 2);
          if (index % 2 == 1) {
            for (unsigned n = 0; n < kSlots; ++n) add(n, block_[group_ * kSlots + n]);
            ++group_;
            converted_.push_back({cycle_ + query_cycles_, index / 2, arriving_});
          }
          --words;
        }
      }
      cycle();
      // The word of weights stays in stage 1.
      for (unsigned i = 0; i < Dut::WordBits / 8; ++i) put(bench->elements_i, 8 * i, 8, block_[i]);
    }
    for (unsigned i = 0; i < 5 + 2 * kSlots; ++i) cycle();
  }

  // UNLOAD: the records are {sums, weights, centroids}; then the sums are empty.
  void unload() {
    for (unsigned c = 0; c < kCentroids; ++c) {
      for (unsigned word = 0; word < kRecordWords; ++word) {
        bench->unload_i = word == 0;
        put(bench->unload_centroid_i, 0, Dut::CodeBits, c);
        cycle();
        bench->record_i = 1;
        bench->record_word_i = static_cast<std::uint8_t>(word);
        bench.settle();
        const std::vector<std::uint8_t> record = record_of(c);
        for (unsigned b = 0; b < Dut::WordBits / 8; ++b) {
          CAPTURE(b);
          REQUIRE(get(bench->record_o, 8 * b, 8) == record[word * Dut::WordBits / 8 + b]);
        }
        bench->record_i = 0;
      }
      sums_[c].assign(kChannels, 0);
      weights_[c].assign(kSubspaces, 0);
    }
  }

  Bench<typename Dut::Model> bench;
  Random random{test_seed(), "pq_encode_cluster"};

 private:
  // What comes out of the multipliers.
  struct Product {
    bool valid = false;
    unsigned centroid = 0, word = 0;
    std::vector<std::uint32_t> distances = {};
    bool weighed = false;
    Vector weighted = {};
  };

  // A group of raw tokens on its way into the query registers.
  struct Group {
    std::uint64_t due = 0;
    unsigned buffer = 0;
    Vector tokens;
  };

  Vector random_vector(unsigned count) {
    Vector vector(count);
    const std::int32_t limit = random.pick({2, 300, 2048});
    for (std::int32_t& element : vector) {
      element = static_cast<std::int32_t>(random.between(-limit, limit - 1));
    }
    return vector;
  }

  static std::vector<std::uint32_t> distances(std::span<const std::int32_t> vector,
                                              std::span<const std::int32_t> compared) {
    std::vector<std::uint32_t> found;
    for (unsigned g = 0; g < kGroups; ++g) {
      found.push_back(squared_distance(vector.subspan(g * Dut::SubDim, Dut::SubDim),
                                       compared.subspan(g * Dut::SubDim, Dut::SubDim)));
    }
    return found;
  }

  // A token adds to the sums of the nearest centroid of each of its sub-spaces.
  void add(unsigned slot, unsigned weight) {
    for (unsigned s = 0; s < kSubspaces; ++s) {
      Vector of_subspace;
      for (const Vector& centroid : centroids_) {
        of_subspace.insert(of_subspace.end(), centroid.begin() + s * Dut::SubDim,
                           centroid.begin() + (s + 1) * Dut::SubDim);
      }
      const auto token =
          std::span(arriving_).subspan(slot * kChannels + s * Dut::SubDim, Dut::SubDim);
      const unsigned code = Nearest(of_subspace, Dut::SubDim)(token);
      weights_[code][s] += weight;
      for (unsigned d = 0; d < Dut::SubDim; ++d) {
        sums_[code][s * Dut::SubDim + d] += aqpim::golden::weighted_token(token[d], weight);
      }
    }
  }

  void compare_compared(const Vector& expected) {
    for (unsigned i = 0; i < kMultipliers; ++i) {
      REQUIRE(get_signed(bench->compared_o, 12 * i, 12) == expected[i]);
    }
  }

  // Ends the cycle: `product` enters the multipliers. Then nothing is asked.
  void cycle(Product product = {}) {
    bench.settle();
    if (!converted_.empty() && converted_.front().due == cycle_) {
      tokens_[converted_.front().buffer] = converted_.front().tokens;
      converted_.pop_front();
    }
    // Stage 1 of a token loop: the tokens meet what is compared, or are weighed.
    if (distance_) {
      Vector centroid;
      for (unsigned i = 0; i < kMultipliers; ++i) {
        centroid.push_back(centroids_[code_][i % kChannels]);
      }
      compare_compared(centroid);
      product = {.valid = true,
                 .centroid = code_,
                 .word = 0,
                 .distances = distances(tokens_[buffer_], centroid)};
    } else if (weigh_) {
      product.weighed = true;
      for (unsigned i = 0; i < kMultipliers; ++i) {
        product.weighted.push_back(aqpim::golden::weighted_token(
            tokens_[buffer_][i],
            static_cast<std::uint32_t>(get(bench->token_weight_o, i / kChannels * 8, 8))));
      }
    } else if (bench->encode_i == 0) {
      compare_compared(Vector(kMultipliers));
    }
    distance_ = bench->loop_o != 0 && bench->weigh_o == 0;
    weigh_ = bench->weigh_o != 0;
    code_ = static_cast<unsigned>(bench->loop_code_o);
    buffer_ = static_cast<unsigned>(bench->loop_buffer_o);
    access_memories();
    bench.clock();
    for (unsigned lane = 0; lane < kLanes; ++lane) {
      put(bench->words_i, lane * Dut::LaneWidth, Dut::LaneWidth, read_[lane]);
    }
    bench->start_i = bench->take_i = bench->encode_i = bench->load_i = bench->unload_i = 0;
    bench->distance_i = distance_;
    products_.push_back(product);
    if (products_.size() > distance_cycles_) products_.pop_front();
    leave(products_.size() == distance_cycles_ ? products_.front() : Product{});
    ++cycle_;
  }

  // What leaves the multipliers in this cycle; weighted tokens stay.
  void leave(const Product& product) {
    bench->distance_valid_i = product.valid;
    put(bench->distance_centroid_i, 0, Dut::CodeBits, product.centroid);
    bench->distance_word_i = static_cast<std::uint8_t>(product.word);
    for (unsigned g = 0; g < kGroups; ++g) {
      put(bench->distances_i, g * kDistanceWidth, kDistanceWidth,
          product.valid ? product.distances[g] : random.bits());
    }
    for (unsigned i = 0; product.weighed && i < kMultipliers; ++i) {
      put(bench->weighted_i, 20 * i, 20, static_cast<std::uint64_t>(product.weighted[i]));
    }
  }

  // Reads show in the next cycle; what is read to be cleared is zero a cycle later.
  void access_memories() {
    const auto address = [](const auto& port, unsigned lane) {
      return static_cast<unsigned>(get(port, lane * Dut::CodeBits, Dut::CodeBits));
    };
    for (unsigned lane = 0; lane < kLanes; ++lane) {
      const bool clears = get(bench->clear_o, lane, 1) != 0;
      const unsigned read = clears ? static_cast<unsigned>(bench->unload_centroid_i)
                                   : address(bench->address_o, lane);
      if (clears || get(bench->lookup_o, lane, 1) != 0) read_[lane] = memory_[lane][read];
      if (get(bench->store_o, lane, 1) != 0) {
        memory_[lane][address(bench->store_address_o, lane)] =
            get(bench->store_data_o, lane * Dut::LaneWidth, Dut::LaneWidth);
      }
      if (clears) memory_[lane][read] = 0;
    }
  }

  std::vector<std::uint8_t> record_of(unsigned code) const {
    std::vector<std::uint8_t> record;
    const auto append = [&](std::int64_t value, unsigned bytes) {
      for (unsigned b = 0; b < bytes; ++b) {
        record.push_back(static_cast<std::uint8_t>(value >> 8 * b));
      }
    };
    for (const std::int64_t sum : sums_[code]) append(sum, 4);
    for (const std::uint32_t weight : weights_[code]) append(weight, 4);
    record.resize(kRecordWords * Dut::WordBits / 8 - 2 * kChannels);
    for (const std::int32_t element : centroids_[code]) append(element, 2);
    return record;
  }

  static constexpr unsigned kDistanceWidth = 24 + std::countr_zero(Dut::SubDim);

  const unsigned distance_cycles_ = stated_cycles("centroid_group", "combine, distance, weigh:");
  const unsigned query_cycles_ = stated_cycles("query", "write:");
  std::vector<Vector> centroids_ = std::vector<Vector>(kCentroids, Vector(kChannels));
  std::vector<std::vector<std::int64_t>> sums_ =
      std::vector<std::vector<std::int64_t>>(kCentroids, std::vector<std::int64_t>(kChannels));
  std::vector<std::vector<std::uint32_t>> weights_ =
      std::vector<std::vector<std::uint32_t>>(kCentroids, std::vector<std::uint32_t>(kSubspaces));
  std::vector<Vector> tokens_ = std::vector<Vector>(2, Vector(kMultipliers));  // of both buffers
  Vector arriving_ = Vector(kMultipliers);
  std::deque<Group> converted_;
  std::uint64_t cycle_ = 0;
  std::vector<unsigned> block_ = std::vector<unsigned>(Dut::WordBits / 8);  // weights
  unsigned group_ = 0;                                                      // of a block
  bool distance_ = false, weigh_ = false;                                   // stage 1 of a loop
  unsigned code_ = 0, buffer_ = 0;
  std::deque<Product> products_;
  std::vector<std::vector<std::uint64_t>> memory_{kLanes, std::vector<std::uint64_t>(kCentroids)};
  std::vector<std::uint64_t> read_ = std::vector<std::uint64_t>(kLanes);
};

}  // namespace

TEST_CASE_TEMPLATE_DEFINE("pq_encode_cluster: the codes of random vectors are the nearest ones",
                          Dut, encode_cluster_encode) {
  INFO(Dut::parameters);
  Quantizer<Dut> quantizer;
  for (std::uint64_t round = 0; round < test_iterations(6); ++round) {
    CAPTURE(round);
    quantizer.encode(round % 2 == 1, quantizer.random.pick({1u, 3u}));
  }
}
TEST_CASE_TEMPLATE_APPLY(encode_cluster_encode, encode_cluster_models);

TEST_CASE_TEMPLATE_DEFINE(
    "pq_encode_cluster: records have the sums of all tokens nearest to their centroid", Dut,
    encode_cluster_cluster) {
  INFO(Dut::parameters);
  REQUIRE(stated_cycles("encode_cluster", "of a sub-space to codes_o:") == 1);
  Quantizer<Dut> quantizer;
  for (std::uint64_t round = 0; round < test_iterations(4); ++round) {
    CAPTURE(round);
    if (round != 2) quantizer.load();
    for (int command = 0; command < 2; ++command) {
      quantizer.cluster(static_cast<unsigned>(quantizer.random.below(12)),
                        quantizer.random.pick({1u, 1u, 60u}));
    }
    quantizer.unload();
    if (round == 0) quantizer.encode(false, 1);
  }
}
TEST_CASE_TEMPLATE_APPLY(encode_cluster_cluster, encode_cluster_models);
