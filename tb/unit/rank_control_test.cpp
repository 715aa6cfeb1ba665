// SPDX-License-Identifier: Apache-2.0
#include "tb/unit/models/rank_control.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <deque>
#include <optional>

#include "sw/golden/channel_test_support.h"
#include "tb/unit/bench.h"
#include "tb/unit/header.h"

namespace {

using namespace aqpim::tb;
using namespace aqpim::tb::unit;
using aqpim::config::ChannelShape;

namespace engine_command = aqpim::pq_pkg::engine_command;
namespace engine_read = aqpim::pq_pkg::engine_read;
namespace reducer_pass = aqpim::pq_pkg::reducer_pass;
using Kind = aqpim::pq_pkg::WorkKind;
using Source = aqpim::pq_pkg::PhaseSource;
using aqpim::pq_pkg::Operation;
using enum aqpim::pq_pkg::WorkKind;

struct Work {
  Kind kind = kWrite;
  bool joint = false, values = false;
  unsigned rows[4] = {};
  unsigned count = 1, beats = 0, first = 0, bank = 0, window_rows = 0;
};

struct Phase {
  Source source = Source::kLocal;
  unsigned row = 0, first = 0, beats = 0, pace = 0;
};

struct Order {
  Operation operation = Operation::kTable;
  std::optional<bool> first = {};                  // where it matters
  std::optional<unsigned> skip = {}, tokens = {};  // likewise
};

struct Question {
  bool status = false;
  unsigned beat = 0;
};

// A phase, an operation that takes its beats, or both; or the engines are asked.
struct Step {
  std::optional<Phase> phase = {};
  std::optional<Order> order = {};
  std::optional<Question> question = {};
  unsigned pass = 0;
};

// Plays everyone around it, as fast or as slow as it likes.
template <class Dut>
class RankControl {
 public:
  static constexpr unsigned kBanks = Dut::BankGroups * Dut::BanksPerGroup;
  static constexpr unsigned kEngines = kBanks / Dut::BanksPerEngine;
  static constexpr unsigned kReadCycles = (Dut::nCL + Dut::nBL + 2) / 2;
  static constexpr unsigned kFlight = kReadCycles + 6;  // beats on their way to the engines
  static constexpr unsigned kAnswer = 16;               // engines answer a question
  static constexpr unsigned kOpen = 8;                  // engines take beats of the bus

  RankControl() {
    REQUIRE(stated_latency("rank_control") ==
            "no step depends on data. From phase_last_i of a step to the engine operation of the "
            "next one: ReadCycles + 8 cycles, or until the engines are ready");
    bench->cmd_valid_i = 0;
    bench->done_taken_i = 0;
    bench->phase_last_i = 0;
    bench->reducer_have_i = 0;
    bench->reducer_done_i = 1;
  }

  // What docs/channel.md says that the command's steps are.
  std::deque<Step> steps_of(const Work& work) const {
    std::deque<Step> steps;
    const Source codebook = work.joint ? Source::kBroadcast : Source::kLocal;
    const unsigned book_beats = shape.codebook_beats();
    const unsigned pace = shape.words_per_beat();
    const auto codebook_step = [&](Operation operation, unsigned row) {
      steps.push_back({.phase = Phase{codebook, row, 0, book_beats, pace},
                       .order = Order{.operation = operation}});
    };
    switch (work.kind) {
      case kWrite:
      case kRead:
        steps.push_back({.phase = Phase{work.kind == kRead ? Source::kRead : Source::kWrite,
                                        work.rows[0], work.first, work.count, pace}});
        break;
      case kAttend: {
        const unsigned window = work.joint ? work.count : work.window_rows * shape.tokens_per_row();
        for (unsigned side = 0; side < 2; ++side) {
          for (unsigned w = 0; w * window < work.count; ++w) {
            const unsigned tokens = std::min(window, work.count - w * window);
            const unsigned book = work.rows[side] + w * shape.local_codebook_rows();
            const Phase codes{Source::kLocal, work.rows[2 + side] + w * work.window_rows, 0,
                              tokens * shape.beats_per_token(), pace};
            const Order order{side == 0 ? Operation::kScore : Operation::kAccumulate, w == 0,
                              w * window, tokens};
            if (side == 0) codebook_step(Operation::kTable, book);
            steps.push_back({.phase = codes, .order = order});
            if (side == 1) {
              codebook_step(Operation::kCombine, book);
              steps.back().order->first = w == 0;
            }
          }
        }
        steps.push_back({.question = Question{.status = true}});
        break;
      }
      case kEncode:
        codebook_step(Operation::kEncode, work.rows[0]);
        for (unsigned b = 0; b < shape.beats_per_token(); ++b) {
          steps.push_back({.question = Question{.beat = b}});
          steps.push_back({.phase = Phase{Source::kLocalWrite, work.rows[1],
                                          work.first * shape.beats_per_token() + b, 1, pace}});
        }
        break;
      case kCluster: {
        const unsigned slices = shape.slice_beats() * (work.joint ? 1 : kEngines);
        const unsigned records =
            shape.engine.centroids() * 32 / Dut::CodeBits / shape.words_per_beat() * kEngines;
        // Two words in a loop of K + 1 cycles; what the reducer divides in the time of a record.
        const unsigned cluster_pace =
            ((shape.engine.centroids() + 1) * shape.words_per_beat() + 1) / 2;
        steps.push_back({.phase = Phase{Source::kStart, 0, 0, slices, pace},
                         .order = Order{Operation::kLoad, true}});
        for (unsigned pass = 0; pass < 4; ++pass) {
          steps.push_back(
              {.phase = Phase{Source::kLocal, work.rows[0], 0, work.beats, cluster_pace},
               .order = Order{.operation = Operation::kCluster, .skip = 0, .tokens = work.count}});
          steps.push_back(
              {.phase = Phase{Source::kRecords, 0, 0, records, work.joint ? std::max(2u, pace) : 4},
               .order = Order{.operation = Operation::kUnload},
               .pass = pass});
          if (pass < 3) {
            steps.push_back({.phase = Phase{Source::kCentroids, 0, 0, slices, pace},
                             .order = Order{Operation::kLoad, false}});
          }
        }
      }
    }
    return steps;
  }

