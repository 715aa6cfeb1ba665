// SPDX-License-Identifier: Apache-2.0
#include "sw/system/plan.h"

#include <doctest/doctest.h>

#include <initializer_list>
#include <stdexcept>
#include <tuple>
#include <variant>
#include <vector>

#include "sw/quantize/quantize.h"
#include "sw/quantize/test_heads.h"

namespace {

using aqpim::cache::HeadCache;
using aqpim::config::EngineConfig;
using aqpim::golden::Command;
using aqpim::golden::Operation;
using aqpim::golden::ReadResult;
using aqpim::golden::RegisterSelect;
using aqpim::golden::RegisterWrite;
using aqpim::system::Planner;
using aqpim::system::TilePlan;
using aqpim::test::make_engine;

HeadCache sample(const EngineConfig& engine, std::size_t window, std::size_t block,
                 bool centring = true) {
  aqpim::quantize::QuantizeOptions options;
  options.window = window;
  options.centring = centring;
  options.timeline.append_block = block;
  return aqpim::quantize::quantize(aqpim::test::make_head(1, 400, engine.head_dim), engine,
                                   options);
}

std::vector<float> query() { return std::vector<float>(64, 0.5f); }

template <typename Kind>
std::vector<Kind> steps(const TilePlan& tile) {
  std::vector<Kind> result;
  for (const auto& step : tile.program) {
    if (const auto* match = std::get_if<Kind>(&step)) result.push_back(*match);
  }
  return result;
}

// (operation, first, tokens) of each command.
using Summary = std::vector<std::tuple<Operation, bool, unsigned>>;

Summary summary(const TilePlan& tile) {
  Summary result;
  for (const Command& command : steps<Command>(tile)) {
    result.emplace_back(command.operation, command.first, command.tokens);
  }
  return result;
}

}  // namespace

TEST_CASE("plan: a shared codebook is one table, one score, one accumulate, one combine") {
  const EngineConfig engine = make_engine(64, 4, 8);
  const HeadCache cache = sample(engine, 0, 32);
  const auto tiles = Planner(cache, engine).plan(query(), 399);
  REQUIRE(tiles.size() == 1);
  CHECK(tiles[0].first == 0);
  CHECK(tiles[0].tokens == 352);
  CHECK(summary(tiles[0]) == Summary{{Operation::kTable, true, 0},
                                     {Operation::kScore, true, 352},
                                     {Operation::kAccumulate, true, 352},
                                     {Operation::kCombine, true, 0}});
  CHECK(std::holds_alternative<ReadResult>(tiles[0].program.back()));
  CHECK(steps<ReadResult>(tiles[0]).size() == 1);
}

TEST_CASE("plan: several windows append scores, then add up outputs") {
  const EngineConfig engine = make_engine(64, 4, 8);
  const HeadCache cache = sample(engine, 144, 32);
  REQUIRE(cache.windows == 3);
  const auto tiles = Planner(cache, engine).plan(query(), 399);
  REQUIRE(tiles.size() == 1);
  CHECK(summary(tiles[0]) == Summary{{Operation::kTable, true, 0},
                                     {Operation::kScore, true, 144},
                                     {Operation::kTable, false, 0},
                                     {Operation::kScore, false, 144},
                                     {Operation::kTable, false, 0},
                                     {Operation::kScore, false, 64},
                                     {Operation::kAccumulate, true, 144},
                                     {Operation::kCombine, true, 0},
                                     {Operation::kAccumulate, false, 144},
                                     {Operation::kCombine, false, 0},
                                     {Operation::kAccumulate, false, 64},
                                     {Operation::kCombine, false, 0}});
}

TEST_CASE("plan: streams are slices of the packed cache") {
  const EngineConfig engine = make_engine(64, 2, 4);
  const HeadCache cache = sample(engine, 64, 32);
  const auto packed = aqpim::system::pack(cache, engine);
  const Planner planner(cache, engine);
  const void* shared = nullptr;
  for (const std::size_t t : {350u, 399u}) {
    for (const TilePlan& tile : planner.plan(query(), t)) {
      std::size_t scored = 0;
      for (const Command& command : steps<Command>(tile)) {
        REQUIRE(command.offset + command.bytes <= command.stream->size());
        if (command.operation == Operation::kTable) {
          const std::size_t window = cache.window_of(tile.first + scored);
          CHECK(command.offset == window * packed.codebook_bytes);
          CHECK(command.bytes == packed.codebook_bytes);
          CHECK(*command.stream == *packed.codebooks_k);
          if (shared == nullptr) shared = command.stream.get();
          CHECK(command.stream.get() == shared);
        }
        if (command.operation == Operation::kScore) {
          CHECK(command.offset == (tile.first + scored) * packed.token_bytes);
          CHECK(command.bytes == command.tokens * packed.token_bytes);
          CHECK(*command.stream == *packed.codes_k);
          scored += command.tokens;
        }
        if (command.operation == Operation::kAccumulate) CHECK(*command.stream == *packed.codes_v);
        if (command.operation == Operation::kCombine) CHECK(*command.stream == *packed.codebooks_v);
      }
      CHECK(scored == tile.tokens);
    }
  }
}

