// SPDX-License-Identifier: Apache-2.0
#include "sw/golden/nearest.h"

#include <doctest/doctest.h>

#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include "sw/seed/seed.h"

namespace {

using aqpim::golden::Nearest;
using aqpim::golden::stored_element;
using Vector = std::vector<std::int32_t>;

// The definition, centroid by centroid in double precision.
unsigned nearest_one_by_one(const Vector& centroids, const Vector& vector) {
  double smallest = std::numeric_limits<double>::infinity();
  unsigned best = 0;
  for (std::size_t c = 0; c < centroids.size() / vector.size(); ++c) {
    double distance = 0;
    for (std::size_t d = 0; d < vector.size(); ++d) {
      distance += std::pow(static_cast<double>(vector[d]) - centroids[c * vector.size() + d], 2);
    }
    if (distance < smallest) {
      smallest = distance;
      best = static_cast<unsigned>(c);
    }
  }
  return best;
}

}  // namespace

TEST_CASE("golden Nearest: the first of the smallest distances, by double precision") {
  aqpim::Random random(aqpim::test_seed(), "golden Nearest");
  std::uint64_t ties = 0;
  for (std::uint64_t i = 0; i < aqpim::test_iterations(400); ++i) {
    const std::size_t dimension = random.pick({2, 4, 8});
    const std::size_t count = random.pick({16, 256});
    // A narrow range makes ties, the widest one the largest distances.
    const std::int64_t limit = random.pick({1, 4, 100, 2048});
    const auto draw = [&] {
      return static_cast<std::int32_t>(random.chance(1, 8) ? random.pick({-limit, limit - 1})
                                                           : random.between(-limit, limit - 1));
    };
    Vector centroids(count * dimension);
    for (std::int32_t& element : centroids) element = draw();
    const Nearest nearest(centroids, dimension);
    for (int j = 0; j < 20; ++j) {
      Vector vector(dimension);
      for (std::int32_t& element : vector) element = draw();
      const unsigned expected = nearest_one_by_one(centroids, vector);
      REQUIRE(nearest(vector) == expected);
      Vector reversed;
      for (std::size_t c = count; c-- > 0;) {
        reversed.insert(reversed.end(),
                        centroids.begin() + static_cast<std::ptrdiff_t>(c * dimension),
                        centroids.begin() + static_cast<std::ptrdiff_t>((c + 1) * dimension));
      }
      const unsigned last = static_cast<unsigned>(count) - 1 - Nearest(reversed, dimension)(vector);
      REQUIRE(last >= expected);
      ties += last > expected ? 1 : 0;
    }
  }
  if (aqpim::test_iterations(400) >= 400) CHECK(ties > 100);
}

TEST_CASE("golden Nearest: one near centroid is found in every place") {
  for (const std::size_t count : {16u, 256u}) {
    for (std::size_t place = 0; place < count; ++place) {
      Vector centroids(count * 4, -2048);
      for (std::size_t d = 0; d < 4; ++d) centroids[place * 4 + d] = 2046;
      CHECK(Nearest(centroids, 4)(Vector(4, 2047)) == place);
    }
  }
}

TEST_CASE("golden Nearest: all centroids equal and far away give index 0") {
  for (const std::size_t dimension : {2u, 4u, 8u}) {
    const Vector centroids(256 * dimension, -2048);
    CHECK(Nearest(centroids, dimension)(Vector(dimension, 2047)) == 0);
  }
}

TEST_CASE("golden stored_element: int8 times 16 for keys, a minifloat for values") {
  for (int byte = 0; byte < 256; ++byte) {
    const auto bits = static_cast<std::uint8_t>(byte);
    CHECK(stored_element(bits, false) == 16 * (byte < 128 ? byte : byte - 256));
    const int exponent = byte >> 4 & 7;
    const double magnitude =
        exponent > 0 ? std::ldexp(16 + byte % 16, exponent - 1) : static_cast<double>(byte % 16);
    CHECK(stored_element(bits, true) == (byte < 128 ? magnitude : -magnitude));
  }
}
