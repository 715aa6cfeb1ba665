// SPDX-License-Identifier: Apache-2.0
#include "sw/cache/cache_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <span>
#include <stdexcept>
#include <string>

#include "sw/config/error.h"

namespace aqpim::cache {

namespace {

using workload::make_tensor;

workload::Tensor integer(std::size_t value) {
  return make_tensor<std::int64_t>({1}, std::vector{static_cast<std::int64_t>(value)});
}

workload::Tensor integers(const std::vector<std::size_t>& values) {
  return make_tensor<std::int64_t>({values.size()},
                                   std::vector<std::int64_t>(values.begin(), values.end()));
}

workload::Tensor matrix(const Transform& transform) {
  return make_tensor<float>({transform.dimension(), transform.dimension()}, transform.dense());
}

// With what was taken off all keys, so that a reader need not know of it.
workload::Tensor centres(const HeadCache& cache) {
  std::vector<float> centres = cache.centers_k;
  // Some readers refuse tensors without elements.
  if (cache.center_block == 0) centres.assign(cache.head_dim, 0.0f);
  if (!cache.key_offset.empty()) {
    const std::vector<double> offset = cache.transform_k.apply(std::span(cache.key_offset));
    for (std::size_t e = 0; e < centres.size(); ++e) {
      centres[e] = static_cast<float>(static_cast<double>(centres[e]) + offset[e % offset.size()]);
    }
  }
  return make_tensor<float>({centres.size() / cache.head_dim, cache.head_dim}, centres);
}

// One block of all tokens if there is only an offset.
std::size_t center_block(const HeadCache& cache) {
  return cache.center_block == 0 && !cache.key_offset.empty() ? cache.tokens : cache.center_block;
}

}  // namespace

void add_tensors(workload::File& file, const HeadCache& cache, const HeadOutputs& outputs) {
  const auto add = [&](const char* what, workload::Tensor tensor) {
    if (tensor.dtype == workload::Dtype::kF32 &&
        !std::ranges::all_of(workload::values_of<float>(tensor),
                             [](float x) { return std::isfinite(x); })) {
      throw InputError(fmt::format(
          "{}.{} would hold a number that is not finite, so nothing is written", cache.name, what));
    }
    file.tensors.insert_or_assign(cache.name + "." + what, std::move(tensor));
  };
  const std::size_t subspaces = cache.subspaces();
  const std::vector<std::size_t> codes{cache.tokens, subspaces};
  const std::vector<std::size_t> codebook{cache.windows, subspaces, cache.centroids, cache.sub_dim};

  add("codes_k", make_tensor<std::uint8_t>(codes, cache.codes_k));
  add("codes_v", make_tensor<std::uint8_t>(codes, cache.codes_v));
  add("codebook_k", make_tensor<float>(codebook, cache.decoded_codebook_k()));
  add("codebook_v", make_tensor<float>(codebook, cache.decoded_codebook_v()));
  add("window", integer(cache.window));
  add("centers_k", centres(cache));
  add("center_block", integer(center_block(cache)));
  add("transform_k", matrix(cache.transform_k));
  add("transform_v", matrix(cache.transform_v));
  add("sinks", integer(cache.sinks));
  if (!cache.exact.empty()) add("exact", integers(cache.exact));
  if (outputs.queries.empty()) return;

  std::vector<std::size_t> first_recent;
  for (const std::size_t t : outputs.queries) first_recent.push_back(cache.first_recent(t));
  add("queries", integers(outputs.queries));
  add("first_recent", integers(first_recent));
  if (outputs.outputs.empty()) return;

  const std::vector<std::size_t> shape{outputs.groups, outputs.queries.size(), cache.head_dim};
  if (outputs.outputs.size() != shape[0] * shape[1] * shape[2]) {
    throw std::invalid_argument("outputs must be [G, Q, D]");
  }
  add("o", make_tensor<float>(shape, outputs.outputs));
}

}  // namespace aqpim::cache
