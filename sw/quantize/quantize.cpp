// SPDX-License-Identifier: Apache-2.0
#include "sw/quantize/quantize.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <span>
#include <vector>

#include "sw/config/error.h"
#include "sw/quantize/centring.h"
#include "sw/quantize/formats.h"
#include "sw/quantize/grouping.h"
#include "sw/quantize/importance.h"
#include "sw/quantize/kmeans.h"
#include "sw/quantize/nearest.h"

namespace aqpim::quantize {

namespace {

constexpr std::size_t kWindowUnit = 16;
constexpr std::size_t kLargestWindow = std::size_t{1} << 20;

// Counts finished sub-spaces of one codebook window and tells the listener.
class Ticker {
 public:
  Ticker(const Progress& progress, std::size_t total) : progress_(progress), total_(total) {}
  void tick() {
    ++done_;
    if (progress_) progress_(static_cast<double>(done_) / static_cast<double>(total_));
  }

 private:
  const Progress& progress_;
  std::size_t total_;
  std::size_t done_ = 0;
};

std::vector<double> values_of(const workload::Head& head, std::size_t first, std::size_t last) {
  return {head.v.begin() + static_cast<std::ptrdiff_t>(first * head.head_dim),
          head.v.begin() + static_cast<std::ptrdiff_t>(last * head.head_dim)};
}

// Channels of sub-space m of tokens first … last − 1, contiguous: [last − first, Dsub].
std::vector<double> gather(std::span<const double> vectors, const HeadCache& cache,
                           std::span<const std::uint32_t> order, std::size_t m, std::size_t first,
                           std::size_t last) {
  std::vector<double> result;
  result.reserve((last - first) * cache.sub_dim);
  for (std::size_t i = first; i < last; ++i) {
    for (std::size_t d = 0; d < cache.sub_dim; ++d) {
      result.push_back(vectors[i * cache.head_dim + order[m * cache.sub_dim + d]]);
    }
  }
  return result;
}

// Double precision centroids [W, M, K, Dsub] of the clustered tokens' vectors [N_P, D].
std::vector<double> cluster(std::span<const double> vectors, const HeadCache& cache,
                            std::span<const std::uint32_t> order,
                            std::span<const std::uint8_t> weights, Ticker& ticker) {
  const std::size_t clustered = vectors.size() / cache.head_dim;
  std::vector<double> codebook;
  for (std::size_t w = 0; w < cache.windows; ++w) {
    const std::size_t first = w * cache.window;
    const std::size_t last = w + 1 == cache.windows ? clustered : first + cache.window;
    const auto window_weights = weights.empty() ? weights : weights.subspan(first, last - first);
    for (std::size_t m = 0; m < cache.subspaces(); ++m) {
      const std::vector<double> tokens = gather(vectors, cache, order, m, first, last);
      const std::vector<double> centroids =
          weighted_kmeans(tokens, cache.sub_dim, window_weights, {.centroids = cache.centroids});
      codebook.insert(codebook.end(), centroids.begin(), centroids.end());
      ticker.tick();
    }
  }
  return codebook;
}

// All windows' elements of sub-space m.
std::vector<double> subspace_elements(std::span<const double> codebook, const HeadCache& cache,
                                      std::size_t m) {
  const std::size_t size = cache.centroids * cache.sub_dim;
  std::vector<double> result;
  for (std::size_t w = 0; w < cache.windows; ++w) {
    const auto elements = codebook.subspan(cache.element(w, m, 0, 0), size);
    result.insert(result.end(), elements.begin(), elements.end());
  }
  return result;
}

void store_codebook_k(std::span<const double> codebook, HeadCache& cache) {
  const std::size_t size = cache.centroids * cache.sub_dim;
  cache.codebook_k.resize(codebook.size());
  cache.scale_k.resize(cache.subspaces());
  for (std::size_t m = 0; m < cache.subspaces(); ++m) {
    cache.scale_k[m] = int8_scale(subspace_elements(codebook, cache, m));
  }
  for (std::size_t e = 0; e < codebook.size(); ++e) {
    cache.codebook_k[e] = encode_int8(codebook[e], cache.scale_k[e / size % cache.subspaces()]);
  }
}

void store_codebook_v(std::span<const double> codebook, HeadCache& cache) {
  const std::size_t size = cache.centroids * cache.sub_dim;
  cache.codebook_v.resize(codebook.size());
  cache.exponent_v.resize(cache.subspaces());
  for (std::size_t m = 0; m < cache.subspaces(); ++m) {
    cache.exponent_v[m] = minifloat_exponent(subspace_elements(codebook, cache, m));
  }
  for (std::size_t e = 0; e < codebook.size(); ++e) {
    const int exponent = cache.exponent_v[e / size % cache.subspaces()];
    cache.codebook_v[e] = encode_minifloat(std::ldexp(codebook[e], -exponent));
  }
}

// Codes [N, M] of `vectors` [N, D]: nearest stored centroid of the token's window.
std::vector<std::uint8_t> encode(std::span<const double> vectors, const HeadCache& cache,
                                 std::span<const std::uint32_t> order,
                                 const std::vector<float>& decoded, Ticker& ticker) {
  const std::vector<double> codebook(decoded.begin(), decoded.end());
  const std::size_t subspaces = cache.subspaces();
  std::vector<std::uint8_t> codes(cache.tokens * subspaces);
  for (std::size_t w = 0; w < cache.windows; ++w) {
    const std::size_t first = cache.window_begin(w);
    const std::size_t last = cache.window_end(w);
    for (std::size_t m = 0; m < subspaces; ++m) {
      const std::span<const double> centroids(codebook.data() + cache.element(w, m, 0, 0),
                                              cache.centroids * cache.sub_dim);
      const NearestCentroid nearest(centroids, cache.sub_dim);
      const std::vector<double> tokens = gather(vectors, cache, order, m, first, last);
      for (std::size_t i = first; i < last; ++i) {
        codes[i * subspaces + m] =
            static_cast<std::uint8_t>(nearest(tokens.data() + (i - first) * cache.sub_dim));
      }
      ticker.tick();
    }
  }
  return codes;
}

std::size_t window_count(const Timeline& timeline, std::size_t window) {
  const std::size_t rounded = (timeline.clustered() + window / 2) / window;
  const std::size_t reached = (timeline.encoded() - 1) / window + 1;
  return std::max<std::size_t>(1, std::min(rounded, reached));
}

std::vector<float> permute_rows(const std::vector<float>& rows,
                                const std::vector<std::uint32_t>& order) {
  std::vector<float> result(rows.size());
  const std::size_t dim = order.size();
  for (std::size_t i = 0; i < rows.size(); ++i) result[i] = rows[i / dim * dim + order[i % dim]];
  return result;
}

}  // namespace

QuantizeOptions default_options(const config::Configuration& configuration) {
  QuantizeOptions options;
  options.window = configuration.window;
  options.timeline.append_block = configuration.append_block;
  return options;
}

Timeline timeline_of(const workload::Head& head, const QuantizeOptions& options) {
  try {
    return make_timeline(head.tokens, head.query_tokens, options.timeline);
  } catch (const InputError& error) {
    throw InputError(fmt::format("head {}: {}", head.name, error.what()));
  }
}

std::vector<std::size_t> queries_of(const workload::Head& head, const QuantizeOptions& options,
                                    std::optional<std::size_t> count) {
  const Timeline timeline = timeline_of(head, options);
  try {
    return evaluated_queries(timeline, count.value_or(default_query_count(timeline)));
  } catch (const InputError& error) {
    throw InputError(fmt::format("head {}: {}", head.name, error.what()));
  }
}

HeadCache quantize(const workload::Head& head, const config::EngineConfig& engine,
                   const QuantizeOptions& options, const Progress& progress) {
  if (head.head_dim != engine.head_dim) {
    throw InputError(fmt::format("head {} has {} channels, the configuration needs {}", head.name,
                                 head.head_dim, engine.head_dim));
  }
  if (options.window % kWindowUnit != 0 || options.window > kLargestWindow) {
    throw InputError(fmt::format(
        "the codebook window must be 0 (shared) or a multiple of {} up to {} tokens, not "
        "{}",
        kWindowUnit, kLargestWindow, options.window));
  }
  const Timeline timeline = timeline_of(head, options);
  const std::size_t sinks = timeline.sinks;
  const std::size_t block = timeline.append_block;

  HeadCache cache;
  cache.name = head.name;
  cache.head_dim = head.head_dim;
  cache.sub_dim = engine.sub_dim;
  cache.centroids = engine.centroids();
  cache.sinks = sinks;
  cache.append_block = block;
  cache.tokens = timeline.encoded();
  cache.window = options.window == 0 ? cache.tokens : options.window;
  cache.windows = options.window == 0 ? 1 : window_count(timeline, options.window);
  cache.center_block = options.centring ? block : 0;

  std::vector<std::uint8_t> weights;
  if (options.weights) weights = importance_weights(head, timeline);

  std::vector<float> prefill_centres, centres;
  if (options.centring) {
    prefill_centres = block_centres(head, sinks, timeline.prefill, block);
    centres = block_centres(head, sinks, sinks + cache.tokens, block);
  }
  const std::vector<double> prefill_keys =
      centred_keys(head, sinks, timeline.prefill, prefill_centres, block);
  const std::vector<double> prefill_values = values_of(head, sinks, timeline.prefill);

  cache.order_k = cache.order_v = natural_order(cache.head_dim);
  if (options.grouping) {
    cache.order_k = determinant_optimal_order(
        covariance(prefill_keys, cache.head_dim, query_rms(head, timeline)), cache.head_dim,
        cache.sub_dim);
    cache.order_v = determinant_optimal_order(covariance(prefill_values, cache.head_dim),
                                              cache.head_dim, cache.sub_dim);
  }
  cache.centers_k = permute_rows(centres, cache.order_k);

  Ticker ticker(progress, 4 * cache.windows * cache.subspaces());
  store_codebook_k(cluster(prefill_keys, cache, cache.order_k, weights, ticker), cache);
  store_codebook_v(cluster(prefill_values, cache, cache.order_v, weights, ticker), cache);
  cache.codes_k = encode(centred_keys(head, sinks, sinks + cache.tokens, centres, block), cache,
                         cache.order_k, cache.decoded_codebook_k(), ticker);
  cache.codes_v = encode(values_of(head, sinks, sinks + cache.tokens), cache, cache.order_v,
                         cache.decoded_codebook_v(), ticker);
  return cache;
}

}  // namespace aqpim::quantize
