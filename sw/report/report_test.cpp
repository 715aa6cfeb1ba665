// SPDX-License-Identifier: Apache-2.0
#include "sw/report/report.h"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <stdexcept>
#include <string>
#include <vector>

#include "sw/config/error.h"
#include "sw/report/json_parts.h"

namespace {

using namespace aqpim::report;

HeadReport head(const std::string& name, double relative_error, double pq_relative_error) {
  HeadReport report{
      .name = name,
      .tokens = 100,
      .head_dim = 64,
      .query_heads = 2,
      .prefill = 80,
      .encoded = 48,
      .windows = 1,
      .queries = {90, 99},
      .compared = 268,
      .mismatches = 0,
      .flags = 0,
      .engine = {},
      .phases = {},
      .clustering = {.codebooks = 2,
                     .codes_per_pass = 1000,
                     .codes_changed = {300, 200, 100},
                     .reducer_cycles = 60,
                     .reducer_words = 40,
                     .projected_cycles = 5000},
      .cache = {.codes = 10, .codebooks = 20, .centres = 30, .scales = 40, .half = 800},
      .accuracy = {.relative_error = relative_error,
                   .cosine = 0.5,
                   .pq_relative_error = pq_relative_error,
                   .pq_cosine = 0.25,
                   .fixed_point_added = relative_error / pq_relative_error - 1,
                   .fixed_point_distance = 0.125},
      .attention = {}};
  report.engine.cycles = 1000;
  report.engine.tiles = 4;
  for (std::size_t i = 0; i < 4; ++i) {
    report.engine.operations[i] = {.commands = 4,
                                   .words = 100 * (i + 1),
                                   .available_cycles = 200 * (i + 1),
                                   .stream_cycles = 400,
                                   .fill_cycles = 28,
                                   .drain_cycles = 36};
  }
  for (std::size_t i = 0; i < report.phases.size(); ++i) {
    report.phases[i] = {.cycles = 500 * (i + 1),
                        .words = 100 * (i + 1),
                        .possible = 400 * (i + 1),
                        .useful = 100 * (i + 1),
                        .flags = 0};
  }
  return report;
}

RunReport run(std::vector<HeadReport> heads) {
  return {.command = "aqpim sim --workload some/file.safetensors",
          .configuration = aqpim::config::built_configurations().front(),
          .workload_file = "some/file.safetensors",
          .workload_sha256 = "abc",
          .workload_metadata = {{"model", "m"}},
          .workload_queries_first = true,
          .options = {},
          .seed = 7,
          .spacing = 1,
          .software_prefill = false,
          .engines = 3,
          .simulation_seconds = 0.5,
          .heads = std::move(heads)};
}

TEST_CASE("report: errors of an output are those of the definitions") {
  const std::vector<double> exact = {3.0, 4.0};
  const std::vector<double> pq = {3.0, 5.0};
  const std::vector<double> output = {3.0, 4.5};
  const OutputErrors errors = output_errors(output, pq, exact);
  CHECK(errors.relative_error == doctest::Approx(0.1));
  CHECK(errors.pq_relative_error == doctest::Approx(0.2));
  CHECK(errors.fixed_point_distance == doctest::Approx(0.5));
  CHECK(errors.cosine == doctest::Approx(27.0 / (5.0 * std::sqrt(29.25))));
  CHECK(errors.pq_cosine == doctest::Approx(29.0 / (5.0 * std::sqrt(34.0))));
}

TEST_CASE("report: no distance to nothing is 0, a distance to nothing is one to 1e-6") {
  const std::vector<double> exact = {1.0, 0.0};
  CHECK(output_errors(exact, exact, exact).fixed_point_distance == 0.0);
  const std::vector<double> other = {1.0, 1.0};
  CHECK(output_errors(other, exact, exact).fixed_point_distance == doctest::Approx(1e6));
  const std::vector<OutputErrors> outputs = {{.relative_error = 1e-3, .pq_relative_error = 0.0}};
  CHECK(accuracy_of(outputs).fixed_point_added == doctest::Approx(1e3));
}

TEST_CASE("report: a head's figures are means over outputs; what fixed point adds is their ratio") {
  const std::vector<OutputErrors> outputs = {
      {.relative_error = 0.1,
       .cosine = 1.0,
       .pq_relative_error = 0.2,
       .pq_cosine = 0.5,
       .fixed_point_distance = 0.01},
      {.relative_error = 0.34,
       .cosine = 0.0,
       .pq_relative_error = 0.2,
       .pq_cosine = 0.5,
       .fixed_point_distance = 0.03},
  };
  const Accuracy accuracy = accuracy_of(outputs);
  CHECK(accuracy.relative_error == doctest::Approx(0.22));
  CHECK(accuracy.cosine == doctest::Approx(0.5));
  CHECK(accuracy.pq_relative_error == doctest::Approx(0.2));
  CHECK(accuracy.fixed_point_added == doctest::Approx(0.1));
  CHECK(accuracy.fixed_point_distance == doctest::Approx(0.02));
  CHECK_THROWS_AS(accuracy_of({}), std::invalid_argument);
}

TEST_CASE("report: a run's figures are means over heads, not over outputs") {
  const RunReport report = run({head("l0.h0", 0.11, 0.1), head("l0.h1", 0.33, 0.3)});
  CHECK(report.accuracy().relative_error == doctest::Approx(0.22));
  CHECK(report.accuracy().fixed_point_added == doctest::Approx(0.1));
  CHECK(report.compared() == 536);
  CHECK(report.engine().cycles == 2000);
  CHECK(report.engine().words() == 2000);
  CHECK(report.cache().bytes() == 200);
}

TEST_CASE("report.json: has the keys that scripts read") {
  const auto json = to_json(run({head("l0.h0", 0.11, 0.1), head("l0.h1", 0.33, 0.3)}));
  const auto& engine = aqpim::config::built_configurations().front();
  CHECK(json["run"]["command"] == "aqpim sim --workload some/file.safetensors");
  CHECK(json["run"]["version"].is_string());
  CHECK(json["config"]["name"] == engine.name);
  CHECK(json["config"]["engine"]["HeadDim"] == engine.engine.head_dim);
  CHECK(json["config"]["engine"].size() == 12);
  CHECK(json["workload"]["file"] == "some/file.safetensors");
  CHECK(json["workload"]["sha256"] == "abc");
  CHECK(json["workload"]["queries_first"] == true);
  CHECK(json["workload"]["heads"] == 2);
  CHECK(json["workload"]["tokens"] == 100);
  CHECK(json["workload"]["queries"] == 2);
  CHECK(json["cache"]["bytes"] == 200);
  CHECK(json["cache"]["ratio"] == 8.0);
  CHECK(json["cache"]["bits_per_element"].is_number());
  CHECK(json["equality"]["compared"] == 536);
  CHECK(json["equality"]["mismatches"] == 0);
  CHECK(json["engine"]["cycles"] == 2000);
  CHECK(json["engine"]["words"] == 2000);
  for (const char* operation : {"table", "score", "accumulate", "combine"}) {
    CHECK(json["engine"]["utilization"][operation] == 0.5);
    CHECK(json["engine"]["fill_cycles"][operation] == 56);
    CHECK(json["engine"]["drain_cycles"][operation] == 72);
  }
  for (const char* figure : {"relative_error", "cosine", "pq_relative_error", "pq_cosine",
                             "fixed_point_added", "fixed_point_distance"}) {
    CHECK(json["accuracy"][figure].is_number());
    CHECK(json["heads"][1]["accuracy"][figure].is_number());
    CHECK(json["heads"][1][figure] == json["heads"][1]["accuracy"][figure]);
  }
  CHECK(json["heads"].size() == 2);
  CHECK(json["heads"][0]["name"] == "l0.h0");
  // 2,000 of attention, 2 · (500 + 1,000) of prefill, in half a second.
  CHECK(json["simulation"]["cycles_per_second"] == 10000.0);
  CHECK(json["options"]["software_prefill"] == false);
  CHECK(json["options"]["engines"] == 3);
  CHECK(json["seed"] == 7);
  CHECK(json["options"]["spacing"] == 1);
}

TEST_CASE("report.json: has the phases of a life, each with cycles, words and utilization") {
  RunReport report = run({head("l0.h0", 0.11, 0.1), head("l0.h1", 0.33, 0.3)});
  report.heads[0].phases[0].flags = 1;
  report.heads[1].phases[0].flags = 2;
  report.heads[1].phases[1].flags = 8;
  const auto json = to_json(report);
  std::size_t number = 0;
  for (const char* phase : {"cluster", "encode", "table", "score", "accumulate", "combine"}) {
    CAPTURE(phase);
    ++number;
    CHECK(json["phases"][phase]["cycles"] == 1000 * number);
    CHECK(json["phases"][phase]["words"] == 200 * number);
    CHECK(json["phases"][phase]["utilization"] == 0.25);
    CHECK(json["heads"][0]["phases"][phase]["cycles"] == 500 * number);
  }
  CHECK(json["phases"]["cluster"]["flags"] == 3);
  CHECK(json["phases"]["encode"]["flags"] == 8);
  CHECK(json["heads"][0]["phases"]["cluster"]["flags"] == 1);
  const auto& cluster = json["phases"]["cluster"];
  CHECK(cluster["codebooks"] == 4);
  CHECK(cluster["codes_per_pass"] == 2000);
  CHECK(cluster["reducer"]["cycles"] == 120);
  CHECK(cluster["reducer"]["words"] == 80);
  CHECK(cluster["projection"]["cycles"] == 5000);
  CHECK(cluster["projection"]["tokens"] == 32768);
  CHECK(cluster["projection"]["engines"] == 16);
  CHECK(json["codes_changed_between_passes"] == nlohmann::ordered_json({600, 400, 200}));
  CHECK(json["heads"][0]["codes_changed_between_passes"] ==
        nlohmann::ordered_json({300, 200, 100}));
}

TEST_CASE("report: a phase that was not played has no utilization") {
  RunReport report = run({head("l0.h0", 0.1, 0.1)});
  report.heads[0].phases[0] = {};
  report.heads[0].clustering = {};
  const auto json = to_json(report);
  CHECK(json["phases"]["cluster"]["cycles"] == 0);
  CHECK(json["phases"]["cluster"]["utilization"].is_null());
  CHECK(json["phases"]["cluster"]["projection"].is_null());
  CHECK(json["codes_changed_between_passes"].empty());
}

TEST_CASE("report.json: is JSON whatever the names are, and has finite figures alone") {
  RunReport report = run({head("l0.h0", 0.1, 0.1)});
  report.workload_file = "no utf-8: \xff.safetensors";
  report.simulation_seconds = 0.0;
  report.spacing = 0;
  const auto json = nlohmann::ordered_json::parse(to_json_text(report));
  CHECK(json["simulation"]["cycles_per_second"] == 0.0);
  CHECK(json["options"]["spacing"] == "random");
  report.heads[0].accuracy.cosine = std::numeric_limits<double>::quiet_NaN();
  CHECK_THROWS_AS(to_json_text(report), aqpim::InputError);
}

TEST_CASE("json_text: is the same JSON, with arrays of plain values on one line") {
  const auto json = nlohmann::ordered_json::parse(
      R"({"b": [1, 2.5, "x\"y"], "a": {}, "c": [[0, 1], [], {"d": null}], "e": {"f": false}})");
  const std::string text = json_text(json);
  CHECK(nlohmann::ordered_json::parse(text).dump() == json.dump());
  CHECK(text.starts_with("{\n  \"b\": [1,2.5,\"x\\\"y\"],\n  \"a\": {},\n"));
  CHECK(json_text(nlohmann::ordered_json::array()) == "[]\n");
}

TEST_CASE("OperationFigures: an operation without words is fully used") {
  CHECK(OperationFigures{}.utilization() == 1.0);
}

}  // namespace
