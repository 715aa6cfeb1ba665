// SPDX-License-Identifier: Apache-2.0
#include "tb/unit/models/rank_stream.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <optional>
#include <vector>

#include "sw/config/channel.h"
#include "tb/memory/timing_checker.h"
#include "tb/unit/bench.h"
#include "tb/unit/header.h"

namespace {

using namespace aqpim::tb;
using namespace aqpim::tb::unit;

namespace row_command = aqpim::pq_pkg::row_command;
using Source = aqpim::pq_pkg::PhaseSource;
using enum aqpim::pq_pkg::PhaseSource;

struct Phase {
  Source source = kLocal;
  unsigned row = 0, first = 0, beats = 1, bank = 0, pace = 1;
  bool all = false;

  bool local() const { return source <= kLocalWrite; }
  bool has_row() const { return source < kRecords; }
};

// Where a beat is.
struct Place {
  unsigned row = 0, column = 0, bank = 0, engine = 0, beat = 0;
  bool odd = false;
};

// Plays pq_rank_control and pq_bus: gives phases and leave, grants what the bus has time for, and
// tells the timing checker of every command.
template <class Dut>
class RankStream {
 public:
  static constexpr unsigned kBanks = 16;
  static constexpr unsigned kEngines = kBanks / Dut::BanksPerEngine;

  static aqpim::config::Memory make_memory() {
    aqpim::config::Memory made = aqpim::config::find_memory("hbm3-5200");
    made.organization.ranks = 1;
    made.timing.refresh_interval = Dut::nREFI;
    return made;
  }

  RankStream() {
    REQUIRE(stated_latency("rank_stream") ==
            "phase_valid_i with phase_ready_o to the activate: 1 cycle at least; go_i to the first "
            "column: 0 cycles at least");
    checker.violations().subscribe([](const Violation& violation) { FAIL(violation.sentence); });
    bench->phase_valid_i = 0;
    bench->go_i = 0;
  }

  // The whole phase, with leave `wait` cycles after it was taken.
  void run(const Phase& phase, std::uint64_t wait) {
    offer(phase);
    REQUIRE(bench->phase_ready_o == 1);
    step();
    bench->phase_valid_i = 0;
    for (std::uint64_t c = 0; c < wait; ++c) {
      REQUIRE(next == 0);
      step();
    }
    bench->go_i = 1;
    while (next < phase.beats) step();
    bench.settle();
    REQUIRE(bench->last_o == 1);
    step();
    bench->go_i = 0;
    bench.settle();
    REQUIRE(bench->last_o == 0);
    running.reset();
  }

  void offer(const Phase& phase) {
    running = phase;
    next = 0;
    bench->phase_valid_i = 1;
    bench->phase_source_i = static_cast<std::uint8_t>(phase.source);
    bench->phase_row_i = static_cast<std::uint16_t>(phase.row);
    bench->phase_first_i = static_cast<std::uint16_t>(phase.first);
    bench->phase_beats_i = static_cast<std::uint16_t>(phase.beats);
    bench->phase_bank_i = static_cast<std::uint8_t>(phase.bank);
    bench->phase_pace_i = static_cast<std::uint8_t>(phase.pace);
    bench->phase_all_i = phase.all;
    bench.settle();
  }

