// SPDX-License-Identifier: Apache-2.0
#include "sw/reference/attention.h"

#include <doctest/doctest.h>

#include <cmath>
#include <numeric>
#include <stdexcept>

#include "sw/quantize/quantize.h"
#include "sw/quantize/test_heads.h"
#include "sw/reference/accuracy.h"

namespace {

using aqpim::cache::HeadCache;
using aqpim::reference::exact;
using aqpim::reference::PqReference;
using aqpim::test::make_engine;
using aqpim::test::make_head;

HeadCache sample_cache(const aqpim::workload::Head& head) {
  aqpim::quantize::QuantizeOptions options;
  options.window = 64;
  options.timeline.append_block = 32;
  return aqpim::quantize::quantize(head, make_engine(64, 4, 8), options);
}

}  // namespace

TEST_CASE("exact attention: two tokens by hand") {
  aqpim::workload::Head head;
  head.tokens = head.query_tokens = 2;
  head.head_dim = 4;
  head.groups = 1;
  head.q = {9, 9, 9, 9, 1, 0, 0, 0};
  head.k = {0, 0, 0, 0, 2, 0, 0, 0};
  head.v = {1, 0, 0, 0, 0, 1, 0, 0};
  const auto attention = exact(head, 0, 1);
  const double p = 1.0 / (1.0 + std::exp(1.0));
  CHECK(attention.probabilities[0] == doctest::Approx(p));
  CHECK(attention.output[0] == doctest::Approx(p));
  CHECK(attention.output[1] == doctest::Approx(1 - p));
  CHECK(exact(head, 0, 0).output[0] == 1.0);
}

TEST_CASE("exact attention: probabilities sum to 1 and huge scores do not overflow") {
  auto head = make_head(1, 100, 64);
  for (float& x : head.k) x *= 1e6f;
  const auto attention = exact(head, 1, 99);
  CHECK(attention.probabilities.size() == 100);
  CHECK(std::accumulate(attention.probabilities.begin(), attention.probabilities.end(), 0.0) ==
        doctest::Approx(1.0));
}

TEST_CASE("exact attention: a query the file lacks is an error") {
  const auto head = make_head(1, 100, 64, 2, 10);
  CHECK_THROWS_AS(exact(head, 0, 89), std::out_of_range);
  CHECK_THROWS_AS(exact(head, 2, 95), std::out_of_range);
  CHECK_THROWS_AS(exact(head, 0, 100), std::out_of_range);
  CHECK_NOTHROW(exact(head, 1, 90));
}

TEST_CASE("PQ attention: decoded vectors replace the encoded tokens and nothing else") {
  const auto head = make_head(2, 300, 64);
  const HeadCache cache = sample_cache(head);
  const PqReference pq(head, cache);
  // A head that holds the decoded vectors has the same exact attention.
  auto decoded = head;
  const std::size_t t = 290;
  const std::size_t recent = cache.first_recent(t);
  REQUIRE(recent == 8 + 224);
  for (std::size_t i = 0; i < recent - 8; ++i) {
    for (std::size_t d = 0; d < 64; ++d) {
      decoded.k[(8 + i) * 64 + d] = static_cast<float>(pq.key(i)[d]);
      decoded.v[(8 + i) * 64 + d] = static_cast<float>(pq.value(i)[d]);
    }
  }
  for (std::size_t g = 0; g < 2; ++g) {
    const auto a = pq(g, t);
    const auto b = exact(decoded, g, t);
    CHECK(aqpim::reference::relative_error(a.output, b.output) < 1e-5);
    CHECK(aqpim::reference::relative_error(a.probabilities, b.probabilities) < 1e-5);
    CHECK(aqpim::reference::pq_attention(cache, head, g, t) == a.output);
  }
}

TEST_CASE("PQ attention: decoded vectors follow the formula of the file format") {
  const auto head = make_head(3, 300, 64);
  const HeadCache cache = sample_cache(head);
  const PqReference pq(head, cache);
  const auto codebook = cache.decoded_codebook_k();
  for (std::size_t i = 0; i < cache.tokens; i += 37) {
    const std::size_t w = std::min<std::size_t>(i / 64, cache.windows - 1);
    for (std::size_t j = 0; j < 64; ++j) {
      const std::size_t code = cache.codes_k[i * 16 + j / 4];
      const double expected =
          static_cast<double>(codebook[((w * 16 + j / 4) * 256 + code) * 4 + j % 4]) +
          static_cast<double>(cache.centers_k[i / 32 * 64 + j]);
      CHECK(pq.key(i)[cache.transform_k.order()[j]] == expected);
    }
  }
}

TEST_CASE("PQ attention: a cache of another head is an error") {
  const auto head = make_head(4, 300, 64);
  const HeadCache cache = sample_cache(head);
  CHECK_THROWS_AS(PqReference(make_head(4, 300, 128), cache), std::invalid_argument);
  CHECK_THROWS_AS(PqReference(make_head(4, 200, 64), cache), std::invalid_argument);
}
