// SPDX-License-Identifier: Apache-2.0
#include "sw/report/channel_report.h"

#include <doctest/doctest.h>

#include <string>

namespace {

using aqpim::report::ChannelReport;

ChannelReport sample() {
  ChannelReport run;
  run.configuration.name = "pq4";
  run.memory = "hbm3-5200";
  run.ranks = 2;
  run.engines = 16;
  run.cycles = 3000;
  run.simulation_seconds = 1.5;
  run.commands = {{"RD_ALL", 70}, {"REF", 2}};
  run.violations = {{"nCCDAB", 3}, {"nRP", 1}};
  run.columns = {{{.name = "score",
                   .columns = 64,
                   .cycles = 400,
                   .least = 300,
                   .refreshes = 1,
                   .least_refresh = 90},
                  {.name = "write", .columns = 9, .cycles = 18}},
                 {{.name = "score", .columns = 0, .cycles = 0}}};
  for (unsigned rank = 0; rank < 2; ++rank) {
    auto& head = run.heads.emplace_back();
    head.name = "l3.h1";
    head.rank = rank;
    head.reversed = rank == 1;
    head.tokens = 2048;
    head.query_heads = 2;
    head.queries = {100, 200};
    head.tiles = 4;
    head.compared = 1000 + rank;
    head.phases = {{.name = "cluster", .commands = 8, .cycles = 500},
                   {.name = "attend", .commands = 12, .cycles = 700 + rank}};
    head.accuracy.relative_error = 0.25;
  }
  return run;
}

}  // namespace

TEST_CASE("channel report: JSON holds counts, shares and what is not known as null") {
  const auto json = to_json(sample());
  CHECK(json["channel"]["played_on"] == "RTL");
  CHECK(json["timeline"].is_null());
  CHECK(json["channel"]["engines_per_rank"] == 16);
  CHECK(json["cycles"] == 3000);
  CHECK(json["simulation"]["cycles_per_second"] == 2000.0);
  CHECK(json["dram_commands"]["RD_ALL"] == 70);
  CHECK(json["violations"]["nCCDAB"] == 3);
  CHECK(json["columns"][0]["score"]["delivered"] == 0.75);
  CHECK(json["columns"][0]["score"]["delivered_refresh_aside"] == 0.975);
  CHECK(json["columns"][0]["score"]["refreshes"] == 1);
  CHECK(json["columns"][0]["score"]["least_memory_cycles"] == 300);
  CHECK(json["columns"][0]["write"]["delivered"].is_null());
  CHECK(json["heads"][1]["channels_reversed"] == true);
  CHECK(json["heads"][1]["phases"]["attend"]["cycles"] == 701);
  CHECK(json["heads"][0]["equality_with_software"]["compared"] == 1000);
  CHECK(json["heads"][0]["accuracy"]["relative_error"] == 0.25);
  CHECK(sample().violation_count() == 4);
}
