// SPDX-License-Identifier: Apache-2.0
#include "tb/memory/dram_model.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

#include "tb/common/random.h"
#include "tb/memory/test_memory.h"
#include "tb/memory/timing_checker.h"

namespace {

using namespace aqpim::tb;
using namespace aqpim::tb::test;
using aqpim::config::Memory;
using enum CommandKind;

Beat beat_of(std::uint8_t value) {
  Beat beat;
  beat.fill(value);
  return beat;
}

// A model, its problems, and what its transfers deliver.
struct Bench {
  explicit Bench(const Memory& memory = hbm3(), std::uint64_t seed = test_seed())
      : model(memory, seed) {
    model.problems().subscribe([this](const std::string& problem) { problems.push_back(problem); });
  }

  // Issues a read and returns its only beat, or that of `bank`.
  Beat read(const DramCommand& command) {
    model.issue(command);
    for (const Transfer& transfer : model.transfers(command.cycle + 100)) {
      if (transfer.bank == command.bank && !transfer.is_write()) return transfer.data;
    }
    throw std::logic_error("no beat came");
  }

  void write(const DramCommand& command, const Beat& beat) {
    model.issue(command);
    for (Transfer& transfer : model.transfers(command.cycle + hbm3().timing.write_latency)) {
      transfer.data = beat;
      transfer.driven = true;
    }
  }

  DramModel model;
  std::vector<std::string> problems;
};

const Memory& other_table() {
  static const Memory memory = [] {
    Memory changed = hbm3();
    changed.timing.read_latency = 9;
    changed.timing.write_latency = 4;
    changed.timing.activate_to_column = 25;
    changed.timing.precharge = 30;
    changed.timing.row_open = 60;
    changed.timing.row_cycle = 120;
    changed.timing.refresh = 500;
    changed.timing.write_recovery = 50;
    changed.timing.write_to_read_l = 40;
    return changed;
  }();
  return memory;
}

}  // namespace

TEST_CASE("DRAM model: an open row is read after nCL, from the bank to the bus or to the engines") {
  for (const Memory* memory : {&hbm3(), &other_table()}) {
    Bench bench(*memory);
    for (unsigned bank = 0; bank < 16; ++bank) {
      bench.model.store(1, bank, 7, 3, beat_of(static_cast<std::uint8_t>(bank)));
    }
    bench.model.issue(command(kActAll, 0, {.rank = 1, .row = 7}));
    const unsigned latency = memory->timing.read_latency;
    for (const CommandKind kind : {kRd, kBroadcast, kRdAll}) {
      const std::uint64_t cycle = 100 * (1 + static_cast<unsigned>(kind));
      bench.model.issue(command(kind, cycle, {.bank = 5, .rank = 1, .row = 7, .column = 3}));
      CHECK(bench.model.transfers(cycle + latency - 1).empty());
      std::vector<Transfer> expected;
      for (unsigned bank = 0; bank < 16; ++bank) {
        if (kind != kRdAll && bank != 5) continue;
        expected.push_back({.cycle = cycle + latency,
                            .kind = kind,
                            .rank = 1,
                            .bank = bank,
                            .data = beat_of(static_cast<std::uint8_t>(bank))});
      }
      const auto transfers = bench.model.transfers(cycle + latency);
      CHECK(std::vector<Transfer>(transfers.begin(), transfers.end()) == expected);
      CHECK(bench.model.transfers(cycle + latency + 1).empty());
    }
    CHECK(bench.problems.empty());
  }
}

TEST_CASE("DRAM model: even and odd banks deliver for themselves") {
  Bench bench;
  bench.model.issue(command(kActAll, 0));
  bench.model.issue(command(kRdAll, 50, {.set = BankSet::kOdd}));
  std::vector<unsigned> banks;
  for (const Transfer& transfer : bench.model.transfers(100)) banks.push_back(transfer.bank);
  CHECK(banks == std::vector<unsigned>{1, 3, 5, 7, 9, 11, 13, 15});
}

