// SPDX-License-Identifier: Apache-2.0
#include "tb/unit/models/centroid_buffer.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <vector>

#include "sw/golden/reducer.h"
#include "sw/golden/reducer_test_support.h"
#include "tb/unit/bench.h"
#include "tb/unit/header.h"

namespace {

using namespace aqpim::tb;
using namespace aqpim::tb::unit;
using aqpim::config::EngineConfig;
using Bytes = std::vector<std::uint8_t>;

constexpr unsigned kBeatBytes = 32;

template <class Dut>
class CentroidBuffer {
 public:
  static constexpr EngineConfig kEngine{.head_dim = 128,
                                        .sub_dim = Dut::SubDim,
                                        .code_bits = Dut::CodeBits,
                                        .word_bits = Dut::WordBits,
                                        .score_depth = Dut::ScoreDepth,
                                        .quantize = 1};
  static constexpr unsigned kWordsPerBeat = 256 / Dut::WordBits;
  static constexpr unsigned kRecordBeats = 32 / Dut::CodeBits / kWordsPerBeat;
  static constexpr unsigned kChannels = Dut::WordBits / Dut::CodeBits / 2;

  CentroidBuffer() {
    REQUIRE(stated_latency("centroid_buffer") ==
            "beat to its first word: 0 cycles; done_o: when the last centroid is in the buffer");
    idle();
  }

  // All records of random engines, beats at least `gap` cycles from one to the next; then the
  // buffer and the elements.
  void pass(bool joint, bool values, bool last, unsigned gap, bool random_gaps) {
    std::vector<Bytes> partials;
    for (unsigned e = 0; e < Dut::Engines; ++e) {
      partials.push_back(records(
          kEngine, aqpim::golden::random_part(kEngine, random, random.pick({1u, 9u, 64u}))));
    }
    Bytes centroids, codebook;
    const auto add = [&](std::span<const Bytes> parts) {
      const aqpim::golden::Reduced reduced = aqpim::golden::reduce(parts, kEngine, values);
      centroids.insert(centroids.end(), reduced.centroids.begin(), reduced.centroids.end());
      codebook.insert(codebook.end(), reduced.codebook.begin(), reduced.codebook.end());
    };
    if (joint) {
      add(partials);
    } else {
      for (const Bytes& partial : partials) add({&partial, 1});
    }
    expected_elements = last ? codebook : Bytes{};

    elements.clear();
    namespace pass = aqpim::pq_pkg::reducer_pass;
    put(bench->pass_i, pass::joint, joint);
    put(bench->pass_i, pass::values, values);
    put(bench->pass_i, pass::last, last);
    bench->start_i = 1;
    step();
    bench->start_i = 0;
    const unsigned outer = joint ? kEngine.centroids() : Dut::Engines;
    const unsigned inner = joint ? Dut::Engines : kEngine.centroids();
    const unsigned record = kRecordBeats * kBeatBytes;
    for (unsigned o = 0; o < outer; ++o) {
      for (unsigned i = 0; i < inner; ++i) {
        const Bytes& part = partials[joint ? i : o];
        const unsigned centroid = joint ? o : i;
        for (unsigned b = 0; b < kRecordBeats; ++b) {
          idle();
          bench->record_valid_i = 1;
          put_beat(part.data() + centroid * record + b * kBeatBytes);
          REQUIRE(bench->done_o == 0);
          step();
          idle();
          const unsigned pause = random_gaps ? gap + static_cast<unsigned>(random.below(4)) : gap;
          const bool very_last = o + 1 == outer && i + 1 == inner && b + 1 == kRecordBeats;
          for (unsigned c = 1; c < pause && !very_last; ++c) step();
        }
      }
    }
    // The last word was taken kWordsPerBeat - 1 cycles after its beat. Its elements come as
    // pq_reducer says, are counted in the next cycle, and then the beat has been written.
    const unsigned finish =
        kWordsPerBeat - 1 + stated_cycles("reducer", "to elements_o:") + kChannels + 2;
    for (unsigned c = 1; c < finish; ++c) {
      bench.settle();
      REQUIRE(bench->done_o == 0);
      step();
    }
    bench.settle();
    REQUIRE(bench->done_o == 1);

    // In the first cycle of done_o already, the last beat first.
    const std::size_t beats = centroids.size() / kBeatBytes;
    for (std::size_t i = 0; i < beats; ++i) {
      const std::size_t beat = i == 0 ? beats - 1 : i - 1;
      CAPTURE(beat);
      put(bench->buffer_address_i, 0, 16, beat);
      bench->buffer_read_i = 1;
      step();
      bench->buffer_read_i = 0;
      bench.settle();
      for (unsigned byte = 0; byte < kBeatBytes; ++byte) {
        REQUIRE(get(bench->buffer_o, 8 * byte, 8) == centroids[beat * kBeatBytes + byte]);
      }
      REQUIRE(bench->done_o == 1);
    }
    REQUIRE(elements == expected_elements);
  }

