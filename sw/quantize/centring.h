// SPDX-License-Identifier: Apache-2.0
//
// Block centring of the keys: each block of tokens is stored relative to its own mean.
//
// Block b holds tokens i in [b·block, (b + 1)·block), i = t − sinks; centre_b = mean of their
// transformed keys, rounded to binary16 (held at ±65504). k'_t = centre_b + residual_t, and
// q'·centre_b becomes one score bias per block, which the host computes. docs/quantization.md §2.
//
// Causality: the stored centre of a block that reaches past P is the mean of the whole block, known
// when the block is appended. Clustering must not see tokens at or after P, so the part of that
// block before P is centred, for clustering only, on the mean of its own tokens before P.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace aqpim::quantize {

// Means of whole blocks of `vectors` [n, D], each of `block` vectors, the last one of what is left:
// [ceil(n/block), D].
std::vector<float> block_centres(std::span<const double> vectors, std::size_t dimension,
                                 std::size_t block);

// Takes from each of `vectors` the centre of its block.
void subtract_centres(std::span<double> vectors, std::span<const float> centres,
                      std::size_t dimension, std::size_t block);

}  // namespace aqpim::quantize
