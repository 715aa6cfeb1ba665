// SPDX-License-Identifier: Apache-2.0
//
// A query as the engine wants it.
//
//   q' = transform_k^−T · q · scale_k[m] · log2(e)/√D     so that scores are in the log2 domain
//
// in binary16 (or bfloat16); the engine turns it into integers RNE(q' · 2^(F + shift[m])). F and
// the shifts are chosen per query, as large as is safe:
//
//   F         no table entry can saturate: Σ_{d in m} |q'_d| · 127 · 2^F ≤ 2^(EntryWidth−1) − 1
//   shift[m]  no query element saturates: |q'_d| · 2^(F + shift[m]) ≤ 2^(QueryWidth−1) − 1, rounded
//
// F is ScoreFraction … 15, shift[m] 0 … 15. A query too large even for F = ScoreFraction saturates
// in the engine, which reports it by its flags. docs/quantization.md §3.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "sw/cache/cache.h"
#include "sw/config/config.h"

namespace aqpim::system {

enum class QueryFormat { kBinary16, kBfloat16 };

struct PreparedQuery {
  QueryFormat format = QueryFormat::kBinary16;
  unsigned table_fraction = 0;          // F
  std::vector<std::uint8_t> shifts;     // [M]
  std::vector<std::uint16_t> elements;  // [D], transformed
  bool saturates = false;               // an element or a table entry may, even with this F

  bool operator==(const PreparedQuery&) const = default;
};

// `query` [D] in the file's channel order.
PreparedQuery prepare_query(std::span<const float> query, const cache::HeadCache& cache,
                            const config::EngineConfig& engine,
                            QueryFormat format = QueryFormat::kBinary16);

// Score biases of one tile: β_b = q'·centre_b · log2(e)/√D per block b of tokens, less the largest
// of the tile, s(ScoreWidth).ScoreFraction, rounded to nearest even, held at the ends of int16.
struct TileBiases {
  std::size_t run = 0;               // tokens per bias; 0 = no biases
  double common = 0.0;               // subtracted from all scores; the merge adds it to the maximum
  std::vector<std::int16_t> biases;  // one per run of tokens
};

// Score of each centre, (transform_k^−T · q)·centre_b · log2(e)/√D: [B]; empty if the keys are not
// centred.
std::vector<double> centre_scores(std::span<const float> query, const cache::HeadCache& cache);

// Biases of encoded tokens first … first + tokens − 1; `run` divides the centre block and `first`.
TileBiases tile_biases(std::span<const double> centre_scores, const cache::HeadCache& cache,
                       const config::EngineConfig& engine, std::size_t first, std::size_t tokens,
                       std::size_t run);

// Biases of runs of `run` tokens whose centres have these scores.
TileBiases run_biases(std::span<const double> scores, const config::EngineConfig& engine,
                      std::size_t run);

}  // namespace aqpim::system