  // Ends the cycle.
  void step() {
    bench->row_grant_i = 0;
    bench->bus_grant_i = 0;
    bench.settle();
    std::vector<DramCommand> commands;
    if (bench->row_valid_o != 0 && random.chance(row_percent, 100)) {
      bench->row_grant_i = 1;
      const std::uint64_t at = 2 * cycle + get(bench->row_o, row_command::slot);
      using aqpim::pq_pkg::RowKind;
      const RowKind kind{static_cast<std::uint8_t>(get(bench->row_o, row_command::kind))};
      REQUIRE(number(kind) < aqpim::pq_pkg::kRowKinds);
      const bool activates = kind == RowKind::kActAll;
      const bool refreshed = kind == RowKind::kRef;
      commands.push_back({.cycle = at,
                          .kind = activates   ? CommandKind::kActAll
                                  : refreshed ? CommandKind::kRef
                                              : CommandKind::kPreAll,
                          .row = activates ? get(bench->row_o, row_command::row) : 0});
      // A row is opened for the beat that comes.
      if (activates) {
        REQUIRE((running && running->has_row() && next < running->beats));
        REQUIRE(commands.back().row == place(*running, next).row);
      }
      refreshes += refreshed;
      if (refreshed) first_columns.push_back(0);
      if (activates) opened = true;
    }
    REQUIRE((bench->local_valid_o == 0 || bench->bus_valid_o == 0));
    if (bench->local_valid_o != 0) column(Dut::Slot, commands);
    for (unsigned slot = 0; slot < 2; ++slot) {
      if (get(bench->bus_valid_o, slot, 1) == 0 || !bus_has_time(2 * cycle + slot)) continue;
      if (!random.chance(bus_percent, 100)) continue;
      bench->bus_grant_i = 1;
      bench->bus_slot_i = slot & 1;
      column(slot, commands);
      break;
    }
    bench.settle();
    std::ranges::stable_sort(commands, {}, &DramCommand::cycle);
    for (const DramCommand& command : commands) checker.check(command);
    bench.clock();
    ++cycle;
    most_owed = std::max(most_owed, owed());
  }

  // Refreshes that are due and have not come; one that comes early counts as none.
  std::uint64_t owed() const {
    const std::uint64_t due = 2 * cycle / Dut::nREFI;
    return due > refreshes ? due - refreshes : 0;
  }

  Place place(const Phase& phase, unsigned i) const {
    Place at{.row = phase.row, .beat = i};
    const unsigned index = phase.first + i;
    switch (phase.source) {
      case kLocal:
      case kLocalWrite:
        at.odd = Dut::BanksPerEngine == 2 && index % 2 == 1;
        at.column = index / Dut::BanksPerEngine % 32;
        at.row += index / (32 * Dut::BanksPerEngine);
        break;
      case kRecords: {
        const unsigned beats = phase.all ? Dut::RecordBeats : Dut::RecordsBeats;
        at.engine = i / beats % kEngines;
        break;
      }
      case kStart:
        at.engine = shape.engine_in_turn(i % kEngines);
        break;
      case kCentroids:
        at.engine = shape.engine_in_turn(i % kEngines);
        if (!phase.all) at.beat = i / kEngines;
        break;
      default:
        if (phase.source == kBroadcast || phase.bank == kBanks) {
          at.bank = shape.bank_in_turn(index);
          at.column = index / kBanks % 32;
          at.row += index / (32 * kBanks);
        } else {
          at.bank = phase.bank;
          at.column = index % 32;
          at.row += index / 32;
        }
    }
    return at;
  }

  Phase random_phase() {
    Phase phase{.source = static_cast<Source>(random.below(8))};
    const auto below = [&](unsigned bound) { return static_cast<unsigned>(random.below(bound)); };
    phase.row = below(16380);
    phase.pace = random.pick({1u, 1u, 2u, 5u});
    phase.all = random.chance(1, 2);
    const unsigned row_beats = 32 * Dut::BanksPerEngine;
    switch (phase.source) {
      case kLocal:
        phase.first = random.chance(1, 4) ? below(row_beats) : 0;
        phase.beats = 1 + below(3 * row_beats);
        break;
      case kLocalWrite:
        phase.first = below(row_beats);
        phase.beats = 1 + below(2);
        break;
      case kBroadcast:
        phase.bank = kBanks;
        phase.beats = random.pick({512u, 64u + below(960)});
        phase.pace = 1;
        break;
      case kRead:
      case kWrite:
        phase.bank = random.chance(1, 2) ? kBanks : below(kBanks);
        phase.first = below(phase.bank == kBanks ? 32 * kBanks : 32);
        phase.beats = 1 + below(random.pick({4u, 100u}));
        break;
      case kRecords:
        phase.beats = Dut::RecordsBeats * kEngines;
        break;
      default:
        phase.beats = phase.all ? 40 : 5 * kEngines;
    }
    return phase;
  }

