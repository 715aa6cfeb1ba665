// SPDX-License-Identifier: Apache-2.0
#include "sw/report/markdown.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "sw/config/error.h"

namespace aqpim::report {

std::string table_row(const std::vector<std::string>& cells) {
  return fmt::format("| {} |\n", fmt::join(cells, " | "));
}

std::string table_head(const std::vector<std::string>& names) {
  return table_row(names) +
         fmt::format("|{}\n", fmt::join(std::vector<std::string>(names.size(), "---|"), ""));
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
