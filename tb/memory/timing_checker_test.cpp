// SPDX-License-Identifier: Apache-2.0
#include "tb/memory/timing_checker.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <initializer_list>
#include <ranges>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

#include "tb/memory/test_memory.h"

namespace {

using namespace aqpim::tb;
using namespace aqpim::tb::test;
using aqpim::config::Memory;
using aqpim::config::MemoryTiming;
using enum CommandKind;

using Commands = std::vector<DramCommand>;
using Kinds = std::vector<CommandKind>;
using Delay = unsigned MemoryTiming::*;

constexpr CheckerOptions kTwoBanks = {.banks_per_engine = 2};
constexpr Place kEven = {.set = BankSet::kEven};
constexpr Place kOdd = {.set = BankSet::kOdd};
// All delays of a row are over by then.
constexpr std::uint64_t kLater = 1000;

std::vector<Violation> judge(const Memory& memory, Commands commands,
                             const CheckerOptions& options = {}) {
  std::ranges::stable_sort(commands, {}, &DramCommand::cycle);
  std::vector<Violation> violations;
  TimingChecker checker(memory, options);
  checker.violations().subscribe([&](const Violation& found) { violations.push_back(found); });
  for (const DramCommand& command : commands) checker.check(command);
  CHECK(checker.violation_count() == violations.size());
  return violations;
}

// Of the first few.
std::string sentences(const std::vector<Violation>& violations) {
  std::string text;
  for (const Violation& violation : violations | std::views::take(5)) {
    text += violation.sentence + "\n";
  }
  return text;
}

std::set<std::string> rules(const std::vector<Violation>& violations) {
  std::set<std::string> names;
  for (const Violation& violation : violations) names.insert(violation.rule);
  return names;
}

bool passes(const Memory& memory, const Commands& commands, const CheckerOptions& options = {}) {
  const std::vector<Violation> violations = judge(memory, commands, options);
  if (!violations.empty()) MESSAGE(sentences(violations));
  return violations.empty();
}

// `commands(gap)` is legal with a gap of `gap` cycles, and breaks nothing but `rule` with one less.
template <typename Stream>
void check_limit(const Memory& memory, const std::string& rule, unsigned gap, Stream&& commands,
                 const CheckerOptions& options = {}) {
  INFO(rule, " of ", gap);
  CHECK(sentences(judge(memory, commands(gap), options)) == "");
  const std::vector<Violation> violations = judge(memory, commands(gap - 1), options);
  INFO(sentences(violations));
  REQUIRE(violations.size() == 1);
  CHECK(violations[0].rule == rule);
  CHECK(violations[0].needed == gap);
  CHECK(violations[0].actual == gap - 1);
}

// The table, and tables that differ in one of these delays: a checker with constants of its own
// would not follow. `gap_of(timing)` is what the rule asks for.
template <typename GapOf, typename Stream>
void check_limits(const std::string& rule, std::initializer_list<Delay> delays, GapOf&& gap_of,
                  Stream&& commands, const CheckerOptions& options = {},
                  const Memory& base = hbm3()) {
  check_limit(base, rule, gap_of(base.timing), commands, options);
  for (const Delay delay : delays) {
    Memory other = base;
    other.timing.*delay += 3;
    const auto change = static_cast<int>(gap_of(other.timing) - gap_of(base.timing));
    REQUIRE(std::abs(change) == 3);
    check_limit(other, rule, gap_of(other.timing), commands, options);
  }
}

template <typename Stream>
void check_delay(const std::string& rule, Delay delay, Stream&& commands,
                 const CheckerOptions& options = {}, const Memory& base = hbm3()) {
  check_limits(
      rule, {delay}, [delay](const MemoryTiming& t) { return t.*delay; }, commands, options, base);
}

// All banks of both ranks open row 0.
Commands all_open(const Commands& rest = {}) {
  Commands commands = {command(kActAll, 0), command(kActAll, 1, {.rank = 1})};
  commands.insert(commands.end(), rest.begin(), rest.end());
  return commands;
}

// In open banks, `first` at kLater and `second` a gap later.
auto pair_of(CommandKind first, const Place& first_place, CommandKind second,
             const Place& second_place) {
  return [=](unsigned gap) {
    return all_open(
        {command(first, kLater, first_place), command(second, kLater + gap, second_place)});
  };
}

bool is_set(CommandKind kind) { return format_of(kind).target == CommandTarget::kSet; }

}  // namespace

// ---- rows ----

TEST_CASE("DRAM timing: a column is accessed nRCD after its row is activated") {
  for (const CommandKind activate : {kAct, kActAll}) {
    for (const CommandKind access : {kRd, kWr, kBroadcast, kRdAll, kWrAll}) {
      if (activate == kAct && is_set(access)) continue;  // the other banks would be closed
      check_delay("nRCD", &MemoryTiming::activate_to_column, [=](unsigned gap) {
        return Commands{command(activate, 10, {.bank = 5}), command(access, 10 + gap, {.bank = 5})};
      });
    }
  }
}

