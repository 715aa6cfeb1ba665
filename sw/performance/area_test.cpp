// SPDX-License-Identifier: Apache-2.0
#include "sw/performance/area.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <string>

#include "sw/config/error.h"
#include "sw/performance/test_channel.h"

using aqpim::performance::area_markdown;
using aqpim::performance::ChannelArea;
using aqpim::performance::Comparison;
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

TEST_CASE(
    "area: speed-up per area is speed-up over the ratio of areas, for designs that have one") {
  const aqpim::config::Configuration eight{
      .name = "eight", .description = "", .engine = aqpim::test::eight_bit_engine()};
  const aqpim::config::Memory& memory = aqpim::config::find_memory("hbm3-5200");
  Comparison comparison({{&eight, 1}, {&eight, 2}}, memory);
  const double speedup = comparison.row(1, true, {.tokens = 4096, .heads = 64}).speedup();
  const std::string text =
      area_markdown(comparison, {.tokens = {4096}, .heads = {64}, .groups = {1}},
                    {{.configuration = "eight-2banks",
                      .library = "lib",
                      .unit = "GE",
                      .target_met = false,
                      .engines = 100.0,
                      .all = 120.0,
                      .fp16_unit = 40.0}});
  CHECK(text.ends_with(fmt::format(
      "| eight, pairs (misses the clock) | 100 | 120 | 40 | 3.00 | {:.2f} |\n", speedup / 3.0)));
  CHECK(text.find("`make area TOP=pq_channel`, GE per bank\n") != std::string::npos);
  CHECK(text.find("| eight |") == std::string::npos);
  CHECK(area_markdown(comparison, {}, {}).empty());
}
