// SPDX-License-Identifier: Apache-2.0
#include "sw/system/query.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <span>
#include <vector>

#include "sw/cache/half.h"
#include "sw/quantize/quantize.h"
#include "sw/quantize/test_heads.h"

namespace {

using aqpim::cache::from_bfloat16;
using aqpim::cache::from_half;
using aqpim::cache::HeadCache;
using aqpim::config::EngineConfig;
using aqpim::system::centre_scores;
using aqpim::system::prepare_query;
using aqpim::system::PreparedQuery;
using aqpim::system::QueryFormat;
using aqpim::system::tile_biases;
using aqpim::system::TileBiases;
using aqpim::test::Draw;
using aqpim::test::make_engine;

HeadCache sample(const EngineConfig& engine) {
  aqpim::quantize::QuantizeOptions options;
  options.timeline.append_block = 32;
  return aqpim::quantize::quantize(aqpim::test::make_head(1, 200, engine.head_dim), engine,
                                   options);
}

std::vector<float> random_query(Draw& draw, double strength) {
  std::vector<float> query(64);
  for (float& x : query) x = static_cast<float>(strength * draw.bell());
  return query;
}

// Whether no query element and no table entry can saturate with this fraction and these shifts.
bool is_safe(const PreparedQuery& query, const EngineConfig& engine, unsigned fraction,
             const std::vector<std::uint8_t>& shifts) {
  for (std::size_t m = 0; m < engine.subspaces(); ++m) {
    double entry = 0.0;
    for (std::size_t d = 0; d < engine.sub_dim; ++d) {
      const double x = from_half(query.elements[m * engine.sub_dim + d]);
      const double element =
          std::nearbyint(std::fabs(std::ldexp(x, static_cast<int>(fraction) + shifts[m])));
      if (element > std::ldexp(1.0, static_cast<int>(engine.query_width) - 1) - 1) return false;
      entry += element * 127.0;
    }
    entry = std::nearbyint(std::ldexp(entry, -shifts[m]));
    if (entry > std::ldexp(1.0, static_cast<int>(engine.entry_width) - 1) - 1) return false;
  }
  return true;
}

}  // namespace

TEST_CASE("query: elements are the permuted query times scale·log2(e)/√D") {
  const EngineConfig engine = make_engine(64, 4, 8);
  const HeadCache cache = sample(engine);
  Draw draw(1);
  const auto query = random_query(draw, 1.0);
  const PreparedQuery half = prepare_query(query, cache, engine);
  const PreparedQuery bfloat = prepare_query(query, cache, engine, QueryFormat::kBfloat16);
  for (std::size_t j = 0; j < 64; ++j) {
    const double value = static_cast<double>(query[cache.transform_k.order()[j]]) *
                         static_cast<double>(cache.scale_k[j / 4]) * std::numbers::log2e / 8.0;
    CHECK(std::fabs(from_half(half.elements[j]) - value) <=
          std::max(0x1p-25, std::fabs(value) * 0x1p-11));
    CHECK(std::fabs(from_bfloat16(bfloat.elements[j]) - value) <= std::fabs(value) * 0x1p-8);
  }
}

TEST_CASE("query: fraction and shifts are safe, and one more of either would not be") {
  Draw draw(2);
  for (auto engine :
       {make_engine(64, 4, 8), make_engine(64, 1, 4, 256), make_engine(64, 8, 8, 64)}) {
    for (const unsigned query_width : {8u, 12u}) {
      for (const unsigned entry_width : {12u, 16u}) {
        engine.query_width = query_width;
        engine.entry_width = entry_width;
        engine.score_fraction = 4;
        const HeadCache cache = sample(engine);
        for (const double strength : {0.001, 0.03, 0.5, 1.0, 1.7, 3.0}) {
          const PreparedQuery query = prepare_query(random_query(draw, strength), cache, engine);
          CHECK(query.table_fraction >= 4);
          CHECK(query.table_fraction <= 15);
          if (query.table_fraction > 4) {
            CHECK(is_safe(query, engine, query.table_fraction, query.shifts));
          }
          // One step more saturates, apart from the margin for rounding.
          if (query.table_fraction < 14) {
            CHECK_FALSE(is_safe(query, engine, query.table_fraction + 2,
                                std::vector<std::uint8_t>(engine.subspaces(), 0)));
          }
          for (std::size_t m = 0; m < engine.subspaces(); ++m) {
            const auto elements =
                std::span(query.elements).subspan(m * engine.sub_dim, engine.sub_dim);
            const bool silent =
                std::ranges::all_of(elements, [](unsigned bits) { return (bits & 0x7fff) == 0; });
            if (silent || query.shifts[m] == 15) continue;
            auto more = query.shifts;
            ++more[m];
            CHECK_FALSE(is_safe(query, engine, query.table_fraction, more));
          }
        }
      }
    }
  }
}