  void run(const Work& work) {
    put_command(work);
    // It is not taken before its registers are there, and results of others are read.
    const bool needs_regs = work.kind >= kAttend;
    const bool needs_room = work.kind > kAttend;
    for (auto wait = random.below(4); wait > 0; --wait) {
      const bool no_regs = random.chance(1, 2);
      bench->regs_full_i = needs_regs && needs_room ? !no_regs : !needs_regs;
      bench->result_full_i = needs_room && !no_regs;
      bench->cmd_valid_i = needs_regs || needs_room;
      bench.settle();
      REQUIRE(bench->cmd_take_o == 0);
      clock();
    }
    bench->cmd_valid_i = 1;
    bench->regs_full_i = needs_regs || random.chance(1, 2);
    result_full = !needs_room && random.chance(1, 2);
    bench->result_full_i = result_full;
    bench.settle();
    REQUIRE(bench->cmd_take_o == 1);
    clock();
    bench->cmd_valid_i = 0;
    put_command(random_work());

    regs_used = results = 0;
    const std::deque<Step> steps = steps_of(work);
    for (std::size_t i = 0; i < steps.size(); ++i) {
      CAPTURE(i);
      do_step(work, steps[i]);
    }
    // What the last step began must have arrived.
    const std::uint64_t since = last_event;
    while (bench.settle(), bench->done_o == 0) {
      REQUIRE(cycle < since + 200);
      quiet();
    }
    CHECK(cycle - since >= (work.kind == kAttend ? kAnswer : kFlight));
    for (auto held = random.below(3); held > 0; --held) {
      quiet();
      bench.settle();
      REQUIRE(bench->done_o == 1);
    }
    bench->done_taken_i = 1;
    quiet();
    bench->done_taken_i = 0;
    quiet();
    CHECK(regs_used == (work.kind >= kAttend ? 1 : 0));
    CHECK(results == (work.kind == kAttend ? 1 : 0));
    CHECK(bench->reducer_want_o == 0);
  }

  Work random_work() {
    const auto below = [&](std::uint64_t bound) {
      return static_cast<unsigned>(random.below(bound));
    };
    Work work{.kind = random.pick({kWrite, kRead, kAttend, kAttend, kEncode, kCluster}),
              .joint = random.chance(1, 3),
              .values = random.chance(1, 2)};
    for (unsigned& row : work.rows) row = below(2000);
    work.bank = below(kBanks + 1);
    work.first = below(work.kind == kEncode ? shape.tokens_per_row() : 32);
    work.beats = 1 + below(300);
    work.count = work.kind <= kRead ? 1 + below(5000) : 1 + below(Dut::ScoreDepth);
    work.window_rows = work.joint ? 0 : 1 + below(random.pick({2u, 20u}));
    // At times there are as many tokens as there may be, or the last window is full.
    if (work.kind >= kAttend && random.chance(1, 6)) work.count = Dut::ScoreDepth;
    const unsigned window = work.window_rows * shape.tokens_per_row();
    if (work.kind == kAttend && window > 0 && window <= Dut::ScoreDepth && random.chance(1, 3)) {
      work.count = window * (1 + below(Dut::ScoreDepth / window));
    }
    return work;
  }

