// SPDX-License-Identifier: Apache-2.0
#include "tb/memory/trace.h"

#include <doctest/doctest.h>

#include <sstream>
#include <string>
#include <vector>

#include "sw/config/test_support.h"
#include "tb/common/random.h"
#include "tb/memory/test_memory.h"

namespace {

using namespace aqpim::tb;
using namespace aqpim::tb::test;
using aqpim::test::sentence_of;
using enum CommandKind;

std::vector<DramCommand> read(const std::string& text) {
  std::istringstream stream(text);
  TraceReader reader(stream, "trace", hbm3().organization);
  std::vector<DramCommand> commands;
  while (const auto command = reader.next()) commands.push_back(*command);
  return commands;
}

std::string sentence_about(const std::string& text) {
  return sentence_of([&] { read(text); });
}

}  // namespace

TEST_CASE("trace: each kind of command has its line") {
  const Place place = {.bank = 5, .rank = 1, .row = 7, .column = 3, .set = BankSet::kOdd};
  const std::vector<std::pair<CommandKind, std::string>> lines = {
      {kAct, "9 ACT 1 5 7 -\n"},
      {kPre, "9 PRE 1 5 - -\n"},
      {kActAll, "9 ACT_ALL 1 odd 7 -\n"},
      {kPreAll, "9 PRE_ALL 1 odd - -\n"},
      {kRef, "9 REF 1 - - -\n"},
      {kRd, "9 RD 1 5 7 3\n"},
      {kWr, "9 WR 1 5 7 3\n"},
      {kBroadcast, "9 BROADCAST 1 5 7 3\n"},
      {kRdAll, "9 RD_ALL 1 odd 7 3\n"},
      {kWrAll, "9 WR_ALL 1 odd 7 3\n"},
      {kEngineRd, "9 ENGINE_RD 1 5 - -\n"},
      {kEngineWr, "9 ENGINE_WR 1 5 - -\n"},
      {kEngineWrAll, "9 ENGINE_WR_ALL 1 - - -\n"},
  };
  CHECK(lines.size() == kCommandKinds);
  for (const auto& [kind, line] : lines) {
    CHECK(trace_line(command(kind, 9, place)) == line);
    CHECK(read(line) == std::vector<DramCommand>{command(kind, 9, place)});
  }
}

TEST_CASE("trace: what is written is read back") {
  Random random(test_seed(), "trace");
  std::vector<DramCommand> commands;
  std::string text(kTraceHeader);
  std::uint64_t cycle = 0;
  for (std::uint64_t i = 0; i < test_iterations(2000); ++i) {
    cycle += random.below(1ull << random.below(40));
    commands.push_back(command(static_cast<CommandKind>(random.below(kCommandKinds)), cycle,
                               {.bank = static_cast<unsigned>(random.below(16)),
                                .rank = static_cast<unsigned>(random.below(2)),
                                .row = static_cast<unsigned>(random.below(16384)),
                                .column = static_cast<unsigned>(random.below(32)),
                                .set = static_cast<BankSet>(random.below(3))}));
    text += trace_line(commands.back());
  }
  CHECK(read(text) == commands);
}

TEST_CASE("trace: comments, empty lines, tabs and a missing last line end are allowed") {
  CHECK(read("").empty());
  CHECK(read("# nothing\n\n   \n").empty());
  CHECK(read("\t10\tACT  0 1 2 - # opens it\r\n\n10 REF 1 - - -") ==
        std::vector<DramCommand>{command(kAct, 10, {.bank = 1, .row = 2}),
                                 command(kRef, 10, {.rank = 1})});
}

TEST_CASE("trace: a bad line is refused with its number, what is wrong, and what is allowed") {
  CHECK(sentence_about("# header\n\n0 REF 0 - -\n") ==
        "trace, line 3: there are 5 fields, but must be six: cycle command rank target row column");
  CHECK(sentence_about("0 REF 0 - - - -\n") ==
        "trace, line 1: there are 7 fields, but must be six: cycle command rank target row column");
  CHECK(sentence_about("0 NOP 0 - - -\n") ==
        "trace, line 1: there is no command \"NOP\", known are ACT, PRE, ACT_ALL, PRE_ALL, REF, "
        "RD, WR, BROADCAST, RD_ALL, WR_ALL, ENGINE_RD, ENGINE_WR, ENGINE_WR_ALL");
  CHECK(sentence_about("10 REF 0 - - -\n9 REF 0 - - -\n") ==
        "trace, line 2: cycle 9 comes after cycle 10, but cycles must not decrease");
  for (const std::string cycle : {"x", "-1", "1.5", "0x10", "1e3", "99999999999999999999"}) {
    CHECK(sentence_about(cycle + " REF 0 - - -\n") == "trace, line 1: cycle is \"" + cycle +
                                                          "\", allowed are 0 to "
                                                          "1000000000000000000");
  }
  CHECK(sentence_about("0 REF 2 - - -\n") == "trace, line 1: rank is 2, allowed are 0 to 1");
  CHECK(sentence_about("0 PRE 0 16 - -\n") == "trace, line 1: bank is 16, allowed are 0 to 15");
  CHECK(sentence_about("0 ACT 0 0 16384 -\n") ==
        "trace, line 1: row is 16384, allowed are 0 to 16383");
  CHECK(sentence_about("0 RD 0 0 0 32\n") == "trace, line 1: column is 32, allowed are 0 to 31");
  CHECK(sentence_about("0 RD 0 0 0 -\n") ==
        "trace, line 1: column is \"-\", allowed are 0 to 2147483647");
  CHECK(sentence_about("0 ACT 0 0 0 0\n") ==
        "trace, line 1: ACT has no column, so the field must be -");
  CHECK(sentence_about("0 PRE 0 0 0 -\n") ==
        "trace, line 1: PRE has no row, so the field must be -");
  CHECK(sentence_about("0 REF 0 0 - -\n") ==
        "trace, line 1: REF has no bank, so the field must be -");
  CHECK(sentence_about("0 RD_ALL 0 3 0 0\n") ==
        "trace, line 1: the target of RD_ALL is \"3\", allowed are all, even, odd");
  CHECK(sentence_about("0 RD 0 all 0 0\n") ==
        "trace, line 1: bank is \"all\", allowed are 0 to 2147483647");
}

TEST_CASE("trace: binary files and lines without end are refused") {
  using std::string_literals::operator""s;
  CHECK(sentence_about("0 REF 0 - - -\0\n"s) ==
        "trace, line 1: REF has no column, so the field must be -");
  CHECK(sentence_about("# " + std::string(254, 'x')) ==
        "trace, line 1: longer than 255 characters");
  CHECK(read("# " + std::string(253, 'x')).empty());
  CHECK(sentence_about("\n" + std::string(1'000'000, 'x')) ==
        "trace, line 2: longer than 255 characters");
}
