// SPDX-License-Identifier: Apache-2.0
#include "sw/quantize/importance.h"

#include <algorithm>
#include <cmath>
#include <span>

#include "sw/cache/cache.h"

namespace aqpim::quantize {

namespace {

constexpr double kLargestWeight = 255.0;

/// softmax(q·k/√D) over tokens 0 … t for query head `group` of token `t`.
std::vector<double> causal_softmax(const workload::Head& head, std::size_t group, std::size_t t) {
  const std::size_t row = group * head.query_tokens + (t - (head.tokens - head.query_tokens));
  const float* query = head.q.data() + row * head.head_dim;
  const double scale = 1.0 / std::sqrt(static_cast<double>(head.head_dim));
  std::vector<double> attention(t + 1);
  for (std::size_t token = 0; token <= t; ++token) {
    const float* key = head.k.data() + token * head.head_dim;
    double dot = 0.0;
    for (std::size_t d = 0; d < head.head_dim; ++d) {
      dot += static_cast<double>(query[d]) * static_cast<double>(key[d]);
    }
    attention[token] = dot * scale;
  }
  const double largest = *std::max_element(attention.begin(), attention.end());
  double sum = 0.0;
  for (double& value : attention) sum += value = std::exp(value - largest);
  for (double& value : attention) value /= sum;
  return attention;
}

}  // namespace

std::vector<std::uint8_t> importance_weights(const workload::Head& head,
                                             const cache::Timeline& timeline) {
  const std::size_t first_held = head.tokens - head.query_tokens;
  const std::size_t wanted = timeline.prefill - std::min(timeline.prefill, kImportanceQueries);
  std::vector<double> importance(timeline.clustered(), 0.0);
  for (std::size_t t = std::max(first_held, wanted); t < timeline.prefill; ++t) {
    for (std::size_t group = 0; group < head.groups; ++group) {
      const std::vector<double> attention = causal_softmax(head, group, t);
      for (std::size_t token = timeline.sinks; token <= t; ++token) {
        importance[token - timeline.sinks] += attention[token];
      }
    }
  }
  for (const std::size_t token :
       cache::exact_tokens(head.exact, timeline.sinks, timeline.prefill)) {
    importance[token - timeline.sinks] = 0.0;
  }
  const double largest = *std::max_element(importance.begin(), importance.end());
  std::vector<std::uint8_t> weights(importance.size(), 1);
  if (largest <= 0.0) return weights;
  for (std::size_t i = 0; i < weights.size(); ++i) {
    const double scaled = std::nearbyint(importance[i] / largest * kLargestWeight);
    weights[i] = static_cast<std::uint8_t>(std::clamp(scaled, 1.0, kLargestWeight));
  }
  return weights;
}

}  // namespace aqpim::quantize