  Bench<typename Dut::Model> bench;
  Random random{test_seed(), "pq_rank_control"};
  ChannelShape shape =
      aqpim::test::make_channel(Dut::SubDim, Dut::CodeBits, Dut::WordBits, Dut::BanksPerEngine);
  bool hurry = false;  // everyone answers at once
  std::uint64_t cycle = 0;
  std::optional<std::uint64_t> shortest;  // from phase_last_i to the next operation

 private:
  void put_command(const Work& work) {
    namespace cmd = aqpim::pq_pkg::work;
    put(bench->cmd_i, cmd::tag, random.bits(8));
    put(bench->cmd_i, cmd::kind, number(work.kind));
    put(bench->cmd_i, cmd::joint, work.joint);
    put(bench->cmd_i, cmd::values, work.values);
    put(bench->cmd_i, cmd::row0, work.rows[0]);
    put(bench->cmd_i, cmd::row1, work.rows[1]);
    put(bench->cmd_i, cmd::row2, work.rows[2]);
    put(bench->cmd_i, cmd::row3, work.rows[3]);
    put(bench->cmd_i, cmd::count, work.count);
    put(bench->cmd_i, cmd::beats, work.beats);
    put(bench->cmd_i, cmd::first, work.first);
    put(bench->cmd_i, cmd::bank, work.bank);
    put(bench->cmd_i, cmd::window_rows, work.window_rows);
  }

  bool chance(std::uint64_t of) { return hurry || random.chance(1, of); }

  void clock() {
    bench.clock();
    ++cycle;
  }

  // A cycle in which engines are told nothing, and no phase is offered.
  void quiet() {
    bench->phase_ready_i = 0;
    bench->engine_ready_i = 0;
    bench.settle();
    REQUIRE(bench->engine_valid_o == 0);
    REQUIRE(bench->read_valid_o == 0);
    REQUIRE(bench->phase_valid_o == 0);
    count();
    clock();
  }

  void count() {
    regs_used += bench->regs_used_o;
    results += bench->result_made_o;
  }

  void do_step(const Work& work, const Step& step) {
    if (step.phase) take_phase(work, *step.phase);
    if (step.order) wait_for_order(work, step);
    if (step.question) wait_for_answer(*step.question);
    if (step.phase) run_phase(step);
  }

  void take_phase(const Work& work, const Phase& phase) {
    for (const std::uint64_t start = cycle;; clock()) {
      REQUIRE(cycle < start + 200);
      const bool ready = chance(3);
      bench->phase_ready_i = ready;
      bench->engine_ready_i = random.chance(1, 2);
      bench.settle();
      count();
      REQUIRE(bench->engine_valid_o == 0);
      REQUIRE(bench->read_valid_o == 0);
      REQUIRE(bench->phase_go_o == 0);
      if (asked && bench->phase_valid_o != 0) REQUIRE(cycle - last_event >= kAnswer);
      if (bench->phase_valid_o == 0 || !ready) continue;
      REQUIRE(bench->phase_source_o == number(phase.source));
      REQUIRE(bench->phase_beats_o == phase.beats);
      REQUIRE(bench->phase_pace_o == phase.pace);
      if (phase.source < Source::kRecords) {
        REQUIRE(bench->phase_row_o == phase.row);
        REQUIRE(bench->phase_first_o == phase.first);
      } else {
        REQUIRE((bench->phase_all_o != 0) == work.joint);
      }
      if (phase.source == Source::kRead || phase.source == Source::kWrite) {
        REQUIRE(bench->phase_bank_o == work.bank);
      }
      // Another rank would overwrite what the reducer has made.
      if (phase.source == Source::kCentroids) REQUIRE(bench->reducer_want_o == 1);
      asked = false;
      clock();
      bench->phase_ready_i = 0;
      return;
    }
  }