TEST_CASE("DRAM timing: a row stays open for nRAS") {
  for (const CommandKind activate : {kAct, kActAll}) {
    for (const CommandKind precharge : {kPre, kPreAll}) {
      check_delay("nRAS", &MemoryTiming::row_open, [=](unsigned gap) {
        return Commands{command(activate, 10, {.bank = 5}),
                        command(precharge, 10 + gap, {.bank = 5})};
      });
    }
  }
}

TEST_CASE("DRAM timing: a bank is activated nRP after its precharge") {
  for (const CommandKind precharge : {kPre, kPreAll}) {
    for (const CommandKind activate : {kAct, kActAll}) {
      check_delay("nRP", &MemoryTiming::precharge, [=](unsigned gap) {
        return Commands{command(kAct, 0, {.bank = 5}), command(precharge, kLater, {.bank = 5}),
                        command(activate, kLater + gap, {.bank = 5})};
      });
    }
  }
}

TEST_CASE("DRAM timing: a bank is activated nRC after its last activation") {
  Memory memory = hbm3();
  memory.timing.row_open = 20;  // so that nRC is longer than nRAS and nRP
  for (const CommandKind first : {kAct, kActAll}) {
    for (const CommandKind second : {kAct, kActAll}) {
      check_delay(
          "nRC", &MemoryTiming::row_cycle,
          [=](unsigned gap) {
            return Commands{command(first, 10, {.bank = 5}), command(kPreAll, 30),
                            command(second, 10 + gap, {.bank = 5})};
          },
          {}, memory);
    }
  }
}

TEST_CASE("DRAM timing: single activates keep nRRDL in a bank group and nRRDS between groups") {
  const auto activates = [](unsigned bank) {
    return [=](unsigned gap) {
      return Commands{command(kAct, 10, {.bank = 4}), command(kAct, 10 + gap, {.bank = bank})};
    };
  };
  check_delay("nRRDL", &MemoryTiming::activate_l, activates(7));
  check_delay("nRRDS", &MemoryTiming::activate_s, activates(3));
  check_delay("nRRDS", &MemoryTiming::activate_s, activates(8));
  check_delay("nRRDS", &MemoryTiming::activate_s, activates(12));
  Memory larger_groups = hbm3();
  larger_groups.organization.bank_groups = 2;
  larger_groups.organization.banks_per_group = 8;
  check_delay("nRRDL", &MemoryTiming::activate_l, activates(0), {}, larger_groups);
  check_delay("nRRDS", &MemoryTiming::activate_s, activates(8), {}, larger_groups);
  CHECK(passes(hbm3(), {command(kAct, 10), command(kAct, 11, {.rank = 1})}));
}

TEST_CASE("DRAM timing: the fifth single activate of a rank comes nFAW after the first") {
  const auto activates = [](unsigned gap) {
    return Commands{command(kAct, 10, {.bank = 0}), command(kAct, 14, {.bank = 4}),
                    command(kAct, 18, {.bank = 8}), command(kAct, 22, {.bank = 12}),
                    command(kAct, 10 + gap, {.bank = 1})};
  };
  check_delay("nFAW", &MemoryTiming::four_activates, activates);

  SUBCASE("and the sixth after the second") {
    check_delay("nFAW", &MemoryTiming::four_activates, [](unsigned gap) {
      return Commands{command(kAct, 0, {.bank = 0}),  command(kAct, 34, {.bank = 4}),
                      command(kAct, 38, {.bank = 8}), command(kAct, 42, {.bank = 12}),
                      command(kAct, 46, {.bank = 1}), command(kAct, 34 + gap, {.bank = 5})};
    });
  }
  SUBCASE("but each rank counts its own") {
    Commands commands = activates(39);
    commands.back() = command(kAct, 26, {.rank = 1});
    CHECK(passes(hbm3(), commands));
  }
}

TEST_CASE("DRAM timing: activates of sets of banks are exempt from nRRD and nFAW") {
  CHECK(passes(hbm3(), {command(kActAll, 10, kEven), command(kActAll, 11, kOdd)}, kTwoBanks));
  CHECK(passes(hbm3(), {command(kActAll, 10, kEven), command(kAct, 11, {.bank = 1})}, kTwoBanks));
  CHECK(passes(hbm3(), {command(kAct, 10, {.bank = 1}), command(kActAll, 11, kEven)}, kTwoBanks));
  CHECK(passes(hbm3(),
               {command(kAct, 10, {.bank = 1}), command(kAct, 14, {.bank = 5}),
                command(kAct, 18, {.bank = 9}), command(kActAll, 20, kEven),
                command(kAct, 22, {.bank = 13})},
               kTwoBanks));
}

TEST_CASE("DRAM timing: a bank is precharged nRTPL after it was read") {
  for (const CommandKind read : {kRd, kBroadcast, kRdAll}) {
    for (const CommandKind precharge : {kPre, kPreAll}) {
      check_delay("nRTPL", &MemoryTiming::read_to_precharge_l,
                  pair_of(read, {.bank = 5}, precharge, {.bank = 5}));
    }
  }
  CHECK(passes(hbm3(), pair_of(kRd, {.bank = 5}, kPre, {.bank = 4})(1)));
}

