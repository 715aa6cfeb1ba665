// SPDX-License-Identifier: Apache-2.0
// Captured attention heads. A workload is a safetensors file with, per KV head,
//   l{layer}.h{kvhead}.q  [G, Tq, D]  queries of the G query heads that share it, tokens T-Tq ...
//   T-1 l{layer}.h{kvhead}.k  [T, D]      keys, and .v [T, D] values
// in F16, BF16 or F32 each; queries and keys after RoPE, not scaled by 1/sqrt(D). Other tensors are
// left alone. Metadata strings: model, source, license, rope_theta.
#pragma once

#include <cstddef>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "sw/workload/tensor.h"

namespace aqpim::workload {

struct Head {
  std::string name;  // "l{layer}.h{kvhead}"
  unsigned layer = 0;
  unsigned kv_head = 0;
  std::size_t tokens = 0;        // T
  std::size_t head_dim = 0;      // D
  std::size_t groups = 0;        // G
  std::size_t query_tokens = 0;  // Tq
  // Element formats in the file.
  Dtype q_dtype = Dtype::kF32;
  Dtype k_dtype = Dtype::kF32;
  Dtype v_dtype = Dtype::kF32;
  // The file's values, exactly, unless saturated. All finite.
  std::vector<float> q;  // [G, Tq, D]
  std::vector<float> k;  // [T, D]
  std::vector<float> v;  // [T, D]
};

struct Workload {
  std::string path;
  std::string sha256;
  std::map<std::string, std::string> metadata;
  std::vector<Head> heads;  // by layer, then KV head
};

// What load() does with NaN and infinite keys and values.
enum class Nonfinite {
  kRefuse,
  kSaturate,  // infinite: the largest number of the tensor's format, NaN: 0
};

// Reads the named heads, or all if `heads` is empty. Throws InputError, one sentence with the path
// and the place, if the file is malformed, a head is not in it or lacks a tensor, a format or shape
// is not as above, or a value is NaN or infinite and not to be saturated; queries must be finite in
// any case. Only the heads that are read are checked.
Workload load(const std::filesystem::path& path, const std::vector<std::string>& heads = {},
              Nonfinite nonfinite = Nonfinite::kRefuse);

}  // namespace aqpim::workload
