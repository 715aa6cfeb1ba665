// SPDX-License-Identifier: Apache-2.0
#include "tb/memory/trace.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <type_traits>

#include "app/commands.h"
#include "app/options.h"
#include "sw/config/error.h"
#include "sw/config/memory.h"
#include "tb/memory/timing_checker.h"

namespace aqpim::app {
namespace {

struct Arguments {
  std::string file;
  MemoryOptions memory;
  std::uint64_t printed = 20;
};

struct Replay {
  std::uint64_t commands = 0;
  std::uint64_t first = 0;
  std::uint64_t last = 0;
  std::map<tb::CommandKind, std::uint64_t> by_kind = {};
  std::map<std::string, std::uint64_t> by_rule = {};
};

template <typename Key>
std::string counts(const std::map<Key, std::uint64_t>& counted) {
  std::string text;
  for (const auto& [key, count] : counted) {
    if (!text.empty()) text += ", ";
    if constexpr (std::is_same_v<Key, tb::CommandKind>) {
      text += fmt::format("{} {}", count, tb::format_of(key).name);
    } else {
      text += fmt::format("{} {}", count, key);
    }
  }
  return text;
}

// Prints the first violations while it replays the file.
Replay replay(const Arguments& arguments, const config::Memory& memory) {
  std::error_code ignored;
  if (std::filesystem::is_directory(arguments.file, ignored)) {
    throw InputError(fmt::format("{} cannot be read: it is a directory", arguments.file));
  }
  errno = 0;
  std::ifstream stream(arguments.file, std::ios::binary);
  if (!stream) {
    throw InputError(fmt::format("{} cannot be read: {}", arguments.file,
                                 std::generic_category().message(errno)));
  }
  tb::TraceReader reader(stream, arguments.file, memory.organization);
  std::optional<tb::DramCommand> command = reader.next();
  if (!command) throw InputError(fmt::format("{} holds no command", arguments.file));

  Replay result{.first = command->cycle};
  tb::TimingChecker checker(memory, {.banks_per_engine = arguments.memory.banks_per_engine,
                                     .power_limited = !arguments.memory.no_power_limit,
                                     .start = command->cycle});
  checker.violations().subscribe([&](const tb::Violation& violation) {
    ++result.by_rule[violation.rule];
    if (checker.violation_count() <= arguments.printed) fmt::print("{}\n", violation.sentence);
  });
  for (; command; command = reader.next()) {
    checker.check(*command);
    ++result.commands;
    ++result.by_kind[command->kind];
    result.last = command->cycle;
  }
  return result;
}

bool run(const Arguments& arguments) {
  const config::Memory& memory = config::find_memory(arguments.memory.name);
  const Replay result = replay(arguments, memory);
  fmt::print("{}: {} commands in cycles {} to {}: {}\n", arguments.file, result.commands,
             result.first, result.last, counts(result.by_kind));
  fmt::print("{}, {}: {}\n", memory.name, arguments.memory.describe(),
             result.by_rule.empty() ? "no violation"
                                    : fmt::format("violations: {}", counts(result.by_rule)));
  return result.by_rule.empty();
}

}  // namespace

void add_trace(CLI::App& app, int& exit_code) {
  CLI::App* command =
      app.add_subcommand("trace", "Check the DRAM commands of a trace against a memory's timing.");
  const auto arguments = std::make_shared<Arguments>();
  command->add_option("FILE", arguments->file, "trace (text, docs/memory.md)")->required();
  add_memory_options(*command, arguments->memory);
  command->add_option("--print", arguments->printed, "violations to print in full (default: 20)")
      ->check(kCount);
  command->callback([arguments, &exit_code] {
    if (!run(*arguments)) exit_code = static_cast<int>(ExitCode::kFailure);
  });
}

}  // namespace aqpim::app