TEST_CASE("DRAM model: data are taken nCWL after a write and stay when the row is closed") {
  for (const Memory* memory : {&hbm3(), &other_table()}) {
    Bench bench(*memory);
    bench.model.issue(command(kAct, 0, {.bank = 2, .row = 9}));
    bench.model.issue(command(kWr, 50, {.bank = 2, .row = 9, .column = 31}));
    const unsigned latency = memory->timing.write_latency;
    CHECK(bench.model.transfers(50 + latency - 1).empty());
    const auto transfers = bench.model.transfers(50 + latency);
    REQUIRE(transfers.size() == 1);
    CHECK(transfers[0] == Transfer{.cycle = 50 + latency, .kind = kWr, .rank = 0, .bank = 2});
    transfers[0].data = beat_of(0xa5);
    transfers[0].driven = true;
    bench.model.issue(command(kPre, 200, {.bank = 2}));
    bench.model.issue(command(kAct, 300, {.bank = 2, .row = 10}));
    bench.model.issue(command(kPre, 400, {.bank = 2}));
    bench.model.issue(command(kAct, 500, {.bank = 2, .row = 9}));
    CHECK(bench.read(command(kRd, 600, {.bank = 2, .row = 9, .column = 31})) == beat_of(0xa5));
    CHECK(bench.model.stored(0, 2, 9, 31) == beat_of(0xa5));
    CHECK(bench.problems.empty());
  }
}

TEST_CASE("DRAM model: engines write a beat into each bank of their set") {
  Bench bench;
  bench.model.issue(command(kActAll, 0, {.row = 1}));
  bench.model.issue(command(kWrAll, 50, {.row = 1, .column = 4}));
  const auto transfers = bench.model.transfers(56);
  REQUIRE(transfers.size() == 16);
  for (Transfer& transfer : transfers) {
    transfer.data = beat_of(static_cast<std::uint8_t>(100 + transfer.bank));
    transfer.driven = true;
  }
  bench.model.transfers(57);
  for (unsigned bank = 0; bank < 16; ++bank) {
    CHECK(bench.model.stored(0, bank, 1, 4) == beat_of(static_cast<std::uint8_t>(100 + bank)));
  }
}

TEST_CASE("DRAM model: transfers come in the order of their cycles, reads and writes mixed") {
  Bench bench;
  bench.model.issue(command(kActAll, 0));
  bench.model.issue(command(kActAll, 1, {.rank = 1}));
  bench.model.issue(command(kRd, 40));                                // data in 59
  bench.model.issue(command(kWr, 52, {.bank = 0, .rank = 1}));        // 58
  bench.model.issue(command(kWr, 56, {.bank = 8, .rank = 1}));        // 62
  bench.model.issue(command(kEngineWr, 57, {.bank = 8, .rank = 1}));  // nothing of a bank
  std::vector<std::uint64_t> cycles;
  for (const Transfer& transfer : bench.model.transfers(62)) cycles.push_back(transfer.cycle);
  CHECK(cycles == std::vector<std::uint64_t>{58, 59, 62});
}

TEST_CASE("DRAM model: what nobody wrote is noise, the same whenever it is read") {
  Bench bench;
  std::set<Beat> beats;
  for (const unsigned rank : {0u, 1u}) {
    for (const unsigned bank : {0u, 15u}) {
      for (const unsigned row : {0u, 16383u}) {
        for (const unsigned column : {0u, 31u}) {
          beats.insert(bench.model.stored(rank, bank, row, column));
        }
      }
    }
  }
  CHECK(beats.size() == 16);
  const Beat before = bench.model.stored(0, 1, 2, 3);
  bench.model.store(0, 1, 2, 4, beat_of(1));  // the row exists now
  CHECK(bench.model.stored(0, 1, 2, 3) == before);
  bench.model.issue(command(kAct, 0, {.bank = 1, .row = 2}));
  CHECK(bench.read(command(kRd, 50, {.bank = 1, .row = 2, .column = 3})) == before);
  CHECK(Bench(hbm3(), 1).model.stored(0, 1, 2, 3) != Bench(hbm3(), 2).model.stored(0, 1, 2, 3));
}

