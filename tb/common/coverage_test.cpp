// SPDX-License-Identifier: Apache-2.0
#include "tb/common/coverage.h"

#include <doctest/doctest.h>

#include <stdexcept>

#include "tb/common/tally.h"

namespace {

using aqpim::tb::Coverage;
using aqpim::tb::CoverPoint;
using aqpim::tb::Tally;

TEST_CASE("Coverage: a bin below its minimum is named") {
  Coverage coverage("design");
  CoverPoint& point = coverage.add("colour", {"red", "green"}, 2);
  point.hit(0);
  point.hit(0);
  point.hit(1);
  CHECK_FALSE(coverage.complete());
  CHECK(coverage.reached() == 1);
  CHECK(coverage.bins() == 2);
  CHECK(coverage.missing() == "design: colour: green has 1 of 2 hits\n");
  point.hit(1);
  CHECK(coverage.complete());
  CHECK(coverage.missing().empty());
  CHECK(coverage.report() == "coverage of design: 2 of 2 bins\n  colour: red 2, green 2\n");
}

TEST_CASE("Coverage: a cross has a bin per pair, less the ignored ones") {
  Coverage coverage("design");
  CoverPoint& cross = coverage.add("shape", {{"small", "large"}, {"flat", "round"}});
  cross.ignore({0, 1});
  cross.hit({0, 0});
  cross.hit({1, 0});
  CHECK(coverage.bins() == 3);
  CHECK(coverage.missing() == "design: shape: large × round has 0 of 1 hits\n");
  CHECK(cross.hits({1, 0}) == 1);
}

TEST_CASE("Coverage: rows, columns and whole points can be ignored") {
  Coverage coverage("design");
  CoverPoint& rows = coverage.add("a", {{"x", "y"}, {"1", "2", "3"}});
  rows.ignore_all(0, 1);
  CHECK(coverage.bins() == 3);
  rows.ignore_all(1, 2);
  CHECK(coverage.bins() == 2);
  rows.hit({0, 0});
  CHECK(coverage.missing() == "design: a: x × 2 has 0 of 1 hits\n");
  rows.hit({0, 1});
  CHECK(coverage.complete());
  CHECK_THROWS_AS(rows.ignore_all(1, 3), std::out_of_range);
  CHECK_THROWS_AS(rows.ignore_all(2, 0), std::out_of_range);
  coverage.add("b", {"x", "y"}).ignore_all();
  CHECK(coverage.complete());
}

TEST_CASE("Coverage: hits of two runs add up") {
  Coverage one("one");
  Coverage two("two");
  one.add("a", {"x", "y"}).hit(0);
  two.add("a", {"x", "y"}).hit(1);
  one.add(two);
  CHECK(one.complete());
  Coverage other("other");
  other.add("b", {"x", "y"});
  CHECK_THROWS_AS(one.add(other), std::invalid_argument);
}

TEST_CASE("Coverage: bins that do not exist cannot be hit") {
  CoverPoint point("a", {{"x"}, {"y", "z"}}, 1);
  CHECK_THROWS_AS(point.hit(0), std::out_of_range);
  CHECK_THROWS_AS(point.hit({0, 2}), std::out_of_range);
  CHECK_THROWS_AS(CoverPoint("none", {{}}, 1), std::invalid_argument);
}

TEST_CASE("Tally: a run passes only with enough equal values, nothing missing and no assertion") {
  Tally tally;
  tally.compared(10);
  CHECK(tally.verdict(10, 0, 0).empty());
  CHECK(tally.verdict(11, 0, 0) == "only 10 values were compared, at least 11 were to be\n");
  CHECK(tally.verdict(10, 2, 0) == "2 expected results never came\n");
  CHECK(tally.verdict(10, 0, 1) == "1 assertions failed\n");
  CHECK_FALSE(tally.failed());
  tally.compared(2, 1);
  tally.problem("a is 1, expected 2");
  CHECK(tally.failed());
  CHECK(tally.verdict(0, 0, 0) == "a is 1, expected 2\n1 of 12 compared values differ\n");
}

TEST_CASE("Tally: the first problems are kept, the others counted") {
  Tally tally;
  for (int i = 0; i < 8; ++i) tally.problem("problem " + std::to_string(i));
  CHECK(tally.problems().size() == 5);
  CHECK(tally.problems().front() == "problem 0");
  CHECK(tally.verdict(0, 0, 0).find("and 3 more") != std::string::npos);
}

}  // namespace