TEST_CASE("plan: tiles cover the encoded tokens and fit score and bias memory") {
  EngineConfig engine = make_engine(64, 4, 4, 64);
  for (const std::size_t block : {16u, 48u, 128u, 144u, 272u, 304u}) {
    for (const std::size_t window : {0u, 80u}) {
      const HeadCache centred = sample(engine, window, block);
      HeadCache plain = centred;
      plain.center_block = 0;
      plain.centers_k.clear();
      for (const unsigned score_depth : {16u, 64u, 256u, 4096u}) {
        for (const unsigned bias_depth : {8u, 32u}) {
          for (const HeadCache* cache : std::initializer_list<const HeadCache*>{&centred, &plain}) {
            engine.score_depth = score_depth;
            engine.bias_depth = bias_depth;
            const Planner planner(*cache, engine);
            const std::size_t run = planner.bias_run();
            if (cache == &centred) {
              CHECK(run >= 8);
              CHECK(run <= 128);
              CHECK(block % run == 0);
            } else {
              CHECK(run == 0);
            }
            std::size_t next = 0;
            for (const TilePlan& tile : planner.plan(query(), 399)) {
              CHECK(tile.first == next);
              CHECK(tile.tokens > 0);
              CHECK(tile.tokens <= score_depth);
              if (run != 0) {
                CHECK(tile.first % run == 0);
                CHECK(tile.tokens <= bias_depth * run);
              }
              next += tile.tokens;
            }
            CHECK(next == cache->first_recent(399) - 8);
          }
        }
      }
    }
  }
}

TEST_CASE("plan: the longest run of biases that divides the block") {
  const EngineConfig engine = make_engine(64, 4, 4, 64);
  const auto run = [&](std::size_t block) {
    return Planner(sample(engine, 0, block), engine).bias_run();
  };
  CHECK(run(16) == 16);
  CHECK(run(128) == 128);
  CHECK(run(144) == 72);
  CHECK(run(256) == 128);
  CHECK(run(304) == 76);
}

TEST_CASE("plan: registers come in the order control, shift, query, bias and clear the flags") {
  const EngineConfig engine = make_engine(64, 4, 8);
  const HeadCache cache = sample(engine, 0, 32);
  for (const auto format :
       {aqpim::system::QueryFormat::kBinary16, aqpim::system::QueryFormat::kBfloat16}) {
    const TilePlan tile = Planner(cache, engine, format).plan(query(), 399)[0];
    const auto writes = steps<RegisterWrite>(tile);
    const auto prepared = aqpim::system::prepare_query(query(), cache, engine, format);
    // 16 shifts in 1 word, 64 elements in 8 words, 11 biases in 2 words of 8.
    REQUIRE(writes.size() == 1 + 1 + 8 + 2);
    CHECK(writes[0].select == RegisterSelect::kControl);
    const bool bfloat16 = format == aqpim::system::QueryFormat::kBfloat16;
    CHECK(writes[0].data[0] == (prepared.table_fraction | (bfloat16 ? 0x30 : 0x20)));
    CHECK(writes[0].data[1] == 32);
    CHECK(writes[1].select == RegisterSelect::kShift);
    for (std::size_t m = 0; m < 16; ++m) CHECK(writes[1].data[m] == prepared.shifts[m]);
    for (std::size_t word = 0; word < 8; ++word) {
      CHECK(writes[2 + word].select == RegisterSelect::kQuery);
      CHECK(writes[2 + word].index == word);
      CHECK((writes[2 + word].data[2] | writes[2 + word].data[3] << 8) ==
            prepared.elements[8 * word + 1]);
    }
    CHECK(writes[10].select == RegisterSelect::kBias);
    CHECK(writes[11].index == 1);
    for (const RegisterWrite& write : writes) CHECK(write.data.size() == engine.word_bytes());
  }
}

TEST_CASE("plan: a query before the first block has no tiles") {
  const EngineConfig engine = make_engine(64, 4, 8);
  const HeadCache cache = sample(engine, 0, 352);
  CHECK(cache.tokens == 352);
  CHECK(Planner(cache, engine).plan(query(), 389).empty());
  CHECK(Planner(cache, engine).plan(query(), 391).size() == 1);
}

TEST_CASE("plan: a cache of another engine is an error") {
  const EngineConfig engine = make_engine(64, 4, 8);
  const HeadCache cache = sample(engine, 0, 32);
  CHECK_THROWS_AS(Planner(cache, make_engine(64, 2, 8)), std::invalid_argument);
}
