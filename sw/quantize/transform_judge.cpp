// SPDX-License-Identifier: Apache-2.0
#include "sw/quantize/transform_judge.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace aqpim::quantize {

namespace {

void softmax(std::vector<double>& scores) {
  const double largest = *std::ranges::max_element(scores);
  double sum = 0.0;
  for (double& value : scores) sum += value = std::exp(value - largest);
  for (double& value : scores) value /= sum;
}

double relative_difference(std::span<const double> a, std::span<const double> exact) {
  double difference = 0.0, norm = 0.0;
  for (std::size_t d = 0; d < exact.size(); ++d) {
    difference += (a[d] - exact[d]) * (a[d] - exact[d]);
    norm += exact[d] * exact[d];
  }
  return difference == 0.0 ? 0.0 : std::sqrt(difference / norm);
}

}  // namespace

TransformJudge::TransformJudge(const workload::Head& head, const cache::Timeline& timeline)
    : head_(head), timeline_(timeline) {
  const std::size_t first_held = head.tokens - head.query_tokens;
  const std::size_t wanted = timeline.prefill - std::min(timeline.prefill, kJudgingQueries);
  for (std::size_t t = std::max(first_held, wanted); t < timeline.prefill; ++t) {
    for (std::size_t g = 0; g < head.groups; ++g) {
      Query query{.t = t,
                  .q = head.q.data() + (g * head.query_tokens + t - first_held) * head.head_dim,
                  .weights = {},
                  .output = {}};
      query.weights = scores(query, {});
      softmax(query.weights);
      query.output = output(query, query.weights, {});
      queries_.push_back(std::move(query));
    }
  }
}

double TransformJudge::error_of_keys(std::span<const double> keys) const {
  double sum = 0.0;
  for (const Query& query : queries_) {
    std::vector<double> weights = scores(query, keys);
    softmax(weights);
    sum += relative_difference(output(query, weights, {}), query.output);
  }
  return sum / static_cast<double>(queries_.size());
}

double TransformJudge::error_of_values(std::span<const double> values) const {
  double sum = 0.0;
  for (const Query& query : queries_) {
    sum += relative_difference(output(query, query.weights, values), query.output);
  }
  return sum / static_cast<double>(queries_.size());
}

// One past the last token that is replaced.
std::size_t TransformJudge::coded_end(const Query& query, std::span<const double> vectors) const {
  return std::min(timeline_.first_recent(query.t),
                  timeline_.sinks + vectors.size() / head_.head_dim);
}

bool TransformJudge::coded(std::size_t token, std::size_t end) const {
  return token >= timeline_.sinks && token < end && !std::ranges::binary_search(head_.exact, token);
}

std::vector<double> TransformJudge::scores(const Query& query, std::span<const double> keys) const {
  const std::size_t dim = head_.head_dim;
  const std::size_t end = coded_end(query, keys);
  const double scale = 1.0 / std::sqrt(static_cast<double>(dim));
  std::vector<double> result(query.t + 1);
  for (std::size_t token = 0; token <= query.t; ++token) {
    double dot = 0.0;
    if (coded(token, end)) {
      const double* key = keys.data() + (token - timeline_.sinks) * dim;
      for (std::size_t d = 0; d < dim; ++d) dot += static_cast<double>(query.q[d]) * key[d];
    } else {
      const float* key = head_.k.data() + token * dim;
      for (std::size_t d = 0; d < dim; ++d) {
        dot += static_cast<double>(query.q[d]) * static_cast<double>(key[d]);
      }
    }
    result[token] = dot * scale;
  }
  return result;
}

std::vector<double> TransformJudge::output(const Query& query, std::span<const double> weights,
                                           std::span<const double> values) const {
  const std::size_t dim = head_.head_dim;
  const std::size_t end = coded_end(query, values);
  std::vector<double> result(dim, 0.0);
  for (std::size_t token = 0; token <= query.t; ++token) {
    if (coded(token, end)) {
      const double* value = values.data() + (token - timeline_.sinks) * dim;
      for (std::size_t d = 0; d < dim; ++d) result[d] += weights[token] * value[d];
    } else {
      const float* value = head_.v.data() + token * dim;
      for (std::size_t d = 0; d < dim; ++d) {
        result[d] += weights[token] * static_cast<double>(value[d]);
      }
    }
  }
  return result;
}

}  // namespace aqpim::quantize
