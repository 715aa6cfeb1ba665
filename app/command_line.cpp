// SPDX-License-Identifier: Apache-2.0
#include "app/command_line.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cctype>
#include <string_view>

namespace aqpim::app {

std::string shell_word(const std::string& text) {
  const bool plain = std::ranges::all_of(text, [](unsigned char c) {
    return std::isalnum(c) != 0 || c >= 0x80 ||
           std::string_view("_./-+,=:@%").find(static_cast<char>(c)) != std::string_view::npos;
  });
  if (plain && !text.empty()) return text;
  std::string word = "'";
  for (const char c : text) word += c == '\'' ? "'\\''" : std::string(1, c);
  return word + "'";
}

std::string command_line(const CLI::App& command) {
  std::string line = "aqpim " + command.get_name();
  for (const CLI::Option* option : command.get_options()) {
    if (option->count() == 0) continue;
    std::vector<std::string> values = option->results();
    if (option->get_delimiter() != '\0') values = {fmt::format("{}", fmt::join(values, ","))};
    if (option->get_items_expected_max() == 0) values = {""};  // a flag
    for (const std::string& value : values) {
      line += " " + option->get_name();
      if (option->get_items_expected_max() > 0) line += " " + shell_word(value);
    }
  }
  return line;
}

}  // namespace aqpim::app