TEST_CASE("DRAM timing: a set without the bank that was read is precharged nRTPS later") {
  for (const CommandKind read : {kRd, kBroadcast}) {
    check_delay("nRTPS", &MemoryTiming::read_to_precharge_s,
                pair_of(read, {.bank = 4}, kPreAll, kOdd), kTwoBanks);
  }
  CHECK(passes(hbm3(), pair_of(kRdAll, kEven, kPreAll, kOdd)(1), kTwoBanks));
  CHECK(passes(hbm3(), pair_of(kRd, {.rank = 1}, kPreAll, kOdd)(1), kTwoBanks));
}

TEST_CASE("DRAM timing: a bank is precharged nWR after the last data of a write") {
  for (const CommandKind write : {kWr, kWrAll}) {
    for (const CommandKind precharge : {kPre, kPreAll}) {
      check_limits(
          "nWR",
          {&MemoryTiming::write_latency, &MemoryTiming::burst, &MemoryTiming::write_recovery},
          [](const MemoryTiming& t) { return t.write_latency + t.burst + t.write_recovery; },
          pair_of(write, {.bank = 5}, precharge, {.bank = 5}));
    }
  }
  CHECK(passes(hbm3(), pair_of(kWr, {.bank = 5}, kPre, {.bank = 4})(1)));
}

// ---- columns ----

TEST_CASE("DRAM timing: all banks are accessed every nCCDAB, which the power limit stretches") {
  for (const CommandKind access : {kRdAll, kWrAll}) {
    const auto accesses = pair_of(access, {}, access, {});
    check_limit(hbm3(), "nCCDAB", 6, accesses);
    check_delay("nCCDAB", &MemoryTiming::column_all, accesses, {.power_limited = false});
    Memory memory = hbm3();
    memory.power_limit.column_all = 9;
    check_limit(memory, "nCCDAB", 9, accesses);
    CHECK(passes(hbm3(), pair_of(access, {}, access, {.rank = 1})(1)));
  }
}

TEST_CASE("DRAM timing: the beats of one bank are nCCDL apart") {
  for (const CommandKind access : {kRd, kBroadcast, kWr}) {
    check_delay("nCCDL", &MemoryTiming::column_l,
                pair_of(access, {.bank = 5}, access, {.bank = 5}));
  }
  SUBCASE("whether it is read alone or in a set") {
    for (const CommandKind read : {kRd, kBroadcast}) {
      check_delay("nCCDL", &MemoryTiming::column_l, pair_of(read, {.bank = 5}, kRdAll, {}));
      check_delay("nCCDL", &MemoryTiming::column_l, pair_of(kRdAll, {}, read, {.bank = 5}));
    }
    check_delay("nCCDL", &MemoryTiming::column_l, pair_of(kWr, {.bank = 5}, kWrAll, {}));
  }
  SUBCASE("also in half sets") {
    check_delay("nCCDL", &MemoryTiming::column_l, pair_of(kRdAll, kEven, kRdAll, kEven), kTwoBanks);
    check_delay("nCCDL", &MemoryTiming::column_l, pair_of(kWrAll, kOdd, kWrAll, kOdd), kTwoBanks);
  }
}

TEST_CASE("DRAM timing: bus transfers keep nCCDL in a bank group and nCCDS between groups") {
  const Kinds reads = {kRd, kBroadcast, kEngineRd};
  const Kinds writes = {kWr, kEngineWr};
  for (const Kinds& kinds : {reads, writes}) {
    for (const CommandKind first : kinds) {
      for (const CommandKind second : kinds) {
        check_delay("nCCDL", &MemoryTiming::column_l,
                    pair_of(first, {.bank = 4}, second, {.bank = 7}));
        check_delay("nCCDS", &MemoryTiming::column_s,
                    pair_of(first, {.bank = 4}, second, {.bank = 3}));
      }
    }
  }
  check_delay("nCCDS", &MemoryTiming::column_s, pair_of(kEngineWrAll, {}, kEngineWrAll, {}));
  check_delay("nCCDS", &MemoryTiming::column_s, pair_of(kEngineWrAll, {}, kEngineWr, {}));
}

TEST_CASE("DRAM timing: even and odd banks are accessed nCCDS apart") {
  for (const CommandKind access : {kRdAll, kWrAll}) {
    check_delay("nCCDS", &MemoryTiming::column_s, pair_of(access, kEven, access, kOdd), kTwoBanks);
  }
  check_delay("nCCDS", &MemoryTiming::column_s, pair_of(kRdAll, kEven, kRd, {.bank = 1}),
              kTwoBanks);
}

TEST_CASE("DRAM timing: engines exchange data with the host while banks feed them") {
  for (const CommandKind transfer : {kEngineRd, kEngineWr, kEngineWrAll}) {
    CHECK(passes(hbm3(), pair_of(kRdAll, {}, transfer, {})(1)));
    CHECK(passes(hbm3(), pair_of(transfer, {}, kRdAll, {})(1)));
  }
}

