// SPDX-License-Identifier: Apache-2.0
#include "tb/unit/models/quantizer_control.h"

#include <doctest/doctest.h>

#include <bit>
#include <deque>
#include <string>
#include <vector>

#include "sw/golden/quantizer.h"
#include "tb/unit/bench.h"
#include "tb/unit/header.h"

namespace {

using namespace aqpim::tb;
using namespace aqpim::tb::unit;
using aqpim::golden::Quantizer;
using aqpim::golden::QuantizerCommand;
using aqpim::golden::QuantizerConfig;
using aqpim::golden::QuantizerOperation;
using Bytes = std::vector<std::uint8_t>;

// The control with converters and divider of the stated latencies around it. The golden model says
// what is legal.
template <class Dut>
class Control {
 public:
  static constexpr unsigned kSlices = Dut::HeadDim / 16;

  Control() { begin(); }

  void reset() {
    bench.reset();
    begin();
  }

  void idle() {
    bench->cmd_valid_i = 0;
    bench->beat_i = 0;
    bench->cmd_operation_i = static_cast<std::uint8_t>(random.bits(3));
    bench->cmd_slice_i = static_cast<std::uint8_t>(random.below(kSlices));
    put(bench->cmd_tokens_i, 0, std::bit_width(Dut::WindowDepth), random.bits());
    bench->cmd_last_i = random.chance(1, 2);
  }

  // Ends a cycle; counts what happens in it.
  void clock(bool refused = false) {
    bench->token_i = tokens_.front();
    bench->quotient_i = quotients_.front();
    tokens_.pop_front();
    quotients_.pop_front();
    bench.settle();
    REQUIRE((bench->error_o != 0) == refused_before_);
    refused_before_ = refused;
    tokens_.push_back(bench->token_take_o != 0);
    quotients_.push_back(bench->divide_o != 0);
    tokens += bench->token_take_o;
    weights += bench->weights_take_o;
    elements += bench->element_take_o;
    sum_reads.insert(sum_reads.end(), bench->sums_read_o, bench->sums_index_o);
    channels.insert(channels.end(), bench->divide_o, bench->channel_o);
    codes.insert(codes.end(), bench->code_write_o, bench->code_place_o);
    if (bench->centroid_read_o != 0) centroid_reads.push_back(bench->centroid_address_o);
    code_reads += bench->code_read_o;
    if (bench->store_o != 0) {
      stores.push_back(bench->store_place_o);
      REQUIRE(bench->sums_index_o == (bench->store_place_o & 15));
      lasts += bench->last_o;
    }
    bench.clock();
    idle();
  }

  void give(const QuantizerCommand& command) {
    bench->cmd_valid_i = 1;
    bench->cmd_operation_i = static_cast<std::uint8_t>(command.operation);
    bench->cmd_slice_i = static_cast<std::uint8_t>(command.slice);
    put(bench->cmd_tokens_i, 0, std::bit_width(Dut::WindowDepth), command.tokens);
    bench->cmd_last_i = command.last;
  }

  // A command to its end, one beat in `pace` cycles on average.
  bool run(const QuantizerCommand& command, std::uint64_t pace) {
    bench.settle();
    REQUIRE(bench->ready_o == 1);
    const std::size_t beats = golden.beats(command);
    give(command);
    bench.settle();
    const bool legal = bench->start_o != 0;
    REQUIRE(golden_command(command) == legal);
    tokens = weights = elements = lasts = code_reads = 0;
    for (auto* list : {&sum_reads, &channels, &codes, &stores, &centroid_reads}) list->clear();
    clock(!legal);
    if (!legal) return false;
    bool gap = false;
    const bool encodes = command.operation == QuantizerOperation::kEncode;
    const bool clusters = command.operation == QuantizerOperation::kCluster;
    for (std::size_t sent = 0; sent < beats;) {
      bench.settle();
      REQUIRE(bench->ready_o == 0);
      REQUIRE((bench->beat_ready_o != 0) == !gap);
      const bool stray_command = random.chance(1, 50);
      if (stray_command) bench->cmd_valid_i = 1;
      const bool beat = random.chance(1, pace) && (!gap || random.chance(1, 20));
      bench->beat_i = beat;
      clock(stray_command || (beat && gap));
      const bool taken = beat && !gap;
      // A beat of weights needs no gap.
      gap = taken && (encodes || (clusters && sent % 33 != 0));
      sent += taken ? 1 : 0;
    }
    const std::string name =
        encodes || clusters                                  ? "of CLUSTER and ENCODE:"
        : command.operation == QuantizerOperation::kLoad     ? "last beat of LOAD to ready_o:"
        : command.operation == QuantizerOperation::kCodebook ? "of CODEBOOK:"
                                                             : "UPDATE to ready_o:";
    const unsigned drain =
        stated_cycles("quantizer_control",
                      beats == 0 && (encodes || clusters) ? "without tokens to ready_o:" : name);
    for (unsigned cycle = 1; cycle < drain; ++cycle) {
      bench.settle();
      REQUIRE(bench->ready_o == 0);
      REQUIRE((bench->encoding_o != 0) == encodes);
      const bool stray = random.chance(1, 8);
      bench->beat_i = stray;
      clock(stray);
    }
    bench.settle();
    REQUIRE(bench->ready_o == 1);
    REQUIRE(bench->encoding_o == 0);
    return true;
  }

