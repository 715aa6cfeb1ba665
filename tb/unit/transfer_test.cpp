// SPDX-License-Identifier: Apache-2.0
#include "tb/unit/models/transfer.h"

#include <doctest/doctest.h>

#include <vector>

#include "tb/unit/bench.h"
#include "tb/unit/header.h"

namespace {

using namespace aqpim::tb;
using namespace aqpim::tb::unit;

using Kind = aqpim::pq_pkg::TransferKind;
using Register = aqpim::pq_pkg::BusKind;

struct Beat {
  bool read = false, all = false;
  Register kind = Register::kStream;
  unsigned index = 0, engine = 0;
};

template <class Dut>
class Transfer {
 public:
  Transfer() {
    REQUIRE(stated_latency("transfer") ==
            "registers: SettleCycles after the last beat they are in force, and done_o comes; "
            "results: done_o comes when the last beat has left");
    idle();
  }

  // What docs/channel.md says that the command's beats are.
  static std::vector<Beat> beats_of(Kind kind, unsigned beats, bool each) {
    std::vector<Beat> all;
    const auto to_all = [&](Register of_kind, unsigned count) {
      for (unsigned i = 0; i < count; ++i) {
        all.push_back({.all = true, .kind = of_kind, .index = i});
      }
    };
    const auto in_turn = [&](bool read, Register of_kind, unsigned count) {
      for (unsigned i = 0; i < count; ++i) {
        for (unsigned turn = 0; turn < Dut::Engines; ++turn) {
          const unsigned engine =
              turn % Dut::BankGroups * (Dut::Engines / Dut::BankGroups) + turn / Dut::BankGroups;
          all.push_back({.read = read, .kind = of_kind, .index = i, .engine = engine});
        }
      }
    };
    if (kind == Kind::kResult) {
      in_turn(true, Register::kStream, Dut::ResultBeats);
      return all;
    }
    to_all(Register::kTokens, 1);
    to_all(Register::kControl, 1);
    to_all(Register::kShift, Dut::ShiftBeats);
    if (kind == Kind::kQuery) {
      to_all(Register::kQuery, Dut::QueryBeats);
      each ? in_turn(false, Register::kBias, beats) : to_all(Register::kBias, beats);
    } else if (beats != 0) {
      in_turn(false, Register::kQuery, Dut::QueryBeats);
    }
    return all;
  }

  // One command from its start to its answer; a grant in `numerator` of 4 cycles in which it asks.
  void run(Kind kind, unsigned beats, bool each, unsigned numerator) {
    // It waits until the registers are free, or a result is there, whatever the other flag says.
    bench->cmd_valid_i = 1;
    bench->cmd_kind_i = static_cast<std::uint8_t>(kind);
    bench->cmd_beats_i = static_cast<std::uint8_t>(beats);
    bench->cmd_each_i = each;
    for (auto wait = random.below(4); wait > 0; --wait) {
      set_flags(kind, false);
      bench.settle();
      REQUIRE(bench->cmd_take_o == 0);
      step();
    }
    set_flags(kind, true);
    bench.settle();
    REQUIRE(bench->cmd_take_o == 1);
    step();

    const std::vector<Beat> all = beats_of(kind, beats, each);
    for (std::size_t i = 0; i < all.size(); ++i) {
      CAPTURE(i);
      const Beat& beat = all[i];
      bool granted = false;
      while (!granted) {
        noise();
        bench.settle();
        REQUIRE(bench->bus_valid_o == 1);
        REQUIRE(bench->bus_beat_o == i);
        REQUIRE((bench->bus_read_o != 0) == beat.read);
        REQUIRE((bench->bus_all_o != 0) == beat.all);
        REQUIRE(bench->bus_kind_o == number(beat.kind));
        REQUIRE(bench->bus_index_o == beat.index);
        if (!beat.all) REQUIRE(bench->bus_engine_o == beat.engine);
        granted = random.chance(numerator, 4);
        bench->bus_grant_i = granted;
        step();
      }
      // An engine takes a beat to pieces before the next one comes.
      const bool last = i + 1 == all.size();
      for (unsigned c = 1; beat.all && !last && c < Dut::WordsPerBeat; ++c) quiet();
    }
    for (unsigned c = 0; c < Dut::SettleCycles; ++c) quiet();
    noise();
    bench.settle();
    REQUIRE((bench->regs_written_o != 0) == (kind != Kind::kResult));
    REQUIRE((bench->result_read_o != 0) == (kind == Kind::kResult));
    REQUIRE(bench->done_o == 0);
    step();
    const auto held = random.below(3);
    for (std::uint64_t c = 0; c <= held; ++c) {
      noise();
      bench->done_taken_i = c == held;
      bench.settle();
      REQUIRE(bench->done_o == 1);
      // The next command waits for its answer to leave.
      REQUIRE(bench->cmd_take_o == 0);
      step();
    }
    idle();
    quiet();
  }

  // A cycle in which nothing is asked for, told or done.
  void quiet() {
    noise();
    bench.settle();
    REQUIRE(bench->bus_valid_o == 0);
    REQUIRE(bench->done_o == 0);
    REQUIRE(bench->cmd_take_o == 0);
    REQUIRE(bench->regs_written_o == 0);
    REQUIRE(bench->result_read_o == 0);
    step();
  }

  Random random{test_seed(), "pq_transfer"};

 private:
  void idle() {
    bench->cmd_valid_i = 0;
    bench->bus_grant_i = 0;
    bench->done_taken_i = 0;
  }

  // What a command that runs must not look at.
  void noise() {
    bench->bus_grant_i = 0;
    bench->done_taken_i = 0;
    bench->cmd_kind_i = static_cast<std::uint8_t>(random.below(3));
    bench->cmd_beats_i = static_cast<std::uint8_t>(random.bits(6));
    bench->cmd_each_i = random.chance(1, 2);
    bench->regs_full_i = random.chance(1, 2);
    bench->result_full_i = random.chance(1, 2);
  }

  void set_flags(Kind kind, bool may_start) {
    const bool any = random.chance(1, 2);
    bench->regs_full_i = kind == Kind::kResult ? any : !may_start;
    bench->result_full_i = kind == Kind::kResult ? may_start : any;
  }

  void step() { bench.clock(); }

  Bench<typename Dut::Model> bench;
};

}  // namespace

TEST_CASE_TEMPLATE_DEFINE(
    "pq_transfer: beats of registers and results come in their order, at their pace, and once", Dut,
    transfer_random) {
  INFO(Dut::parameters);
  Transfer<Dut> transfer;
  for (std::uint64_t i = 0; i < test_iterations(120); ++i) {
    CAPTURE(i);
    const auto kind =
        transfer.random.pick({Kind::kQuery, Kind::kQuery, Kind::kVectors, Kind::kResult});
    const unsigned most = kind == Kind::kQuery ? 32 : 1;
    const auto beats = transfer.random.pick(
        {0u, 1u, most, static_cast<unsigned>(transfer.random.below(most + 1))});
    transfer.run(kind, beats, transfer.random.chance(1, 2), transfer.random.pick({1u, 3u, 4u, 4u}));
  }
}
TEST_CASE_TEMPLATE_APPLY(transfer_random, transfer_models);