TEST_CASE("query: all zero") {
  const EngineConfig engine = make_engine(64, 4, 8);
  const PreparedQuery query = prepare_query(std::vector<float>(64, 0.0f), sample(engine), engine);
  CHECK(query.table_fraction == 15);
  CHECK(query.shifts == std::vector<std::uint8_t>(16, 0));
  CHECK(query.elements == std::vector<std::uint16_t>(64, 0));
}

TEST_CASE("query: far too large stays finite, with the smallest fraction and no shift") {
  const EngineConfig engine = make_engine(64, 4, 8);
  const std::vector<float> huge(64, 3e38f);
  const PreparedQuery half = prepare_query(huge, sample(engine), engine);
  CHECK(half.table_fraction == 8);
  CHECK(half.shifts == std::vector<std::uint8_t>(16, 0));
  CHECK(std::ranges::all_of(half.elements, [](std::uint16_t bits) { return bits == 0x7bff; }));
  for (const std::uint16_t bits :
       prepare_query(huge, sample(engine), engine, QueryFormat::kBfloat16).elements) {
    CHECK(std::isfinite(from_bfloat16(bits)));
  }
}

TEST_CASE("query: a sub-space without keys does not limit the others") {
  const EngineConfig engine = make_engine(64, 4, 8);
  HeadCache cache = sample(engine);
  std::vector<float> query(64, 0.25f);
  const unsigned before = prepare_query(query, cache, engine).table_fraction;
  cache.scale_k[3] = 0.0f;
  for (std::size_t d = 12; d < 16; ++d) query[cache.transform_k.order()[d]] = 1000.0f;
  const PreparedQuery prepared = prepare_query(query, cache, engine);
  CHECK(prepared.table_fraction >= before);
  CHECK(prepared.shifts[3] == 0);
}

TEST_CASE("biases: score of each run's centre, less the largest") {
  const EngineConfig engine = make_engine(64, 4, 8);
  const HeadCache cache = sample(engine);
  REQUIRE(cache.tokens == 160);
  Draw draw(3);
  const auto query = random_query(draw, 1.0);
  const auto scores = centre_scores(query, cache);
  REQUIRE(scores.size() == 5);
  double first = 0.0;
  for (std::size_t j = 0; j < 64; ++j) {
    first += static_cast<double>(query[cache.transform_k.order()[j]]) *
             static_cast<double>(cache.centers_k[j]);
  }
  CHECK(scores[0] == doctest::Approx(first * std::numbers::log2e / 8.0));

  for (const std::size_t run : {8u, 16u, 32u}) {
    const TileBiases tile = tile_biases(scores, cache, engine, 32, 96, run);
    CHECK(tile.run == run);
    CHECK(tile.biases.size() == 96 / run);
    CHECK(tile.common == *std::max_element(scores.begin() + 1, scores.begin() + 4));
    CHECK(*std::ranges::max_element(tile.biases) == 0);
    for (std::size_t i = 0; i < tile.biases.size(); ++i) {
      const double expected = 256.0 * (scores[(32 + i * run) / 32] - tile.common);
      CHECK(std::fabs(tile.biases[i] - expected) <= 0.5);
    }
  }
}

TEST_CASE("biases: far below the largest they are held at the end of int16") {
  const EngineConfig engine = make_engine(64, 4, 8);
  const HeadCache cache = sample(engine);
  const std::vector<double> scores{0.0, -1e9, -128.0, -127.99, -5e-3};
  const TileBiases tile = tile_biases(scores, cache, engine, 0, 160, 32);
  CHECK(tile.biases == std::vector<std::int16_t>{0, -32768, -32768, -32765, -1});
}

TEST_CASE("biases: none without centring") {
  const EngineConfig engine = make_engine(64, 4, 8);
  HeadCache cache = sample(engine);
  cache.center_block = 0;
  cache.centers_k.clear();
  const std::vector<float> query(64, 1.0f);
  CHECK(centre_scores(query, cache).empty());
  const TileBiases tile = tile_biases({}, cache, engine, 0, 160, 0);
  CHECK(tile.run == 0);
  CHECK(tile.common == 0.0);
  CHECK(tile.biases.empty());
}
