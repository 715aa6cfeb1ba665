// SPDX-License-Identifier: Apache-2.0
//
// Command traces: a line per command, six fields separated by blanks or tabs,
//
//   cycle command rank target row column
//
// with - where the command has no such field. The target is a bank, or all, even, or odd for a
// command to a set of banks. Cycles do not decrease; # starts a comment. docs/memory.md has an
// example.
#pragma once

#include <cstdint>
#include <istream>
#include <optional>
#include <string>
#include <string_view>

#include "sw/config/memory.h"
#include "tb/memory/dram_command.h"

namespace aqpim::tb {

// The comment that a written trace begins with, and one line, both with their line end.
inline constexpr std::string_view kTraceHeader = "# cycle command rank target row column\n";
std::string trace_line(const DramCommand& command);

class TraceReader {
 public:
  // `name` stands for the stream in messages. The stream must outlive this object.
  TraceReader(std::istream& stream, std::string name,
              const config::MemoryOrganization& organization);

  // The next command, or nothing at the end. Throws InputError with the number of a line that is no
  // command of this memory, or goes back in time.
  std::optional<DramCommand> next();

 private:
  DramCommand parse(std::string_view line) const;

  std::istream& stream_;
  std::string name_;
  config::MemoryOrganization organization_;
  std::uint64_t line_ = 0;
  std::uint64_t cycle_ = 0;
};

}  // namespace aqpim::tb
