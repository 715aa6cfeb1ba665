// SPDX-License-Identifier: Apache-2.0
#include "sw/reference/accuracy.h"

#include <doctest/doctest.h>

#include <array>
#include <cmath>

using aqpim::reference::cosine;
using aqpim::reference::kl_divergence;
using aqpim::reference::relative_error;
using aqpim::reference::top_share;

TEST_CASE("accuracy: relative error and cosine by hand") {
  const std::array exact{3.0, 4.0};
  CHECK(relative_error(std::array{3.0, 4.0}, exact) == 0.0);
  CHECK(relative_error(std::array{0.0, 0.0}, exact) == 1.0);
  CHECK(relative_error(std::array{6.0, 8.0}, exact) == 1.0);
  CHECK(cosine(std::array{6.0, 8.0}, exact) == doctest::Approx(1.0));
  CHECK(cosine(std::array{-4.0, 3.0}, exact) == 0.0);
  CHECK(cosine(std::array{-3.0, -4.0}, exact) == doctest::Approx(-1.0));
}

TEST_CASE("accuracy: outputs that are all zero") {
  const std::array zero{0.0, 0.0};
  const std::array one{1.0, 0.0};
  CHECK(relative_error(zero, zero) == 0.0);
  CHECK(std::isinf(relative_error(one, zero)));
  CHECK(cosine(zero, zero) == 1.0);
  CHECK(cosine(one, zero) == 0.0);
}

TEST_CASE("accuracy: the divergence of attention distributions by hand, in nats") {
  const std::array exact{std::log(0.5), std::log(0.25), std::log(0.25)};
  const std::array other{std::log(0.1), std::log(0.8), std::log(0.1)};
  CHECK(kl_divergence(exact, exact) == 0.0);
  CHECK(kl_divergence(exact, other) ==
        doctest::Approx(0.5 * std::log(5.0) + 0.25 * std::log(0.25 / 0.8) + 0.25 * std::log(2.5)));
}

TEST_CASE("accuracy: probabilities too small for a double count by their logarithm") {
  // exp(−2000) is 0: nothing of it is missed where the exact attention is 0, all of it elsewhere.
  CHECK(kl_divergence(std::array{0.0, -2000.0}, std::array{-1.0, -3000.0}) == doctest::Approx(1.0));
  CHECK(kl_divergence(std::array{-2000.0, 0.0}, std::array{0.0, -2000.0}) ==
        doctest::Approx(2000.0));
}

TEST_CASE("accuracy: the share of the largest scores that stay among the largest") {
  const std::array exact{9.0, 1.0, 8.0, 2.0, 7.0};
  CHECK(top_share(exact, exact, 3) == 1.0);
  CHECK(top_share(exact, std::array{1.0, 9.0, 8.0, 2.0, 7.0}, 3) == doctest::Approx(2.0 / 3.0));
  CHECK(top_share(exact, std::array{1.0, 9.0, 2.0, 8.0, 1.5}, 2) == 0.0);
  // More than there are: all of them.
  CHECK(top_share(exact, std::array{1.0, 9.0, 2.0, 8.0, 1.5}, 32) == 1.0);
  // Of equal scores the earlier token counts as larger.
  CHECK(top_share(std::array{1.0, 2.0, 2.0}, std::array{0.0, 5.0, 4.0}, 1) == 1.0);
  CHECK(top_share(std::array{1.0, 2.0, 2.0}, std::array{0.0, 4.0, 5.0}, 1) == 0.0);
}
