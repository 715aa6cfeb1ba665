// SPDX-License-Identifier: Apache-2.0
#include "sw/system/plan.h"

#include <algorithm>
#include <stdexcept>

#include "sw/system/registers.h"

namespace aqpim::system {

namespace {

using golden::Command;
using golden::Operation;
using golden::RegisterSelect;

constexpr std::size_t kShortestRun = 8;
constexpr std::size_t kLongestRun = 128;

std::size_t run_of(const cache::HeadCache& cache, const config::EngineConfig& engine) {
  if (cache.center_block == 0) return 0;
  const std::size_t run = longest_run(cache.center_block, engine);
  if (run == 0) {
    throw std::invalid_argument("no run of 8 … 128 tokens divides the centre block");
  }
  return run;
}

std::size_t longest_tile(std::size_t run, const config::EngineConfig& engine) {
  if (run == 0) return engine.score_depth;
  const std::size_t tokens = std::min<std::size_t>(engine.score_depth, engine.bias_depth * run);
  return tokens / run * run;
}

Command codebook_command(Operation operation, bool first, const PackedCache::Stream& stream,
                         std::size_t window, std::size_t bytes) {
  return {operation, first, 0, stream, window * bytes, bytes};
}

Command token_command(Operation operation, bool first, const PackedCache::Stream& stream,
                      std::size_t begin, std::size_t tokens, std::size_t token_bytes) {
  return {operation,           first, static_cast<unsigned>(tokens), stream, begin * token_bytes,
          tokens * token_bytes};
}

}  // namespace

std::size_t longest_run(std::size_t block, const config::EngineConfig& engine) {
  std::size_t run = std::min<std::size_t>({block, kLongestRun, engine.score_depth});
  while (run >= kShortestRun && block % run != 0) --run;
  return run < kShortestRun ? 0 : run;
}

Planner::Planner(const cache::HeadCache& cache, const config::EngineConfig& engine,
                 QueryFormat format)
    : cache_(cache),
      engine_(engine),
      format_(format),
      packed_(pack(cache, engine)),
      bias_run_(run_of(cache, engine)),
      tile_tokens_(longest_tile(bias_run_, engine)) {}

std::vector<TilePlan> Planner::plan(std::span<const float> query, std::size_t t) const {
  const std::size_t tokens = cache_.first_recent(t) - cache_.sinks;
  if (tokens == 0) return {};
  const PreparedQuery prepared = prepare_query(query, cache_, engine_, format_);
  const std::vector<double> scores = centre_scores(query, cache_);
  std::vector<TilePlan> tiles;
  for (std::size_t first = 0; first < tokens; first += tile_tokens_) {
    tiles.push_back(plan_tile(prepared, scores, first, std::min(tile_tokens_, tokens - first)));
  }
  return tiles;
}

TilePlan Planner::plan_tile(const PreparedQuery& query, std::span<const double> centre_scores,
                            std::size_t first, std::size_t tokens) const {
  const TileBiases biases = tile_biases(centre_scores, cache_, engine_, first, tokens, bias_run_);
  TilePlan tile{.first = first, .tokens = tokens, .common = biases.common, .program = {}};
  golden::Program& program = tile.program;
  program.emplace_back(control_write({.table_fraction = query.table_fraction,
                                      .bfloat16 = query.format == QueryFormat::kBfloat16,
                                      .values = false,
                                      .run = biases.run},
                                     engine_));
  append_registers(program, RegisterSelect::kShift, std::span(query.shifts), engine_);
  append_registers(program, RegisterSelect::kQuery, std::span(query.elements), engine_);
  append_registers(program, RegisterSelect::kBias, std::span(biases.biases), engine_);

  const std::size_t end = first + tokens;
  const std::size_t first_window = cache_.window_of(first);
  const std::size_t last_window = cache_.window_of(end - 1);
  struct Part {
    std::size_t window, begin, tokens;
    bool first;
  };
  std::vector<Part> parts;
  for (std::size_t w = first_window; w <= last_window; ++w) {
    const std::size_t begin = std::max(first, cache_.window_begin(w));
    parts.push_back({w, begin, std::min(end, cache_.window_end(w)) - begin, w == first_window});
  }
  for (const Part& part : parts) {
    program.emplace_back(codebook_command(Operation::kTable, part.first, packed_.codebooks_k,
                                          part.window, packed_.codebook_bytes));
    program.emplace_back(token_command(Operation::kScore, part.first, packed_.codes_k, part.begin,
                                       part.tokens, packed_.token_bytes));
  }
  for (const Part& part : parts) {
    program.emplace_back(token_command(Operation::kAccumulate, part.first, packed_.codes_v,
                                       part.begin, part.tokens, packed_.token_bytes));
    program.emplace_back(codebook_command(Operation::kCombine, part.first, packed_.codebooks_v,
                                          part.window, packed_.codebook_bytes));
  }
  program.emplace_back(golden::ReadResult{});
  return tile;
}

}  // namespace aqpim::system
