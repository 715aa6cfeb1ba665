// SPDX-License-Identifier: Apache-2.0
#include "sw/quantize/outliers.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "sw/config/test_support.h"
#include "sw/quantize/integer_cache.h"
#include "sw/quantize/quantize.h"
#include "sw/quantize/test_heads.h"
#include "sw/reference/accuracy.h"
#include "sw/reference/attention.h"

namespace {

using aqpim::cache::HeadCache;
using aqpim::cache::make_timeline;
using aqpim::cache::Timeline;
using aqpim::quantize::QuantizeOptions;
using aqpim::quantize::set_outliers_apart;
using aqpim::quantize::with_stand_ins;
using aqpim::test::make_engine;
using aqpim::test::make_head;
using aqpim::test::sentence_of;
using aqpim::workload::Head;

constexpr std::size_t kDim = 64, kTokens = 400, kSinks = 8, kPrefill = 368;

void put(std::vector<float>& vectors, std::size_t token, float x) {
  for (std::size_t d = 0; d < kDim; ++d) vectors[token * kDim + d] = d % 2 == 0 ? x : -x;
}

double mean_error(const Head& head, const QuantizeOptions& options) {
  const HeadCache cache = aqpim::quantize::quantize(head, make_engine(kDim, 2, 4), options);
  const aqpim::reference::PqReference pq(head, cache);
  double sum = 0.0;
  const auto queries = aqpim::quantize::queries_of(head, options, 8);
  for (const std::size_t t : queries) {
    sum += aqpim::reference::relative_error(pq(0, t).output,
                                            aqpim::reference::exact_attention(head, 0, t));
  }
  return sum / static_cast<double>(queries.size());
}

}  // namespace

TEST_CASE("outliers: a head without any stays as it is") {
  for (const std::uint64_t seed : {1u, 2u, 3u}) {
    Head head = make_head(seed, kTokens, kDim);
    const Head before = head;
    set_outliers_apart(head, kSinks, kPrefill);
    CHECK(head.outliers.empty());
    CHECK(head.exact.empty());
    CHECK(head.key_offset.empty());
    CHECK(head.k == before.k);
    const Timeline timeline = make_timeline(kTokens, 64);
    CHECK(with_stand_ins(head.k, head, timeline) == head.k);
  }
}

TEST_CASE("outliers: long keys, long values and single channels are found, before P and after") {
  Head head = make_head(1, kTokens, kDim);
  put(head.k, 3, 1e4f);                // a sink
  put(head.k, 40, 300.0f);             // a key
  put(head.v, 41, -6e4f);              // a value
  head.k[100 * kDim + 7] = -60000.0f;  // a channel
  put(head.k, 390, 1e30f);             // after P, beyond FP16
  set_outliers_apart(head, kSinks, kPrefill);
  const auto& outliers = head.outliers;
  CHECK(head.exact == std::vector<std::size_t>{40, 41, 100, 390});
  REQUIRE(outliers.size() == 4);
  CHECK(std::fabs(outliers[0].x) == 300.0);
  CHECK_FALSE(outliers[0].value);
  CHECK(outliers[1].value);
  CHECK(outliers[2].channel == 7);
  CHECK(outliers[2].x == -60000.0);
  CHECK(outliers[2].usual < 10.0);
  const std::string text = aqpim::quantize::describe(head);
  CHECK(text.starts_with("l0.h0: 4 tokens kept exact"));
  CHECK(text.find("key of token 100 (-6e+04 in channel 7, others to ") != std::string::npos);
  CHECK(text.ends_with(" and 1 more"));
}

TEST_CASE("outliers: a stand-in is the mean of the others of its block, those before P before P") {
  Head head = make_head(1, kTokens, kDim);
  for (const std::size_t t : {40u, 41u, 365u, 390u}) put(head.k, t, 1000.0f);
  for (std::size_t t = 72; t < 104; ++t) put(head.k, t, 1000.0f);
  set_outliers_apart(head, kSinks, kPrefill);
  const Timeline timeline =
      make_timeline(kTokens, 64, {.sinks = kSinks, .append_block = 32, .prefill = kPrefill - 1});
  const std::vector<float> keys = with_stand_ins(head.k, head, timeline);
  const auto mean = [&](std::size_t first, std::size_t last, std::size_t d) {
    double sum = 0.0, count = 0.0;
    for (std::size_t t = first; t < last; ++t) {
      if (std::ranges::binary_search(head.exact, t)) continue;
      sum += static_cast<double>(head.k[t * kDim + d]);
      count += 1.0;
    }
    return static_cast<float>(sum / count);
  };
  for (std::size_t d = 0; d < kDim; ++d) {
    CHECK(keys[40 * kDim + d] == mean(40, 72, d));
    // Outliers alone: number 2 + 8 of all, and the ninth that takes another's place.
    CHECK(keys[80 * kDim + d] == head.k[(8 + 8) * kDim + d]);
    CHECK(keys[365 * kDim + d] == mean(360, 367, d));  // P is 367
    CHECK(keys[390 * kDim + d] == mean(360, 392, d));
    CHECK(keys[39 * kDim + d] == head.k[39 * kDim + d]);
  }
}

