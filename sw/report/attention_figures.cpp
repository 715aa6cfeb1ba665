// SPDX-License-Identifier: Apache-2.0
#include "sw/report/attention_figures.h"

#include <algorithm>
#include <stdexcept>

namespace aqpim::report {

using nlohmann::ordered_json;

AttentionFigures::AttentionFigures(std::size_t tokens)
    : tokens_(tokens), exact_(kBins, 0.0), computed_(kBins, 0.0) {}

void AttentionFigures::add(std::size_t t, std::span<const double> exact,
                           std::span<const double> computed, double relative_error,
                           double pq_relative_error) {
  if (t >= tokens_ || exact.size() != t + 1 || computed.size() != t + 1) {
    throw std::invalid_argument("these are not the probabilities of tokens 0 to t");
  }
  for (std::size_t i = 0; i <= t; ++i) {
    const std::size_t bin = i * kBins / tokens_;
    exact_[bin] += exact[i];
    computed_[bin] += computed[i];
  }
  queries_.push_back(t);
  errors_.push_back(relative_error);
  pq_errors_.push_back(pq_relative_error);
}

ordered_json AttentionFigures::mass() const {
  const double outputs = static_cast<double>(std::max<std::size_t>(queries_.size(), 1));
  std::vector<double> position, exact, computed;
  for (std::size_t bin = 0; bin < exact_.size(); ++bin) {
    position.push_back((static_cast<double>(bin) + 0.5) * static_cast<double>(tokens_) /
                       static_cast<double>(kBins));
    exact.push_back(exact_[bin] / outputs);
    computed.push_back(computed_[bin] / outputs);
  }
  return {{"position", position}, {"exact", exact}, {"computed", computed}};
}

ordered_json AttentionFigures::errors() const {
  return {{"token", queries_}, {"relative_error", errors_}, {"pq_relative_error", pq_errors_}};
}

}  // namespace aqpim::report