  Bench<typename Dut::Model> bench;
  Random random{test_seed(), "pq_rank_stream"};
  aqpim::config::Memory memory = make_memory();
  aqpim::config::ChannelShape shape{
      .engine = {}, .memory = memory.organization, .banks_per_engine = Dut::BanksPerEngine};
  TimingChecker checker{
      memory, {.banks_per_engine = Dut::BanksPerEngine, .power_limited = Dut::PowerLimited != 0}};
  unsigned row_percent = 100, bus_percent = 100;  // of the cycles in which it could be granted
  std::uint64_t cycle = 0;
  std::uint64_t refreshes = 0, most_owed = 0;
  std::optional<Phase> running;
  unsigned next = 0;                         // the beat that comes
  std::vector<std::uint64_t> first_columns;  // of each row that was opened; 0 for a refresh
  bool opened = false;

 private:
  // Ends in a command of the beat that is next, in this slot.
  void column(unsigned slot, std::vector<DramCommand>& commands) {
    REQUIRE(running.has_value());
    const Phase& phase = *running;
    REQUIRE(next < phase.beats);
    const Place at = place(phase, next);
    CAPTURE(number(phase.source));
    CAPTURE(next);
    REQUIRE(bench->source_o == number(phase.source));
    const bool local = bench->local_valid_o != 0;
    REQUIRE(local == phase.local());
    if (next > 0) REQUIRE(cycle - last_fire >= phase.pace);
    last_fire = cycle;
    DramCommand command{.cycle = 2 * cycle + slot};
    if (phase.has_row()) {
      REQUIRE(bench->column_row_o == at.row);
      REQUIRE(bench->column_o == at.column);
      command.row = at.row;
      command.column = at.column;
      if (opened) first_columns.push_back(command.cycle);
      opened = false;
    }
    if (local) {
      REQUIRE((bench->local_write_o != 0) == (phase.source == kLocalWrite));
      REQUIRE((bench->local_odd_o != 0) == at.odd);
      command.kind = phase.source == kLocal ? CommandKind::kRdAll : CommandKind::kWrAll;
      command.set = Dut::BanksPerEngine == 1 ? BankSet::kAll
                    : at.odd                 ? BankSet::kOdd
                                             : BankSet::kEven;
    } else {
      REQUIRE(bench->bus_beat_o == at.beat);
      if (phase.has_row()) {
        REQUIRE(bench->bus_bank_o == at.bank);
        command.bank = at.bank;
        command.kind = phase.source == kBroadcast ? CommandKind::kBroadcast
                       : phase.source == kRead    ? CommandKind::kRd
                                                  : CommandKind::kWr;
      } else {
        REQUIRE((bench->all_o != 0) == phase.all);
        const bool to_all = phase.source != kRecords && phase.all;
        if (!to_all) {
          REQUIRE(bench->bus_engine_o == at.engine);
          command.bank = at.engine * Dut::BanksPerEngine;
        }
        command.kind = phase.source == kRecords ? CommandKind::kEngineRd
                       : to_all                 ? CommandKind::kEngineWrAll
                                                : CommandKind::kEngineWr;
      }
      bus_time[bus_writes()] = command.cycle;
      group_time[command.bank / 4] = command.cycle;
    }
    commands.push_back(command);
    ++next;
  }

  bool bus_writes() const { return running->source == kWrite || running->source > kRecords; }

