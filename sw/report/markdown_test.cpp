// SPDX-License-Identifier: Apache-2.0
#include "sw/report/markdown.h"

#include <doctest/doctest.h>

#include <string>

#include "sw/config/error.h"

using aqpim::report::paragraph;
using aqpim::report::table_head;
using aqpim::report::table_row;
using aqpim::report::with_tables;

TEST_CASE("a page keeps its text around the tables; without one pair of markers it is refused") {
  const std::string begin = "<!-- tables of aqpim accuracy: begin -->\n";
  const std::string end = "<!-- tables of aqpim accuracy: end -->\n";
  CHECK(with_tables("p", "a\n" + begin + "old\n" + end + "z\n", "accuracy", "new\n") ==
        "a\n" + begin + "\nnew\n\n" + end + "z\n");
  for (const std::string& page :
       {std::string("a"), begin, end, end + begin, begin + end + end, begin + begin + end}) {
    CHECK_THROWS_AS(with_tables("p", page, "accuracy", ""), aqpim::InputError);
  }
  // Another command's lines are none of it.
  CHECK_THROWS_AS(with_tables("p", begin + end, "compare", ""), aqpim::InputError);
}

TEST_CASE("a Markdown table has a row of names and a row of dashes first") {
  CHECK(table_head({"a", "b"}) + table_row({"1", "2"}) == "| a | b |\n|---|---|\n| 1 | 2 |\n");
}

TEST_CASE("a paragraph has lines of at most 120 characters") {
  const std::string word(39, 'x');
  const std::string full = word + " " + word + " " + word + "y";  // 120 characters
  CHECK(paragraph("") == "\n");
  CHECK(paragraph("one line") == "one line\n");
  CHECK(paragraph(full) == full + "\n");
  CHECK(paragraph(full + "z") == word + " " + word + "\n" + word + "yz\n");
  CHECK(paragraph(full + " next") == full + "\nnext\n");
  // Characters count, not bytes; a word that is too long has a line to itself.
  std::string wide;
  for (int i = 0; i < 120; ++i) wide += "µ";
  CHECK(paragraph(wide) == wide + "\n");
  CHECK(paragraph("a " + wide + "b c") == "a\n" + wide + "b\nc\n");
}
