// SPDX-License-Identifier: Apache-2.0
#include "sw/quantize/centring.h"

#include <algorithm>

#include "sw/quantize/half.h"

namespace aqpim::quantize {

std::vector<float> block_centres(const workload::Head& head, std::size_t first, std::size_t last,
                                 std::size_t block) {
  const std::size_t dim = head.head_dim;
  const std::size_t blocks = (last - first + block - 1) / block;
  std::vector<float> centres(blocks * dim);
  std::vector<double> sum(dim);
  for (std::size_t b = 0; b < blocks; ++b) {
    const std::size_t begin = first + b * block;
    const std::size_t end = std::min(begin + block, last);
    std::fill(sum.begin(), sum.end(), 0.0);
    for (std::size_t t = begin; t < end; ++t) {
      for (std::size_t d = 0; d < dim; ++d) sum[d] += static_cast<double>(head.k[t * dim + d]);
    }
    for (std::size_t d = 0; d < dim; ++d) {
      const double mean = sum[d] / static_cast<double>(end - begin);
      centres[b * dim + d] = static_cast<float>(round_to_half(mean));
    }
  }
  return centres;
}

std::vector<double> centred_keys(const workload::Head& head, std::size_t first, std::size_t last,
                                 const std::vector<float>& centres, std::size_t block) {
  const std::size_t dim = head.head_dim;
  std::vector<double> keys(head.k.begin() + static_cast<std::ptrdiff_t>(first * dim),
                           head.k.begin() + static_cast<std::ptrdiff_t>(last * dim));
  if (centres.empty()) return keys;
  for (std::size_t i = 0; i < last - first; ++i) {
    const float* centre = centres.data() + i / block * dim;
    for (std::size_t d = 0; d < dim; ++d) keys[i * dim + d] -= static_cast<double>(centre[d]);
  }
  return keys;
}

}  // namespace aqpim::quantize