namespace {

// A bank whose row 7 holds a known beat in column 3; the read at the end of `commands` must not
// return it, and must be the only problem, unless it is legal.
void check_read(const Memory& memory, const std::vector<DramCommand>& commands,
                const std::string& problem) {
  Bench bench(memory);
  const Beat known = beat_of(0x5a);
  bench.model.store(0, 5, 7, 3, known);
  for (const DramCommand& command : commands) bench.model.issue(command);
  const std::uint64_t cycle = commands.empty() ? 0 : commands.back().cycle;
  const Beat beat = bench.read(
      command(kRd, std::max<std::uint64_t>(cycle, 1), {.bank = 5, .row = 7, .column = 3}));
  INFO(problem);
  CHECK((beat == known) == problem.empty());
  if (problem.empty()) {
    CHECK(bench.problems.empty());
  } else {
    REQUIRE_FALSE(bench.problems.empty());
    CHECK(bench.problems.back().starts_with("bank 5: " + problem + ": RD of rank 0, bank 5"));
  }
}

// So that the read that check_read appends comes in this cycle: a command that changes nothing.
DramCommand wait_until(std::uint64_t cycle) { return command(kEngineRd, cycle); }

}  // namespace

TEST_CASE("DRAM model: a read of a closed or another row, or too early, is noise") {
  const Place place = {.bank = 5, .row = 7};
  for (const Memory* memory : {&hbm3(), &other_table()}) {
    const aqpim::config::MemoryTiming& t = memory->timing;
    check_read(*memory, {}, "no row is open");
    check_read(*memory, {command(kAct, 0, {.bank = 5, .row = 8}), wait_until(500)},
               "row 8 is open");
    check_read(*memory, {command(kAct, 0, place), command(kPre, 500, place)}, "no row is open");
    for (const CommandKind activate : {kAct, kActAll}) {
      check_read(*memory, {command(activate, 0, place), wait_until(t.activate_to_column)}, "");
      check_read(*memory, {command(activate, 0, place), wait_until(t.activate_to_column - 1)},
                 "the row is not yet open");
    }
  }
}

TEST_CASE("DRAM model: a row activated over another, or during a refresh, is noise") {
  const Place place = {.bank = 5, .row = 7};
  const std::string noise = "the row was not activated properly";
  for (const Memory* memory : {&hbm3(), &other_table()}) {
    const aqpim::config::MemoryTiming& t = memory->timing;
    check_read(
        *memory,
        {command(kAct, 0, {.bank = 5, .row = 8}), command(kAct, 500, place), wait_until(600)},
        noise);
    check_read(*memory, {command(kAct, 0, place), command(kRef, 500), wait_until(1500)}, noise);
    for (const unsigned early : {0u, 1u}) {
      check_read(*memory,
                 {command(kRef, 0), command(kAct, t.refresh - early, place), wait_until(600)},
                 early ? noise : "");
      check_read(
          *memory,
          {command(kRef, 0, {.rank = 1}), command(kAct, t.refresh - early, place), wait_until(600)},
          "");
    }
  }
}

TEST_CASE("DRAM model: a row activated within nRP or nRC is noise") {
  const Place place = {.bank = 5, .row = 7};
  const std::string noise = "the row was not activated properly";
  for (const Memory* memory : {&hbm3(), &other_table()}) {
    Memory slow = *memory;
    slow.timing.row_cycle = 200;
    for (const unsigned early : {0u, 1u}) {
      check_read(*memory,
                 {command(kAct, 0, {.bank = 5}), command(kPre, 500, place),
                  command(kAct, 500 + memory->timing.precharge - early, place), wait_until(600)},
                 early ? noise : "");
      check_read(slow,
                 {command(kAct, 0, {.bank = 5}), command(kPre, 90, place),
                  command(kAct, 200 - early, place), wait_until(300)},
                 early ? noise : "");
    }
  }
}

TEST_CASE("DRAM model: a wrong activation ends with the next precharge") {
  const Place place = {.bank = 5, .row = 7};
  Bench bench;
  bench.model.store(0, 5, 7, 3, beat_of(0x5a));
  for (const unsigned cycle : {0u, 1u}) bench.model.issue(command(kAct, cycle, place));
  bench.model.issue(command(kPre, 500, place));
  bench.model.issue(command(kAct, 600, place));
  CHECK(bench.read(command(kRd, 700, {.bank = 5, .row = 7, .column = 3})) == beat_of(0x5a));
}

