// SPDX-License-Identifier: Apache-2.0
#include "sw/reference/attention.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "sw/reference/regions.h"

namespace aqpim::reference {

namespace {

// The query of head g and token t, [D].
std::span<const float> query_row(const workload::Head& head, std::size_t g, std::size_t t) {
  const std::size_t first = head.tokens - head.query_tokens;
  if (g >= head.groups || t < first || t >= head.tokens) {
    throw std::out_of_range("the file does not hold this query");
  }
  return std::span(head.q).subspan((g * head.query_tokens + t - first) * head.head_dim,
                                   head.head_dim);
}

// softmax and weighted sum; key(s) and value(s) give token s as something indexable by channel.
template <typename Key, typename Value>
Attention attend(std::span<const float> query, std::size_t tokens, const Key& key,
                 const Value& value) {
  const std::size_t dim = query.size();
  Attention result{std::vector<double>(tokens), std::vector<double>(dim, 0.0)};
  for (std::size_t s = 0; s < tokens; ++s) {
    const auto k = key(s);
    double dot = 0.0;
    for (std::size_t d = 0; d < dim; ++d) {
      dot += static_cast<double>(query[d]) * static_cast<double>(k[d]);
    }
    result.probabilities[s] = dot / std::sqrt(static_cast<double>(dim));
  }
  const double largest = *std::ranges::max_element(result.probabilities);
  double sum = 0.0;
  for (double& p : result.probabilities) {
    p = std::exp(p - largest);
    sum += p;
  }
  for (std::size_t s = 0; s < tokens; ++s) {
    result.probabilities[s] /= sum;
    const auto v = value(s);
    for (std::size_t d = 0; d < dim; ++d) {
      result.output[d] += result.probabilities[s] * static_cast<double>(v[d]);
    }
  }
  return result;
}

}  // namespace

Attention exact(const workload::Head& head, std::size_t g, std::size_t t) {
  const std::size_t dim = head.head_dim;
  return attend(
      query_row(head, g, t), t + 1, [&](std::size_t s) { return head.k.data() + s * dim; },
      [&](std::size_t s) { return head.v.data() + s * dim; });
}

PqReference::PqReference(const workload::Head& head, const cache::HeadCache& cache)
    : head_(head),
      sinks_(cache.sinks),
      append_block_(cache.append_block),
      exact_keys_(head.k.begin(), head.k.end()),
      exact_values_(head.v.begin(), head.v.end()) {
  const std::size_t dim = cache.head_dim;
  if (head.head_dim != dim || cache.sinks + cache.tokens > head.tokens) {
    throw std::invalid_argument("the cache does not belong to this head");
  }
  const std::size_t subspaces = cache.subspaces();
  const std::vector<float> codebook_k = cache.decoded_codebook_k();
  const std::vector<float> codebook_v = cache.decoded_codebook_v();
  std::vector<double> keys(cache.tokens * dim), values(cache.tokens * dim);
  for (std::size_t i = 0; i < cache.tokens; ++i) {
    const std::size_t w = cache.window_of(i);
    for (std::size_t j = 0; j < dim; ++j) {
      const std::size_t m = j / cache.sub_dim;
      const std::size_t d = j % cache.sub_dim;
      const std::size_t code_k = cache.codes_k[i * subspaces + m];
      const std::size_t code_v = cache.codes_v[i * subspaces + m];
      double key = static_cast<double>(codebook_k[cache.element(w, m, code_k, d)]);
      if (cache.center_block != 0) {
        key += static_cast<double>(cache.centers_k[i / cache.center_block * dim + j]);
      }
      keys[i * dim + j] = key;
      values[i * dim + j] = static_cast<double>(codebook_v[cache.element(w, m, code_v, d)]);
    }
  }
  keys_ = cache.transform_k.undo(keys);
  values_ = cache.transform_v.undo(values);
}

std::span<const double> PqReference::key(std::size_t i) const {
  return std::span(keys_).subspan(i * head_.head_dim, head_.head_dim);
}

std::span<const double> PqReference::value(std::size_t i) const {
  return std::span(values_).subspan(i * head_.head_dim, head_.head_dim);
}

Attention PqReference::operator()(std::size_t g, std::size_t t) const {
  const std::size_t dim = head_.head_dim;
  const std::size_t recent = encoded_end(t, sinks_, append_block_);
  const auto row = [&](const std::vector<double>& file, const std::vector<double>& decoded,
                       std::size_t s) {
    const bool coded = s >= sinks_ && s < recent && !std::ranges::binary_search(head_.exact, s);
    return coded ? decoded.data() + (s - sinks_) * dim : file.data() + s * dim;
  };
  return attend(
      query_row(head_, g, t), t + 1, [&](std::size_t s) { return row(exact_keys_, keys_, s); },
      [&](std::size_t s) { return row(exact_values_, values_, s); });
}

std::vector<double> exact_attention(const workload::Head& head, std::size_t g, std::size_t t) {
  return exact(head, g, t).output;
}

std::vector<double> pq_attention(const cache::HeadCache& cache, const workload::Head& head,
                                 std::size_t g, std::size_t t) {
  return PqReference(head, cache)(g, t).output;
}

}  // namespace aqpim::reference
