// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <nlohmann/json.hpp>
#include <span>
#include <vector>

namespace aqpim::report {

// Of a head: where the attention lies in the context, exact and as computed, and the error of every
// query.
class AttentionFigures {
 public:
  static constexpr std::size_t kBins = 64;

  AttentionFigures() = default;
  // Of a head of `tokens` tokens.
  explicit AttentionFigures(std::size_t tokens);

  // Adds an output of the query of token t: probabilities of tokens 0 … t, exact and as computed
  // from the engine's weights, and its relative error, as computed and with PQ in double. Throws
  // std::invalid_argument if the probabilities are not those of t + 1 ≤ tokens tokens.
  void add(std::size_t t, std::span<const double> exact, std::span<const double> computed,
           double relative_error, double pq_relative_error);

  // {"position", "exact", "computed"}: arrays of a value per bin, the token in its middle and means
  // of the mass over the outputs.
  nlohmann::ordered_json mass() const;
  // {"token", "relative_error", "pq_relative_error"}: arrays of a value per output.
  nlohmann::ordered_json errors() const;

 private:
  std::size_t tokens_ = 0;
  std::vector<double> exact_, computed_;  // sums [kBins]
  std::vector<std::size_t> queries_;      // tokens, by output
  std::vector<double> errors_, pq_errors_;
};

}  // namespace aqpim::report
