// SPDX-License-Identifier: Apache-2.0
// The whole path in integers, quantize → plan → golden engine → merge, against the double precision
// reference, which shares no code with it.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "sw/golden/engine.h"
#include "sw/quantize/outliers.h"
#include "sw/quantize/quantize.h"
#include "sw/quantize/test_heads.h"
#include "sw/reference/accuracy.h"
#include "sw/reference/attention.h"
#include "sw/system/merge.h"
#include "sw/system/plan.h"
#include "sw/workload/test_workload.h"

namespace {

using aqpim::cache::HeadCache;
using aqpim::config::EngineConfig;
using aqpim::quantize::QuantizeOptions;
using aqpim::system::exact_part;
using aqpim::system::QueryFormat;
using aqpim::test::make_engine;
using aqpim::test::make_head;
using aqpim::workload::Head;

struct Outcome {
  double worst = 0.0;  // ‖o − o_pq‖ / ‖o_pq‖
  unsigned flags = 0;
  std::size_t tiles = 0;
};

Outcome play(const Head& head, const EngineConfig& engine, const QuantizeOptions& options,
             QueryFormat format = QueryFormat::kBinary16) {
  const HeadCache cache = aqpim::quantize::quantize(head, engine, options);
  const aqpim::reference::PqReference pq(head, cache);
  const aqpim::system::Planner planner(cache, engine, format);
  aqpim::golden::Engine model(engine);
  Outcome outcome;
  for (std::size_t g = 0; g < head.groups; ++g) {
    for (const std::size_t t : aqpim::quantize::queries_of(head, options, 3)) {
      const auto tiles = planner.plan(aqpim::system::query_of(head, g, t), t);
      std::vector<aqpim::system::Partial> parts;
      for (const auto& tile : tiles) {
        const auto read = model.run(tile.program).results;
        REQUIRE(read.size() == 1);
        parts.push_back(aqpim::system::engine_part(read[0], tile, cache, engine));
        outcome.flags |= read[0].flags;
      }
      outcome.tiles += tiles.size();
      parts.push_back(exact_part(head, g, t, 0, std::min(cache.sinks, t + 1)));
      parts.push_back(exact_part(head, g, t, cache.first_recent(t), t + 1));
      for (const auto& outlier : aqpim::system::outlier_parts(head, cache, g, t)) {
        parts.push_back(outlier.exact);
        parts.push_back(outlier.stand_in);
      }
      const auto output = aqpim::system::normalised(aqpim::system::merge(parts));
      outcome.worst =
          std::max(outcome.worst, aqpim::reference::relative_error(output, pq(g, t).output));
    }
  }
  return outcome;
}

QuantizeOptions options(std::size_t window, std::size_t block = 32) {
  QuantizeOptions result;
  result.window = window;
  result.timeline.append_block = block;
  return result;
}

}  // namespace

TEST_CASE("engine attention: equals float PQ within the fixed point's error, for many shapes") {
  struct Shape {
    unsigned head_dim, sub_dim, code_bits, word_bits;
  };
  for (const Shape& shape :
       {Shape{64, 4, 8, 128}, Shape{64, 2, 4, 128}, Shape{64, 2, 8, 128}, Shape{64, 1, 4, 64},
        Shape{64, 8, 8, 64}, Shape{128, 4, 8, 256}, Shape{128, 2, 4, 128}, Shape{128, 8, 4, 64}}) {
    const EngineConfig engine =
        make_engine(shape.head_dim, shape.sub_dim, shape.code_bits, shape.word_bits);
    const Head head = make_head(shape.sub_dim, 300, shape.head_dim);
    for (const std::size_t window : {0u, 80u}) {
      CAPTURE(shape.head_dim);
      CAPTURE(shape.sub_dim);
      CAPTURE(shape.code_bits);
      CAPTURE(window);
      const Outcome outcome = play(head, engine, options(window));
      CHECK(outcome.worst < 0.004);
      CHECK(outcome.flags == 0);
    }
  }
}

