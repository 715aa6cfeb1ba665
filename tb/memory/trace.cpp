// SPDX-License-Identifier: Apache-2.0
#include "tb/memory/trace.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <utility>

#include "sw/config/error.h"
#include "sw/config/json.h"

namespace aqpim::tb {
namespace {

constexpr std::size_t kFields = 6;
constexpr std::size_t kLongestLine = 255;
// Far enough from the end of 64 bits for every sum of delays.
constexpr std::uint64_t kLastCycle = 1'000'000'000'000'000'000;
constexpr std::string_view kBlanks = " \t\r";

using Fields = std::array<std::string_view, kFields>;

Fields split(std::string_view line) {
  Fields fields;
  std::size_t count = 0;
  while (true) {
    const std::size_t begin = line.find_first_not_of(kBlanks);
    if (begin == line.npos) break;
    line.remove_prefix(begin);
    const std::size_t end = std::min(line.find_first_of(kBlanks), line.size());
    if (count < kFields) fields[count] = line.substr(0, end);
    ++count;
    line.remove_prefix(end);
  }
  if (count != kFields) {
    throw InputError(fmt::format(
        "there are {} fields, but must be six: cycle command rank target row column", count));
  }
  return fields;
}

std::uint64_t number(std::string_view field, const char* what, std::uint64_t last) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(field.data(), field.data() + field.size(), value);
  if (error != std::errc() || end != field.data() + field.size() || value > last) {
    throw InputError(fmt::format("{} is {}, allowed are 0 to {}", what, in_quotes(field), last));
  }
  return value;
}

unsigned small_number(std::string_view field, const char* what) {
  return static_cast<unsigned>(number(field, what, std::numeric_limits<std::int32_t>::max()));
}

std::string known_commands() {
  std::string names;
  for (std::size_t kind = 0; kind < kCommandKinds; ++kind) {
    if (kind != 0) names += ", ";
    names += format_of(static_cast<CommandKind>(kind)).name;
  }
  return names;
}

// The value of a field that not every command has.
unsigned optional_number(std::string_view field, const char* what, bool present,
                         std::string_view command) {
  if (present) return small_number(field, what);
  if (field != "-") {
    throw InputError(fmt::format("{} has no {}, so the field must be -", command, what));
  }
  return 0;
}

}  // namespace

std::string trace_line(const DramCommand& command) {
  const CommandFormat& format = format_of(command.kind);
  std::string target = "-";
  if (format.target == CommandTarget::kBank) target = fmt::to_string(command.bank);
  if (format.target == CommandTarget::kSet) target = name_of(command.set);
  return fmt::format("{} {} {} {} {} {}\n", command.cycle, format.name, command.rank, target,
                     format.has_row ? fmt::to_string(command.row) : "-",
                     format.has_column ? fmt::to_string(command.column) : "-");
}

TraceReader::TraceReader(std::istream& stream, std::string name,
                         const config::MemoryOrganization& organization)
    : stream_(stream), name_(std::move(name)), organization_(organization) {}

DramCommand TraceReader::parse(std::string_view line) const {
  const Fields fields = split(line);
  const std::optional<CommandKind> kind = kind_named(fields[1]);
  if (!kind) {
    throw InputError(fmt::format("there is no command {}, known are {}", in_quotes(fields[1]),
                                 known_commands()));
  }
  const CommandFormat& format = format_of(*kind);
  DramCommand command{.cycle = number(fields[0], "cycle", kLastCycle), .kind = *kind};
  if (command.cycle < cycle_) {
    throw InputError(fmt::format("cycle {} comes after cycle {}, but cycles must not decrease",
                                 command.cycle, cycle_));
  }
  command.rank = small_number(fields[2], "rank");
  if (format.target == CommandTarget::kSet) {
    const std::optional<BankSet> set = set_named(fields[3]);
    if (!set) {
      throw InputError(fmt::format("the target of {} is {}, allowed are all, even, odd",
                                   format.name, in_quotes(fields[3])));
    }
    command.set = *set;
  } else {
    command.bank =
        optional_number(fields[3], "bank", format.target == CommandTarget::kBank, format.name);
  }
  command.row = optional_number(fields[4], "row", format.has_row, format.name);
  command.column = optional_number(fields[5], "column", format.has_column, format.name);
  if (const std::string error = address_error(command, organization_); !error.empty()) {
    throw InputError(error);
  }
  return command;
}

std::optional<DramCommand> TraceReader::next() {
  std::array<char, kLongestLine + 1> buffer;
  while (stream_.getline(buffer.data(), buffer.size())) {
    ++line_;
    const auto length = static_cast<std::size_t>(stream_.gcount());
    std::string_view line(buffer.data(), stream_.eof() ? length : length - 1);
    line = line.substr(0, line.find('#'));
    if (line.find_first_not_of(kBlanks) == line.npos) continue;
    try {
      const DramCommand command = parse(line);
      cycle_ = command.cycle;
      return command;
    } catch (const InputError& error) {
      throw InputError(fmt::format("{}, line {}: {}", name_, line_, error.what()));
    }
  }
  if (stream_.bad()) throw InputError(fmt::format("{} cannot be read", name_));
  if (!stream_.eof()) {
    throw InputError(
        fmt::format("{}, line {}: longer than {} characters", name_, line_ + 1, kLongestLine));
  }
  return std::nullopt;
}

}  // namespace aqpim::tb
