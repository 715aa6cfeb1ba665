// SPDX-License-Identifier: Apache-2.0
#include "sw/report/timeline.h"

#include <doctest/doctest.h>

#include <stdexcept>

namespace {

using aqpim::report::Timeline;

Timeline sample() {
  Timeline timeline({"rank 0 rows", "data bus"},
                    {{"activate", "#111111"}, {"refresh", "#222222"}, {"broadcast", "#333333"}},
                    100, 200);
  timeline.add(0, 0, 110, 129);
  timeline.add(1, 2, 150, 152);
  timeline.add(1, 2, 198, 203);
  timeline.add(0, 0, 90, 101);
  timeline.add(0, 1, 20, 100);
  return timeline;
}

}  // namespace

TEST_CASE("timeline: the bars of each kind that occurs, cut off at the ends of the picture") {
  CHECK(sample().json("first") == nlohmann::ordered_json::parse(R"({
    "title": "first", "lanes": ["rank 0 rows", "data bus"],
    "kinds": [{"name": "activate", "colour": "#111111", "bars": [[0, 110, 129], [0, 100, 101]]},
              {"name": "broadcast", "colour": "#333333", "bars": [[1, 150, 152], [1, 198, 200]]}],
    "first": 100, "last": 200})"));
}

TEST_CASE("timeline: a lane or a kind that was not announced is an error") {
  Timeline timeline = sample();
  CHECK_THROWS_AS(timeline.add(2, 0, 100, 101), std::out_of_range);
  CHECK_THROWS_AS(timeline.add(0, 3, 100, 101), std::out_of_range);
}
