// SPDX-License-Identifier: Apache-2.0
//
// Judges any cache by the attention that is computed from it: exact attention once per query, then
// as many caches as wanted. All arithmetic is in double precision.
//
//   keys, values of the cache --> scores --> softmax --> output     against the file's own
//
// For the query of token t, tokens sinks … encoded_end(t) − 1 are taken from the cache, outliers
// (Head::exact) and all others from the file. The same results as PqReference and exact(), for many
// queries at a time.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "sw/workload/workload.h"

namespace aqpim::reference {

// What a cache gives back: keys and values of tokens sinks … sinks + N − 1, channels in the file's
// order.
struct CachedVectors {
  std::size_t sinks = 0;
  std::size_t append_block = 0;
  std::vector<double> keys;    // [N, D]
  std::vector<double> values;  // [N, D]
};

// One output against the exact one. docs/quantization.md §5.
struct OutputAccuracy {
  std::size_t query_head = 0;
  std::size_t token = 0;
  double relative_error = 0.0;
  double cosine = 0.0;
  double kl = 0.0;   // of the attention over tokens 0 … t, nats
  double top = 0.0;  // share of the kTopTokens tokens with the largest scores that stay among them
};

inline constexpr std::size_t kTopTokens = 32;

class CacheJudge {
 public:
  // Judges by the queries of tokens `queries`, of all query heads. Throws std::out_of_range if the
  // file lacks one. The head must outlive this.
  CacheJudge(const workload::Head& head, std::span<const std::size_t> queries);

  // One figure per query head and query, query heads outermost. Throws std::invalid_argument if the
  // cache is not as long as the last query needs, or does not belong to this head. May be called
  // from several threads.
  std::vector<OutputAccuracy> operator()(const CachedVectors& cache) const;

 private:
  struct Row {
    std::size_t query_head;
    std::size_t token;
    std::vector<double> scores;             // exact, [token + 1]
    std::vector<double> log_probabilities;  // exact
    std::vector<double> output;             // exact, [D]
  };

  // q·k/√D of every row and every one of `count` keys: [blocks, count, kLanes].
  template <typename Value>
  std::vector<double> scores(const Value* keys, std::size_t count) const;

  const workload::Head& head_;
  std::size_t blocks_;           // of kLanes rows each, the last one filled up with zeros
  std::vector<double> queries_;  // [blocks, D, kLanes]
  std::vector<Row> rows_;
};

}  // namespace aqpim::reference
