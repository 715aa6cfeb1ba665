// SPDX-License-Identifier: Apache-2.0
#include "sw/workload/reshape.h"

#include <algorithm>
#include <iterator>
#include <utility>
#include <vector>

namespace aqpim::workload {

namespace {

using Row = std::vector<float>::const_iterator;

// The last `rows` of the vectors [n, dim], which are repeated if there are not so many.
std::vector<float> last_rows(const std::vector<float>& vectors, std::size_t dim, std::size_t rows) {
  const std::size_t held = vectors.size() / dim;
  std::vector<float> result;
  result.reserve(rows * dim);
  for (std::size_t row = 0; row < rows; ++row) {
    const std::size_t from = (held - rows % held + row) % held;
    const Row begin = vectors.begin() + static_cast<std::ptrdiff_t>(from * dim);
    result.insert(result.end(), begin, begin + static_cast<std::ptrdiff_t>(dim));
  }
  return result;
}

void set_tokens(HeadFacts& head, std::size_t tokens) {
  head.tokens = tokens;
  head.query_tokens = std::min(head.query_tokens, tokens);
}

}  // namespace

Head with_tokens(const Head& head, std::size_t tokens) {
  Head result = head;
  set_tokens(result, tokens);
  result.k = last_rows(head.k, head.head_dim, tokens);
  result.v = last_rows(head.v, head.head_dim, tokens);
  result.q.clear();
  const std::size_t group = head.query_tokens * head.head_dim;
  for (std::size_t g = 0; g < head.groups; ++g) {
    const Row begin = head.q.begin() + static_cast<std::ptrdiff_t>(g * group);
    const std::vector<float> queries = last_rows(
        {begin, begin + static_cast<std::ptrdiff_t>(group)}, head.head_dim, result.query_tokens);
    result.q.insert(result.q.end(), queries.begin(), queries.end());
  }
  return result;
}

Workload with_tokens(Workload workload, std::size_t tokens) {
  workload.read = [whole = workload, tokens](const HeadFacts& head) {
    const auto found = std::ranges::find(whole.heads, head.name, &HeadFacts::name);
    return with_tokens(whole.read(*found), tokens);
  };
  for (HeadFacts& head : workload.heads) set_tokens(head, tokens);
  return workload;
}

Head with_channels_reversed(const Head& head) {
  Head result = head;
  for (std::vector<float>* vectors : {&result.q, &result.k, &result.v, &result.key_offset}) {
    for (auto begin = vectors->begin(); begin != vectors->end();) {
      const auto end = begin + static_cast<std::ptrdiff_t>(head.head_dim);
      std::reverse(begin, end);
      begin = end;
    }
  }
  return result;
}

}  // namespace aqpim::workload
