// SPDX-License-Identifier: Apache-2.0
#include "sw/reference/accuracy.h"

#include <cmath>
#include <cstddef>
#include <limits>

namespace aqpim::reference {

namespace {

double dot(std::span<const double> a, std::span<const double> b) {
  double sum = 0.0;
  for (std::size_t d = 0; d < a.size(); ++d) sum += a[d] * b[d];
  return sum;
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

}  // namespace aqpim::reference