TEST_CASE("engine attention: options, tiles and long blocks change nothing but rounding") {
  const Head head = make_head(20, 600, 64);
  EngineConfig engine = make_engine(64, 4, 4, 64);
  for (const std::size_t block : {16u, 48u, 144u, 272u}) {
    for (const unsigned depth : {32u, 128u, 2048u}) {
      for (const bool centring : {false, true}) {
        engine.score_depth = depth;
        engine.bias_depth = 8;
        QuantizeOptions chosen = options(112, block);
        chosen.centring = centring;
        CAPTURE(block);
        CAPTURE(depth);
        const Outcome outcome = play(head, engine, chosen);
        CHECK(outcome.worst < 0.004);
        CHECK(outcome.flags == 0);
        if (depth == 32) CHECK(outcome.tiles > 60);
      }
    }
  }
}

TEST_CASE("engine attention: bfloat16 queries lose three bits of the query, no more") {
  const Head head = make_head(21, 300, 64);
  const Outcome outcome = play(head, make_engine(64, 4, 8), options(0), QueryFormat::kBfloat16);
  CHECK(outcome.worst < 0.03);
  CHECK(outcome.flags == 0);
}

TEST_CASE("engine attention: concentrated, diffuse and silent queries") {
  for (const float strength : {0.0f, 1e-6f, 0.01f, 4.0f}) {
    Head head = make_head(22, 300, 64);
    for (float& x : head.q) x *= strength;
    CAPTURE(strength);
    const Outcome outcome = play(head, make_engine(64, 4, 8), options(0));
    CHECK(outcome.worst < 0.02);
    CHECK((outcome.flags & ~unsigned{aqpim::golden::kFlagScoreSaturated}) == 0);
  }
}

TEST_CASE("engine attention: keys with a large common part are held by the biases") {
  Head head = make_head(23, 300, 64);
  for (std::size_t i = 0; i < head.k.size(); ++i) head.k[i] += i % 2 == 0 ? 40.0f : -40.0f;
  const Outcome outcome = play(head, make_engine(64, 4, 8), options(0));
  CHECK(outcome.worst < 0.004);
  CHECK(outcome.flags == 0);
}

TEST_CASE("engine attention: a query that is too large is reported by the flags") {
  Head head = make_head(24, 300, 64);
  for (float& x : head.q) x *= 1e6f;
  const Outcome outcome = play(head, make_engine(64, 4, 8), options(0));
  CHECK((outcome.flags & aqpim::golden::kFlagQuerySaturated) != 0);
  CHECK((outcome.flags & aqpim::golden::kFlagNonfinite) == 0);
  CHECK((outcome.flags & aqpim::golden::kFlagProtocol) == 0);
}

TEST_CASE("engine attention: captured heads, within the bars of the whole path") {
  const auto workload = aqpim::workload::load(std::string(AQPIM_SOURCE_DIR) +
                                              "/workloads/smollm2_prose_2k.safetensors");
  for (const Head& head : aqpim::test::heads_of(workload)) {
    CHECK(play(head, make_engine(64, 4, 8), options(0, 128)).worst < 0.01);
    CHECK(play(head, make_engine(64, 2, 4), options(256, 128)).worst < 0.01);
  }
}

TEST_CASE("engine attention: all-zero values and keys") {
  Head head = make_head(25, 300, 64);
  std::ranges::fill(head.v, 0.0f);
  CHECK(play(head, make_engine(64, 4, 8), options(0)).worst == 0.0);
  head = make_head(25, 300, 64);
  std::ranges::fill(head.k, 0.0f);
  CHECK(play(head, make_engine(64, 4, 8), options(0)).worst < 0.002);
}

TEST_CASE("engine attention: outliers among the encoded tokens count as they are") {
  const EngineConfig engine = make_engine(64, 2, 4);
  Head head = make_head(9, 300, 64);
  // One that the queries look at and one that they do not, a long value, and an appended key.
  for (std::size_t d = 0; d < 64; ++d) {
    const float toward = head.q[(head.query_tokens - 1) * 64 + d];
    head.k[30 * 64 + d] = 20.0f * toward;
    head.k[70 * 64 + d] = -1e4f * toward;
    head.v[71 * 64 + d] = 500.0f;
    head.k[262 * 64 + d] = -1e4f * toward;
  }
  QuantizeOptions cache = options(80);
  cache.timeline.prefill = 260;
  cache.timeline.append_block = 16;
  aqpim::quantize::set_outliers_apart(head, 8, 260);
  REQUIRE(head.exact.size() == 4);
  for (const bool centring : {true, false}) {
    cache.centring = centring;
    const Outcome outcome = play(head, engine, cache);
    CHECK(outcome.worst < 0.004);
    CHECK(outcome.flags == 0);
  }
}
