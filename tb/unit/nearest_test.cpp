// SPDX-License-Identifier: Apache-2.0
#include "sw/golden/nearest.h"

#include <doctest/doctest.h>

#include <vector>

#include "sw/golden/centroid_group.h"
#include "tb/unit/bench.h"
#include "tb/unit/header.h"
#include "tb/unit/models/nearest.h"

namespace {

using namespace aqpim::tb;
using namespace aqpim::tb::unit;
using Vector = std::vector<std::int32_t>;

// One search: a vector among centroids, for one entry.
struct Search {
  std::vector<std::uint32_t> distances;  // by code
  unsigned nearest = 0;
};

template <class Dut>
class Searches {
 public:
  static constexpr unsigned kDimension = 1u << (Dut::DistanceWidth - 24);
  static constexpr unsigned kCentroids = 1u << Dut::CodeBits;

  // Centroids within `limit` of each other: a narrow range makes ties.
  Search random_search() {
    const std::int64_t limit = random.pick({1, 3, 200, 2048});
    const auto draw = [&](std::size_t count) {
      Vector elements(count);
      for (std::int32_t& element : elements) {
        element = static_cast<std::int32_t>(random.between(-limit, limit - 1));
      }
      return elements;
    };
    return search(draw(kCentroids * kDimension), draw(kDimension));
  }

  Search search(const Vector& centroids, const Vector& vector) {
    Search search;
    for (unsigned c = 0; c < kCentroids; ++c) {
      search.distances.push_back(aqpim::golden::squared_distance(
          vector, std::span(centroids).subspan(c * kDimension, kDimension)));
    }
    search.nearest = aqpim::golden::Nearest(centroids, kDimension)(vector);
    return search;
  }

  // A cycle with a distance of `entry`, or without one; all entries that have ended are compared.
  void cycle(const Search* search, unsigned entry, unsigned code) {
    bench->valid_i = search != nullptr;
    bench->first_i = search != nullptr ? code == 0 : random.chance(1, 2);
    bench->entry_i =
        static_cast<std::uint8_t>(search != nullptr ? entry : random.below(Dut::Entries));
    bench->code_i = static_cast<std::uint8_t>(search != nullptr ? code : random.below(kCentroids));
    put(bench->distance_i, 0, Dut::DistanceWidth,
        search != nullptr ? search->distances[code] : random.bits(Dut::DistanceWidth));
    bench.settle();
    for (unsigned e = 0; e < Dut::Entries; ++e) {
      if (ended[e]) REQUIRE(get(bench->codes_o, e * Dut::CodeBits, Dut::CodeBits) == *ended[e]);
    }
    if (search != nullptr) {
      ended[entry] = std::nullopt;
      if (code + 1 == kCentroids) ended[entry] = search->nearest;
    }
    bench.clock();
  }

  Bench<typename Dut::Model> bench;
  Random random{test_seed(), "pq_nearest"};
  // The code that an entry shows, from the cycle after its last distance on.
  std::vector<std::optional<unsigned>> ended = std::vector<std::optional<unsigned>>(Dut::Entries);
};

}  // namespace

TEST_CASE_TEMPLATE_DEFINE(
    "pq_nearest: the entries of all sub-spaces, centroid by centroid, as in ENCODE", Dut,
    nearest_encode) {
  INFO(Dut::parameters);
  REQUIRE(stated_cycles("nearest") == 1);
  Searches<Dut> searches;
  for (std::uint64_t round = 0; round < test_iterations(60); ++round) {
    CAPTURE(round);
    std::vector<Search> batch;
    for (unsigned e = 0; e < Dut::Entries; ++e) batch.push_back(searches.random_search());
    const std::uint64_t pace = searches.random.pick({1u, 1u, 3u});
    for (unsigned code = 0; code < searches.kCentroids; ++code) {
      for (unsigned e = 0; e < Dut::Entries; ++e) {
        while (!searches.random.chance(1, pace)) searches.cycle(nullptr, 0, 0);
        searches.cycle(&batch[e], e, code);
      }
    }
    searches.cycle(nullptr, 0, 0);
  }
}
TEST_CASE_TEMPLATE_APPLY(nearest_encode, nearest_models);

TEST_CASE_TEMPLATE_DEFINE(
    "pq_nearest: one entry search after search, the others keep their codes, as in CLUSTER", Dut,
    nearest_cluster) {
  INFO(Dut::parameters);
  Searches<Dut> searches;
  for (std::uint64_t round = 0; round < test_iterations(60); ++round) {
    CAPTURE(round);
    const auto entry = static_cast<unsigned>(
        searches.random.chance(3, 4) ? 0 : searches.random.below(Dut::Entries));
    const Search search = searches.random_search();
    for (unsigned code = 0; code < searches.kCentroids; ++code) {
      searches.cycle(&search, entry, code);
    }
  }
  searches.cycle(nullptr, 0, 0);
}
TEST_CASE_TEMPLATE_APPLY(nearest_cluster, nearest_models);

TEST_CASE_TEMPLATE_DEFINE(
    "pq_nearest: a single nearest centroid in each place, and the largest distance everywhere", Dut,
    nearest_places) {
  INFO(Dut::parameters);
  Searches<Dut> searches;
  const Vector far(searches.kCentroids * searches.kDimension, -2048);
  const Vector vector(searches.kDimension, 2047);
  const auto play = [&](const Vector& centroids) {
    const Search search = searches.search(centroids, vector);
    for (unsigned code = 0; code < searches.kCentroids; ++code) searches.cycle(&search, 0, code);
    searches.cycle(nullptr, 0, 0);
    return search.nearest;
  };
  CHECK(play(far) == 0);
  for (unsigned place = 0; place < searches.kCentroids; place += 5) {
    Vector centroids = far;
    // One unit nearer is enough.
    centroids[place * searches.kDimension] += 1;
    CHECK(play(centroids) == place);
  }
  CHECK(play(far) == 0);
}
TEST_CASE_TEMPLATE_APPLY(nearest_places, nearest_models);
