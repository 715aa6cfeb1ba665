// SPDX-License-Identifier: Apache-2.0
#include "tb/unit/models/attend_control.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>

#include "sw/config/pq_pkg.h"
#include "tb/unit/bench.h"
#include "tb/unit/header.h"

namespace {

using namespace aqpim::tb;
using namespace aqpim::tb::unit;
using enum aqpim::pq_pkg::AttendOperation;
using Operation = aqpim::pq_pkg::AttendOperation;

constexpr auto kNoOperation = static_cast<Operation>(aqpim::pq_pkg::kAttendOperations);
constexpr unsigned kMaxTokens = 16384;

// Latencies of the header; "of ACCUMULATE:" is there twice, for its first and its last beat.
unsigned latency(const std::string& what, bool last = false) {
  const std::string text = stated_latency("attend_control");
  const std::size_t at = last ? text.rfind(what) : text.find(what);
  REQUIRE(at != std::string::npos);
  return static_cast<unsigned>(std::stoul(text.substr(at + what.size())));
}

template <class Dut>
class Control {
 public:
  static constexpr unsigned kSlots = 128 / Dut::HeadDim;

  Control() {
    idle();
    bench.clock();
  }

  void idle() {
    bench->cmd_valid_i = 0;
    bench->tokens_write_i = 0;
    bench->beat_i = 0;
    bench->cmd_operation_i = static_cast<std::uint8_t>(random.bits(2));
    bench->cmd_first_i = random.bits(1) != 0;
    put(bench->cmd_tokens_i, 0, kTokensWidth, random.bits());
    bench->tokens_i = static_cast<std::uint16_t>(random.bits(16));
  }

  void clock(bool error = false) {
    bench.settle();
    REQUIRE((bench->error_o != 0) == error_before_);
    REQUIRE(bench->take_o == (bench->beat_i != 0 && taking_ ? 1 : 0));
    bench.clock();
    error_before_ = error;
    idle();
  }

  void write_tokens(unsigned tokens) {
    bench->tokens_write_i = 1;
    bench->tokens_i = static_cast<std::uint16_t>(tokens);
    if (tokens <= kMaxTokens) total = tokens;
    clock(tokens > kMaxTokens);
    for (unsigned c = 1; c < latency("a command that counts with it:"); ++c) clock();
  }

  void give(Operation operation, bool first, unsigned tokens) {
    bench->cmd_valid_i = 1;
    bench->cmd_operation_i = static_cast<std::uint8_t>(operation);
    bench->cmd_first_i = first;
    put(bench->cmd_tokens_i, 0, kTokensWidth, tokens);
  }

  void refuse(Operation operation, unsigned tokens) {
    CAPTURE(operation);
    give(operation, false, tokens);
    bench.settle();
    REQUIRE(bench->start_turn_o + bench->start_score_o + bench->start_weights_o == 0);
    clock(true);
    bench.settle();
    REQUIRE(bench->ready_o == 1);
  }

  // A command that is accepted, to its end.
  void run(Operation operation, bool first, unsigned tokens, std::uint64_t pace) {
    CAPTURE(operation);
    const bool turns = operation == kTurn, scores = operation == kScore;
    if (turns && first) done = 0;
    if (scores) count = std::min(tokens, total - std::min(total, done));
    const unsigned beats = turns ? Dut::HeadDim : (count + kSlots - 1) / kSlots;
    bench.settle();
    REQUIRE(bench->ready_o == 1);
    give(operation, first, tokens);
    bench.settle();
    REQUIRE(bench->start_turn_o == (turns ? 1 : 0));
    REQUIRE(bench->start_score_o == (scores ? 1 : 0));
    REQUIRE(bench->start_weights_o == (operation == kAccumulate ? 1 : 0));
    REQUIRE(bench->locked_o == (operation != kAccumulate ? 1 : 0));
    REQUIRE(bench->readable_o == (!turns && window ? 1 : 0));
    if (scores) REQUIRE(bench->token_o == done % kMaxTokens);
    if (turns) window = weighed;
    weighed = operation == kAccumulate;
    clock();

    // Fill: no beat may come yet.
    const unsigned fill =
        turns || scores ? latency("command to its first beat:") : latency("of ACCUMULATE:");
    unsigned fills = 0;
    for (unsigned cycle = 1; cycle < fill; ++cycle) {
      check(operation);
      fills += bench->fill_o;
      const bool early = beats != 0 && random.chance(1, 4);
      bench->beat_i = early;
      clock(early);
    }
    for (unsigned beat = 0; beat < beats;) {
      CAPTURE(beat);
      check(operation);
      REQUIRE(bench->ready_o == 0);
      fills += bench->fill_o;
      taking_ = true;
      if (random.chance(1, pace)) {
        bench->beat_i = 1;
        bench.settle();
        if (turns) REQUIRE(bench->step_o == beat);
        const bool whole = kSlots == 2 && (turns || beat + 1 < beats || count % 2 == 0);
        if (!turns) REQUIRE(bench->second_o == (whole ? 1 : 0));
        ++beat;
      }
      // A command at a wrong time is refused.
      const bool command = random.chance(1, 8);
      if (command) bench->cmd_valid_i = 1;
      clock(command);
    }
    taking_ = false;
    if (operation == kAccumulate) REQUIRE(fills == (beats == 0 ? 0 : 5));

    unsigned drain = turns    ? latency("last beat of TURN to ready_o:")
                     : scores ? latency("of SCORE:")
                              : latency("of ACCUMULATE:", true);
    if (beats == 0) {
      drain =
          scores ? latency("SCORE to ready_o:") : latency("ACCUMULATE to ready_o:") - (fill - 1);
    }
    unsigned flushes = 0;
    for (unsigned cycle = 1; cycle < drain; ++cycle) {
      check(operation);
      REQUIRE(bench->ready_o == 0);
      REQUIRE(bench->fill_o == 0);
      flushes += bench->flush_o;
      // Beats beyond the last one are dropped, but there are none of TURN.
      const bool beat = random.chance(1, 2);
      bench->beat_i = beat;
      clock(beat && turns);
    }
    REQUIRE(flushes == (scores && beats != 0 ? 1 : 0));
    if (operation == kAccumulate) done += beats * kSlots;
    bench.settle();
    REQUIRE(bench->ready_o == 1);
    REQUIRE(bench->locked_o == 0);
    REQUIRE(bench->readable_o == (window ? 1 : 0));
    const bool beat = random.chance(1, 2);
    bench->beat_i = beat;
    clock(beat && turns);
  }

