// SPDX-License-Identifier: Apache-2.0
//
// Block centring of the keys: each block of tokens is stored relative to its own mean.
//
// Block b holds tokens i in [b·block, (b + 1)·block), i = t − sinks; centre_b = mean of their keys,
// rounded to binary16 (held at ±65504). k_t = centre_b + residual_t, and q·centre_b becomes one
// score bias per block, which the host computes. docs/quantization.md §2.
//
// Causality: the stored centre of a block that reaches past P is the mean of the whole block, known
// when the block is appended. Clustering must not see tokens at or after P, so the part of that
// block before P is centred, for clustering only, on the mean of its own tokens before P.
#pragma once

#include <cstddef>
#include <vector>

#include "sw/quantize/timeline.h"
#include "sw/workload/workload.h"

namespace aqpim::quantize {

// Means of whole blocks of tokens first … last − 1 (token indices), each of `block` tokens, the
// last one of what is left: [ceil((last − first)/block) · D], channels in the file's order.
std::vector<float> block_centres(const workload::Head& head, std::size_t first, std::size_t last,
                                 std::size_t block);

// Keys of tokens first … last − 1, [last − first, D], minus the centre of their block.
// `centres` as from block_centres(); empty leaves the keys as they are.
std::vector<double> centred_keys(const workload::Head& head, std::size_t first, std::size_t last,
                                 const std::vector<float>& centres, std::size_t block);

}  // namespace aqpim::quantize
