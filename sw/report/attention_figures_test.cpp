// SPDX-License-Identifier: Apache-2.0
#include "sw/report/attention_figures.h"

#include <doctest/doctest.h>

#include <stdexcept>
#include <vector>

using aqpim::report::AttentionFigures;

TEST_CASE("AttentionFigures: bins hold the mean mass of their tokens, exact and computed") {
  AttentionFigures figures(128);
  std::vector<double> exact(128, 0.0);
  exact[0] = 0.25;
  exact[1] = 0.5;
  exact[127] = 0.25;
  const std::vector<double> computed(128, 1.0 / 128.0);
  figures.add(127, exact, computed, 0.5, 0.25);
  const auto mass = figures.mass();
  REQUIRE(mass["position"].size() == AttentionFigures::kBins);
  for (std::size_t bin = 0; bin < AttentionFigures::kBins; ++bin) {
    CHECK(mass["position"][bin] == 2.0 * static_cast<double>(bin) + 1.0);
    CHECK(mass["exact"][bin] == (bin == 0 ? 0.75 : bin == 63 ? 0.25 : 0.0));
    CHECK(mass["computed"][bin] == 1.0 / 64.0);
  }
  CHECK(figures.errors() == nlohmann::ordered_json{{"token", {127}},
                                                   {"relative_error", {0.5}},
                                                   {"pq_relative_error", {0.25}}});
}

TEST_CASE("AttentionFigures: probabilities of other tokens are refused") {
  AttentionFigures figures(128);
  const std::vector<double> ten(10, 0.1);
  CHECK_THROWS_AS(figures.add(10, ten, ten, 0.0, 0.0), std::invalid_argument);
  CHECK_THROWS_AS(figures.add(128, ten, ten, 0.0, 0.0), std::invalid_argument);
}
