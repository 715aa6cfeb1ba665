// SPDX-License-Identifier: Apache-2.0
#include "sw/report/markdown.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "sw/config/error.h"

namespace aqpim::report {
namespace {

constexpr std::size_t kColumns = 120;

std::size_t characters(std::string_view text) {
  return static_cast<std::size_t>(
      std::ranges::count_if(text, [](char byte) { return (byte & 0xc0) != 0x80; }));
}

}  // namespace

std::string table_row(const std::vector<std::string>& cells) {
  return fmt::format("| {} |\n", fmt::join(cells, " | "));
}

std::string table_head(const std::vector<std::string>& names) {
  return table_row(names) +
         fmt::format("|{}\n", fmt::join(std::vector<std::string>(names.size(), "---|"), ""));
}

std::string paragraph(std::string_view text) {
  std::string lines;
  std::string line;
  while (!text.empty()) {
    const std::string_view word = text.substr(0, text.find(' '));
    text.remove_prefix(std::min(text.size(), word.size() + 1));
    if (!line.empty() && characters(line) + 1 + characters(word) > kColumns) {
      lines += line + "\n";
      line.clear();
    }
    line += (line.empty() ? "" : " ") + std::string(word);
  }
  return lines + line + "\n";
}

std::string with_tables(const std::string& where, const std::string& page, std::string_view command,
                        const std::string& tables) {
  const std::string begin_line = fmt::format("<!-- tables of aqpim {}: begin -->\n", command);
  const std::string end_line = fmt::format("<!-- tables of aqpim {}: end -->\n", command);
  const std::size_t begin = page.find(begin_line);
  const std::size_t end = page.find(end_line);
  const bool once = page.find(begin_line, begin + 1) == std::string::npos &&
                    page.find(end_line, end + 1) == std::string::npos;
  if (begin == std::string::npos || end == std::string::npos || end < begin || !once) {
    throw InputError(fmt::format("{} has no pair of lines \"{}\" and \"{}\" to put tables between",
                                 where, begin_line.substr(0, begin_line.size() - 1),
                                 end_line.substr(0, end_line.size() - 1)));
  }
  return page.substr(0, begin) + begin_line + "\n" + tables + "\n" + page.substr(end);
}

}  // namespace aqpim::report