TEST_CASE("DRAM timing: reads wait for nWTRL after the last data of a write in their bank group") {
  const std::initializer_list<Delay> delays = {&MemoryTiming::write_latency, &MemoryTiming::burst,
                                               &MemoryTiming::write_to_read_l};
  const auto gap = [](const MemoryTiming& t) {
    return t.write_latency + t.burst + t.write_to_read_l;
  };
  for (const CommandKind write : {kWr, kWrAll}) {
    for (const CommandKind read : {kRd, kBroadcast, kRdAll}) {
      check_limits("nWTRL", delays, gap, pair_of(write, {.bank = 4}, read, {.bank = 7}));
    }
  }
  check_limits("nWTRL", delays, gap, pair_of(kWrAll, kEven, kRdAll, kOdd), kTwoBanks);
}

TEST_CASE("DRAM timing: reads wait for nWTRS after the last data of a write in another group") {
  for (const CommandKind read : {kRd, kBroadcast}) {
    check_limits(
        "nWTRS",
        {&MemoryTiming::write_latency, &MemoryTiming::burst, &MemoryTiming::write_to_read_s},
        [](const MemoryTiming& t) { return t.write_latency + t.burst + t.write_to_read_s; },
        pair_of(kWr, {.bank = 4}, read, {.bank = 3}));
  }
  CHECK(passes(hbm3(), pair_of(kWr, {}, kRd, {.rank = 1})(1)));
  CHECK(passes(hbm3(), pair_of(kWr, {}, kRdAll, {.rank = 1})(1)));
}

TEST_CASE("DRAM timing: write data begin nRTW after the last read data, on the bus of both ranks") {
  const std::initializer_list<Delay> delays = {&MemoryTiming::read_latency, &MemoryTiming::burst,
                                               &MemoryTiming::read_to_write,
                                               &MemoryTiming::write_latency};
  const auto gap = [](const MemoryTiming& t) {
    return t.read_latency + t.burst + t.read_to_write - t.write_latency;
  };
  for (const CommandKind read : {kRd, kBroadcast, kEngineRd}) {
    for (const CommandKind write : {kWr, kEngineWr, kEngineWrAll}) {
      for (const unsigned rank : {0u, 1u}) {
        check_limits("nRTW", delays, gap, pair_of(read, {}, write, {.bank = 8, .rank = rank}));
      }
    }
  }
  SUBCASE("and between the banks and engines of a rank") {
    check_limits("nRTW", delays, gap, pair_of(kRdAll, {}, kWrAll, {}));
    check_limits("nRTW", delays, gap, pair_of(kRd, {}, kWrAll, {}));
    check_limits("nRTW", delays, gap, pair_of(kRdAll, {}, kWr, {}));
    check_limits("nRTW", delays, gap, pair_of(kRdAll, kEven, kWrAll, kOdd), kTwoBanks);
    CHECK(passes(hbm3(), pair_of(kRdAll, {}, kWrAll, {.rank = 1})(1)));
  }
}

TEST_CASE("DRAM timing: a beat occupies the data bus of both ranks for nBL") {
  const Kinds reads = {kRd, kBroadcast, kEngineRd};
  const Kinds writes = {kWr, kEngineWr, kEngineWrAll};
  for (const Kinds& kinds : {reads, writes}) {
    for (const CommandKind first : kinds) {
      for (const CommandKind second : kinds) {
        check_delay("data bus", &MemoryTiming::burst, pair_of(first, {}, second, {.rank = 1}));
      }
    }
  }
  SUBCASE("so that reads do not overtake writes") {
    Memory memory = hbm3();
    memory.timing.write_latency = memory.timing.read_latency + 2;
    check_limits(
        "data bus", {&MemoryTiming::burst, &MemoryTiming::write_latency},
        [](const MemoryTiming& t) { return t.write_latency + t.burst - t.read_latency; },
        pair_of(kWr, {}, kRd, {.rank = 1}), {}, memory);
  }
  SUBCASE("but one from a bank to its engine does not") {
    CHECK(passes(hbm3(), pair_of(kRd, {}, kRdAll, {.rank = 1})(1)));
    CHECK(passes(hbm3(), pair_of(kRdAll, {}, kBroadcast, {.rank = 1})(1)));
  }
}

TEST_CASE("DRAM timing: an engine of two banks takes a beat in nBL") {
  Memory memory = hbm3();
  memory.timing.burst = 3;
  check_delay("engine port", &MemoryTiming::burst, pair_of(kRdAll, kEven, kRdAll, kOdd), kTwoBanks,
              memory);
  check_delay("engine port", &MemoryTiming::burst, pair_of(kWrAll, kOdd, kWrAll, kEven), kTwoBanks,
              memory);
}

