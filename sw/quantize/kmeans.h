// SPDX-License-Identifier: Apache-2.0
//
// Weighted k-means of one sub-space in double precision.
//
//   assignment  code_t = argmin_c ‖x_t − μ_c‖², unweighted, the lowest index wins a tie
//   update      μ_c = Σ w_t x_t / Σ w_t over the tokens with code c; an empty cluster keeps μ_c
//
// Start: tokens ⌊j·n/K⌋ for j = 0 … K − 1, evenly strided and independent of the data, as hardware
// does it. Equal start vectors (fewer than K distinct ones) leave clusters empty: the lowest index
// takes all. Method: AQPIM (arXiv 2604.18137).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace aqpim::quantize {

// The token that centroid c of K starts from, of n tokens: ⌊c·n/K⌋ + offset, modulo n.
inline std::size_t start_token(std::size_t c, std::size_t tokens, std::size_t centroids,
                               std::size_t offset) {
  return (c * tokens / centroids + offset) % tokens;
}

struct KmeansOptions {
  std::size_t centroids = 256;   // K
  std::size_t iterations = 4;    // passes of assignment and update
  std::size_t start_offset = 0;  // added to the start tokens, modulo n: another start
};

// Centroids [K, dimension] of `vectors` [n, dimension], n ≥ 1, with `weights` [n] ≥ 1, or empty
// for equal weights.
std::vector<double> weighted_kmeans(std::span<const double> vectors, std::size_t dimension,
                                    std::span<const std::uint8_t> weights,
                                    const KmeansOptions& options);

}  // namespace aqpim::quantize
