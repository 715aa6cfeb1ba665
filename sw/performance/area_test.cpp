// SPDX-License-Identifier: Apache-2.0
#include "sw/performance/area.h"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>
#include <string>

#include "sw/config/error.h"

using aqpim::performance::ChannelArea;
using aqpim::performance::parse_area;
using aqpim::performance::read_areas;

TEST_CASE("area: a file of make area is engines, all, and the FP16 unit") {
  const nlohmann::json file = {{"configuration", "pq8-2banks"},
                               {"library", "lib"},
                               {"target_met", true},
                               {"total", {{"per_bank", 120.0}}},
                               {"added_to_engines", {{"per_bank", 20.0}}},
                               {"rival", {{"per_bank", 40.0}}}};
  CHECK(parse_area("x", file.dump()) == ChannelArea{.configuration = "pq8-2banks",
                                                    .library = "lib",
                                                    .target_met = true,
                                                    .engines = 100.0,
                                                    .all = 120.0,
                                                    .fp16_unit = 40.0});
  nlohmann::json generic = file;
  generic["area_unit"] = "GE";
  CHECK(parse_area("x", generic.dump()).unit == "GE");
  CHECK_THROWS_WITH_AS(parse_area("x", "{}"),
                       "x is no area of a pseudo-channel as make area writes it",
                       aqpim::InputError);
  CHECK_THROWS_AS(parse_area("x", "{"), aqpim::InputError);
  CHECK(read_areas("there/is/no/such/folder").empty());
}
