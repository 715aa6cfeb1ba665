// SPDX-License-Identifier: Apache-2.0
#include "sw/reference/accuracy.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <limits>
#include <numeric>
#include <vector>

namespace aqpim::reference {

namespace {

double dot(std::span<const double> a, std::span<const double> b) {
  double sum = 0.0;
  for (std::size_t d = 0; d < a.size(); ++d) sum += a[d] * b[d];
  return sum;
}

// The `count` tokens with the largest scores, ascending.
std::vector<std::size_t> largest(std::span<const double> scores, std::size_t count) {
  std::vector<std::size_t> tokens(scores.size());
  std::iota(tokens.begin(), tokens.end(), std::size_t{0});
  const auto end = tokens.begin() + static_cast<std::ptrdiff_t>(count);
  std::ranges::partial_sort(tokens, end, [&](std::size_t a, std::size_t b) {
    return scores[a] != scores[b] ? scores[a] > scores[b] : a < b;
  });
  tokens.resize(count);
  std::ranges::sort(tokens);
  return tokens;
}

}  // namespace

double relative_error(std::span<const double> output, std::span<const double> exact) {
  double squared = 0.0;
  for (std::size_t d = 0; d < exact.size(); ++d) {
    const double difference = output[d] - exact[d];
    squared += difference * difference;
  }
  if (squared == 0.0) return 0.0;
  const double norm = std::sqrt(dot(exact, exact));
  return norm > 0.0 ? std::sqrt(squared) / norm : std::numeric_limits<double>::infinity();
}

double cosine(std::span<const double> output, std::span<const double> exact) {
  const double norm_output = std::sqrt(dot(output, output));
  const double norm_exact = std::sqrt(dot(exact, exact));
  if (norm_output == 0.0 && norm_exact == 0.0) return 1.0;
  if (norm_output == 0.0 || norm_exact == 0.0) return 0.0;
  return dot(output, exact) / norm_output / norm_exact;
}

double kl_divergence(std::span<const double> log_exact, std::span<const double> log_other) {
  double sum = 0.0;
  for (std::size_t s = 0; s < log_exact.size(); ++s) {
    const double p = std::exp(log_exact[s]);
    if (p > 0.0) sum += p * (log_exact[s] - log_other[s]);
  }
  // Rounding of equal distributions may end just below 0.
  return std::max(sum, 0.0);
}

double top_share(std::span<const double> exact, std::span<const double> other, std::size_t count) {
  count = std::min(count, exact.size());
  if (count == 0) return 1.0;
  std::vector<std::size_t> kept;
  std::ranges::set_intersection(largest(exact, count), largest(other, count),
                                std::back_inserter(kept));
  return static_cast<double>(kept.size()) / static_cast<double>(count);
}

}  // namespace aqpim::reference
