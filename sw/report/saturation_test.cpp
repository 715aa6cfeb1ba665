// SPDX-License-Identifier: Apache-2.0
#include "sw/report/saturation.h"

#include <doctest/doctest.h>

#include <limits>
#include <string>

#include "sw/config/error.h"
#include "sw/config/test_support.h"
#include "sw/golden/program.h"
#include "sw/report/json_parts.h"

using aqpim::report::Saturation;
using aqpim::report::saturation_lines;

TEST_CASE("saturation: how often and what, and nothing if all fits") {
  Saturation saturation;
  saturation.add(0);
  saturation.add(aqpim::golden::kFlagProtocol);  // tells of no number
  CHECK(saturation_lines("pq8 l0.h0", saturation).empty());
  saturation.add(aqpim::golden::kFlagQuerySaturated | aqpim::golden::kFlagScoreSaturated);
  saturation.add(aqpim::golden::kFlagScoreSaturated);
  const std::string line = saturation_lines("pq8 l0.h0", saturation);
  CHECK(
      line.starts_with("pq8 l0.h0 saturated in 2 of 4 results (query or token elements in 1, "
                       "scores in 2): "));
  CHECK(line.ends_with("divide the queries by a constant\n"));
  const auto json = aqpim::report::saturation_json(saturation);
  CHECK(json["flagged"] == 2);
  CHECK(json["score"] == 2);
  CHECK(json["table"] == 0);
}

TEST_CASE("saturation: elements that were held have a line of their own, from one in 1,000 on") {
  Saturation saturation{.appended = 4000, .held_keys = 4, .held_values = 4};
  CHECK(saturation_lines("l0.h0", saturation).empty());
  saturation += {.results = 2, .flagged = 1, .raised = {0, 0, 0, 0}, .held_values = 1};
  CHECK(saturation.results == 2);
  CHECK(saturation.flagged == 1);
  saturation.flagged = 0;
  CHECK(saturation_lines("l0.h0", saturation)
            .starts_with("l0.h0: 4 key and 5 value elements of 4000 that were appended"));
}

TEST_CASE("report texts: a number that is not finite is refused with its place") {
  using aqpim::report::json_text;
  using aqpim::test::sentence_of;
  nlohmann::ordered_json json = {{"a", {1.5, nullptr}}, {"b", {{"c", 2.0}}}};
  CHECK(json_text(json).find("2.0") != std::string::npos);
  json["b"]["c"] = std::numeric_limits<double>::quiet_NaN();
  CHECK(sentence_of([&] { json_text(json); }).starts_with("b.c would not be a finite number"));
  json["a"][0] = -std::numeric_limits<double>::infinity();
  CHECK(sentence_of([&] { json_text(json); }).starts_with("a.0 would not be a finite number"));
}