TEST_CASE("DRAM timing: a cycle has one row and one column command for both ranks") {
  Memory memory = hbm3();
  check_limit(memory, "command slot", 1, [](unsigned gap) {
    return Commands{command(kAct, 10), command(kActAll, 10 + gap, {.rank = 1})};
  });
  check_limit(memory, "command slot", 1, [](unsigned gap) {
    return Commands{command(kRef, 10), command(kPre, 10 + gap, {.rank = 1})};
  });
  check_limit(memory, "command slot", 1, pair_of(kRdAll, {}, kRdAll, {.rank = 1}));
  check_limit(memory, "command slot", 1, pair_of(kEngineWr, {}, kWrAll, {.rank = 1}));
  CHECK(passes(memory, pair_of(kRdAll, {}, kPreAll, {.rank = 1})(0)));
}

TEST_CASE("DRAM timing: of several gaps to the same command the longest is published") {
  const std::vector<Violation> violations =
      judge(hbm3(), pair_of(kRd, {.bank = 5}, kRd, {.bank = 5})(1));
  REQUIRE(violations.size() == 1);
  CHECK(violations[0] ==
        Violation{.cycle = kLater + 1,
                  .rule = "nCCDL",
                  .needed = 4,
                  .actual = 1,
                  .sentence = "nCCDL: RD of rank 0, bank 5, row 0, column 0 in cycle 1001 follows "
                              "RD of rank 0, bank 5, row 0, column 0 in cycle 1000 by 1 cycles, "
                              "but must by at least 4"});
}

TEST_CASE("DRAM timing: a gap counts from the latest of the commands it may follow") {
  // An early and a late read: the precharge is judged by the late one, in whatever bank order.
  for (const unsigned late : {2u, 9u}) {
    const std::vector<Violation> violations =
        judge(hbm3(),
              all_open({command(kRd, kLater, {.bank = 11 - late}),
                        command(kRd, kLater + 20, {.bank = late}), command(kPreAll, kLater + 27)}));
    REQUIRE(violations.size() == 1);
    CHECK(violations[0].rule == "nRTPL");
    CHECK(violations[0].actual == 7);
  }
}

// ---- power ----

namespace {

// Column accesses of bank 5 every nCCDL, and one more `gap` cycles after the first.
Commands accesses_of_bank(const Memory& memory, unsigned gap, CommandKind last = kRd) {
  Commands commands = all_open();
  for (unsigned i = 0; i < memory.power_limit.columns; ++i) {
    commands.push_back(command(kRd, kLater + i * memory.timing.column_l, {.bank = 5}));
  }
  commands.push_back(command(last, kLater + gap, {.bank = 5}));
  return commands;
}

}  // namespace

TEST_CASE("DRAM power: a bank has at most 32 column accesses in any 192 cycles") {
  check_limit(hbm3(), "power limit", 192,
              [](unsigned gap) { return accesses_of_bank(hbm3(), gap); });
  check_limit(hbm3(), "power limit", 192,
              [](unsigned gap) { return accesses_of_bank(hbm3(), gap, kRdAll); });
  Memory memory = hbm3();
  memory.power_limit.columns = 7;
  memory.power_limit.window = 50;
  check_limit(memory, "power limit", 50,
              [&](unsigned gap) { return accesses_of_bank(memory, gap); });
}

TEST_CASE("DRAM power: the window slides") {
  Memory memory = hbm3();
  memory.power_limit.columns = 3;
  memory.power_limit.window = 40;
  const auto reads = [](std::initializer_list<unsigned> cycles) {
    Commands commands = all_open();
    for (const unsigned cycle : cycles) commands.push_back(command(kRd, kLater + cycle));
    return commands;
  };
  CHECK(passes(memory, reads({0, 10, 20, 40, 50, 60, 80, 90, 100})));
  for (const auto& cycles : {reads({0, 10, 20, 40, 49}), reads({0, 10, 20, 40, 50, 59}),
                             reads({0, 10, 20, 40, 50, 60, 79})}) {
    CHECK(rules(judge(memory, cycles)) == std::set<std::string>{"power limit"});
  }
}

TEST_CASE("DRAM power: each bank counts for itself, and nothing counts without the limit") {
  CHECK(passes(hbm3(), accesses_of_bank(hbm3(), 128), {.power_limited = false}));
  Commands commands = accesses_of_bank(hbm3(), 128);
  commands.back().bank = 6;
  CHECK(passes(hbm3(), commands));
  commands.back() = command(kRd, kLater + 128, {.bank = 5, .rank = 1});
  CHECK(passes(hbm3(), commands));
  commands.back() = command(kEngineRd, kLater + 128, {.bank = 5});
  CHECK(passes(hbm3(), commands));
}

// ---- refresh ----

TEST_CASE("DRAM refresh: it comes nRP after every precharge of the rank") {
  for (const CommandKind precharge : {kPre, kPreAll}) {
    check_delay("nRP", &MemoryTiming::precharge, [=](unsigned gap) {
      return Commands{command(kAct, 0, {.bank = 9}), command(precharge, kLater, {.bank = 9}),
                      command(kRef, kLater + gap)};
    });
  }
  CHECK(passes(hbm3(),
               {command(kAct, 0), command(kPre, kLater), command(kRef, kLater + 1, {.rank = 1})}));
}

