// SPDX-License-Identifier: Apache-2.0
#include "sw/reference/cache_judge.h"

#include <doctest/doctest.h>

#include <cmath>
#include <stdexcept>

#include "sw/quantize/quantize.h"
#include "sw/quantize/test_heads.h"
#include "sw/reference/accuracy.h"
#include "sw/reference/attention.h"

namespace {

using aqpim::reference::CachedVectors;
using aqpim::reference::CacheJudge;
using aqpim::reference::exact;
using aqpim::reference::OutputAccuracy;
using aqpim::test::make_head;

constexpr std::size_t kSinks = 8;
constexpr std::size_t kBlock = 32;

// The file's own vectors of `tokens` tokens after the sinks.
CachedVectors faithful_cache(const aqpim::workload::Head& head, std::size_t tokens) {
  const auto first = static_cast<std::ptrdiff_t>(kSinks * head.head_dim);
  const auto last = first + static_cast<std::ptrdiff_t>(tokens * head.head_dim);
  return {.sinks = kSinks,
          .append_block = kBlock,
          .keys = {head.k.begin() + first, head.k.begin() + last},
          .values = {head.v.begin() + first, head.v.begin() + last}};
}

// Kullback-Leibler divergence from plain probabilities.
double divergence(const std::vector<double>& exact, const std::vector<double>& other) {
  double sum = 0.0;
  for (std::size_t s = 0; s < exact.size(); ++s) sum += exact[s] * std::log(exact[s] / other[s]);
  return sum;
}

}  // namespace

TEST_CASE("CacheJudge: a cache that gives the file's vectors back has no error") {
  const auto head = make_head(3, 300, 64, 3);
  const std::vector<std::size_t> queries = {250, 299};
  const auto figures = CacheJudge(head, queries)(faithful_cache(head, 256));
  REQUIRE(figures.size() == 6);
  for (std::size_t i = 0; i < figures.size(); ++i) {
    CHECK(figures[i].query_head == i / 2);
    CHECK(figures[i].token == queries[i % 2]);
    CHECK(figures[i].relative_error < 1e-12);
    CHECK(figures[i].cosine == doctest::Approx(1.0));
    CHECK(figures[i].kl < 1e-12);
    CHECK(figures[i].top == 1.0);
  }
}

TEST_CASE("CacheJudge: agrees with the reference that computes one query at a time") {
  // 3 heads with 4 queries: a block of queries is filled, another is not.
  const auto head = make_head(4, 300, 64, 3);
  aqpim::quantize::QuantizeOptions options;
  options.timeline.append_block = kBlock;
  const auto cache = aqpim::quantize::quantize(head, aqpim::test::make_engine(64, 4, 4), options);
  const aqpim::reference::PqReference pq(head, cache);
  CachedVectors vectors{
      .sinks = cache.sinks, .append_block = cache.append_block, .keys = {}, .values = {}};
  for (std::size_t i = 0; i < cache.tokens; ++i) {
    vectors.keys.insert(vectors.keys.end(), pq.key(i).begin(), pq.key(i).end());
    vectors.values.insert(vectors.values.end(), pq.value(i).begin(), pq.value(i).end());
  }
  const std::vector<std::size_t> queries = {268, 269, 290, 299};
  const auto figures = CacheJudge(head, queries)(vectors);
  REQUIRE(figures.size() == 12);
  for (const OutputAccuracy& figure : figures) {
    const auto expected = exact(head, figure.query_head, figure.token);
    const auto computed = pq(figure.query_head, figure.token);
    CHECK(figure.relative_error > 0.01);
    CHECK(figure.relative_error ==
          doctest::Approx(aqpim::reference::relative_error(computed.output, expected.output)));
    CHECK(figure.cosine ==
          doctest::Approx(aqpim::reference::cosine(computed.output, expected.output)));
    CHECK(figure.kl > 0.001);
    CHECK(figure.kl == doctest::Approx(divergence(expected.probabilities, computed.probabilities)));
    CHECK(figure.top == aqpim::reference::top_share(expected.probabilities, computed.probabilities,
                                                    aqpim::reference::kTopTokens));
  }
}

TEST_CASE(
    "CacheJudge: only tokens between the sinks and the recent ones are taken from the cache") {
  const auto head = make_head(5, 200, 64, 1);
  CachedVectors cache = faithful_cache(head, 160);
  const CacheJudge judge(head, std::vector<std::size_t>{170});
  // The query of token 170 reads tokens 8 … 8 + 128 − 1 from the cache.
  cache.values[128 * 64] += 100.0;
  CHECK(judge(cache)[0].relative_error < 1e-12);
  cache.values[128 * 64 - 1] += 100.0;
  CHECK(judge(cache)[0].relative_error > 1e-3);
}

TEST_CASE("CacheJudge: a query that the file lacks and a cache that is too short are refused") {
  const auto head = make_head(6, 200, 64, 1, 20);
  CHECK_THROWS_AS(CacheJudge(head, std::vector<std::size_t>{179}), std::out_of_range);
  CHECK_THROWS_AS(CacheJudge(head, std::vector<std::size_t>{200}), std::out_of_range);
  const CacheJudge judge(head, std::vector<std::size_t>{199});
  CHECK_NOTHROW(judge(faithful_cache(head, 160)));
  CHECK_THROWS_AS(judge(faithful_cache(head, 128)), std::invalid_argument);
  CachedVectors uneven = faithful_cache(head, 160);
  uneven.values.pop_back();
  CHECK_THROWS_AS(judge(uneven), std::invalid_argument);
}
