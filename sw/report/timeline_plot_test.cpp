// SPDX-License-Identifier: Apache-2.0
#include "sw/report/timeline_plot.h"

#include <doctest/doctest.h>

#include <filesystem>
#include <stdexcept>
#include <string>

namespace {

using aqpim::report::TimelinePlot;

TimelinePlot sample() {
  TimelinePlot plot({"rank 0 rows", "data bus"},
                    {{"activate", "#111111"}, {"refresh", "#222222"}, {"broadcast", "#333333"}},
                    100, 200);
  plot.add(0, 0, 110, 129);
  plot.add(1, 2, 150, 152);
  plot.add(1, 2, 198, 203);
  plot.add(0, 0, 90, 101);
  plot.add(0, 1, 20, 100);
  return plot;
}

}  // namespace

TEST_CASE("timeline: a block of bars per kind that occurs, cut off at the ends of the picture") {
  const TimelinePlot plot = sample();
  CHECK(plot.data() == "119.5 110 129 0\n100.5 100 101 0\n\n\n151 150 152 1\n199 198 200 1\n\n\n");
  CHECK(plot.names() == "activate broadcast ");
  CHECK(plot.colours() == "#111111 #333333 ");
}

TEST_CASE("timeline: a lane or a kind that was not announced is an error") {
  TimelinePlot plot = sample();
  CHECK_THROWS_AS(plot.add(2, 0, 100, 101), std::out_of_range);
  CHECK_THROWS_AS(plot.add(0, 3, 100, 101), std::out_of_range);
}

TEST_CASE("timeline: gnuplot draws it") {
  const std::filesystem::path folder = std::filesystem::temp_directory_path();
  const std::filesystem::path picture = folder / "aqpim_timeline_test.png";
  const auto obstacle =
      draw(std::string(AQPIM_SOURCE_DIR) + "/sim/plot_timeline.gp", picture, "a title", sample());
  CHECK_FALSE(obstacle);
  CHECK(std::filesystem::file_size(picture) > 1000);
  std::filesystem::remove(picture);
}
