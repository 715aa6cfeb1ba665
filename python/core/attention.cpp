// SPDX-License-Identifier: Apache-2.0
// Attention of one query: by the golden engine, and in double precision.
#include "sw/reference/attention.h"

#include <algorithm>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "python/core/convert.h"
#include "python/core/module.h"
#include "python/core/quantizer.h"
#include "sw/golden/engine.h"
#include "sw/system/merge.h"
#include "sw/system/plan.h"

namespace aqpim::python {

namespace {

using cache::HeadCache;
using workload::Head;

py::dict tile_of(const golden::Engine& engine, const golden::Result& result,
                 const system::TilePlan& tile, const HeadCache& cache) {
  const std::span<const std::int32_t> scores = engine.scores();
  py::dict part;
  part["first"] = cache.sinks + tile.first;
  part["tokens"] = tile.tokens;
  part["outputs"] = array({result.outputs.size()}, result.outputs);
  part["maximum"] = result.maximum;
  part["weight_sum"] = result.weight_sum;
  part["flags"] = result.flags;
  part["common"] = tile.common;
  part["scores"] = array({scores.size()}, std::vector<std::int32_t>(scores.begin(), scores.end()));
  const std::vector<std::uint32_t> weights = engine.weights();
  part["weights"] = array({weights.size()}, weights);
  return part;
}

// Tiles as the engine gives them out, and the merged output [D].
py::tuple attend(const Quantizer& quantizer, std::size_t g, std::size_t t) {
  const Head& head = quantizer.head();
  const HeadCache& cache = quantizer.steps().cache();
  golden::Engine engine(quantizer.engine());
  std::vector<system::Partial> parts;
  py::list tiles;
  const system::Planner planner(cache, quantizer.engine());
  for (const system::TilePlan& tile : planner.plan(system::query_of(head, g, t), t)) {
    const golden::Result result = engine.run(tile.program).results.at(0);
    tiles.append(tile_of(engine, result, tile, cache));
    parts.push_back(system::engine_part(result, tile, cache, quantizer.engine()));
  }
  parts.push_back(system::exact_part(head, g, t, 0, std::min(cache.sinks, t + 1)));
  parts.push_back(system::exact_part(head, g, t, cache.first_recent(t), t + 1));
  for (system::OutlierParts& outlier : system::outlier_parts(head, cache, g, t)) {
    parts.push_back(std::move(outlier.exact));
    parts.push_back(std::move(outlier.stand_in));
  }
  const std::vector<double> output = system::normalised(system::merge(parts));
  return py::make_tuple(tiles, array({output.size()}, output));
}

py::tuple attention_arrays(const reference::Attention& attention) {
  return py::make_tuple(array({attention.probabilities.size()}, attention.probabilities),
                        array({attention.output.size()}, attention.output));
}

}  // namespace

void bind_attention(py::module_& module) {
  module.def("attend", &attend);
  py::class_<reference::PqReference>(module, "PqReference")
      .def(py::init([](const Quantizer& quantizer) {
             return std::make_unique<reference::PqReference>(quantizer.head(),
                                                             quantizer.steps().cache());
           }),
           py::keep_alive<1, 2>())
      .def("attend", [](const reference::PqReference& reference, std::size_t g, std::size_t t) {
        return attention_arrays(reference(g, t));
      });
  module.def("exact_attention", [](const Head& head, std::size_t g, std::size_t t) {
    return attention_arrays(reference::exact(head, g, t));
  });
}

}  // namespace aqpim::python
