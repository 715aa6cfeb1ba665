// SPDX-License-Identifier: Apache-2.0
#include "sw/quantize/transform_choice.h"

#include <doctest/doctest.h>

#include <cmath>
#include <vector>

#include "sw/quantize/grouping.h"
#include "sw/quantize/test_heads.h"
#include "sw/quantize/transform_search.h"

namespace {

using namespace aqpim::cache;
using namespace aqpim::quantize;
using aqpim::test::Draw;
using aqpim::test::make_engine;
using aqpim::test::make_head;

QuantizeOptions options(TransformKind kind) {
  QuantizeOptions result;
  result.transform = kind;
  result.timeline.append_block = 32;
  return result;
}

ChosenTransforms choose(const aqpim::workload::Head& head, TransformKind kind) {
  const QuantizeOptions chosen = options(kind);
  return choose_transforms(head, make_timeline(head.tokens, head.query_tokens, chosen.timeline),
                           make_engine(64, 4, 4, 64), chosen);
}

}  // namespace

TEST_CASE("whitening: distances of transformed keys are the queries' mean squared score errors") {
  Draw draw(1);
  const std::size_t n = 4;
  std::vector<double> moment(n * n, 0.0);
  std::vector<std::vector<double>> queries(200, std::vector<double>(n));
  for (auto& query : queries) {
    for (std::size_t d = 0; d < n; ++d) query[d] = draw.bell() + (d > 0 ? query[d - 1] : 0.0);
    for (std::size_t e = 0; e < n * n; ++e) moment[e] += query[e / n] * query[e % n] / 200;
  }
  const auto matrix = whitening_matrix(moment, n);
  double ratio = 0.0;
  for (int round = 0; round < 10; ++round) {
    std::vector<double> error(n);
    for (double& value : error) value = draw.bell();
    double squared_score = 0.0, distance = 0.0;
    for (const auto& query : queries) {
      double score = 0.0;
      for (std::size_t d = 0; d < n; ++d) score += query[d] * error[d];
      squared_score += score * score / 200;
    }
    for (std::size_t i = 0; i < n; ++i) {
      double sum = 0.0;
      for (std::size_t d = 0; d < n; ++d) sum += static_cast<double>(matrix[i * n + d]) * error[d];
      distance += sum * sum;
    }
    // Up to the common factor, and the little that is added to the diagonal.
    if (round == 0) ratio = distance / squared_score;
    CHECK(distance / squared_score == doctest::Approx(ratio).epsilon(0.15));
  }
}

TEST_CASE("whitening: silent and not finite queries give the identity, dead channels no trouble") {
  const std::vector<float> identity{1, 0, 0, 1};
  CHECK(whitening_matrix(std::vector<double>(4, 0.0), 2) == identity);
  CHECK(whitening_matrix(std::vector<double>(4, INFINITY), 2) == identity);
  CHECK_NOTHROW(Transform({0, 1}, 2, whitening_matrix(std::vector<double>{1, 0, 0, 0}, 2)));
  CHECK_NOTHROW(Transform({0, 1}, 2, whitening_matrix(std::vector<double>{1, 1, 1, 1}, 2)));
}

TEST_CASE("transform choice: kinds are what they are called") {
  const auto head = make_head(1, 400, 64);
  CHECK(choose(head, TransformKind::kNone).k == Transform(natural_order(64)));
  CHECK(choose(head, TransformKind::kGreedy).k.is_permutation());
  CHECK(choose(head, TransformKind::kGreedy).k != choose(head, TransformKind::kNone).k);
  CHECK(choose(head, TransformKind::kDeterminant).k != choose(head, TransformKind::kGreedy).k);
  CHECK_FALSE(choose(head, TransformKind::kWhitening).k.is_permutation());
  CHECK(choose(head, TransformKind::kWhitening).v == choose(head, TransformKind::kDeterminant).v);
}

TEST_CASE("transform choice: auto takes one of the candidates, for keys and values on their own") {
  for (const std::uint64_t seed : {1u, 2u, 3u}) {
    const auto head = make_head(seed, 400, 64);
    const ChosenTransforms best = choose(head, TransformKind::kAuto);
    CHECK(best.k == choose(head, best.kind_k).k);
    CHECK(best.v == choose(head, best.kind_v).v);
  }
}

TEST_CASE("transform choice: auto finds channels that belong together") {
  // Channels d and d + 32 are equal: a transform that knows it wins against the natural order.
  auto head = make_head(4, 400, 64);
  for (std::vector<float>* vectors : {&head.k, &head.v}) {
    for (std::size_t i = 0; i < vectors->size(); ++i) {
      if (i % 64 >= 32) (*vectors)[i] = (*vectors)[i - 32];
    }
  }
  const ChosenTransforms best = choose(head, TransformKind::kAuto);
  CHECK(best.kind_k != TransformKind::kNone);
  CHECK(best.kind_v != TransformKind::kNone);
}

TEST_CASE("transform choice: without queries before P auto is the determinants' order") {
  // 16 queries, all after P.
  auto head = make_head(5, 400, 64, 2, 16);
  QuantizeOptions chosen = options(TransformKind::kAuto);
  chosen.timeline.prefill = 384;
  const auto best = choose_transforms(head, make_timeline(400, 16, chosen.timeline),
                                      make_engine(64, 4, 4, 64), chosen);
  CHECK(best.kind_k == TransformKind::kDeterminant);
  CHECK(best.kind_v == TransformKind::kDeterminant);
}