  void check(Operation operation) {
    bench.settle();
    REQUIRE(bench->turn_o == (operation == kTurn ? 1 : 0));
    REQUIRE(bench->score_o == (operation == kScore ? 1 : 0));
    REQUIRE(bench->accumulate_o == (operation == kAccumulate ? 1 : 0));
    if (bench->ready_o == 0) {
      REQUIRE(bench->locked_o == (operation != kAccumulate ? 1 : 0));
      REQUIRE(bench->readable_o == (operation != kTurn && window ? 1 : 0));
    }
  }

  static constexpr unsigned kTokensWidth = std::bit_width(Dut::TileDepth);

  Bench<typename Dut::Model> bench;
  Random random{test_seed(), "pq_attend_control"};
  unsigned total = 0;    // tokens of the query
  unsigned done = 0;     // of its windows before
  unsigned count = 0;    // of the window
  bool weighed = false;  // the last operation was ACCUMULATE
  bool window = false;   // the last TURN has completed a window

 private:
  bool error_before_ = false;
  bool taking_ = false;
};

}  // namespace

TEST_CASE_TEMPLATE_DEFINE(
    "pq_attend_control: queries of random windows, with commands and beats at wrong times", Dut,
    attend_control_random) {
  INFO(Dut::parameters);
  Control<Dut> control;
  Random& random = control.random;
  control.refuse(kScore, 1);
  control.refuse(kAccumulate, 0);
  for (std::uint64_t query = 0; query < test_iterations(12); ++query) {
    CAPTURE(query);
    control.write_tokens(static_cast<unsigned>(random.below(3 * Dut::TileDepth)));
    if (random.chance(1, 3)) control.write_tokens(random.pick({16385u, 32768u, 65535u}));
    control.run(kTurn, true, 0, random.pick({1u, 3u}));
    for (std::uint64_t w = random.below(5); w > 0; --w) {
      control.refuse(kAccumulate, 0);
      control.refuse(kNoOperation, 0);
      control.refuse(kScore, Dut::TileDepth + 1);
      const std::uint64_t pace = random.pick({1u, 1u, 3u});
      const auto tokens =
          static_cast<unsigned>(random.chance(1, 3) ? random.pick({0u, 1u, 2u, Dut::TileDepth})
                                                    : random.below(Dut::TileDepth));
      control.run(kScore, random.chance(1, 2), tokens, pace);
      control.refuse(kScore, 1);
      // A window may be given up.
      if (random.chance(2, 3)) {
        control.run(kAccumulate, random.chance(1, 2),
                    static_cast<unsigned>(random.below(Dut::TileDepth)), pace);
        control.refuse(kAccumulate, 0);
        control.refuse(kScore, 1);
      }
      control.run(kTurn, random.chance(1, 3), 0, pace);
    }
  }
}
TEST_CASE_TEMPLATE_APPLY(attend_control_random, attend_control_models);

TEST_CASE_TEMPLATE_DEFINE("pq_attend_control: the last token there can be, and none beyond it", Dut,
                          attend_control_tokens) {
  INFO(Dut::parameters);
  Control<Dut> control;
  control.write_tokens(kMaxTokens);
  control.run(kTurn, true, 0, 1);
  const unsigned windows = std::min(kMaxTokens / Dut::TileDepth, 20u);
  for (unsigned w = 0; w <= windows; ++w) {
    CAPTURE(w);
    control.run(kScore, false, Dut::TileDepth, 1);
    control.run(kAccumulate, false, 0, 1);
    control.run(kTurn, false, 0, 1);
  }
  if (windows * Dut::TileDepth == kMaxTokens) CHECK(control.count == 0);

  // An odd number of tokens, then fewer than there were: none are left.
  control.write_tokens(5);
  control.run(kTurn, true, 0, 1);
  for (const unsigned tokens : {5u, 0u, 0u}) {
    control.run(kScore, false, 16, 1);
    CHECK(control.count == tokens);
    control.run(kAccumulate, false, 0, 1);
    control.run(kTurn, false, 0, 1);
    if (control.done != 0) control.write_tokens(3);
  }
}
TEST_CASE_TEMPLATE_APPLY(attend_control_tokens, attend_control_models);
