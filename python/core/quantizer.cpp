// SPDX-License-Identifier: Apache-2.0
// Quantizing heads, and files of caches.
#include "python/core/quantizer.h"

#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "python/core/convert.h"
#include "python/core/module.h"
#include "sw/cache/cache_file.h"
#include "sw/config/error.h"
#include "sw/quantize/outliers.h"
#include "sw/quantize/software_backend.h"
#include "sw/workload/safetensors.h"

namespace aqpim::python {

namespace {

using cache::HeadCache;
using cache::TransformKind;
using quantize::Clustering;
using quantize::QuantizeOptions;
using workload::Head;
using workload::Workload;

Head apart(Head head, std::size_t sinks, std::size_t prefill) {
  quantize::set_outliers_apart(head, sinks, prefill);
  return head;
}

// The value of an enumeration that has this name.
template <typename Kind>
Kind named(const std::string& name, std::initializer_list<Kind> kinds, const char* what) {
  std::string allowed;
  for (const Kind kind : kinds) {
    if (name_of(kind) == name) return kind;
    allowed += (allowed.empty() ? "" : ", ") + name_of(kind);
  }
  throw InputError(std::string(what) + " is one of " + allowed + ", not '" + name + "'");
}

Clustering clustering_of(const std::string& name) {
  return named(name, {Clustering::kFixed, Clustering::kFloat}, "clustering");
}

struct Choices {
  bool weights, centring;
  std::string transform, clustering;
  std::optional<std::size_t> window, sinks, append_block, prefill;
  std::shared_ptr<Workload> calibration;
  std::optional<std::size_t> calibration_tokens;
};

QuantizeOptions options_of(const Choices& choices, const config::Configuration& configuration) {
  QuantizeOptions options = quantize::default_options(configuration);
  options.weights = choices.weights;
  options.centring = choices.centring;
  options.transform =
      named(choices.transform,
            {TransformKind::kNone, TransformKind::kGreedy, TransformKind::kDeterminant,
             TransformKind::kWhitening, TransformKind::kAuto},
            "transform");
  options.clustering = clustering_of(choices.clustering);
  options.window = choices.window.value_or(options.window);
  options.timeline.sinks = choices.sinks.value_or(options.timeline.sinks);
  options.timeline.append_block = choices.append_block.value_or(options.timeline.append_block);
  options.timeline.prefill = choices.prefill;
  if (choices.calibration_tokens && !choices.calibration) {
    throw InputError("calibration_tokens needs a calibration");
  }
  if (!choices.calibration) return options;
  Workload calibration = *choices.calibration;
  calibration.read = [read = calibration.read, sinks = options.timeline.sinks,
                      tokens = choices.calibration_tokens](const workload::HeadFacts& facts) {
    return apart(read(facts), sinks,
                 tokens.value_or(cache::default_prefill(facts.tokens, facts.query_tokens)));
  };
  options.calibration = std::make_shared<const Workload>(std::move(calibration));
  options.calibration_tokens = choices.calibration_tokens;
  return options;
}

std::unique_ptr<Quantizer> make_quantizer(const Head& head, const std::string& configuration,
                                          const Choices& choices) {
  const config::Configuration& found = config::find_configuration(configuration);
  return std::make_unique<Quantizer>(head, found.engine, options_of(choices, found));
}

// The cache as it is now: arrays of the stored integers, and of what they stand for.
py::dict cache_of(const HeadCache& cache) {
  const std::size_t subspaces = cache.subspaces();
  const std::vector<std::size_t> codes{cache.tokens, subspaces};
  const std::vector<std::size_t> codebook{cache.windows, subspaces, cache.centroids, cache.sub_dim};
  const std::size_t centres = cache.centers_k.size() / cache.head_dim;
  const std::vector<std::size_t> square{cache.head_dim, cache.head_dim};
  const cache::CacheSize size = cache::cache_size(cache);
  py::dict result;
  result["name"] = cache.name;
  result["tokens"] = cache.tokens;
  result["sinks"] = cache.sinks;
  result["append_block"] = cache.append_block;
  result["window"] = cache.window;
  result["center_block"] = cache.center_block;
  result["codes_k"] = array(codes, cache.codes_k);
  result["codes_v"] = array(codes, cache.codes_v);
  result["stored_codebook_k"] = array(codebook, cache.codebook_k);
  result["stored_codebook_v"] = array(codebook, cache.codebook_v);
  result["scale_k"] = array({subspaces}, cache.scale_k);
  result["scale_v"] = array({subspaces}, cache.scale_v);
  result["codebook_k"] = array(codebook, cache.decoded_codebook_k());
  result["codebook_v"] = array(codebook, cache.decoded_codebook_v());
  result["centers_k"] = array({centres, cache.head_dim}, cache.centers_k);
  result["transform_k"] = array(square, cache.transform_k.dense());
  result["transform_v"] = array(square, cache.transform_v.dense());
  result["kind_k"] = name_of(cache.kind_k);
  result["kind_v"] = name_of(cache.kind_v);
  result["exact"] = indices(cache.exact);
  result["bytes"] = size.bytes();
  result["bits_per_element"] = cache.tokens == 0 ? 0.0 : size.bits_per_element();
  return result;
}

// Keys and values [N, D] that the codes stand for, channels as in the workload.
py::tuple decoded(const HeadCache& cache) {
  const std::size_t dim = cache.head_dim;
  std::vector<double> keys(cache.tokens * dim), values(cache.tokens * dim);
  for (std::size_t i = 0; i < cache.tokens; ++i) {
    cache.decode(i, std::span(keys).subspan(i * dim, dim), std::span(values).subspan(i * dim, dim));
  }
  keys = cache.transform_k.undo(keys);
  values = cache.transform_v.undo(values);
  if (!cache.key_offset.empty()) {
    for (std::size_t e = 0; e < keys.size(); ++e) {
      keys[e] += static_cast<double>(cache.key_offset[e % dim]);
    }
  }
  return py::make_tuple(array({cache.tokens, dim}, keys), array({cache.tokens, dim}, values));
}

struct CacheOutputs {
  std::shared_ptr<HeadCache> cache;
  cache::HeadOutputs outputs;
};

void write_caches(const std::string& path, const std::vector<CacheOutputs>& caches,
                  std::map<std::string, std::string> metadata) {
  workload::File file;
  file.metadata = std::move(metadata);
  for (const CacheOutputs& cache : caches) {
    cache::add_tensors(file, *cache.cache, cache.outputs);
  }
  workload::write(path, file);
}

CacheOutputs make_outputs(std::shared_ptr<HeadCache> cache, std::vector<std::size_t> queries,
                          std::size_t groups, const py::buffer& outputs) {
  return {std::move(cache), {std::move(queries), groups, elements<float>(outputs)}};
}

// What an engine of this configuration and its reducer compute (sw/quantize/backend.h).
std::unique_ptr<quantize::Backend> backend_of(const std::string& configuration,
                                              const std::string& clustering) {
  return quantize::software_backend(config::find_configuration(configuration).engine,
                                    clustering_of(clustering));
}

py::tuple cluster(const py::buffer& tokens, const py::buffer& weights, bool values,
                  const std::string& configuration, const std::string& clustering) {
  const config::EngineConfig& engine = config::find_configuration(configuration).engine;
  const auto raw = elements<std::uint16_t>(tokens);
  const auto bytes = elements<std::uint8_t>(weights);
  std::vector<std::uint8_t> codebook;
  {
    const py::gil_scoped_release release;
    codebook = backend_of(configuration, clustering)->cluster(raw, bytes, values);
  }
  return array({engine.centroids(), engine.head_dim}, codebook);
}

py::tuple encode(const py::buffer& tokens, const py::buffer& codebook, bool values,
                 const std::string& configuration) {
  const config::EngineConfig& engine = config::find_configuration(configuration).engine;
  const auto raw = elements<std::uint16_t>(tokens);
  const auto stored = elements<std::uint8_t>(codebook);
  std::vector<std::uint8_t> codes;
  {
    const py::gil_scoped_release release;
    codes = backend_of(configuration, "fixed")->encode(raw, stored, values);
  }
  return array({raw.size() / engine.head_dim, engine.subspaces()}, codes);
}

void prefill(Quantizer& quantizer, const py::object& progress) {
  quantize::Progress report;
  if (!progress.is_none()) {
    report = [&progress](double done) {
      const py::gil_scoped_acquire acquire;
      progress(done);
    };
  }
  const py::gil_scoped_release release;
  quantizer.steps().prefill(report);
}

}  // namespace

Quantizer::Quantizer(const Head& head, const config::EngineConfig& engine,
                     const QuantizeOptions& options)
    : given_(head),
      sinks_(options.timeline.sinks),
      prefill_(options.timeline.prefill.value_or(
          cache::default_prefill(head.tokens, head.query_tokens))),
      head_(apart(given_, sinks_, prefill_)),
      engine_(engine),
      backend_(quantize::software_backend(engine_, options.clustering)),
      quantizer_(head_, engine_, options, *backend_) {}

void Quantizer::extend(const Head& more) {
  Head longer = given_;
  longer.tokens += more.tokens;
  longer.query_tokens += more.query_tokens;
  longer.k.insert(longer.k.end(), more.k.begin(), more.k.end());
  longer.v.insert(longer.v.end(), more.v.begin(), more.v.end());
  longer.q.clear();
  const auto add = [&](const Head& head, std::size_t g) {
    const std::size_t row = head.query_tokens * head.head_dim;
    const auto first = head.q.begin() + static_cast<std::ptrdiff_t>(g * row);
    longer.q.insert(longer.q.end(), first, first + static_cast<std::ptrdiff_t>(row));
  };
  for (std::size_t g = 0; g < longer.groups; ++g) {
    add(given_, g);
    add(more, g);
  }
  Head set_apart = apart(longer, sinks_, prefill_);
  quantizer_.extend(set_apart);
  given_ = std::move(longer);
  head_ = std::move(set_apart);
}

void bind_quantize(py::module_& module) {
  py::class_<Choices>(module, "Choices")
      .def(py::init([](bool weights, bool centring, std::string transform, std::string clustering,
                       std::optional<std::size_t> window, std::optional<std::size_t> sinks,
                       std::optional<std::size_t> append_block, std::optional<std::size_t> prefill,
                       std::shared_ptr<Workload> calibration,
                       std::optional<std::size_t> calibration_tokens) {
        return Choices{
            weights,      centring, std::move(transform),   std::move(clustering), window, sinks,
            append_block, prefill,  std::move(calibration), calibration_tokens};
      }));
  py::class_<HeadCache, std::shared_ptr<HeadCache>>(module, "Cache")
      .def("parts", &cache_of)
      .def("decoded", &decoded)
      .def("first_recent", &HeadCache::first_recent);
  py::class_<Quantizer>(module, "Quantizer")
      .def(py::init(&make_quantizer), py::call_guard<py::gil_scoped_release>())
      .def("prefill", &prefill)
      .def(
          "append", [](Quantizer& quantizer) { return quantizer.steps().append(); },
          py::call_guard<py::gil_scoped_release>())
      .def(
          "append_until",
          [](Quantizer& quantizer, std::size_t t) { quantizer.steps().append_until(t); },
          py::call_guard<py::gil_scoped_release>())
      .def("extend", &Quantizer::extend, py::call_guard<py::gil_scoped_release>())
      .def("cache",
           [](const Quantizer& quantizer) {
             return std::make_shared<HeadCache>(quantizer.steps().cache());
           })
      .def_property_readonly("timeline",
                             [](const Quantizer& quantizer) {
                               const cache::Timeline& t = quantizer.steps().timeline();
                               return py::make_tuple(t.tokens, t.prefill, t.sinks, t.append_block,
                                                     t.encoded());
                             })
      .def_property_readonly(
          "outliers",
          [](const Quantizer& quantizer) { return quantize::describe(quantizer.head()); })
      .def("queries", [](const Quantizer& quantizer, std::optional<std::size_t> count) {
        const cache::Timeline& timeline = quantizer.steps().timeline();
        return indices(cache::evaluated_queries(
            timeline, count.value_or(cache::default_query_count(timeline))));
      });
  py::class_<CacheOutputs>(module, "CacheOutputs").def(py::init(&make_outputs));
  module.def("write_caches", &write_caches);
  module.def("cluster", &cluster);
  module.def("encode", &encode);
}

}  // namespace aqpim::python