TEST_CASE("DRAM model: a refresh before nRP is reported") {
  for (const Memory* memory : {&hbm3(), &other_table()}) {
    for (const unsigned early : {0u, 1u}) {
      Bench bench(*memory);
      bench.model.issue(command(kAct, 0, {.bank = 5}));
      bench.model.issue(command(kPre, 500, {.bank = 5}));
      bench.model.issue(command(kRef, 500 + memory->timing.precharge - early));
      CHECK(bench.problems.size() == early);
    }
  }
}

TEST_CASE("DRAM model: noise differs from read to read and follows from the seed") {
  const auto two_reads = [](std::uint64_t seed) {
    Bench bench(hbm3(), seed);
    return std::vector<Beat>{bench.read(command(kRd, 0)), bench.read(command(kRd, 200))};
  };
  const std::vector<Beat> beats = two_reads(5);
  CHECK(beats[0] != beats[1]);
  CHECK(beats == two_reads(5));
  CHECK(beats[0] != two_reads(6)[0]);
}

TEST_CASE("DRAM model: a write that meets no open row is lost and reported") {
  const Place place = {.bank = 5, .row = 7, .column = 3};
  const auto lost = [&](const std::vector<DramCommand>& commands, std::uint64_t cycle,
                        const std::string& problem) {
    Bench bench;
    bench.model.store(0, 5, 7, 3, beat_of(1));
    for (const DramCommand& command : commands) bench.model.issue(command);
    const std::size_t before = bench.problems.size();
    bench.write(command(kWr, cycle, place), beat_of(2));
    bench.model.transfers(cycle + 50);
    CHECK(bench.model.stored(0, 5, 7, 3) == beat_of(1));
    REQUIRE(bench.problems.size() == before + 1);
    CHECK(bench.problems.back().starts_with("bank 5: " + problem +
                                            ", the write is lost: WR of rank 0, bank 5, row 7"));
  };
  lost({}, 0, "no row is open");
  lost({command(kAct, 0, {.bank = 5, .row = 8})}, 100, "row 8 is open");
  lost({command(kAct, 0, place)}, 18, "the row is not yet open");
  lost({command(kAct, 0, place), command(kAct, 100, place)}, 200,
       "the row was not activated properly");
}

TEST_CASE("DRAM model: a write without data leaves noise and is reported") {
  Bench bench;
  bench.model.store(0, 5, 7, 3, beat_of(1));
  bench.model.issue(command(kAct, 0, {.bank = 5, .row = 7}));
  bench.model.issue(command(kWr, 50, {.bank = 5, .row = 7, .column = 3}));
  bench.model.transfers(56);
  bench.model.transfers(57);
  CHECK(bench.model.stored(0, 5, 7, 3) != beat_of(1));
  CHECK(bench.model.stored(0, 5, 7, 3) != beat_of(0));
  CHECK(bench.problems ==
        std::vector<std::string>{"bank 5: nobody gave the data of WR of rank 0 in cycle 56"});
}

TEST_CASE("DRAM model: a masked write leaves its beat as it is, and needs no data") {
  Bench bench;
  bench.model.store(0, 4, 6, 2, beat_of(0x11));
  bench.model.store(0, 5, 6, 2, beat_of(0x22));
  bench.model.issue(command(kActAll, 0, {.row = 6}));
  bench.model.issue(command(kWrAll, 50, {.row = 6, .column = 2}));
  for (Transfer& transfer : bench.model.transfers(56)) {
    transfer.masked = transfer.bank != 5;
    transfer.driven = !transfer.masked;
    transfer.data = beat_of(0x33);
  }
  CHECK(bench.model.transfers(57).empty());
  CHECK(bench.model.stored(0, 4, 6, 2) == beat_of(0x11));
  CHECK(bench.model.stored(0, 5, 6, 2) == beat_of(0x33));
  CHECK(bench.problems.empty());
  std::vector<unsigned> used;
  bench.model.for_each_used_row([&](unsigned rank, unsigned bank, unsigned row) {
    CHECK(rank == 0);
    CHECK(row == 6);
    used.push_back(bank);
  });
  CHECK(used == std::vector<unsigned>{4, 5});
}

