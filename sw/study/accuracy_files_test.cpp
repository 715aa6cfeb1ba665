// SPDX-License-Identifier: Apache-2.0
#include "sw/study/accuracy_files.h"

#include <doctest/doctest.h>

#include <string>

#include "sw/study/accuracy_plot.h"
#include "sw/study/test_study.h"

namespace {

using aqpim::study::Row;
using aqpim::study::Study;
using aqpim::study::summarize;
using aqpim::study::Summary;
using aqpim::study::to_csv;
using aqpim::study::to_json;
using aqpim::study::to_markdown;
using aqpim::test::make_study;

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

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

TEST_CASE("accuracy.csv: a line per row, paths quoted where they must be") {
  Study study = make_study({0.25});
  study.rows[0].workload = "a \"b\", c.safetensors";
  const std::string csv = to_csv(study);
  CHECK(
      csv.starts_with("workload,head,config,transform,weights,centring,window,clustering,"
                      "bits_per_element,relative_error,cosine,kl,top32\n"));
  CHECK(contains(csv, "\n\"a \"\"b\"\", c.safetensors\",l0.h0,fp16,none,0,0,0,none,16,"));
  CHECK(contains(csv,
                 "\nfolder/text.safetensors,l0.h0,pq8,auto,1,1,256,fixed,3,0.25,0.75,0.5,0.875"
                 "\n"));
}

TEST_CASE("accuracy.json: workloads, heads and summaries") {
  const auto json = to_json(make_study({0.1, 0.2}));
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
  Study odd = make_study({0.1});
  odd.workloads[0].file = "\xff";
  CHECK_NOTHROW(aqpim::study::to_json_text(odd));
}

TEST_CASE("accuracy.md: caches by falling bits, then each option by itself") {
  const std::string text = to_markdown(make_study({0.1, 0.2}), "the command");
  CHECK(contains(text, "`the command`"));
  CHECK(contains(text, "### D = 128"));
  CHECK(
      contains(text, "text: 2 heads (128 tokens, prefill 96, 2 query heads with 2 queries each)"));
  const std::size_t half = text.find("| fp16 | 16.000 |");
  const std::size_t coded = text.find("| **pq8** | 3.000 | 0.1500 | 0.1500 | 0.2000 |");
  const std::size_t integers = text.find("| int2-g32 | 2.500 |");
  REQUIRE(integers != std::string::npos);
  CHECK(half < coded);
  CHECK(coded < integers);
  // The option that varies, and none that does not.
  CHECK(contains(text, "| pq8 | transform | **auto** | 3.000 | 0.1500 / 0.2000 |"));
  CHECK(contains(text, "| pq8 | transform | none | 3.000 | 0.3000 / 0.4000 |"));
  CHECK_FALSE(contains(text, "| pq8 | window |"));
}

TEST_CASE("accuracy.md: a study of standard variants has no table of options") {
  Study study = make_study({0.1});
  std::erase_if(study.rows, [](const Row& row) { return !row.standard; });
  CHECK_FALSE(contains(to_markdown(study, "c"), "option"));
}
