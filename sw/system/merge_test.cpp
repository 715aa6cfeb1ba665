// SPDX-License-Identifier: Apache-2.0
#include "sw/system/merge.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <vector>

#include "sw/quantize/test_heads.h"
#include "sw/reference/accuracy.h"
#include "sw/reference/attention.h"

namespace {

using aqpim::reference::relative_error;
using aqpim::system::exact_part;
using aqpim::system::merge;
using aqpim::system::normalised;
using aqpim::system::Partial;
using aqpim::test::Draw;
using aqpim::test::make_head;

}  // namespace

TEST_CASE("merge: any split in any order equals the softmax in one piece") {
  Draw draw(1);
  for (const float strength : {0.1f, 1.0f, 30.0f}) {
    auto head = make_head(1, 200, 64);
    for (float& x : head.k) x *= strength;
    for (int round = 0; round < 20; ++round) {
      const std::size_t t = 136 + draw.below(64);
      std::vector<std::size_t> cuts{0, t + 1};
      for (std::size_t i = draw.below(12); i > 0; --i) cuts.push_back(draw.below(t + 2));
      std::ranges::sort(cuts);
      std::vector<Partial> parts;
      for (std::size_t i = 0; i + 1 < cuts.size(); ++i) {
        parts.push_back(exact_part(head, 1, t, cuts[i], cuts[i + 1]));
      }
      for (std::size_t i = parts.size(); i > 1; --i) std::swap(parts[i - 1], parts[draw.below(i)]);
      const auto whole = aqpim::reference::exact_attention(head, 1, t);
      CHECK(relative_error(normalised(merge(parts)), whole) < 1e-12);

      // Merging in two steps is the same.
      const std::size_t middle = draw.below(parts.size() + 1);
      const std::span<const Partial> all(parts);
      const std::vector<Partial> two{merge(all.first(middle)), merge(all.subspan(middle))};
      CHECK(relative_error(normalised(merge(two)), whole) < 1e-12);
    }
  }
}

TEST_CASE("merge: parts that are empty or far below count for nothing") {
  const Partial empty{.maximum = 1e9, .weight = 0.0, .output = {5.0, 5.0}};
  const Partial part{.maximum = -3.0, .weight = 2.0, .output = {4.0, -2.0}};
  const Partial far{.maximum = -2e6, .weight = 1.0, .output = {1.0, 1.0}};
  const std::vector<Partial> parts{empty, part, far};
  CHECK(normalised(merge(parts)) == std::vector<double>{2.0, -1.0});
  CHECK(merge(parts).maximum == -3.0);
  const std::vector<Partial> nothing{empty};
  CHECK(merge(nothing).weight == 0.0);
  CHECK(merge({}).weight == 0.0);
  CHECK_THROWS_AS(normalised(merge(nothing)), std::invalid_argument);
  const auto head = make_head(1, 100, 64);
  CHECK(exact_part(head, 0, 99, 7, 7).weight == 0.0);
}

TEST_CASE("merge: two parts by hand") {
  const std::vector<Partial> parts{{.maximum = 1.0, .weight = 1.0, .output = {1.0}},
                                   {.maximum = 3.0, .weight = 0.5, .output = {3.0}}};
  const Partial joint = merge(parts);
  CHECK(joint.maximum == 3.0);
  CHECK(joint.weight == 0.75);
  CHECK(joint.output[0] == 3.25);
}

TEST_CASE("merge: the engine's integers carry the weight's fraction, V scale and channel order") {
  aqpim::cache::HeadCache cache;
  cache.head_dim = 4;
  cache.sub_dim = 2;
  cache.scale_v = {8.0f, 0.75f};
  cache.transform_v = aqpim::cache::Transform({2, 0, 3, 1}, 2, {1, 0, 0, 1, 2, 0, 0, 1});
  aqpim::config::EngineConfig engine;
  engine.weight_width = 14;
  aqpim::golden::Result result;
  result.outputs = {1 << 14, -(1 << 13), 1 << 20, 0};
  result.maximum = -2;
  result.weight_sum = 3 << 13;
  aqpim::system::TilePlan tile;
  tile.common = 0.75;
  const Partial part = engine_part(result, tile, cache, engine);
  CHECK(part.maximum == -1.25);
  CHECK(part.weight == 1.5);
  CHECK(part.output == std::vector<double>{-4.0, 0.0, 8.0, 24.0});
}

TEST_CASE("merge: a query that the file lacks is an error") {
  const auto head = make_head(1, 100, 64, 2, 10);
  CHECK_THROWS_AS(aqpim::system::query_of(head, 0, 89), std::out_of_range);
  CHECK_THROWS_AS(aqpim::system::query_of(head, 2, 99), std::out_of_range);
  CHECK(aqpim::system::query_of(head, 1, 99).back() == head.q.back());
}
