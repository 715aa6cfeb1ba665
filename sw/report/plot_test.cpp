// SPDX-License-Identifier: Apache-2.0
#include "sw/report/plot.h"

#include <doctest/doctest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "sw/config/test_support.h"

namespace {

using aqpim::report::draw;
using aqpim::report::HeadPlot;
using aqpim::test::TemporaryFolder;

const std::string kScript = AQPIM_SOURCE_DIR "/sim/plot_attention.gp";

HeadPlot some_head(const std::string& name) {
  HeadPlot plot(name, 128, 96);
  for (const std::size_t t : {100u, 120u, 127u}) {
    const std::vector<double> exact(t + 1, 1.0 / static_cast<double>(t + 1));
    std::vector<double> computed = exact;
    computed[3] *= 1.5;
    plot.add(t, exact, computed, 0.11, 0.1);
  }
  return plot;
}

TEST_CASE("HeadPlot: bins hold the mean mass of their tokens, of exact and computed attention") {
  HeadPlot plot("l0.h0", 128, 96);
  std::vector<double> exact(128, 0.0);
  exact[0] = 0.25;
  exact[1] = 0.5;
  exact[127] = 0.25;
  const std::vector<double> computed(128, 1.0 / 128.0);
  plot.add(127, exact, computed, 0.5, 0.25);
  std::istringstream data(plot.data());
  double position = 0.0;
  double mass = 0.0;
  double other = 0.0;
  for (std::size_t bin = 0; bin < HeadPlot::kBins; ++bin) {
    REQUIRE((data >> position >> mass >> other));
    CHECK(position == 2.0 * static_cast<double>(bin) + 1.0);
    CHECK(mass == (bin == 0 ? 0.75 : bin == 63 ? 0.25 : 0.0));
    CHECK(other == doctest::Approx(1.0 / 64.0));
  }
  double token = 0.0;
  double error = 0.0;
  double pq_error = 0.0;
  REQUIRE((data >> token >> error >> pq_error));
  CHECK(token == 127);
  CHECK(error == 0.5);
  CHECK(pq_error == 0.25);
}

TEST_CASE("HeadPlot: probabilities of other tokens are refused") {
  HeadPlot plot("l0.h0", 128, 96);
  const std::vector<double> ten(10, 0.1);
  CHECK_THROWS_AS(plot.add(10, ten, ten, 0.0, 0.0), std::invalid_argument);
  CHECK_THROWS_AS(plot.add(128, ten, ten, 0.0, 0.0), std::invalid_argument);
}

TEST_CASE("draw: gnuplot makes a PNG, whatever the title and the folder are called") {
  const TemporaryFolder folder;
  const auto inside = folder.path() / "it's \"here\"";
  std::filesystem::create_directory(inside);
  const std::vector<HeadPlot> heads = {some_head("l0.h0"), some_head("l1.h2")};
  const auto obstacle = draw(kScript, inside / "picture.png", "a 'title' with \\ and \"", heads);
  CHECK_MESSAGE(!obstacle, obstacle.value_or(""));
  std::ifstream picture(inside / "picture.png", std::ios::binary);
  std::string magic(4, '\0');
  picture.read(magic.data(), 4);
  CHECK(magic == "\x89PNG");
  // And nothing else.
  std::size_t files = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(inside)) ++files;
  CHECK(files == 1);
}

TEST_CASE("draw: a script that gnuplot does not understand leaves no picture, and a sentence") {
  const TemporaryFolder folder;
  const auto script = folder.path() / "bad.gp";
  std::ofstream(script) << "this is no gnuplot\n";
  const auto obstacle = draw(script, folder.path() / "picture.png", "title", {});
  REQUIRE(obstacle);
  CHECK(obstacle->find("gnuplot failed") != std::string::npos);
  CHECK_FALSE(std::filesystem::exists(folder.path() / "picture.png"));
}

TEST_CASE("draw: without gnuplot there is a sentence") {
  const TemporaryFolder folder;
  const std::string before = std::getenv("PATH");
  ::setenv("PATH", folder.path().c_str(), 1);
  const auto obstacle = draw(kScript, folder.path() / "picture.png", "title", {});
  ::setenv("PATH", before.c_str(), 1);
  REQUIRE(obstacle);
  CHECK(obstacle->find("not installed") != std::string::npos);
}

}  // namespace
