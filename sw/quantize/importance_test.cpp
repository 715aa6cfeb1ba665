// SPDX-License-Identifier: Apache-2.0
#include "sw/quantize/importance.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "sw/quantize/test_heads.h"
#include "sw/reference/attention.h"

namespace {

using namespace aqpim::cache;
using namespace aqpim::quantize;
using aqpim::test::make_head;

}  // namespace

TEST_CASE("importance: equals the reference's attention, scaled, rounded and floored") {
  const auto head = make_head(2, 300, 64, 3, 100);
  const Timeline timeline = make_timeline(300, 100);
  REQUIRE(timeline.prefill == 250);
  std::vector<double> expected(timeline.clustered(), 0.0);
  for (std::size_t t = 218; t < 250; ++t) {
    for (std::size_t g = 0; g < 3; ++g) {
      const auto p = aqpim::reference::exact(head, g, t).probabilities;
      for (std::size_t s = 8; s < p.size(); ++s) expected[s - 8] += p[s];
    }
  }
  const double largest = *std::ranges::max_element(expected);
  const auto weights = importance_weights(head, timeline);
  REQUIRE(weights.size() == 242);
  for (std::size_t i = 0; i < weights.size(); ++i) {
    CHECK(std::fabs(weights[i] - std::max(1.0, 255.0 * expected[i] / largest)) <= 0.5 + 1e-9);
  }
  CHECK(*std::ranges::max_element(weights) == 255);
}

TEST_CASE("importance: one token that takes all attention leaves the others at 1") {
  auto head = make_head(3, 300, 64, 1, 64);
  std::ranges::fill(head.k, 0.0f);
  std::ranges::fill(head.q, 1.0f);
  for (std::size_t d = 0; d < 64; ++d) head.k[100 * 64 + d] = 50.0f;
  const Timeline timeline = make_timeline(300, 64);
  const auto weights = importance_weights(head, timeline);
  for (std::size_t i = 0; i < weights.size(); ++i) CHECK(weights[i] == (i + 8 == 100 ? 255 : 1));
}

TEST_CASE("importance: uses as many queries before P as the file holds, and none at or after P") {
  auto head = make_head(4, 300, 64, 1, 40);
  const Timeline timeline = make_timeline(300, 40);
  REQUIRE(timeline.prefill == 280);
  const auto weights = importance_weights(head, timeline);
  for (std::size_t i = 20 * 64; i < head.q.size(); ++i) head.q[i] = 9.0f;
  CHECK(importance_weights(head, timeline) == weights);
  const Timeline early = make_timeline(300, 40, {.prefill = 255});
  CHECK(importance_weights(head, early) == std::vector<std::uint8_t>(255 - 8, 1));
}

TEST_CASE("importance: attention that goes to the sinks alone gives equal weights") {
  auto head = make_head(5, 300, 64, 1, 64);
  std::ranges::fill(head.k, 0.0f);
  std::ranges::fill(head.q, 100.0f);
  for (std::size_t d = 0; d < 64; ++d) head.k[d] = 1000.0f;
  const Timeline timeline = make_timeline(300, 64);
  CHECK(importance_weights(head, timeline) == std::vector<std::uint8_t>(timeline.clustered(), 1));
}