TEST_CASE("DRAM refresh: it comes nRC after every activation of the rank") {
  Memory memory = hbm3();
  memory.timing.row_open = 20;
  for (const CommandKind activate : {kAct, kActAll}) {
    check_delay(
        "nRC", &MemoryTiming::row_cycle,
        [=](unsigned gap) {
          return Commands{command(activate, 10, {.bank = 9}), command(kPreAll, 30),
                          command(kRef, 10 + gap)};
        },
        {}, memory);
  }
}

TEST_CASE("DRAM refresh: its rank gets no other command for nRFC") {
  for (const CommandKind next : {kAct, kActAll, kPre, kPreAll, kRef}) {
    const auto commands = [=](unsigned gap) {
      return Commands{command(kRef, 10), command(next, 10 + gap, {.bank = 9})};
    };
    check_delay("nRFC", &MemoryTiming::refresh, commands);
    CHECK(passes(hbm3(), {command(kRef, 10), command(next, 11, {.rank = 1})}));
  }
  for (const CommandKind access : {kRd, kWr, kBroadcast, kRdAll, kWrAll}) {
    CHECK(rules(judge(hbm3(), {command(kRef, 10), command(access, 400)})).contains("nRFC"));
  }
  for (const CommandKind transfer : {kEngineRd, kEngineWr, kEngineWrAll}) {
    CHECK(passes(hbm3(), {command(kRef, 10), command(transfer, 11)}));
  }
}

TEST_CASE("DRAM refresh: one is due every nREFI and may be postponed by eight of them") {
  for (const unsigned interval : {5070u, 700u}) {
    for (const unsigned postponed : {8u, 0u, 3u}) {
      INFO(interval, " postponed by ", postponed);
      Memory memory = hbm3();
      memory.organization.ranks = 1;
      memory.timing.refresh_interval = interval;
      memory.timing.refreshes_postponed = postponed;
      const unsigned latest = (postponed + 1) * interval;
      CHECK(passes(memory, {command(kRef, latest)}));
      const std::vector<Violation> violations = judge(memory, {command(kRef, latest + 1)});
      REQUIRE(violations.size() == 1);
      CHECK(violations[0].rule == "nREFI");
      CHECK(violations[0].needed == postponed * interval);
      CHECK(violations[0].actual == postponed * interval + 1);
    }
  }
}

TEST_CASE("DRAM refresh: each rank needs its own") {
  const std::uint64_t latest = 9 * 5070;
  CHECK(passes(hbm3(), {command(kRef, latest - 1), command(kRef, latest, {.rank = 1})}));
  const std::vector<Violation> violations =
      judge(hbm3(), {command(kRef, latest - 1), command(kRef, latest + 1, {.rank = 1})});
  REQUIRE(violations.size() == 1);
  CHECK(violations[0].sentence.starts_with("nREFI: rank 1 "));
}

TEST_CASE("DRAM refresh: the sentence says what was due, and each missing refresh is told once") {
  Memory memory = hbm3();
  memory.organization.ranks = 1;
  const std::uint64_t latest = 9 * 5070;
  const std::vector<Violation> violations =
      judge(memory, {command(kAct, latest), command(kPre, latest + 45), command(kAct, latest + 64),
                     command(kPre, latest + 5071)});
  REQUIRE(violations.size() == 2);
  CHECK(violations[0].sentence ==
        "nREFI: rank 0 was due for a refresh in cycle 5070 and has not had it in cycle 45675; it "
        "may be postponed by 40560 cycles, not by 40605");
  CHECK(violations[1].cycle == latest + 5071);
}

TEST_CASE("DRAM refresh: what is due counts from the start") {
  Memory memory = hbm3();
  memory.organization.ranks = 1;
  const std::uint64_t start = 1'000'000;
  const std::uint64_t latest = start + 9 * 5070;
  const CheckerOptions options = {.start = start};
  CHECK(passes(memory, {command(kRef, latest)}, options));
  CHECK(rules(judge(memory, {command(kRef, latest + 1)}, options)).contains("nREFI"));
  // One that came before it was due does not count.
  CHECK(rules(judge(memory, {command(kRef, start + 5069), command(kRef, latest + 1)}, options))
            .contains("nREFI"));
  CHECK(passes(memory, {command(kRef, start + 5070), command(kRef, latest + 1)}, options));
}

TEST_CASE("DRAM refresh: the end of a run is judged too") {
  const auto count = [](std::uint64_t end, std::uint64_t start) {
    TimingChecker checker(hbm3(), {.start = start});
    checker.finish(end);
    return checker.violation_count();
  };
  CHECK(count(9 * 5070, 0) == 0);
  CHECK(count(9 * 5070 + 1, 0) == 2);  // both ranks
  CHECK(count(9 * 5070 + 1, 1) == 0);
  CHECK(count(9 * 5070 + 2, 1) == 2);
}

