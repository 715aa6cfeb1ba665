// SPDX-License-Identifier: Apache-2.0
#include "sw/quantize/quantize.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <span>
#include <stdexcept>
#include <utility>
#include <vector>

#include "sw/config/error.h"
#include "sw/quantize/importance.h"
#include "sw/quantize/outliers.h"
#include "sw/quantize/software_backend.h"

namespace aqpim::quantize {

namespace {

constexpr std::size_t kWindowUnit = 16;
constexpr std::size_t kLargestWindow = std::size_t{1} << 20;

// The timeline, after everything about the options that does not depend on the tokens.
cache::Timeline checked_timeline(const workload::Head& head, const config::EngineConfig& engine,
                                 const QuantizeOptions& options) {
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
  return timeline_of(head, options);
}

// Whether both hold the same values, as far as both go; keys may have had different offsets taken
// off.
bool same_sequence(const workload::Head& a, const workload::Head& b) {
  const std::size_t common = std::min(a.v.size(), b.v.size());
  return std::equal(a.v.begin(), a.v.begin() + static_cast<std::ptrdiff_t>(common), b.v.begin());
}

// Transforms of `head`, from the calibration if there is one.
ChosenTransforms transforms_of(const workload::Head& head, const cache::Timeline& timeline,
                               const config::EngineConfig& engine, const QuantizeOptions& options) {
  if (!options.calibration) return choose_transforms(head, timeline, engine, options);
  const workload::Workload& file = *options.calibration;
  const auto found = std::ranges::find(file.heads, head.name, &workload::HeadFacts::name);
  if (found == file.heads.end()) {
    throw InputError(fmt::format("the calibration {} has no head {}", file.path, head.name));
  }
  if (found->head_dim != head.head_dim) {
    throw InputError(fmt::format("head {} has {} channels, but {} in the calibration {}", head.name,
                                 head.head_dim, found->head_dim, file.path));
  }
  const cache::Timeline range{.tokens = found->tokens,
                              .query_tokens = found->query_tokens,
                              .prefill = options.calibration_tokens.value_or(
                                  cache::default_prefill(found->tokens, found->query_tokens)),
                              .sinks = timeline.sinks,
                              .append_block = timeline.append_block};
  if (range.prefill > range.tokens || range.prefill <= range.sinks) {
    throw InputError(fmt::format("the calibration cannot use {} of the {} tokens of head {} in {}",
                                 range.prefill, range.tokens, head.name, file.path));
  }
  const workload::Head other = file.read(*found);
  if (range.prefill > timeline.prefill && same_sequence(other, head)) {
    throw InputError(
        fmt::format("head {}: a calibration on {} tokens of {} reaches beyond the prefill of {} "
                    "tokens of the same sequence",
                    head.name, range.prefill, file.path, timeline.prefill));
  }
  return choose_transforms(other, range, engine, options);
}

std::span<const float> after_sinks(const std::vector<float>& vectors,
                                   const cache::Timeline& timeline, std::size_t dim) {
  return std::span(vectors).subspan(timeline.sinks * dim);
}

// Appends the centroids of a stored codebook [K, D] as [M, K, Dsub].
template <typename Element>
void append_codebook(const std::vector<std::uint8_t>& stored, const cache::HeadCache& cache,
                     std::vector<Element>& codebook) {
  for (std::size_t m = 0; m < cache.subspaces(); ++m) {
    for (std::size_t c = 0; c < cache.centroids; ++c) {
      for (std::size_t d = 0; d < cache.sub_dim; ++d) {
        codebook.push_back(
            static_cast<Element>(stored[c * cache.head_dim + m * cache.sub_dim + d]));
      }
    }
  }
}

}  // namespace

QuantizeOptions default_options(const config::Configuration& configuration) {
  QuantizeOptions options;
  options.window = configuration.window;
  options.timeline.append_block = configuration.append_block;
  return options;
}

cache::Timeline timeline_of(const workload::HeadFacts& head, const QuantizeOptions& options) {
  try {
    return cache::make_timeline(head.tokens, head.query_tokens, options.timeline);
  } catch (const InputError& error) {
    throw InputError(fmt::format("head {}: {}", head.name, error.what()));
  }
}

std::vector<std::size_t> queries_of(const workload::HeadFacts& head, const QuantizeOptions& options,
                                    std::optional<std::size_t> count) {
  const cache::Timeline timeline = timeline_of(head, options);
  try {
    return cache::evaluated_queries(timeline, count.value_or(cache::default_query_count(timeline)));
  } catch (const InputError& error) {
    throw InputError(fmt::format("head {}: {}", head.name, error.what()));
  }
}

HeadQuantizer::HeadQuantizer(const workload::Head& head, const config::EngineConfig& engine,
                             const QuantizeOptions& options, Backend& backend)
    : timeline_(checked_timeline(head, engine, options)),
      shared_(options.window == 0),
      backend_(backend),
      weights_(options.weights ? importance_weights(head, timeline_)
                               : std::vector<std::uint8_t>(timeline_.clustered(), 1)),
      transforms_(transforms_of(head, timeline_, engine, options)),
      k_(after_sinks(with_stand_ins(head.k, head, timeline_), timeline_, head.head_dim),
         side_shape(engine, timeline_, options, false), transforms_.k),
      v_(after_sinks(with_stand_ins(head.v, head, timeline_), timeline_, head.head_dim),
         side_shape(engine, timeline_, options, true), transforms_.v) {
  const SideShape shape = side_shape(engine, timeline_, options, false);
  cache_.name = head.name;
  cache_.head_dim = shape.head_dim;
  cache_.sub_dim = shape.sub_dim;
  cache_.centroids = shape.centroids;
  cache_.sinks = timeline_.sinks;
  cache_.append_block = timeline_.append_block;
  cache_.window = shape.window;
  cache_.windows = shape.windows;
  cache_.center_block = shape.center_block;
  cache_.scale_k = k_.scale();
  cache_.scale_v = v_.scale();
  cache_.transform_k = transforms_.k;
  cache_.transform_v = transforms_.v;
  cache_.kind_k = transforms_.kind_k;
  cache_.kind_v = transforms_.kind_v;
  cache_.key_offset = head.key_offset;
  set_reach(head);
}

void HeadQuantizer::set_reach(const workload::Head& head) {
  const auto exact =
      cache::exact_tokens(head.exact, timeline_.sinks, timeline_.sinks + timeline_.encoded());
  cache_.exact.assign(exact.begin(), exact.end());
  if (shared_) cache_.window = timeline_.encoded();
}

void HeadQuantizer::extend(const workload::Head& head) {
  if (head.head_dim != cache_.head_dim || head.tokens < timeline_.tokens) {
    throw std::invalid_argument("the head is not a longer one of the same dimension");
  }
  timeline_.tokens = head.tokens;
  timeline_.query_tokens = head.query_tokens;
  k_.extend(after_sinks(with_stand_ins(head.k, head, timeline_), timeline_, head.head_dim));
  v_.extend(after_sinks(with_stand_ins(head.v, head, timeline_), timeline_, head.head_dim));
  set_reach(head);
}

void HeadQuantizer::prefill(const Progress& progress) {
  const auto report = [&](std::size_t done) {
    if (!progress) return;
    progress(static_cast<double>(done) / static_cast<double>(2 * cache_.windows));
  };
  for (std::size_t w = 0; w < cache_.windows; ++w) {
    k_.cluster(w, weights_, backend_);
    append_codebook(k_.codebook(w), cache_, cache_.codebook_k);
    report(2 * w + 1);
    v_.cluster(w, weights_, backend_);
    append_codebook(v_.codebook(w), cache_, cache_.codebook_v);
    report(2 * w + 2);
  }
  encode(timeline_.first_recent(timeline_.prefill) - timeline_.sinks);
}

bool HeadQuantizer::append() {
  if (cache_.tokens == timeline_.encoded()) return false;
  encode(timeline_.append_block);
  return true;
}

void HeadQuantizer::append_until(std::size_t t) {
  while (cache_.sinks + cache_.tokens < timeline_.first_recent(t) && append()) {
  }
}

void HeadQuantizer::encode(std::size_t tokens) {
  k_.encode(tokens, backend_);
  v_.encode(tokens, backend_);
  cache_.tokens += tokens;
  cache_.codes_k = k_.codes();
  cache_.codes_v = v_.codes();
  cache_.centers_k = k_.centres();
  if (cache_.tokens > timeline_.clustered()) {
    cache_.appended = (cache_.tokens - timeline_.clustered()) * cache_.head_dim;
  }
  cache_.held_k = k_.held();
  cache_.held_v = v_.held();
}

cache::HeadCache quantize(const workload::Head& head, const config::EngineConfig& engine,
                          const QuantizeOptions& options, Backend& backend,
                          const Progress& progress) {
  HeadQuantizer quantizer(head, engine, options, backend);
  quantizer.prefill(progress);
  while (quantizer.append()) {
  }
  return quantizer.cache();
}

cache::HeadCache quantize(const workload::Head& head, const config::EngineConfig& engine,
                          const QuantizeOptions& options, const Progress& progress) {
  return quantize(head, engine, options, *software_backend(engine, options.clustering), progress);
}

}  // namespace aqpim::quantize
