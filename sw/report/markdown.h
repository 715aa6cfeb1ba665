// SPDX-License-Identifier: Apache-2.0
//
// Tables for people, and their place in a page.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace aqpim::report {

// A row of a Markdown table, and its first two lines.
std::string table_row(const std::vector<std::string>& cells);
std::string table_head(const std::vector<std::string>& names);

// `text`, broken at blanks into lines of at most 120 characters of UTF-8, longer words alone, and a
// line's end.
std::string paragraph(std::string_view text);

// `page` with what stands between the two marker lines of `command` replaced by `tables`:
//   <!-- tables of aqpim COMMAND: begin -->
//   <!-- tables of aqpim COMMAND: end -->
// Throws InputError that begins with `where` if there is not one pair of markers.
std::string with_tables(const std::string& where, const std::string& page, std::string_view command,
                        const std::string& tables);

}  // namespace aqpim::report