  // What pq_bus waits for: beats, turns of the data bus, and bank groups.
  bool bus_has_time(std::uint64_t at) const {
    const auto& t = memory.timing;
    const std::uint64_t beat = std::max(t.burst, t.column_s);
    const std::uint64_t turn = t.read_latency + t.burst + t.read_to_write - t.write_latency;
    const Place where = place(*running, next);
    const unsigned bank = running->has_row() ? where.bank : where.engine * Dut::BanksPerEngine;
    const auto since = [at](const std::optional<std::uint64_t>& earlier, std::uint64_t gap) {
      return !earlier || at >= *earlier + gap;
    };
    return since(bus_time[true], beat) && since(bus_time[false], bus_writes() ? turn : beat) &&
           since(group_time[bank / 4], t.column_l);
  }

  std::optional<std::uint64_t> bus_time[2];  // the latest read, write
  std::optional<std::uint64_t> group_time[4];
  std::uint64_t last_fire = 0;
};

}  // namespace

TEST_CASE_TEMPLATE_DEFINE(
    "pq_rank_stream: phases of all kinds keep the table's rules, and their beats come in order",
    Dut, rank_stream_random) {
  INFO(Dut::parameters);
  RankStream<Dut> stream;
  // The beats of a write are on their way for so long before pq_rank_control goes on.
  const std::uint64_t flight = 17;
  bool before_writes = true;
  std::uint64_t sources[8] = {};
  const std::uint64_t phases = test_iterations(150);
  for (std::uint64_t i = 0; i < phases; ++i) {
    CAPTURE(i);
    stream.row_percent = stream.random.pick({100u, 100u, 50u});
    stream.bus_percent = stream.random.pick({100u, 100u, 60u});
    const Phase phase = stream.random_phase();
    ++sources[number(phase.source)];
    const bool writes =
        phase.source == kLocalWrite || phase.source == kWrite || phase.source > kRecords;
    // At times leave comes so late that refreshes are due while the row is open.
    std::uint64_t wait = 1 + stream.random.below(stream.random.chance(1, 10) ? 4 * Dut::nREFI : 60);
    if (writes || before_writes) wait += flight;
    before_writes = writes;
    stream.run(phase, wait);
    for (auto idle = stream.random.below(20); idle > 0; --idle) stream.step();
  }
  stream.checker.finish(2 * stream.cycle);
  CHECK(stream.checker.violation_count() == 0);
  // None came before it was due, and what is owed is within what may be postponed.
  const std::uint64_t due = 2 * stream.cycle / Dut::nREFI;
  CHECK(stream.refreshes <= due);
  CHECK(stream.refreshes + stream.memory.timing.refreshes_postponed >= due);
  if (phases >= 150) {
    for (const std::uint64_t count : sources) CHECK(count > 3);
  }
}
TEST_CASE_TEMPLATE_APPLY(rank_stream_random, rank_stream_models);

TEST_CASE_TEMPLATE_DEFINE("pq_rank_stream: a row of all banks takes the period that is stated", Dut,
                          rank_stream_period) {
  INFO(Dut::parameters);
  const aqpim::config::Memory& memory = RankStream<Dut>::make_memory();
  const auto& t = memory.timing;
  const unsigned gap = Dut::PowerLimited != 0 ? memory.power_limit.column_all : t.column_all;
  const std::uint64_t period = Dut::BanksPerEngine == 2 ? memory.power_limit.window
                                                        : 31 * gap + t.read_to_precharge_l +
                                                              t.precharge + t.activate_to_column;
  CHECK(period == (Dut::BanksPerEngine == 2 ? 192 : Dut::PowerLimited != 0 ? 232 : 170));
  RankStream<Dut> stream;
  const unsigned beats = 32 * Dut::BanksPerEngine * 60;
  stream.run({.row = 5, .beats = beats, .pace = Dut::WordsPerBeat}, 3);
  unsigned measured = 0;
  const auto& first = stream.first_columns;
  REQUIRE(first.size() >= 60);
  for (std::size_t i = 1; i < first.size(); ++i) {
    // A refresh comes between rows.
    if (first[i] == 0 || first[i - 1] == 0) continue;
    CHECK(first[i] - first[i - 1] == period);
    ++measured;
  }
  CHECK(measured > 45);
  CHECK(stream.refreshes >= 2);
}
TEST_CASE_TEMPLATE_APPLY(rank_stream_period, rank_stream_models);

