// SPDX-License-Identifier: Apache-2.0
//
// Quantized caches, and what was computed from them, as tensors of a safetensors file: enough for
// anybody to recompute the outputs without code of ours. docs/quantization.md §4.
//
//   NAME.codes_k, .codes_v        U8  [N, M]          tokens from `sinks` on
//   NAME.codebook_k, .codebook_v  F32 [W, M, K, Dsub] stored 8-bit values decoded, scale included
//   NAME.window                   I64 [1]             tokens per codebook
//   NAME.centers_k                F32 [B, D]          FP16 values, transformed, and what was taken
//                                                     off all keys
//   NAME.center_block             I64 [1]             tokens per centre; 0 = keys are not centred,
//                                                     centers_k is then one row of zeros
//   NAME.exact                    I64 [n]             tokens from `sinks` on that count as they are
//                                                     in the workload; left out if there are none
//   NAME.transform_k, .transform_v F32 [D, D]         x' = transform · x
//   NAME.sinks                    I64 [1]
//   NAME.queries, .first_recent   I64 [Q]             evaluated tokens; first exact token of each
//   NAME.o                        F32 [G, Q, D]       outputs, channels in the file's order
#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

#include "sw/cache/cache.h"
#include "sw/workload/safetensors.h"

namespace aqpim::cache {

// What was computed with a cache. Empty parts are left out of the file.
struct HeadOutputs {
  std::vector<std::size_t> queries;  // token indices [Q]
  std::size_t groups = 0;            // G
  std::vector<float> outputs;        // [G, Q, D]; empty if there are none
};

// Adds the tensors of one head. Throws std::invalid_argument if `outputs` is not G·Q·D long, and
// InputError if a number is not finite.
void add_tensors(workload::File& file, const HeadCache& cache, const HeadOutputs& outputs = {});

}  // namespace aqpim::cache
