// SPDX-License-Identifier: Apache-2.0
#include "sw/quantize/centring.h"

#include <algorithm>

#include "sw/cache/half.h"

namespace aqpim::quantize {

std::vector<float> block_centres(std::span<const double> vectors, std::size_t dimension,
                                 std::size_t block) {
  const std::size_t count = vectors.size() / dimension;
  std::vector<float> centres;
  std::vector<double> sum(dimension);
  for (std::size_t begin = 0; begin < count; begin += block) {
    const std::size_t end = std::min(begin + block, count);
    std::fill(sum.begin(), sum.end(), 0.0);
    for (std::size_t i = begin; i < end; ++i) {
      for (std::size_t d = 0; d < dimension; ++d) sum[d] += vectors[i * dimension + d];
    }
    for (const double value : sum) {
      const double mean = value / static_cast<double>(end - begin);
      centres.push_back(static_cast<float>(cache::round_to_half(mean)));
    }
  }
  return centres;
}

void subtract_centres(std::span<double> vectors, std::span<const float> centres,
                      std::size_t dimension, std::size_t block) {
  for (std::size_t e = 0; e < vectors.size(); ++e) {
    const std::size_t b = e / dimension / block;
    vectors[e] -= static_cast<double>(centres[b * dimension + e % dimension]);
  }
}

}  // namespace aqpim::quantize
