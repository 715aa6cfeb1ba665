// SPDX-License-Identifier: Apache-2.0
#include "sw/study/accuracy_plot.h"

#include <doctest/doctest.h>

#include <fstream>
#include <string>

#include "sw/config/test_support.h"
#include "sw/study/test_study.h"

namespace {

using aqpim::study::error_by_bits;
using aqpim::study::error_by_query;
using aqpim::study::PlotData;
using aqpim::study::Study;
using aqpim::test::make_study;

}  // namespace

TEST_CASE("error_by_bits: integers, the standard variant and all variants of each configuration") {
  const PlotData plot = error_by_bits(make_study({0.1, 0.3}));
  CHECK(plot.titles == "D = 128, 2 heads\n");
  CHECK(plot.plain == "1 ");
  CHECK(plot.coded == "1 ");
  CHECK(plot.data ==
        "\"integers, groups of 32\"\n2.5 0.4 \"int2-g32\"\n\n\n"
        "\"pq8\"\n3 0.2 \"pq8\"\n\n\n"
        "\"pq8, other options\"\n3 0.2 \"pq8\"\n3 0.4 \"pq8\"\n\n\n");
}

TEST_CASE("error_by_query: mean over the query heads of each token, of standard variants") {
  const PlotData plot = error_by_query(make_study({0.25}));
  CHECK(plot.titles == "l0.h0 of text\n");
  CHECK(plot.plain == "1 ");
  CHECK(plot.coded == "1 ");
  CHECK(plot.data ==
        "\"int2-g32\"\n120 0.5\n127 0.5\n\n\n"
        "\"pq8\"\n120 0.25\n127 0.25\n\n\n");
}

TEST_CASE("draw: gnuplot makes both pictures, of one head, of many, and of integers alone") {
  const aqpim::test::TemporaryFolder folder;
  Study integers = make_study({0.2});
  std::erase_if(integers.rows, [](const auto& row) { return row.variant.clustering != "none"; });
  for (const Study& study :
       {make_study({0.1}), make_study(std::vector<double>(30, 0.1)), integers}) {
    const auto bits = folder.path() / "bits.png";
    const auto queries = folder.path() / "queries.png";
    const auto no_bits =
        aqpim::study::draw_error_by_bits(AQPIM_SOURCE_DIR "/sim/plot_error_bits.gp", bits, study);
    CHECK_MESSAGE(!no_bits, no_bits.value_or(""));
    const auto no_queries = aqpim::study::draw_error_by_query(
        AQPIM_SOURCE_DIR "/sim/plot_error_queries.gp", queries, study);
    CHECK_MESSAGE(!no_queries, no_queries.value_or(""));
    for (const auto& path : {bits, queries}) {
      std::string magic(4, '\0');
      std::ifstream(path, std::ios::binary).read(magic.data(), 4);
      CHECK(magic == "\x89PNG");
      std::filesystem::remove(path);
    }
  }
}