  // The operation comes in the cycle after all it waits for was there, and not before.
  void wait_for_order(const Work& work, const Step& step) {
    const Order& order = *step.order;
    const bool unload = order.operation == Operation::kUnload;
    const bool first_combine = order.operation == Operation::kCombine && *order.first;
    bool could = false;
    for (const std::uint64_t start = cycle;; clock()) {
      REQUIRE(cycle < start + 400);
      if (first_combine && chance(20)) result_full = false;
      bench->result_full_i = result_full;
      bench->engine_ready_i = chance(3);
      // The reducer is another rank's at first.
      if (unload && bench->reducer_want_o != 0 && chance(5)) bench->reducer_have_i = 1;
      bench.settle();
      count();
      REQUIRE(bench->phase_go_o == 0);
      REQUIRE(bench->read_valid_o == 0);
      REQUIRE((bench->reducer_start_o != 0) == (bench->engine_valid_o != 0 && unload));
      if (bench->engine_valid_o != 0) break;
      could = bench->engine_ready_i != 0 && !(first_combine && result_full) &&
              !(unload && bench->reducer_have_i == 0);
      REQUIRE(bench->phase_valid_o == 0);
    }
    REQUIRE(could);
    const auto& command = bench->engine_command_o;
    REQUIRE(get(command, engine_command::operation) == number(order.operation));
    if (order.first) REQUIRE((get(command, engine_command::first) != 0) == *order.first);
    if (order.skip) REQUIRE(get(command, engine_command::skip) == *order.skip);
    if (order.tokens) REQUIRE(get(command, engine_command::tokens) == *order.tokens);
    // Registers of ATTEND are in use until the first ACCUMULATE begins.
    REQUIRE(regs_used ==
            (order.operation == Operation::kAccumulate || order.operation == Operation::kCombine
                 ? 1
                 : 0));
    if (unload) {
      REQUIRE((get(bench->reducer_pass_o, reducer_pass::last) != 0) == (step.pass == 3));
      REQUIRE((get(bench->reducer_pass_o, reducer_pass::joint) != 0) == work.joint);
      REQUIRE((get(bench->reducer_pass_o, reducer_pass::values) != 0) == work.values);
      bench->reducer_done_i = 0;
    }
    if (last_column) {
      const std::uint64_t gap = cycle - *last_column;
      shortest = std::min(shortest.value_or(gap), gap);
    }
    ordered = cycle;
    clock();
  }

  void wait_for_answer(const Question& question) {
    bool could = false;
    for (const std::uint64_t start = cycle;; clock()) {
      REQUIRE(cycle < start + 400);
      bench->engine_ready_i = chance(3);
      bench.settle();
      count();
      REQUIRE(bench->engine_valid_o == 0);
      REQUIRE(bench->phase_valid_o == 0);
      if (bench->read_valid_o != 0) break;
      could = bench->engine_ready_i != 0;
    }
    REQUIRE(could);
    const auto kind =
        question.status ? aqpim::pq_pkg::ReadKind::kStatus : aqpim::pq_pkg::ReadKind::kCodes;
    REQUIRE(get(bench->read_beat_o, engine_read::kind) == number(kind));
    if (!question.status) REQUIRE(get(bench->read_beat_o, engine_read::index) == question.beat);
    asked = true;
    last_column.reset();
    last_event = cycle;
    clock();
  }

  void run_phase(const Step& step) {
    const std::uint64_t start = cycle;
    while (bench.settle(), bench->phase_go_o == 0) {
      REQUIRE(cycle < start + 100);
      quiet();
    }
    const bool bus = step.phase->source >= Source::kRecords;
    if (bus) CHECK(cycle - ordered >= kOpen);
    for (auto columns = random.below(40); columns > 0; --columns) {
      quiet();
      bench.settle();
      REQUIRE(bench->phase_go_o == 1);
      if (bus && step.phase->source != Source::kStart) REQUIRE(bench->reducer_want_o == 1);
    }
    bench->phase_last_i = 1;
    last_event = cycle;
    last_column = cycle;
    quiet();
    bench->phase_last_i = 0;
    if (step.phase->source != Source::kRecords) {
      if (step.phase->source == Source::kCentroids) bench->reducer_have_i = 0;
      return;
    }
    // The next step waits for the reducer's last centroid.
    for (auto wait = kFlight + random.below(60); wait > 0; --wait) {
      quiet();
      REQUIRE(bench->reducer_want_o == 1);
      REQUIRE(bench->done_o == 0);
    }
    bench->reducer_done_i = 1;
    last_column.reset();
    if (step.pass == 3) {
      quiet();
      bench->reducer_have_i = 0;
    }
  }

  bool result_full = false;
  unsigned regs_used = 0, results = 0;  // pulses
  bool asked = false;                   // the engines, just now
  std::uint64_t last_event = 0;         // last column, or question
  std::uint64_t ordered = 0;            // the latest operation
  std::optional<std::uint64_t> last_column;
};

}  // namespace

TEST_CASE_TEMPLATE_DEFINE(
    "pq_rank_control: each command is its steps, and each step waits for what it needs", Dut,
    rank_control_random) {
  INFO(Dut::parameters);
  RankControl<Dut> control;
  unsigned kinds[5] = {};
  const std::uint64_t commands = test_iterations(300);
  for (std::uint64_t i = 0; i < commands; ++i) {
    CAPTURE(i);
    const Work work = control.random_work();
    CAPTURE(work.kind);
    CAPTURE(work.joint);
    ++kinds[number(work.kind)];
    control.hurry = control.random.chance(1, 3);
    control.run(work);
  }
  // With engines that are always ready.
  REQUIRE(control.shortest.has_value());
  CHECK(*control.shortest == control.kReadCycles + 8);
  if (commands >= 300) {
    for (const unsigned count : kinds) CHECK(count > 10);
  }
}
TEST_CASE_TEMPLATE_APPLY(rank_control_random, rank_control_models);
