// SPDX-License-Identifier: Apache-2.0
#include "sw/performance/attacc.h"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>
#include <string>

#include "sw/config/error.h"
#include "sw/performance/baseline_file.h"

namespace {

using aqpim::performance::Attacc;
using aqpim::performance::attacc_closed_form;
using aqpim::performance::attacc_cycles;
using aqpim::performance::attacc_run;
using aqpim::performance::AttaccCase;
using aqpim::performance::built_attacc;
using aqpim::performance::parse_attacc;

AttaccCase asked(unsigned tokens, unsigned heads, bool power_limited = true) {
  return {.memory = &aqpim::config::find_memory("hbm3-5200"),
          .power_limited = power_limited,
          .head_dim = 128,
          .tokens = tokens,
          .heads = heads};
}

nlohmann::json legal() {
  return nlohmann::json::parse(aqpim::performance::baseline_text("attacc"));
}

std::string refusal(const nlohmann::json& file) {
  try {
    parse_attacc(file.dump());
  } catch (const aqpim::InputError& error) {
    return error.what();
  }
  return "";
}

}  // namespace

TEST_CASE("AttAcc: cycles are those of the run, whatever the closed form says") {
  CHECK(attacc_cycles(built_attacc(), asked(32768, 64)) == 266436.0);
  CHECK(attacc_cycles(built_attacc(), asked(4096, 64, false)) == 23673.0);
  for (const unsigned heads : {1u, 7u, 16u}) {
    CHECK(attacc_cycles(built_attacc(), asked(1024, heads)) == 1890.0);
  }
  CHECK_FALSE(attacc_run(built_attacc(), asked(32768, 17)));
  CHECK_FALSE(attacc_run(built_attacc(), asked(3000, 16)));
  aqpim::config::Memory other = aqpim::config::find_memory("hbm3-5200");
  other.name = "other";
  AttaccCase elsewhere = asked(32768, 64);
  elsewhere.memory = &other;
  CHECK_FALSE(attacc_run(built_attacc(), elsewhere));
  AttaccCase narrow = asked(32768, 64);
  narrow.head_dim = 64;
  CHECK_FALSE(attacc_run(built_attacc(), narrow));
}

TEST_CASE("AttAcc: in closed form 256 tokens are a row of 232 or 170 cycles, twice") {
  CHECK(attacc_closed_form(built_attacc(), asked(256, 1)) == 2.0 * 232);
  CHECK(attacc_closed_form(built_attacc(), asked(257, 16, false)) == 4.0 * 170);
  CHECK(attacc_closed_form(built_attacc(), asked(1024, 64)) == 4.0 * 8 * 232);
  AttaccCase narrow = asked(512, 1);
  narrow.head_dim = 64;
  CHECK(attacc_closed_form(built_attacc(), narrow) == 2.0 * 232);
}

TEST_CASE("AttAcc: refreshes slow down what is longer than their interval") {
  CHECK(attacc_cycles(built_attacc(), asked(512, 1)) == 4.0 * 232);
  CHECK(attacc_cycles(built_attacc(), asked(32768, 32)) ==
        doctest::Approx(2.0 * 256 * 232 * 5070 / (5070 - 456)));
}

TEST_CASE("AttAcc: the closed form is near the runs") {
  for (const auto& runs : built_attacc().runs) {
    for (std::size_t i = 0; i < runs.tokens.size(); ++i) {
      const AttaccCase same = asked(runs.tokens[i], runs.most_heads, runs.power_limited);
      AttaccCase formula = same;
      aqpim::config::Memory renamed = *same.memory;
      renamed.name = "x";
      formula.memory = &renamed;
      const double ratio = attacc_cycles(built_attacc(), formula) / runs.cycles[i];
      CHECK(ratio > 0.94);
      CHECK(ratio < 1.06);
    }
  }
}

TEST_CASE("AttAcc: a file of other keys or values is refused with a sentence") {
  CHECK(parse_attacc(legal().dump()) == built_attacc());
  nlohmann::json file = legal();
  file.erase("source");
  CHECK(refusal(file) == "baseline attacc lacks the key \"source\"");
  file = legal();
  file["runs"][1]["cycles"] = {1, 2};
  CHECK(refusal(file) == "baseline attacc, runs[1] has 6 tokens, but 2 cycles");
  file = legal();
  file["runs"][0]["tokens"] = {1, -2};
  CHECK(refusal(file).starts_with("baseline attacc, runs[0]: tokens is [1,-2], allowed is a list"));
  file = legal();
  file["runs"] = 3;
  CHECK(refusal(file) == "baseline attacc: runs must be a list");
  file = legal();
  file["note"] = "";
  CHECK(refusal(file).starts_with("baseline attacc has the unknown key \"note\""));
}
