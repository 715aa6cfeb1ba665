// SPDX-License-Identifier: Apache-2.0
#include "tb/channel/channel_scoreboard.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace aqpim::tb {
namespace {

std::string hexadecimal(const Beat& beat) {
  std::string text;
  for (auto byte = beat.rbegin(); byte != beat.rend(); ++byte) text += fmt::format("{:02x}", *byte);
  return text;
}

std::string describe(const HostExchange& exchange) {
  return fmt::format("{} of rank {} (command {}, answered in cycle {})",
                     name_of(exchange.command.opcode), exchange.command.rank, exchange.number,
                     exchange.answered);
}

}  // namespace

ChannelScoreboard::ChannelScoreboard(std::string title, const config::ChannelShape& shape,
                                     const DramModel& memory)
    : title_(std::move(title)),
      untouched_(memory),
      golden_(shape, [this](unsigned rank, unsigned bank, unsigned row, unsigned column) {
        return untouched_.stored(rank, bank, row, column);
      }) {}

void ChannelScoreboard::accepted(const HostExchange& exchange) {
  expected_.emplace(exchange.number, golden_.execute(exchange.command));
}

void ChannelScoreboard::finished(const HostExchange& exchange) {
  golden::HostAnswer expected;
  if (const auto found = expected_.find(exchange.number); found != expected_.end()) {
    expected = std::move(found->second);
    expected_.erase(found);
  } else {
    // Refused at once, so the rules still are those of its arrival. The host agent judges whether
    // the queue was full; only an illegal command is refused before that.
    expected.code = golden_.check(exchange.command);
    if (exchange.code == golden::AnswerCode::kQueueFull &&
        expected.code != golden::AnswerCode::kIllegal) {
      expected.code = exchange.code;
    }
  }
  const bool same = exchange.code == expected.code;
  tally_.compared(1, same ? 0 : 1);
  if (!same) {
    problem(fmt::format("{}: answer {}, expected {}", describe(exchange), name_of(exchange.code),
                        name_of(expected.code)));
  }
  compare_beats(exchange, "data", exchange.data, expected.data);
  compare_beats(exchange, "elements", exchange.elements, expected.elements);
  if (exchange.code == golden::AnswerCode::kOk &&
      !std::ranges::all_of(exchange.pulled, [](bool pulled) { return pulled; })) {
    problem(describe(exchange) + ": not all of the payload was pulled");
  }
}

void ChannelScoreboard::compare_beats(const HostExchange& exchange, const char* name,
                                      const std::vector<std::optional<Beat>>& actual,
                                      const std::vector<Beat>& expected) {
  const std::size_t count = std::max(actual.size(), expected.size());
  for (std::size_t i = 0; i < count; ++i) {
    const bool came = i < actual.size() && actual[i];
    const bool due = i < expected.size();
    const bool same = came && due && *actual[i] == expected[i];
    tally_.compared(1, same ? 0 : 1);
    if (same || !tally_.listening()) continue;
    problem(fmt::format("{}: beat {} of the {} is\n  {}, expected\n  {}", describe(exchange), i,
                        name, came ? hexadecimal(*actual[i]) : "missing",
                        due ? hexadecimal(expected[i]) : "none"));
  }
}

void ChannelScoreboard::compare_beat(unsigned rank, unsigned bank, unsigned row, unsigned column,
                                     const DramModel& memory) {
  const Beat actual = memory.stored(rank, bank, row, column);
  const Beat expected = golden_.stored(rank, bank, row, column);
  tally_.compared(1, actual == expected ? 0 : 1);
  if (actual == expected || !tally_.listening()) return;
  problem(fmt::format("rank {}, bank {}, row {}, column {} holds\n  {}, expected\n  {}", rank, bank,
                      row, column, hexadecimal(actual), hexadecimal(expected)));
}

void ChannelScoreboard::compare(const DramModel& memory) {
  golden_.for_each_written([&](unsigned rank, unsigned bank, unsigned row, unsigned column) {
    compare_beat(rank, bank, row, column, memory);
  });
  const unsigned columns = memory.organization().columns;
  memory.for_each_used_row([&](unsigned rank, unsigned bank, unsigned row) {
    for (unsigned column = 0; column < columns; ++column) {
      compare_beat(rank, bank, row, column, memory);
    }
  });
}

}  // namespace aqpim::tb
