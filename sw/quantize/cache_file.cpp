// SPDX-License-Identifier: Apache-2.0
#include "sw/quantize/cache_file.h"

#include <stdexcept>
#include <string>

namespace aqpim::quantize {

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

workload::Tensor centres(const HeadCache& cache) {
  // Some readers refuse tensors without elements.
  if (cache.center_block == 0) {
    return make_tensor<float>({1, cache.head_dim}, std::vector<float>(cache.head_dim, 0.0f));
  }
  return make_tensor<float>({cache.centers_k.size() / cache.head_dim, cache.head_dim},
                            cache.centers_k);
}

}  // namespace

void add_tensors(workload::File& file, const HeadCache& cache, const HeadOutputs& outputs) {
  const auto add = [&](const char* what, workload::Tensor tensor) {
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
  add("center_block", integer(cache.center_block));
  add("transform_k", matrix(cache.transform_k));
  add("transform_v", matrix(cache.transform_v));
  add("sinks", integer(cache.sinks));
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

}  // namespace aqpim::quantize