TEST_CASE_TEMPLATE_DEFINE(
    "pq_rank_stream: a row is opened while its phase waits for leave, and then read at once", Dut,
    rank_stream_leave) {
  INFO(Dut::parameters);
  RankStream<Dut> stream;
  stream.offer({.row = 9, .beats = 4});
  CHECK(stream.bench->row_valid_o == 0);
  stream.step();
  stream.bench->phase_valid_i = 0;
  stream.bench.settle();
  CHECK(stream.bench->row_valid_o == 1);
  CHECK(get(stream.bench->row_o, row_command::kind) == number(aqpim::pq_pkg::RowKind::kActAll));
  for (unsigned i = 0; i < 40; ++i) stream.step();
  CHECK(stream.bench->local_valid_o == 0);
  stream.bench->go_i = 1;
  stream.bench.settle();
  CHECK(stream.bench->local_valid_o == 1);
}
TEST_CASE_TEMPLATE_APPLY(rank_stream_leave, rank_stream_models);

TEST_CASE_TEMPLATE_DEFINE("pq_rank_stream: a row that is open and not read makes way for refreshes",
                          Dut, rank_stream_idle_row) {
  INFO(Dut::parameters);
  RankStream<Dut> stream;
  const auto wait = [&](std::uint64_t intervals) {
    for (std::uint64_t i = 0; i < intervals * Dut::nREFI / 2; ++i) stream.step();
  };
  stream.offer({.source = kRead, .row = 9, .beats = 4});
  stream.step();
  stream.bench->phase_valid_i = 0;
  // Without leave at once, with leave but without the bus when half of what may be owed is.
  wait(3);
  CHECK(stream.refreshes >= 2);
  stream.bench->go_i = 1;
  stream.bus_percent = 0;
  wait(12);
  CHECK(stream.most_owed == stream.memory.timing.refreshes_postponed / 2 + 1);
  stream.bus_percent = 100;
  while (stream.next < 4) stream.step();
  CHECK(stream.checker.violation_count() == 0);
}
TEST_CASE_TEMPLATE_APPLY(rank_stream_idle_row, rank_stream_models);

TEST_CASE_TEMPLATE_DEFINE(
    "pq_rank_stream: a broadcast puts refreshes off, stops for them at half of what may be owed, "
    "and leaves none behind",
    Dut, rank_stream_spared) {
  INFO(Dut::parameters);
  RankStream<Dut> stream;
  const std::uint64_t half = stream.memory.timing.refreshes_postponed / 2;
  const std::uint64_t interval = Dut::nREFI;
  // One that falls due in the first of two rows comes after the second one.
  while (2 * stream.cycle + 300 < 2 * interval) stream.step();
  REQUIRE(stream.refreshes == 1);
  stream.run({.source = kBroadcast, .row = 3, .beats = 900, .bank = stream.kBanks}, 1);
  CHECK(stream.refreshes == 1);
  CHECK(stream.owed() == 1);
  for (unsigned i = 0; i < 100; ++i) stream.step();
  CHECK(stream.owed() == 0);

  stream.offer({.source = kBroadcast, .row = 9, .beats = 1000, .bank = stream.kBanks});
  stream.step();
  stream.bench->phase_valid_i = 0;
  stream.bench->go_i = 1;
  // It has the bus about when the refresh that is one too many is due, whatever beats do then.
  while (stream.next < 1000) {
    const std::uint64_t since = (2 * stream.cycle + 100) % interval;
    stream.bus_percent = stream.owed() >= half && since < 300 ? 60 : 0;
    stream.step();
  }
  CHECK(stream.refreshes >= 4 * half);
  CHECK(stream.most_owed == half + 1);
  stream.bench->go_i = 0;
  stream.running.reset();
  for (std::uint64_t i = 0; i < interval / 2; ++i) stream.step();
  CHECK(stream.owed() <= 1);
}
TEST_CASE_TEMPLATE_APPLY(rank_stream_spared, rank_stream_models);

