// SPDX-License-Identifier: Apache-2.0
//
// Judges keys or values that come back from a cache by the attention of the queries of the 32
// tokens before P, in double precision: how a head chooses its own transform without looking ahead.
#pragma once

#include <cstddef>
#include <limits>
#include <span>
#include <vector>

#include "sw/cache/timeline.h"
#include "sw/quantize/options.h"
#include "sw/workload/workload.h"

namespace aqpim::quantize {

// Tokens before P whose queries judge.
inline constexpr std::size_t kJudgingQueries = 32;

class TransformJudge {
 public:
  // The head must outlive this.
  TransformJudge(const workload::Head& head, const cache::Timeline& timeline);

  // Tokens from the sinks on that a query before P may find encoded.
  std::size_t encoded() const {
    return timeline_.first_recent(timeline_.prefill) - timeline_.sinks;
  }

  // Whether the file holds a query before P, and some token is encoded by then.
  bool possible() const { return !queries_.empty() && encoded() != 0; }

  // Mean relative error of the attention outputs with these keys [n, D] instead of those of tokens
  // sinks … first_recent(t) − 1, n ≥ encoded(), values as in the file.
  double error_of_keys(std::span<const double> keys) const;

  // The same of values, keys as in the file.
  double error_of_values(std::span<const double> values) const;

  // The candidate of the smallest error(candidate), the first of equal ones; kDeterminant if
  // nothing can be judged, or no error is finite.
  template <typename Candidates, typename Error>
  cache::TransformKind best(const Candidates& candidates, const Error& error) const {
    if (!possible()) return cache::TransformKind::kDeterminant;
    cache::TransformKind best = cache::TransformKind::kDeterminant;
    double smallest = std::numeric_limits<double>::infinity();
    for (const cache::TransformKind candidate : candidates) {
      const double its_error = error(candidate);
      if (its_error < smallest) {
        best = candidate;
        smallest = its_error;
      }
    }
    return best;
  }

 private:
  struct Query {
    std::size_t t;
    const float* q;
    std::vector<double> weights;  // exact, of tokens 0 … t
    std::vector<double> output;
  };

  std::size_t coded_end(const Query& query, std::span<const double> vectors) const;
  // Whether a token before `end` is replaced: no sink and no outlier.
  bool coded(std::size_t token, std::size_t end) const;
  std::vector<double> scores(const Query& query, std::span<const double> keys) const;
  std::vector<double> output(const Query& query, std::span<const double> weights,
                             std::span<const double> values) const;

  const workload::Head& head_;
  cache::Timeline timeline_;
  std::vector<Query> queries_;
};

}  // namespace aqpim::quantize