TEST_CASE("outliers: others keep their accuracy, in a quantized cache and in integers") {
  const Timeline timeline = make_timeline(kTokens, 64, {.append_block = 32});
  const QuantizeOptions options{.window = 128, .timeline = {.append_block = 32}};
  const Head plain = make_head(1, kTokens, kDim, 1);
  const double expected = mean_error(plain, options);
  const auto integers = aqpim::quantize::integer_cache(plain, timeline, 4, 32);
  for (const float x : {1e3f, 1e30f}) {
    Head head = plain;
    // Keys that no query looks at, before P and after.
    for (const std::size_t t : {50u, 51u, 200u, 362u}) {
      for (std::size_t d = 0; d < kDim; ++d) {
        float sum = 0.0f;
        for (std::size_t i = 0; i < 64; ++i) sum += head.q[i * kDim + d];
        head.k[t * kDim + d] = -x * sum;
      }
    }
    const auto ruined = x < 1e10f ? mean_error(head, options) : 1.0;
    set_outliers_apart(head, kSinks, kPrefill);
    CHECK(head.exact.size() == 4);
    CHECK(ruined > 2.0 * expected);
    CHECK(mean_error(head, options) < 1.1 * expected);
    const auto kept = aqpim::quantize::integer_cache(head, timeline, 4, 32);
    for (std::size_t i = 10; i < 40; ++i) {
      for (std::size_t d = 0; d < kDim; ++d) {
        CHECK(std::fabs(kept.keys[i * kDim + d] - integers.keys[i * kDim + d]) < 1.0);
      }
    }
    CHECK(kept.bits_per_element ==
          // One of them is not encoded yet.
          doctest::Approx(integers.bits_per_element + 16.0 * 3 / timeline.encoded()));
  }
}

TEST_CASE("outliers: a constant on a key channel changes nothing, as far as FP32 holds it") {
  const QuantizeOptions options{.timeline = {.append_block = 32}};
  const auto engine = make_engine(kDim, 2, 4);
  const Head plain = make_head(4, kTokens, kDim);
  const HeadCache expected = aqpim::quantize::quantize(plain, engine, options);
  Head head = plain;
  for (std::size_t e = 9; e < head.k.size(); e += kDim) head.k[e] += 32768.0f;  // exact
  set_outliers_apart(head, kSinks, kPrefill);
  REQUIRE(head.key_offset.size() == kDim);
  CHECK(head.key_offset[9] == doctest::Approx(32768.0f).epsilon(1e-3));
  CHECK(head.key_offset[8] == 0.0f);
  const HeadCache cache = aqpim::quantize::quantize(head, engine, options);
  // Centres are rounded elsewhere: a few codes differ.
  std::size_t differ = 0;
  for (std::size_t i = 0; i < cache.codes_k.size(); ++i) {
    differ += cache.codes_k[i] != expected.codes_k[i];
  }
  CHECK(differ < cache.codes_k.size() / 20);
  CHECK(cache.codes_v == expected.codes_v);
  CHECK(aqpim::reference::relative_error(aqpim::reference::exact_attention(head, 1, 390),
                                         aqpim::reference::exact_attention(plain, 1, 390)) < 1e-9);
}

TEST_CASE("outliers: what cannot be told apart or encoded is refused with its place") {
  Head far = make_head(1, kTokens, kDim);
  for (std::size_t e = 9; e < far.k.size(); e += kDim) far.k[e] += 1e8f;
  CHECK(sentence_of([&] {
          set_outliers_apart(far, kSinks, kPrefill);
        }).starts_with("l0.h0.k: channel 9 lies around 1e+08"));
  Head large = make_head(1, kTokens, kDim);
  for (float& x : large.v) x *= 1e30f;
  CHECK(sentence_of([&] { set_outliers_apart(large, kSinks, kPrefill); }).find("l0.h0.v has ") ==
        0);
  Head query = make_head(1, kTokens, kDim);
  query.q[(64 + 3) * kDim + 5] = 1e6f;
  CHECK(sentence_of([&] { set_outliers_apart(query, kSinks, kPrefill); }) ==
        "l0.h0.q has 1000000 at query head 1, token 339: queries are FP16, ±65504");
}