  Bench<typename Dut::Model> bench;
  Random random{test_seed(), "pq_quantizer_control"};
  unsigned tokens = 0, weights = 0, elements = 0, lasts = 0, code_reads = 0;
  std::vector<unsigned> sum_reads, channels, codes, stores, centroid_reads;

 private:
  // What is outside the bench, as after a reset
  void begin() {
    idle();
    golden = Quantizer({.head_dim = Dut::HeadDim, .window_depth = Dut::WindowDepth});
    tokens_ = std::deque<bool>(stated_cycles("quantizer_input"));
    quotients_ = std::deque<bool>(stated_cycles("quantizer_mean"));
    refused_before_ = false;
  }

  bool golden_command(const QuantizerCommand& command) {
    return golden.command(command, Bytes(golden.beats(command) * QuantizerConfig::kBeatBytes));
  }

  Quantizer golden{QuantizerConfig{}};
  std::deque<bool> tokens_, quotients_;  // on their way through converters and divider
  bool refused_before_ = false;
};

std::vector<unsigned> counted(unsigned from, unsigned count) {
  std::vector<unsigned> numbers;
  for (unsigned i = 0; i < count; ++i) numbers.push_back(from + i);
  return numbers;
}

}  // namespace

TEST_CASE_TEMPLATE_DEFINE(
    "pq_quantizer_control: random commands, legal or not, with gaps and strays", Dut,
    quantizer_control_random) {
  INFO(Dut::parameters);
  Control<Dut> control;
  Random& random = control.random;
  const unsigned code_tokens = 32 * 128 / Dut::HeadDim;
  unsigned slice = 0;
  unsigned encoded = 0;
  for (std::uint64_t round = 0; round < test_iterations(250); ++round) {
    CAPTURE(round);
    if (random.chance(1, 40)) control.reset();
    QuantizerCommand command;
    command.operation = static_cast<QuantizerOperation>(
        random.chance(1, 30) ? random.between(5, 7) : random.pick({0, 1, 1, 1, 2, 2, 3, 4, 4}));
    command.slice = static_cast<unsigned>(random.below(Dut::HeadDim / 16));
    command.last = random.chance(1, 4);
    const bool encodes = command.operation == QuantizerOperation::kEncode;
    const unsigned most = encodes ? code_tokens : Dut::WindowDepth;
    command.tokens =
        static_cast<unsigned>(random.chance(1, 3) ? random.pick({0u, 1u, 31u, 32u, 33u, most})
                                                  : random.below(std::min(most, 40u) + 1));
    if (random.chance(1, 10)) command.tokens = std::min(most + 1, Dut::WindowDepth);
    const bool legal = control.run(command, random.pick({1u, 1u, 4u}));
    if (!legal) continue;
    const unsigned count = command.tokens;
    using Operation = QuantizerOperation;
    const bool clusters = command.operation == Operation::kCluster;
    CHECK(control.elements == (command.operation == Operation::kCodebook ? Dut::HeadDim : 0u));
    CHECK(control.weights == (clusters ? (count + 31) / 32 : 0));
    CHECK(control.code_reads == (clusters ? count : 0));
    CHECK(control.codes == counted(0, encodes ? count * Dut::HeadDim / 16 : 0));
    std::vector<unsigned> reads, sums, channels;
    if (command.operation == Operation::kLoad) slice = command.slice;
    if (clusters) {
      for (unsigned t = 0; t < 2 * count; ++t) reads.push_back(2 * slice + t % 2);
    } else if (encodes) {
      for (unsigned t = 0; t < count; ++t) {
        for (unsigned i = 0; i < Dut::HeadDim / 8; ++i) reads.push_back(i);
      }
      ++encoded;
    }
    CHECK(control.centroid_reads == reads);
    const bool updates = command.operation == Operation::kUpdate;
    for (unsigned c = 0; updates && c < 256; ++c) {
      if (c % 16 == 0) sums.push_back(c / 16);
      channels.push_back(c % 16);
    }
    CHECK(control.sum_reads == sums);
    CHECK(control.channels == channels);
    CHECK(control.lasts == (updates && command.last ? 16u : 0u));
    if (command.operation == Operation::kCodebook) {
      CHECK(control.stores == counted(0, Dut::HeadDim));
    } else {
      CHECK(control.stores ==
            counted(16 * slice, updates || command.operation == Operation::kLoad ? 16 : 0));
    }
  }
  if (test_iterations(250) >= 250) CHECK(encoded > 0);
}
TEST_CASE_TEMPLATE_APPLY(quantizer_control_random, quantizer_control_models);

TEST_CASE("pq_quantizer_control: its assertion fails when it is violated") {
  Control<quantizer_control_0> control;
  control.give({.operation = QuantizerOperation::kCodebook});
  control.bench->token_i = 1;
  control.bench.clock();
  CHECK(control.bench.take_errors() >= 1);
}