TEST_CASE_TEMPLATE_DEFINE(
    "pq_rank_stream: a refresh falls due in each interval, also while another one comes", Dut,
    rank_stream_refreshes) {
  INFO(Dut::parameters);
  RankStream<Dut> stream;
  // They come about when the next one is due, for 100 intervals.
  while (2 * stream.cycle < 100 * Dut::nREFI) {
    const std::uint64_t until = Dut::nREFI - 2 * stream.cycle % Dut::nREFI;
    stream.row_percent = until <= 10 ? 30 : stream.owed() > 2 ? 100 : 0;
    stream.step();
  }
  stream.row_percent = 100;
  for (unsigned i = 0; i < 2000; ++i) stream.step();
  CHECK(stream.refreshes == 2 * stream.cycle / Dut::nREFI);
  // Intervals of an odd number of cycles do not get longer.
  while (stream.owed() == 0) stream.step();
  for (unsigned i = 0; i < 3; ++i) stream.step();
  CHECK(stream.owed() == 0);
  // Engines that have the bus, or wait for it, do not keep refreshes away.
  stream.offer({.source = kRecords, .row = 9, .beats = Dut::RecordsBeats * stream.kEngines});
  stream.step();
  stream.bench->phase_valid_i = 0;
  stream.bench->go_i = 1;
  stream.bus_percent = 1;
  for (std::uint64_t i = 0; i < 3 * Dut::nREFI / 2; ++i) stream.step();
  CHECK(stream.owed() <= 1);
}
TEST_CASE_TEMPLATE_APPLY(rank_stream_refreshes, rank_stream_models);

TEST_CASE_TEMPLATE_DEFINE(
    "pq_rank_stream: the power limit holds where columns of all banks follow beats of the bus", Dut,
    rank_stream_power) {
  INFO(Dut::parameters);
  RankStream<Dut> stream;
  const auto below = [&](unsigned bound) {
    return static_cast<unsigned>(stream.random.below(bound));
  };
  for (std::uint64_t i = 0; i < test_iterations(150); ++i) {
    CAPTURE(i);
    // Rows of all banks use up the window; beats come to one bank, or end within a turn of all.
    stream.bus_percent = stream.random.pick({100u, 100u, 50u});
    const unsigned bank = stream.random.pick({below(stream.kBanks), stream.kBanks});
    const unsigned beats = 1 + below(40);
    stream.run({.source = kRead, .row = below(16380), .beats = beats, .bank = bank}, 1);
    stream.run({.row = below(16380), .beats = 32 * Dut::BanksPerEngine}, 1);
  }
  CHECK(stream.checker.violation_count() == 0);
}
TEST_CASE_TEMPLATE_APPLY(rank_stream_power, rank_stream_models);

TEST_CASE_TEMPLATE_DEFINE("pq_rank_stream: beats of engines do not count for the power limit", Dut,
                          rank_stream_engines) {
  INFO(Dut::parameters);
  const auto cycles = [](unsigned beats_of_engines) {
    RankStream<Dut> stream;
    if (beats_of_engines > 0) {
      stream.run({.source = kStart, .beats = beats_of_engines, .all = true}, 1);
    }
    const std::uint64_t start = stream.cycle;
    stream.run({.row = 5, .beats = 32 * Dut::BanksPerEngine}, 1);
    return stream.cycle - start;
  };
  CHECK(cycles(60) == cycles(0));
}
TEST_CASE_TEMPLATE_APPLY(rank_stream_engines, rank_stream_models);
