// SPDX-License-Identifier: Apache-2.0
#include "sw/performance/comparison.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "sw/performance/comparison_files.h"
#include "sw/performance/test_channel.h"

namespace {

using namespace aqpim::performance;
using aqpim::config::Configuration;
using doctest::Approx;

const std::vector<Configuration>& configurations() {
  static const std::vector<Configuration> list = {
      {.name = "eight", .description = "", .engine = aqpim::test::eight_bit_engine()},
      {.name = "four",
       .description = "",
       .engine = aqpim::test::four_bit_engine(256),
       .window = 256}};
  return list;
}

const aqpim::config::Memory& memory() { return aqpim::config::find_memory("hbm3-5200"); }

Comparison make_comparison() {
  return Comparison(designs_of({&configurations()[0], &configurations()[1]}, memory()), memory());
}

}  // namespace

TEST_CASE("comparison: designs are those that fit next to the banks") {
  Configuration narrow = configurations()[1];
  narrow.engine.word_bits = 128;
  Configuration small = configurations()[1];
  small.engine.head_dim = 64;
  std::vector<std::string> names;
  for (const Design& design : designs_of({&configurations()[0], &narrow, &small}, memory())) {
    names.push_back(design.name());
  }
  CHECK(names == std::vector<std::string>{"eight", "eight, pairs", "four"});
}

TEST_CASE("comparison: limits are the columns of the FP16 cache and of the codes") {
  Comparison comparison = make_comparison();
  // 64 heads of 32,768 tokens: 4 heads after another in 64 banks, 16 or 2 beats per token.
  const ComparisonRow limited = comparison.row(0, true, {.tokens = 32768, .heads = 64});
  CHECK(limited.fp16_limit == 4.0 * 32768 * 16 / 64 * 6);
  CHECK(limited.code_limit == 4.0 * 32768 * 2 / 64 * 6);
  CHECK(limited.attacc == 266436.0);
  CHECK(limited.speedup() == Approx(266436.0 / limited.cycles));
  const ComparisonRow fast = comparison.row(1, false, {.tokens = 1024, .heads = 1});
  CHECK(fast.fp16_limit == 1024.0 * 16 / 64 * 4);
  CHECK(fast.code_limit == 1024.0 * 2 / 64 * 4);
}

TEST_CASE("comparison: nothing is faster than its codes, nor AttAcc than its cache") {
  Comparison comparison = make_comparison();
  const auto json = to_json(comparison, {}, {}, {}, "command");
  for (const auto& row : json["rows"]) {
    CHECK(row["cycles"] > row["code_limit_cycles"]);
    CHECK(row["attacc_cycles"] > row["fp16_limit_cycles"]);
    CHECK(row["latency_cycles"].get<double>() > row["code_limit_cycles"].get<double>());
  }
}

TEST_CASE("comparison: staggered activates are those of nFAW and nRRDS") {
  CHECK(staggered_activates(memory()) == 3 * 39 + 3 * 2);
  aqpim::config::Memory small = memory();
  small.organization.bank_groups = 1;
  CHECK(staggered_activates(small) == 3 * 2);
}

TEST_CASE("comparison: what is left out is charged to both sides") {
  Comparison comparison = make_comparison();
  const Workload workload{.tokens = 32768, .heads = 64};
  const Charged charged = comparison.charged(2, true, workload);
  const double refresh = 5070.0 / (5070 - 456);
  CHECK(charged.attacc_activates == Approx(4.0 * 256 * 123 * refresh));
  // A pass of 64 KB of scores over two data buses of 16 bytes per cycle, for each of four heads.
  CHECK(charged.attacc_softmax == Approx(4.0 * 65536 / 32 * refresh));
  CHECK(charged.attacc_append == Approx(4.0 * 2 * (19 + 8 * 4 + 6 + 2 + 21 + 19) * refresh));
  CHECK(charged.attacc ==
        Approx(266436 + charged.attacc_activates + charged.attacc_softmax + charged.attacc_append));
  // 128 rows of codes and 8 of codebooks.
  CHECK(charged.engine_activates == Approx(136.0 * 123 * refresh).epsilon(0.001));
  CHECK(charged.engine_append > 0.0);
  CHECK(charged.engine == Approx(comparison.row(2, true, workload).cycles +
                                 charged.engine_activates + charged.engine_append));
}

TEST_CASE("comparison: what RTL took is taken from it, and charges are added to that") {
  Comparison comparison = make_comparison();
  const Workload workload{.tokens = 1024, .heads = 64};
  const StackCost modelled = comparison.cost(0, true, workload);
  const Charged before = comparison.charged(0, true, workload);
  comparison.measured(0, true, modelled.placement.query, modelled.channel.cycles - 700.0, 4321);
  const ComparisonRow row = comparison.row(0, true, workload);
  CHECK(row.cycles == Approx(modelled.channel.cycles - 700.0));
  CHECK(row.latency == 4321);
  CHECK(comparison.row(0, false, workload).latency != 4321);
  const Charged after = comparison.charged(0, true, workload);
  CHECK(after.engine == Approx(before.engine - 700.0));
  CHECK(after.engine_activates == before.engine_activates);
  for (std::size_t design = 0; design < comparison.designs().size(); ++design) {
    for (const unsigned tokens : Grid{}.tokens) {
      CHECK(comparison.charged(design, true, {.tokens = tokens, .heads = 64}).engine_activates > 0);
    }
  }
}

TEST_CASE("comparison: compare.json has a row for each design, limit, context and heads") {
  Comparison comparison = make_comparison();
  const Grid grid{.tokens = {1024, 32768}, .heads = {1, 64}, .groups = {1, 8, 48}};
  const auto json =
      to_json(comparison, grid, {}, {{.configuration = "four", .library = "lib"}}, "the command");
  CHECK(json["run"]["command"] == "the command");
  REQUIRE(json["rows"].size() == 4 * 2 * 2 * 2);
  const auto& row = json["rows"][31];
  CHECK(row["design"] == "four, pairs");
  CHECK(row["power_limited"] == false);
  CHECK(row["L"] == 32768);
  const ComparisonRow expected = comparison.row(3, false, {.tokens = 32768, .heads = 64});
  CHECK(row["cycles"] == expected.cycles);
  CHECK(row["latency_cycles"] == expected.latency);
  CHECK(row["speedup"] == expected.speedup());
  double spent = 0.0;
  for (const auto& cycles : row["spent"]) spent += cycles.get<double>();
  CHECK(spent == Approx(expected.cycles).epsilon(0.01));
  // Of the most heads; 48 do not divide them.
  CHECK(json["charged"].size() == 4 * 2 * 2);
  REQUIRE(json["grouped"].size() == 4 * 2);
  CHECK(json["grouped"][1]["group"] == 8);
  CHECK(json["grouped"][1]["ranks"].is_number_unsigned());
  // AttAcc and the designs, each in its parts.
  REQUIRE(json["energy"].size() == 5 * 2 * 6);
  const auto& all = json["energy"][11];
  CHECK(all["config"] == "attacc");
  CHECK(all["part"] == "all");
  CHECK(all["total_pj"].get<double>() ==
        Approx(comparison.attacc_energy(0, true, {.tokens = 32768, .heads = 64}).total()));
  CHECK(json["areas"][0]["name"] == "four");
  CHECK(json["measured"].empty());
}
