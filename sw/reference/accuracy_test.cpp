// SPDX-License-Identifier: Apache-2.0
#include "sw/reference/accuracy.h"

#include <doctest/doctest.h>

#include <array>
#include <cmath>

using aqpim::reference::cosine;
using aqpim::reference::relative_error;

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
