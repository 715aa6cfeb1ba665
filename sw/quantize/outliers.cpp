// SPDX-License-Identifier: Apache-2.0
#include "sw/quantize/outliers.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>

#include "sw/cache/cache.h"
#include "sw/cache/half.h"
#include "sw/config/error.h"

namespace aqpim::quantize {

namespace {

using workload::Outlier;

constexpr std::size_t kDescribed = 3;

// What single precision must resolve of what is usual beside an offset.
constexpr double kOffsetResolution = 1.0 / 16.0;

struct Channel {
  double median = 0.0;
  double usual = 0.0;
};

double quantile(std::vector<double>& values, std::size_t numerator, std::size_t denominator) {
  const std::size_t rank = (values.size() - 1) * numerator / denominator;
  const auto place = values.begin() + static_cast<std::ptrdiff_t>(rank);
  std::ranges::nth_element(values, place);
  return *place;
}

// Of tokens first … last − 1.
std::vector<Channel> channels_of(const std::vector<float>& vectors, std::size_t dim,
                                 std::size_t first, std::size_t last) {
  std::vector<Channel> channels(dim);
  std::vector<double> column(last - first);
  double mean = 0.0;
  for (std::size_t d = 0; d < dim; ++d) {
    for (std::size_t t = first; t < last; ++t) {
      column[t - first] = static_cast<double>(vectors[t * dim + d]);
    }
    channels[d].median = quantile(column, 1, 2);
    for (double& x : column) x = std::fabs(x - channels[d].median);
    channels[d].usual = quantile(column, 3, 4);
    mean += channels[d].usual / static_cast<double>(dim);
  }
  for (Channel& channel : channels) channel.usual = std::max(channel.usual, mean);
  return channels;
}

// Where this vector is farthest beyond what is usual, if it is an outlier.
std::optional<Outlier> outlier_of(std::span<const float> vector, std::span<const Channel> channels,
                                  std::size_t token, bool value) {
  std::optional<Outlier> worst;
  double largest = kOutlierRatio;
  for (std::size_t d = 0; d < vector.size(); ++d) {
    const auto x = static_cast<double>(vector[d]);
    const double beyond = std::fabs(x - channels[d].median) / channels[d].usual;
    // Where nothing differs, nothing is usual.
    if (channels[d].usual <= 0.0 || !(beyond > largest)) continue;
    largest = beyond;
    worst = {.token = token,
             .value = value,
             .channel = d,
             .x = x,
             .usual = std::fabs(channels[d].median) + channels[d].usual};
  }
  return worst;
}

void take_offsets(workload::Head& head, std::span<const Channel> keys) {
  std::vector<float> offsets(head.head_dim, 0.0f);
  for (std::size_t d = 0; d < head.head_dim; ++d) {
    if (std::fabs(keys[d].median) <= kOffsetRatio * keys[d].usual) continue;
    offsets[d] = static_cast<float>(keys[d].median);
    const auto next = std::nextafter(std::fabs(offsets[d]), std::numeric_limits<float>::infinity());
    if (static_cast<double>(next - std::fabs(offsets[d])) > kOffsetResolution * keys[d].usual) {
      throw InputError(fmt::format(
          "{}.k: channel {} lies around {:.6g} and differs by {:.3g}, which single precision "
          "cannot "
          "hold side by side; take a constant off that channel of all keys, which no softmax sees",
          head.name, d, keys[d].median, keys[d].usual));
    }
  }
  if (std::ranges::all_of(offsets, [](float x) { return x == 0.0f; })) return;
  for (std::size_t e = 0; e < head.k.size(); ++e) head.k[e] -= offsets[e % head.head_dim];
  head.key_offset = std::move(offsets);
}

void check_range(const workload::Head& head, std::size_t sinks) {
  const auto fits = [](float x) {
    return std::fabs(static_cast<double>(x)) <= cache::kLargestHalf;
  };
  if (const auto found = std::ranges::find_if_not(head.q, fits); found != head.q.end()) {
    const auto row = static_cast<std::size_t>(found - head.q.begin()) / head.head_dim;
    throw InputError(fmt::format("{}.q has {} at query head {}, token {}: queries are FP16, ±65504",
                                 head.name, *found, row / head.query_tokens,
                                 head.tokens - head.query_tokens + row % head.query_tokens));
  }
  for (std::size_t t = sinks; t < head.tokens; ++t) {
    if (std::ranges::binary_search(head.exact, t)) continue;
    for (const auto* vectors : {&head.k, &head.v}) {
      const auto vector = std::span(*vectors).subspan(t * head.head_dim, head.head_dim);
      const auto found = std::ranges::find_if_not(vector, fits);
      if (found == vector.end()) continue;
      throw InputError(fmt::format(
          "{}.{} has {} at token {}, channel {}, and it is no single outlier: what is encoded is "
          "FP16, ±65504",
          head.name, vectors == &head.k ? 'k' : 'v', *found, t, found - vector.begin()));
    }
  }
}

// Tokens first … last − 1 that are no outliers.
std::vector<std::size_t> others(const workload::Head& head, std::size_t first, std::size_t last) {
  std::vector<std::size_t> tokens;
  for (std::size_t t = first; t < last; ++t) {
    if (!std::ranges::binary_search(head.exact, t)) tokens.push_back(t);
  }
  return tokens;
}

std::vector<float> mean_of(std::span<const float> vectors, std::size_t dim,
                           std::span<const std::size_t> tokens) {
  std::vector<double> sum(dim, 0.0);
  for (const std::size_t t : tokens) {
    for (std::size_t d = 0; d < dim; ++d) sum[d] += static_cast<double>(vectors[t * dim + d]);
  }
  std::vector<float> mean(dim);
  for (std::size_t d = 0; d < dim; ++d) {
    mean[d] = static_cast<float>(sum[d] / static_cast<double>(tokens.size()));
  }
  return mean;
}

}  // namespace

void set_outliers_apart(workload::Head& head, std::size_t sinks, std::size_t prefill) {
  if (prefill <= sinks || prefill > head.tokens) return;
  const std::size_t dim = head.head_dim;
  take_offsets(head, channels_of(head.k, dim, sinks, prefill));
  const std::vector<Channel> keys = channels_of(head.k, dim, sinks, prefill);
  const std::vector<Channel> values = channels_of(head.v, dim, sinks, prefill);
  for (std::size_t t = sinks; t < head.tokens; ++t) {
    std::optional<Outlier> found =
        outlier_of(std::span(head.k).subspan(t * dim, dim), keys, t, false);
    if (!found) found = outlier_of(std::span(head.v).subspan(t * dim, dim), values, t, true);
    if (!found) continue;
    if (!found->value && !head.key_offset.empty()) {
      const auto offset = static_cast<double>(head.key_offset[found->channel]);
      found->x += offset;
      found->usual += std::fabs(offset);
    }
    head.outliers.push_back(*found);
    head.exact.push_back(t);
  }
  check_range(head, sinks);
}

std::string describe(const workload::Head& head) {
  const std::span<const Outlier> outliers(head.outliers);
  if (outliers.empty()) return {};
  std::string text;
  for (const Outlier& outlier : outliers.first(std::min(outliers.size(), kDescribed))) {
    text += fmt::format("{}{} of token {} ({:.4g} in channel {}, others to {:.4g})",
                        text.empty() ? "" : ", ", outlier.value ? "value" : "key", outlier.token,
                        outlier.x, outlier.channel, outlier.usual);
  }
  if (outliers.size() > kDescribed) {
    text += fmt::format(" and {} more", outliers.size() - kDescribed);
  }
  return fmt::format("{}: {} token{} kept exact, far beyond all others: {}", head.name,
                     outliers.size(), outliers.size() == 1 ? "" : "s", text);
}

std::vector<float> with_stand_ins(const std::vector<float>& vectors, const workload::Head& head,
                                  const cache::Timeline& timeline) {
  std::vector<float> result = vectors;
  const auto exact = cache::exact_tokens(head.exact, timeline.sinks, head.tokens);
  if (exact.empty()) return result;
  const std::size_t dim = head.head_dim;
  const std::size_t block = timeline.append_block;
  const std::vector<std::size_t> prefill = others(head, timeline.sinks, timeline.prefill);
  std::size_t next = 0;
  for (const std::size_t t : exact) {
    const std::size_t first = timeline.sinks + (t - timeline.sinks) / block * block;
    const std::size_t end = t < timeline.prefill ? timeline.prefill : head.tokens;
    const std::size_t last = std::min(first + block, end);
    const std::vector<std::size_t> neighbours = others(head, first, last);
    const auto place = result.begin() + static_cast<std::ptrdiff_t>(t * dim);
    if (2 * neighbours.size() >= last - first) {
      std::ranges::copy(mean_of(vectors, dim, neighbours), place);
    } else {
      const std::size_t source = prefill[next++ % prefill.size()];
      std::ranges::copy(std::span(vectors).subspan(source * dim, dim), place);
    }
  }
  return result;
}

}  // namespace aqpim::quantize
