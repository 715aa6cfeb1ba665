// SPDX-License-Identifier: Apache-2.0
#include "tb/unit/models/stages.h"

#include <doctest/doctest.h>

#include <vector>

#include "sw/golden/program.h"
#include "tb/unit/bench.h"
#include "tb/unit/header.h"

namespace {

using namespace aqpim::tb;
using namespace aqpim::tb::unit;
using aqpim::golden::Operation;

// What is in a stage. Nothing is done with a position that has no operation.
struct Stage {
  std::optional<Operation> operation;  // of the word
  bool distance = false, weigh = false, binary16 = false, last = false;
  std::uint64_t word = 0, centroid = 0, position = 0;
};

// Plays the words of operations, and looks at each stage in every cycle.
template <class Dut>
class Stages {
 public:
  static constexpr bool kQuantize = Dut::Quantize != 0;

  // An operation of `cycles` cycles with a word, or a cycle of a loop, in one of `pace`; until
  // nothing is left in the stages.
  void play(Operation operation, bool first, unsigned cycles, std::uint64_t pace) {
    const bool quantizes = operation >= Operation::kEncode;
    for (unsigned cycle = 0; cycle < cycles + entry_; ++cycle) {
      const bool there = cycle < cycles && random.chance(1, pace) && (kQuantize || !quantizes);
      const bool loop = there && operation == Operation::kCluster;
      this->cycle(operation, first, there && (!loop || random.chance(1, 4)), loop);
    }
  }

  void cycle(Operation operation, bool first, bool take, bool loop) {
    const bool is_cluster = operation == Operation::kCluster;
    const bool raw = operation == Operation::kLoad || (is_cluster && random.chance(1, 2));
    Stage next = stages_[0];
    next.operation = take ? std::optional(operation) : std::nullopt;
    bench->operation_i = static_cast<std::uint8_t>(operation);
    bench->first_i = first;
    bench->word_take_i = take;
    bench->raw_i = raw;
    const std::uint64_t word = random.bits();
    put(bench->word_i, 0, 64, word);
    const std::uint64_t centroid = random.chance(1, 3) ? 0 : random.bits(Dut::CodeBits);
    const std::uint64_t position = random.bits(Dut::WordWidth);
    const bool last = random.chance(1, 2);
    put(bench->next_centroid_i, 0, Dut::CodeBits, centroid);
    put(bench->next_word_i, 0, Dut::WordWidth, position);
    bench->next_last_i = last;
    const std::uint64_t code = random.bits(Dut::CodeBits), buffer = random.bits(1);
    bench->loop_i = loop;
    bench->weigh_i = loop && random.chance(1, 4);
    put(bench->loop_code_i, 0, Dut::CodeBits, code);
    put(bench->loop_buffer_i, 0, 1, buffer);

    if (take && !raw) next.word = word;
    next.distance = loop && bench->weigh_i == 0;
    next.weigh = loop && bench->weigh_i != 0;
    next.binary16 = take && operation == Operation::kLoad && !first;
    if (is_cluster ? loop : take) {
      next.centroid = is_cluster ? code : centroid;
      next.position = is_cluster ? buffer : operation == Operation::kLoad ? 0 : position;
      next.last = last;
    }
    bench.settle();
    compare(first, is_cluster);
    bench.clock();
    stages_.insert(stages_.begin(), next);
    stages_.resize(entry_ + 1);
  }

  Bench<typename Dut::Model> bench;
  Random random{test_seed(), "pq_stages"};

 private:
  static bool is(const Stage& stage, Operation operation) { return stage.operation == operation; }

  void compare(bool first, bool is_cluster) {
    const Stage& one = stages_[0];
    CHECK((bench->table_o != 0) == is(one, Operation::kTable));
    CHECK((bench->score_o != 0) == is(one, Operation::kScore));
    CHECK((bench->accumulate_o != 0) == is(one, Operation::kAccumulate));
    CHECK((bench->combine_o != 0) == is(one, Operation::kCombine));
    CHECK((bench->encode_o != 0) == is(one, Operation::kEncode));
    CHECK((bench->unload_o != 0) == is(one, Operation::kUnload));
    CHECK((bench->distance_o != 0) == one.distance);
    CHECK((bench->weigh_o != 0) == one.weigh);
    CHECK((bench->binary16_o != 0) == one.binary16);
    if (one.operation && one.operation < Operation::kLoad) {
      CHECK(get(bench->word_o, 0, 64) == one.word);
      CHECK((bench->last_o != 0) == one.last);
    }
    if (one.operation || one.distance) CHECK(bench->position_o == one.position);

    const Stage& load = stages_[load_];
    const bool loads = is(load, Operation::kLoad) && load.last;
    REQUIRE((bench->load_valid_o != 0) == loads);
    if (loads) CHECK(bench->load_centroid_o == load.centroid);

    const Stage& output = stages_[adding_];
    REQUIRE((bench->adding_o != 0) == is(output, Operation::kCombine));
    if (bench->adding_o != 0) {
      CHECK((bench->loading_o != 0) == (first && output.centroid == 0));
      CHECK(bench->next_output_o == low(output.position));
    }

    const Stage& distance = stages_[distance_];
    const bool compares = is(distance, Operation::kEncode) || distance.distance;
    REQUIRE((bench->distance_valid_o != 0) == compares);
    if (compares) {
      CHECK(bench->distance_centroid_o == distance.centroid);
      CHECK(bench->distance_word_o == (is_cluster ? 0 : low(distance.position)));
    }

    const Stage& entry = stages_[entry_];
    REQUIRE((bench->entry_valid_o != 0) == is(entry, Operation::kTable));
    if (bench->entry_valid_o != 0) {
      CHECK(bench->entry_centroid_o == entry.centroid);
      CHECK(bench->entry_word_o == low(entry.position));
    }
  }

  static std::uint64_t low(std::uint64_t position) {
    return position & ((1u << Dut::CWordWidth) - 1);
  }

  const unsigned load_ = stated_cycles("stages", "to load_valid_o:");
  const unsigned adding_ = stated_cycles("stages", "to adding_o:");
  const unsigned distance_ = stated_cycles("stages", "to distance_valid_o:");
  const unsigned entry_ = stated_cycles("stages", "to entry_valid_o:");
  std::vector<Stage> stages_ = std::vector<Stage>(entry_ + 1);
};

}  // namespace

TEST_CASE_TEMPLATE_DEFINE("pq_stages: each word of random operations is in its stage on time", Dut,
                          stages_random) {
  INFO(Dut::parameters);
  REQUIRE(stated_cycles("stages") == 1);
  Stages<Dut> stages;
  stages.bench->busy_i = 1;
  for (std::uint64_t round = 0; round < test_iterations(200); ++round) {
    CAPTURE(round);
    stages.play(static_cast<Operation>(round % 8), stages.random.chance(1, 2), 20,
                stages.random.pick({1u, 1u, 3u}));
  }
}
TEST_CASE_TEMPLATE_APPLY(stages_random, stages_models);

TEST_CASE("pq_stages: a word on its way when no operation runs violates an assertion") {
  for (const Operation operation : {Operation::kTable, Operation::kCombine}) {
    Stages<stages_0> stages;
    stages.bench->busy_i = 1;
    stages.cycle(operation, true, true, false);
    stages.cycle(operation, true, false, false);
    CHECK(stages.bench.take_errors() == 0);
    stages.bench->busy_i = 0;
    stages.cycle(operation, true, false, false);
    CHECK(stages.bench.take_errors() == 1);
  }
}
