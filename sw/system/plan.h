// SPDX-License-Identifier: Apache-2.0
//
// Turns one query into engine programs.
//
// The encoded tokens i in [0, first_recent(t) − sinks) are cut into tiles that the engine's score
// and bias memories hold. A tile's program is
//
//   CONTROL (clears the flags), SHIFT, QUERY, BIAS registers
//   for each codebook window that the tile touches: TABLE, SCORE of its tokens
//   for each of them again:                         ACCUMULATE, COMBINE
//   read the result
//
// Streams are shared with the PackedCache, never copied. docs/architecture.md §7.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "sw/cache/cache.h"
#include "sw/golden/program.h"
#include "sw/system/layout.h"
#include "sw/system/query.h"

namespace aqpim::system {

// Tokens per bias: the largest divisor of `block` from 8 to 128 that fits the score memory; 0 if
// there is none.
std::size_t longest_run(std::size_t block, const config::EngineConfig& engine);

struct TilePlan {
  std::size_t first = 0;   // encoded token index i
  std::size_t tokens = 0;  // ≥ 1
  double common = 0.0;     // what the biases leave out: true maximum = engine maximum + common
  golden::Program program;
};

// Plans queries of one head; the cache must outlive it.
class Planner {
 public:
  // Throws std::invalid_argument if the cache was not made for this engine.
  Planner(const cache::HeadCache& cache, const config::EngineConfig& engine,
          QueryFormat format = QueryFormat::kBinary16);

  // Tiles of the query [D] (file order) of token t. None if nothing is encoded yet.
  std::vector<TilePlan> plan(std::span<const float> query, std::size_t t) const;

  // Tokens per bias: the largest divisor of the centre block from 8 to 128 that fits the score
  // memory; 0 without centring.
  std::size_t bias_run() const { return bias_run_; }

  // Most tokens of a tile.
  std::size_t tile_tokens() const { return tile_tokens_; }

 private:
  TilePlan plan_tile(const PreparedQuery& query, std::span<const double> centre_scores,
                     std::size_t first, std::size_t tokens) const;

  const cache::HeadCache& cache_;
  config::EngineConfig engine_;
  QueryFormat format_;
  PackedCache packed_;
  std::size_t bias_run_;
  std::size_t tile_tokens_;
};

}  // namespace aqpim::system