  void idle() {
    bench->start_i = 0;
    bench->record_valid_i = 0;
    bench->buffer_read_i = 0;
    Bytes noise(kBeatBytes);
    for (std::uint8_t& byte : noise) byte = static_cast<std::uint8_t>(random.bits(8));
    put_beat(noise.data());
  }

  // Ends the cycle.
  void step() {
    bench.settle();
    if (bench->elements_valid_o != 0) {
      REQUIRE(bench->elements_beat_o == elements.size() / kBeatBytes);
      for (unsigned byte = 0; byte < kBeatBytes; ++byte) {
        elements.push_back(static_cast<std::uint8_t>(get(bench->elements_o, 8 * byte, 8)));
      }
    }
    bench.clock();
  }

  void put_beat(const std::uint8_t* bytes) {
    for (unsigned i = 0; i < kBeatBytes; ++i) put(bench->record_i, 8 * i, 8, bytes[i]);
  }

  Bench<typename Dut::Model> bench;
  Random random{test_seed(), "pq_centroid_buffer"};
  Bytes elements, expected_elements;
};

}  // namespace

TEST_CASE_TEMPLATE_DEFINE(
    "pq_centroid_buffer: passes of a rank's records leave centroids in the order of LOAD, and the "
    "last one its elements",
    Dut, centroid_buffer_passes) {
  INFO(Dut::parameters);
  CentroidBuffer<Dut> buffer;
  // A beat is unpacked before the next one comes, and a centroid divided.
  const unsigned joint_gap = buffer.kWordsPerBeat;
  const unsigned each_gap = std::max(buffer.kWordsPerBeat, buffer.kChannels / buffer.kRecordBeats);
  REQUIRE(Dut::Engines * buffer.kRecordBeats * joint_gap >= buffer.kChannels);
  for (unsigned i = 0; i < 12; ++i) {
    CAPTURE(i);
    const bool joint = i % 2 == 0;
    buffer.pass(joint, buffer.random.chance(1, 2), i % 4 > 1, joint ? joint_gap : each_gap,
                buffer.random.chance(1, 2));
  }
}
TEST_CASE_TEMPLATE_APPLY(centroid_buffer_passes, centroid_buffer_models);

TEST_CASE("pq_centroid_buffer: a beat before the last one is unpacked violates an assertion") {
  using Dut = centroid_buffer_1;
  CentroidBuffer<Dut> buffer;
  REQUIRE(CentroidBuffer<Dut>::kWordsPerBeat == 2);
  const Bytes zeros(kBeatBytes);
  buffer.bench->pass_i = 0;
  buffer.bench->record_valid_i = 1;
  buffer.put_beat(zeros.data());
  buffer.bench.clock();
  CHECK(buffer.bench.take_errors() == 0);
  buffer.bench.clock();
  CHECK(buffer.bench.take_errors() == 1);
}
