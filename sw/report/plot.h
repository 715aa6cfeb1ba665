// SPDX-License-Identifier: Apache-2.0
//
// The picture of a run, attention.png: per head, where the attention lies in the context (exact and
// as computed), and the error of every query. gnuplot draws it from a data file.
#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace aqpim::report {

// What is drawn for one head.
class HeadPlot {
 public:
  static constexpr std::size_t kBins = 64;

  // A head of `tokens` tokens, the first `prefill` of which codebooks are made from.
  HeadPlot(std::string name, std::size_t tokens, std::size_t prefill);

  // Adds an output of the query of token t: probabilities of tokens 0 … t, exact and as computed
  // from the engine's weights, and its relative error, as computed and with PQ in double. Throws
  // std::invalid_argument if the probabilities are not those of t + 1 ≤ tokens tokens.
  void add(std::size_t t, std::span<const double> exact, std::span<const double> computed,
           double relative_error, double pq_relative_error);

  const std::string& name() const { return name_; }
  std::size_t prefill() const { return prefill_; }

  // Two blocks for gnuplot, each ended by two blank lines:
  //   position of the bin, exact mass, computed mass   (means over the outputs)
  //   token of the query, relative error, PQ relative error   (one line per output)
  std::string data() const;

 private:
  struct Query {
    std::size_t token;
    double relative_error;
    double pq_relative_error;
  };

  std::string name_;
  std::size_t tokens_;
  std::size_t prefill_;
  std::vector<double> exact_, computed_;  // sums [kBins]
  std::vector<Query> queries_;
};

// Lets gnuplot run `script` on the heads' data and write `picture`. Returns why there is none, as a
// sentence, if gnuplot is missing or fails. Leaves no other file behind.
std::optional<std::string> draw(const std::filesystem::path& script,
                                const std::filesystem::path& picture, const std::string& title,
                                std::span<const HeadPlot> heads);

}  // namespace aqpim::report