TEST_CASE("DRAM model: a bank is read nWTRL after its last write, or gives noise") {
  for (const Memory* memory : {&hbm3(), &other_table()}) {
    const aqpim::config::MemoryTiming& t = memory->timing;
    for (const unsigned early : {0u, 1u}) {
      Bench bench(*memory);
      bench.model.issue(command(kAct, 0, {.bank = 5, .row = 7}));
      bench.model.issue(command(kWr, 100, {.bank = 5, .row = 7, .column = 3}));
      for (Transfer& transfer : bench.model.transfers(100 + t.write_latency)) {
        transfer.data = beat_of(9);
        transfer.driven = true;
      }
      const Beat beat =
          bench.read(command(kRd, 100 + t.write_latency + t.burst + t.write_to_read_l - early,
                             {.bank = 5, .row = 7, .column = 3}));
      CHECK((beat == beat_of(9)) == (early == 0));
      CHECK(bench.problems.size() == early);
    }
  }
}

TEST_CASE("DRAM model: a precharge before nWR spoils the beats that were written") {
  for (const Memory* memory : {&hbm3(), &other_table()}) {
    const aqpim::config::MemoryTiming& t = memory->timing;
    const std::uint64_t data = 100 + t.write_latency;
    const std::uint64_t recovered = data + t.burst + t.write_recovery;
    for (const std::uint64_t cycle : {recovered, recovered - 1, data - 1}) {
      Bench bench(*memory);
      bench.model.store(0, 5, 7, 2, beat_of(7));
      bench.model.store(0, 5, 7, 3, beat_of(8));
      bench.model.issue(command(kAct, 0, {.bank = 5, .row = 7}));
      bench.model.issue(command(kWr, 100, {.bank = 5, .row = 7, .column = 3}));
      // The data come whatever happens to the row.
      if (cycle < data) bench.model.issue(command(kPre, cycle, {.bank = 5}));
      for (Transfer& transfer : bench.model.transfers(data)) {
        transfer.data = beat_of(9);
        transfer.driven = true;
      }
      if (cycle >= data) bench.model.issue(command(kPre, cycle, {.bank = 5}));
      bench.model.transfers(recovered + 1);
      const Beat beat = bench.model.stored(0, 5, 7, 3);
      CHECK(bench.model.stored(0, 5, 7, 2) == beat_of(7));
      CHECK((beat == beat_of(9)) == (cycle == recovered));
      CHECK(beat != beat_of(8));
      CHECK(bench.problems.size() == (cycle == recovered ? 0 : 1));
    }
  }
}

TEST_CASE("DRAM model: a precharge spoils each beat that has not recovered") {
  const auto spoiled = [](std::uint64_t precharge) {
    Bench bench;
    bench.model.issue(command(kAct, 0, {.bank = 5, .row = 7}));
    for (const unsigned column : {2u, 3u, 4u}) {
      bench.write(command(kWr, 100 + 10 * column, {.bank = 5, .row = 7, .column = column}),
                  beat_of(9));
    }
    bench.model.issue(command(kPre, precharge, {.bank = 5}));
    std::vector<unsigned> columns;
    for (const unsigned column : {2u, 3u, 4u}) {
      if (bench.model.stored(0, 5, 7, column) != beat_of(9)) columns.push_back(column);
    }
    CHECK(bench.problems.size() == columns.size());
    return columns;
  };
  // nCWL, nBL and nWR are 29 cycles.
  CHECK(spoiled(148) == std::vector<unsigned>{2, 3, 4});
  CHECK(spoiled(149) == std::vector<unsigned>{3, 4});
  CHECK(spoiled(168) == std::vector<unsigned>{4});
  CHECK(spoiled(169).empty());
}

