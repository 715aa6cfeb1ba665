// SPDX-License-Identifier: Apache-2.0
// Captured attention heads. A workload is a safetensors file, or a set of shards (capture.h), with,
// per KV head,
//   l{layer}.h{kvhead}.q  [G, Tq, D]  queries of the G query heads that share it, tokens T-Tq ...
//   T-1 l{layer}.h{kvhead}.k  [T, D]      keys, and .v [T, D] values
// in F16, BF16 or F32 each; queries and keys after RoPE, not scaled by 1/sqrt(D). Other tensors are
// left alone, whatever their format. Metadata strings: model, source, license, rope_theta; variants
// of attention that the file names are in variant.h.
#pragma once

#include <cstddef>
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "sw/workload/tensor.h"

namespace aqpim::workload {

// A token of a head that is far beyond the others, and where most (sw/quantize/outliers.h).
struct Outlier {
  std::size_t token = 0;
  bool value = false;  // of its value, not of its key
  std::size_t channel = 0;
  double x = 0.0;      // of that channel
  double usual = 0.0;  // what others reach there

  bool operator==(const Outlier&) const = default;
};

// What the headers say about a head.
struct HeadFacts {
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
  // Why its attention, a variant that the file names, cannot be played: a sentence, or empty.
  std::string obstacle = {};
};

struct Head : HeadFacts {
  // The file's values, exactly, unless saturated. All finite.
  std::vector<float> q;  // [G, Tq, D]
  std::vector<float> k;  // [T, D]
  std::vector<float> v;  // [T, D]
  // Set by quantize::set_outliers_apart(): tokens that stay exact wherever they lie, ascending, and
  // what was taken off each channel of k, [D], or nothing.
  std::vector<std::size_t> exact = {};
  std::vector<Outlier> outliers = {};  // the same, [n]
  std::vector<float> key_offset = {};
};

struct Workload {
  std::string path;
  std::vector<std::filesystem::path> files;  // that it is read from
  std::string sha256;                        // digest(), if it was loaded
  std::map<std::string, std::string> metadata;
  bool queries_first = false;    // as LoadOptions had it
  std::vector<HeadFacts> heads;  // by layer, then KV head
  // The values of one of the heads, read anew with each call, by any number of threads at once.
  // Throws InputError as load(), and for a head that has an obstacle.
  std::function<Head(const HeadFacts&)> read;
  // Capture::sha256(), for which all bytes are read.
  std::function<std::string()> digest;
};

// What is done with NaN and infinite keys and values.
enum class Nonfinite {
  kRefuse,
  // NaN: 0; infinite: FP16's largest number, 65504, whatever the tensor's format, or the largest
  // magnitude of the tensor's other elements if that is more. Squares and sums of it stay finite.
  kSaturate,
};

struct LoadOptions {
  std::vector<std::string> heads = {};  // their names; empty: all
  Nonfinite nonfinite = Nonfinite::kRefuse;
  bool queries_first = false;  // the file has .q as [Tq, G, D]
};

// What the headers of a workload say. Throws InputError, one sentence with the path and the place,
// if a file is malformed, a head is not in it or lacks a tensor, a format or shape is not as above,
// or .q has so many query heads that its tokens must come first. Only the wanted heads are checked.
Workload open(const std::filesystem::path& path, const LoadOptions& options = {});

// The same with the digest; every wanted head has been read once, one after the other. Throws
// InputError also if a value is NaN or infinite and not to be saturated; queries must be finite in
// any case.
Workload load(const std::filesystem::path& path, const LoadOptions& options = {});

// What files and folders made from the workload at `path` are called: its name without the endings
// of safetensors files and indexes.
std::string stem(const std::string& path);

}  // namespace aqpim::workload