TEST_CASE("DRAM refresh: postponed ones are made up for, but none counts before it is due") {
  Memory memory = hbm3();
  memory.organization.ranks = 1;
  const std::uint64_t interval = memory.timing.refresh_interval;
  const auto refreshes = [&](unsigned count, std::uint64_t first, std::uint64_t end) {
    Commands commands;
    for (unsigned i = 0; i < count; ++i) {
      commands.push_back(command(kRef, first + i * memory.timing.refresh));
    }
    commands.push_back(command(kRef, end));
    return commands;
  };
  // Nine are owed after nine intervals; the last of the stream shows what is owed by then.
  CHECK(passes(memory, refreshes(9, 9 * interval, 18 * interval)));
  CHECK(rules(judge(memory, refreshes(8, 9 * interval, 17 * interval + 1))) ==
        std::set<std::string>{"nREFI"});
  CHECK(rules(judge(memory, refreshes(9, 10, 9 * interval + 1))) == std::set<std::string>{"nREFI"});
}

// ---- state ----

TEST_CASE("DRAM state: columns are accessed in an open row") {
  const auto sentence = [](const Commands& commands) { return sentences(judge(hbm3(), commands)); };
  CHECK(sentence({command(kRd, 50, {.bank = 3})}) ==
        "bank state: RD of rank 0, bank 3, row 0, column 0 in cycle 50 is not allowed: bank 3 is "
        "precharged\n");
  CHECK(sentence({command(kAct, 0, {.bank = 3, .row = 4}),
                  command(kWr, 50, {.bank = 3, .row = 5, .column = 6})}) ==
        "bank state: WR of rank 0, bank 3, row 5, column 6 in cycle 50 is not allowed: bank 3 has "
        "row 4 open\n");
  for (const CommandKind access : {kRd, kWr, kBroadcast}) {
    CHECK(rules(judge(hbm3(), {command(kAct, 0, {.bank = 3}), command(kPre, 50, {.bank = 3}),
                               command(access, 90, {.bank = 3})})) ==
          std::set<std::string>{"bank state"});
  }
}

TEST_CASE("DRAM state: a set is accessed where each of its banks has the row open") {
  for (const CommandKind access : {kRdAll, kWrAll}) {
    CHECK(sentences(judge(hbm3(), {command(kActAll, 0), command(kPre, 50, {.bank = 15}),
                                   command(access, 90)}))
              .ends_with("is not allowed: bank 15 is precharged\n"));
    CHECK(sentences(judge(hbm3(), {command(kActAll, 0), command(kPre, 50, {.bank = 2}),
                                   command(kAct, 80, {.bank = 2, .row = 7}), command(access, 120)}))
              .ends_with("is not allowed: bank 2 has row 7 open\n"));
  }
  // Only the banks of the set matter.
  CHECK(passes(hbm3(), {command(kActAll, 0, kOdd), command(kRdAll, 90, kOdd)}, kTwoBanks));
  CHECK(rules(judge(hbm3(), {command(kActAll, 0, kOdd), command(kRdAll, 90, kEven)}, kTwoBanks)) ==
        std::set<std::string>{"bank state"});
}

TEST_CASE("DRAM state: a bank is activated when it is precharged") {
  CHECK(sentences(judge(hbm3(), {command(kAct, 0, {.bank = 3, .row = 9}),
                                 command(kAct, kLater, {.bank = 3, .row = 1})})) ==
        "bank state: ACT of rank 0, bank 3, row 1 in cycle 1000 is not allowed: bank 3 has row 9 "
        "open\n");
  CHECK(rules(judge(hbm3(), {command(kAct, 0, {.bank = 3}), command(kActAll, kLater)})) ==
        std::set<std::string>{"bank state"});
  CHECK(passes(hbm3(), {command(kAct, 0, {.bank = 3}), command(kActAll, kLater, {.rank = 1})}));
}

TEST_CASE("DRAM state: a rank is refreshed when all its banks are precharged") {
  CHECK(
      sentences(judge(hbm3(), {command(kAct, 0, {.bank = 3, .row = 9}), command(kRef, kLater)})) ==
      "bank state: REF of rank 0 in cycle 1000 is not allowed: bank 3 has row 9 open\n");
  CHECK(passes(hbm3(), {command(kAct, 0), command(kRef, kLater, {.rank = 1})}));
}

TEST_CASE("DRAM state: a bank that is precharged already may be precharged") {
  CHECK(passes(hbm3(), {command(kPre, 0), command(kPreAll, 1), command(kPreAll, 2)}));
}

TEST_CASE("DRAM state: half sets are for engines of two banks, and these take one beat at a time") {
  for (const CommandKind kind : {kActAll, kPreAll}) {
    CHECK(rules(judge(hbm3(), {command(kind, 0, kEven)})) == std::set<std::string>{"bank set"});
    CHECK(passes(hbm3(), {command(kind, 0, kEven), command(kind, kLater, kOdd)}, kTwoBanks));
    CHECK(passes(hbm3(), {command(kind, 0)}, kTwoBanks));
  }
  for (const CommandKind access : {kRdAll, kWrAll}) {
    CHECK(rules(judge(hbm3(), all_open({command(access, kLater, kOdd)}))) ==
          std::set<std::string>{"bank set"});
    CHECK(rules(judge(hbm3(), all_open({command(access, kLater)}), kTwoBanks)) ==
          std::set<std::string>{"bank set"});
  }
}