TEST_CASE("DRAM model: a precharge before nRAS spoils the row, and no other") {
  for (const Memory* memory : {&hbm3(), &other_table()}) {
    for (const unsigned early : {0u, 1u}) {
      Bench bench(*memory);
      for (const unsigned row : {7u, 8u}) {
        for (unsigned column = 0; column < 32; ++column) {
          bench.model.store(0, 5, row, column, beat_of(8));
        }
      }
      bench.model.issue(command(kAct, 0, {.bank = 5, .row = 7}));
      bench.model.issue(command(kPre, memory->timing.row_open - early, {.bank = 5}));
      for (unsigned column = 0; column < 32; ++column) {
        CHECK((bench.model.stored(0, 5, 7, column) == beat_of(8)) == (early == 0));
        CHECK(bench.model.stored(0, 5, 8, column) == beat_of(8));
      }
      CHECK(bench.problems.size() == early);
    }
  }
}

TEST_CASE("DRAM model: addresses that the memory does not have, and the past, are refused") {
  Bench bench;
  CHECK_THROWS_AS(bench.model.store(2, 0, 0, 0, {}), std::out_of_range);
  CHECK_THROWS_AS(bench.model.store(0, 16, 0, 0, {}), std::out_of_range);
  CHECK_THROWS_AS(bench.model.store(0, 0, 16384, 0, {}), std::out_of_range);
  CHECK_THROWS_AS(bench.model.store(0, 0, 0, 32, {}), std::out_of_range);
  CHECK_THROWS_AS(bench.model.stored(0, 0, 0, 32), std::out_of_range);
  CHECK_THROWS_AS(bench.model.stored(0, 0, 16384, 0), std::out_of_range);
  CHECK_THROWS_AS(bench.model.issue(command(kPre, 0, {.bank = 16})), std::invalid_argument);
  bench.model.issue(command(kPre, 10));
  CHECK_THROWS_AS(bench.model.issue(command(kPre, 9)), std::invalid_argument);
}

namespace {

// Legal traffic: rows of random banks are opened, written, read, closed, refreshed; every gap is
// longer than any delay.
std::vector<DramCommand> random_traffic(Random& random) {
  constexpr std::uint64_t kGap = 100;
  std::vector<DramCommand> commands;
  std::uint64_t cycle = 0;
  const auto add = [&](CommandKind kind, const Place& place) {
    commands.push_back(command(kind, cycle, place));
    cycle += kGap;
  };
  for (unsigned visit = 0; visit < 60; ++visit) {
    Place place = {.bank = static_cast<unsigned>(random.below(16)),
                   .rank = static_cast<unsigned>(random.below(2)),
                   .row = static_cast<unsigned>(random.below(3))};
    const bool whole_rank = random.chance(1, 2);
    add(whole_rank ? kActAll : kAct, place);
    for (unsigned access = 0; access < 6; ++access) {
      place.column = static_cast<unsigned>(random.below(4));
      if (whole_rank) place.bank = static_cast<unsigned>(random.below(16));
      add(whole_rank ? random.pick({kRd, kWr, kBroadcast, kRdAll, kWrAll})
                     : random.pick({kRd, kWr, kBroadcast}),
          place);
    }
    add(whole_rank ? kPreAll : kPre, place);
    if (random.chance(1, 4)) {
      add(kRef, {.rank = place.rank});
      cycle += 500;
    }
  }
  return commands;
}

}  // namespace

TEST_CASE(
    "DRAM model: legal traffic reads what was written last, and the checker has no complaint") {
  Random random(test_seed(), "dram traffic");
  for (std::uint64_t run = 0; run < test_iterations(20); ++run) {
    Bench bench;
    TimingChecker checker(hbm3());
    std::map<std::array<unsigned, 4>, Beat> contents;
    std::size_t compared = 0;
    for (const DramCommand& command : random_traffic(random)) {
      checker.check(command);
      bench.model.issue(command);
      for (Transfer& transfer : bench.model.transfers(command.cycle + 99)) {
        const std::array<unsigned, 4> address = {transfer.rank, transfer.bank, command.row,
                                                 command.column};
        if (transfer.is_write()) {
          for (std::uint8_t& byte : transfer.data) byte = static_cast<std::uint8_t>(random.bits());
          transfer.driven = true;
          contents[address] = transfer.data;
        } else {
          const auto [known, is_new] = contents.try_emplace(address, transfer.data);
          CHECK(transfer.data == known->second);
          compared += !is_new;
        }
      }
    }
    CHECK(compared > 200);
    CHECK(bench.problems.empty());
    CHECK(checker.violation_count() == 0);
  }
}
