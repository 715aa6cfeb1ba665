// SPDX-License-Identifier: Apache-2.0
#include "sw/study/accuracy_files.h"

#include <doctest/doctest.h>

#include <string>

#include "sw/study/test_study.h"

namespace {

using aqpim::study::Study;
using aqpim::study::summarize;
using aqpim::study::Summary;
using aqpim::study::to_json;
using aqpim::test::make_study;

// The one summary of this configuration and transform.
Summary summary_of(const Study& study, const std::string& config, const std::string& transform) {
  for (const Summary& summary : summarize(study.rows)) {
    if (summary.variant.config == config && summary.variant.transform == transform) return summary;
  }
  FAIL("there is no such summary");
  return {};
}

}  // namespace

TEST_CASE("accuracy summaries: mean, median and worst head of each variant") {
  const Summary summary = summary_of(make_study({0.1, 0.2, 0.6}), "pq8", "auto");
  CHECK(summary.heads == 3);
  CHECK(summary.head_dim == 128);
  CHECK(summary.standard);
  CHECK(summary.relative_error.mean == doctest::Approx(0.3));
  CHECK(summary.relative_error.median == 0.2);
  CHECK(summary.relative_error.worst == 0.6);
  CHECK(summary.worst_head == "l0.h2 of text");
  // Of cosines and shares the smallest is the worst.
  CHECK(summary.cosine.worst == doctest::Approx(0.4));
  CHECK(summary.kl.worst == doctest::Approx(1.2));
  CHECK(summary.top32.worst == doctest::Approx(0.7));
  CHECK(summary_of(make_study({0.1, 0.2, 0.6, 0.3}), "pq8", "auto").relative_error.median ==
        doctest::Approx(0.25));
}

TEST_CASE("accuracy summaries: variants and dimensions are kept apart") {
  Study study = make_study({0.1, 0.2});
  CHECK(summarize(study.rows).size() == 4);
  study.rows.back().head_dim = 64;
  CHECK(summarize(study.rows).size() == 5);
}

TEST_CASE("accuracy.json: workloads, heads, summaries and rows") {
  const auto json = to_json(make_study({0.1, 0.2}), "the command");
  CHECK(json["run"]["command"] == "the command");
  CHECK(json["workloads"][0]["sha256"] == "abc");
  CHECK(json["heads"].size() == 2);
  CHECK(json["heads"][1]["name"] == "l0.h1");
  CHECK(json["heads"][1]["query_tokens"] == nlohmann::json({120, 127}));
  REQUIRE(json["summaries"].size() == 4);
  const auto& summary = json["summaries"][2];
  CHECK(summary["config"] == "pq8");
  CHECK(summary["transform"] == "auto");
  CHECK(summary["weights"] == true);
  CHECK(summary["window"] == 256);
  CHECK(summary["clustering"] == "fixed");
  CHECK(summary["standard"] == true);
  CHECK(summary["relative_error"]["worst"] == 0.2);
  REQUIRE(json["rows"].size() == 8);
  CHECK(json["rows"][3].dump() ==
        R"({"workload":"folder/text.safetensors","head":"l0.h0","config":"pq8","transform":"none",)"
        R"("weights":true,"centring":true,"window":256,"clustering":"fixed","standard":false,)"
        R"("bits_per_element":3.0,"relative_error":0.2,"cosine":0.8,"kl":0.4,"top32":0.9})");
  // Means over the query heads.
  const auto& errors = json["rows"][6]["query_errors"];
  CHECK(errors["token"] == nlohmann::json({120, 127}));
  CHECK(errors["relative_error"][1].get<double>() == doctest::Approx(0.2));
}