TEST_CASE("DRAM state: addresses are those that the memory has") {
  const auto sentence = [](const DramCommand& command) {
    return sentences(judge(hbm3(), {command}));
  };
  CHECK(sentence(command(kPreAll, 0, {.rank = 2})) ==
        "address: PRE_ALL of rank 2, all banks in cycle 0 is not allowed: rank is 2, allowed are 0 "
        "to 1\n");
  CHECK(sentence(command(kPre, 0, {.bank = 16})).ends_with("bank is 16, allowed are 0 to 15\n"));
  CHECK(sentence(command(kAct, 0, {.row = 16384}))
            .ends_with("row is 16384, allowed are 0 to 16383\n"));
  CHECK(sentence(command(kRd, 0, {.column = 32})).ends_with("column is 32, allowed are 0 to 31\n"));
}

TEST_CASE("DRAM timing: a command from the past and an engine of three banks are refused") {
  TimingChecker checker(hbm3(), {.start = 10});
  CHECK_THROWS_AS(checker.check(command(kPreAll, 9)), std::invalid_argument);
  checker.check(command(kPreAll, 20));
  CHECK_THROWS_AS(checker.check(command(kPreAll, 19)), std::invalid_argument);
  CHECK_THROWS_AS(TimingChecker(hbm3(), {.banks_per_engine = 3}), std::invalid_argument);
}

// ---- schedules ----

namespace {

// Rows of all 32 beats of a set, each beat `spacing` cycles after the last, the row switch as short
// as it may be, a new row every `period` cycles at least.
void add_rows(Commands& commands, const Place& place, std::uint64_t begin, unsigned rows,
              unsigned spacing, unsigned period) {
  std::uint64_t activate = begin;
  for (unsigned row = 0; row < rows; ++row) {
    Place at = place;
    at.row = row;
    commands.push_back(command(kActAll, activate, at));
    std::uint64_t read = activate + 19;
    for (at.column = 0; at.column < 32; ++at.column, read += spacing) {
      commands.push_back(command(kRdAll, read, at));
    }
    const std::uint64_t precharge = read - spacing + 8;
    commands.push_back(command(kPreAll, precharge, at));
    activate = std::max(activate + period, precharge + 19);
  }
}

}  // namespace

TEST_CASE("DRAM schedule: both ranks read a row of all banks in 232 cycles, and no faster") {
  const auto rows = [](unsigned spacing) {
    Commands commands;
    add_rows(commands, {.rank = 0}, 0, 10, spacing, 0);
    add_rows(commands, {.rank = 1}, 3, 10, spacing, 0);
    return commands;
  };
  const Commands limited = rows(6);
  CHECK(passes(hbm3(), limited));
  const auto last = std::ranges::max(limited, {}, &DramCommand::cycle);
  CHECK(last.cycle == 3 + 9 * 232 + 19 + 31 * 6 + 8);
  CHECK(passes(hbm3(), rows(4), {.power_limited = false}));
  CHECK_FALSE(judge(hbm3(), rows(5)).empty());
}

TEST_CASE("DRAM schedule: engines of two banks read two rows in 192 cycles, but not in 188") {
  const auto rows = [](unsigned period) {
    Commands commands;
    for (const unsigned rank : {0u, 1u}) {
      add_rows(commands, {.rank = rank, .set = BankSet::kEven}, rank, 10, 4, period);
      add_rows(commands, {.rank = rank, .set = BankSet::kOdd}, rank + 98, 10, 4, period);
    }
    return commands;
  };
  CHECK(passes(hbm3(), rows(192), kTwoBanks));
  CHECK(rules(judge(hbm3(), rows(188), kTwoBanks)) == std::set<std::string>{"power limit"});
  CHECK(passes(hbm3(), rows(188), {.banks_per_engine = 2, .power_limited = false}));
}

TEST_CASE("DRAM schedule: a codebook is broadcast every 2 cycles while the other rank works") {
  Commands commands;
  add_rows(commands, {.rank = 0}, 1, 4, 6, 0);
  // Striped over the bank groups of rank 1: a column of each in turn.
  for (const unsigned bank : {0u, 4u, 8u, 12u}) {
    commands.push_back(command(kAct, 5 + bank, {.bank = bank, .rank = 1}));
  }
  for (unsigned i = 0; i < 128; ++i) {
    // Slots of the column commands of rank 0 are even.
    commands.push_back(
        command(kBroadcast, 41 + 2 * i, {.bank = i % 4 * 4, .rank = 1, .column = i / 4}));
  }
  CHECK(passes(hbm3(), commands));
}
