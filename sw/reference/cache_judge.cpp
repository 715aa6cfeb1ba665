// SPDX-License-Identifier: Apache-2.0
#include "sw/reference/cache_judge.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "sw/reference/accuracy.h"
#include "sw/reference/regions.h"

namespace aqpim::reference {

namespace {

// Queries that are computed side by side; loops of this constant length become vector code.
constexpr std::size_t kLanes = 8;

// Scores to natural logarithms of probabilities.
std::vector<double> log_softmax(std::span<const double> scores) {
  const double largest = *std::ranges::max_element(scores);
  double sum = 0.0;
  for (const double score : scores) sum += std::exp(score - largest);
  const double log_sum = largest + std::log(sum);
  std::vector<double> result;
  result.reserve(scores.size());
  for (const double score : scores) result.push_back(score - log_sum);
  return result;
}

// Adds Σ exp(log_probabilities[s]) · values[s] of tokens first … last − 1 from the file.
void add_values(std::span<const double> log_probabilities, const workload::Head& head,
                std::size_t first, std::size_t last, std::span<double> output) {
  for (std::size_t s = first; s < last; ++s) {
    const double p = std::exp(log_probabilities[s]);
    for (std::size_t d = 0; d < output.size(); ++d) {
      output[d] += p * static_cast<double>(head.v[s * output.size() + d]);
    }
  }
}

// Adds weights[s, lane] · values[s] to outputs [D, kLanes].
void add_values(std::span<const double> weights, std::span<const double> values,
                std::span<double> outputs) {
  const std::size_t dim = outputs.size() / kLanes;
  for (std::size_t s = 0; s < weights.size() / kLanes; ++s) {
    const double* weight = weights.data() + s * kLanes;
    const double* value = values.data() + s * dim;
    for (std::size_t d = 0; d < dim; ++d) {
      double* output = outputs.data() + d * kLanes;
      for (std::size_t lane = 0; lane < kLanes; ++lane) output[lane] += weight[lane] * value[d];
    }
  }
}

}  // namespace

template <typename Value>
std::vector<double> CacheJudge::scores(const Value* keys, std::size_t count) const {
  const std::size_t dim = head_.head_dim;
  const double root = std::sqrt(static_cast<double>(dim));
  std::vector<double> result(blocks_ * count * kLanes);
  for (std::size_t block = 0; block < blocks_; ++block) {
    for (std::size_t s = 0; s < count; ++s) {
      double sum[kLanes] = {};
      for (std::size_t d = 0; d < dim; ++d) {
        const double key = static_cast<double>(keys[s * dim + d]);
        const double* query = queries_.data() + (block * dim + d) * kLanes;
        for (std::size_t lane = 0; lane < kLanes; ++lane) sum[lane] += query[lane] * key;
      }
      double* scaled = result.data() + (block * count + s) * kLanes;
      for (std::size_t lane = 0; lane < kLanes; ++lane) scaled[lane] = sum[lane] / root;
    }
  }
  return result;
}

CacheJudge::CacheJudge(const workload::Head& head, std::span<const std::size_t> queries)
    : head_(head),
      blocks_((head.groups * queries.size() + kLanes - 1) / kLanes),
      queries_(blocks_ * kLanes * head.head_dim, 0.0) {
  const std::size_t dim = head.head_dim;
  const std::size_t first = head.tokens - head.query_tokens;
  for (std::size_t g = 0; g < head.groups; ++g) {
    for (const std::size_t t : queries) {
      if (t < first || t >= head.tokens) {
        throw std::out_of_range("the file does not hold this query");
      }
      const float* query = head.q.data() + (g * head.query_tokens + t - first) * dim;
      const std::size_t row = rows_.size();
      for (std::size_t d = 0; d < dim; ++d) {
        queries_[(row / kLanes * dim + d) * kLanes + row % kLanes] = static_cast<double>(query[d]);
      }
      rows_.push_back({.query_head = g,
                       .token = t,
                       .scores = {},
                       .log_probabilities = {},
                       .output = std::vector<double>(dim, 0.0)});
    }
  }
  const std::vector<double> all = scores(head.k.data(), head.tokens);
  for (std::size_t r = 0; r < rows_.size(); ++r) {
    Row& row = rows_[r];
    for (std::size_t s = 0; s <= row.token; ++s) {
      row.scores.push_back(all[(r / kLanes * head.tokens + s) * kLanes + r % kLanes]);
    }
    row.log_probabilities = log_softmax(row.scores);
    add_values(row.log_probabilities, head, 0, row.token + 1, row.output);
  }
}

std::vector<OutputAccuracy> CacheJudge::operator()(const CachedVectors& cache) const {
  const std::size_t dim = head_.head_dim;
  const std::size_t count = cache.keys.size() / dim;
  std::vector<bool> exact(head_.tokens, false);
  for (const std::size_t s : head_.exact) exact[s] = true;
  const auto end_of = [&](const Row& row) {
    return std::min(encoded_end(row.token, cache.sinks, cache.append_block), row.token + 1);
  };
  const bool long_enough = std::ranges::all_of(
      rows_, [&](const Row& row) { return end_of(row) <= cache.sinks + count; });
  if (!long_enough || cache.keys.size() != count * dim ||
      cache.values.size() != cache.keys.size() || cache.sinks + count > head_.tokens) {
    throw std::invalid_argument("the cache does not belong to this head");
  }

  const std::vector<double> cached = scores(cache.keys.data(), count);
  std::vector<OutputAccuracy> result;
  std::vector<double> weights(count * kLanes);
  std::vector<double> outputs(dim * kLanes);
  for (std::size_t block = 0; block < blocks_; ++block) {
    const std::size_t first_row = block * kLanes;
    const std::size_t lanes = std::min(kLanes, rows_.size() - first_row);
    std::vector<std::vector<double>> row_scores(lanes), row_logs(lanes);
    std::ranges::fill(weights, 0.0);
    for (std::size_t lane = 0; lane < lanes; ++lane) {
      const Row& row = rows_[first_row + lane];
      row_scores[lane] = row.scores;
      for (std::size_t s = cache.sinks; s < end_of(row); ++s) {
        if (!exact[s])
          row_scores[lane][s] = cached[(block * count + s - cache.sinks) * kLanes + lane];
      }
      row_logs[lane] = log_softmax(row_scores[lane]);
      for (std::size_t s = cache.sinks; s < end_of(row); ++s) {
        if (exact[s]) continue;
        weights[(s - cache.sinks) * kLanes + lane] = std::exp(row_logs[lane][s]);
      }
    }
    std::ranges::fill(outputs, 0.0);
    add_values(weights, cache.values, outputs);
    for (std::size_t lane = 0; lane < lanes; ++lane) {
      const Row& row = rows_[first_row + lane];
      std::vector<double> output(dim);
      for (std::size_t d = 0; d < dim; ++d) output[d] = outputs[d * kLanes + lane];
      add_values(row_logs[lane], head_, 0, std::min(cache.sinks, row.token + 1), output);
      add_values(row_logs[lane], head_, std::max(cache.sinks, end_of(row)), row.token + 1, output);
      for (const std::size_t s : head_.exact) {
        if (s >= cache.sinks && s < end_of(row)) {
          add_values(row_logs[lane], head_, s, s + 1, output);
        }
      }
      result.push_back({.query_head = row.query_head,
                        .token = row.token,
                        .relative_error = relative_error(output, row.output),
                        .cosine = cosine(output, row.output),
                        .kl = kl_divergence(row.log_probabilities, row_logs[lane]),
                        .top = top_share(row.scores, row_scores[lane], kTopTokens)});
    }
  }
  return result;
}

}  // namespace aqpim::reference
