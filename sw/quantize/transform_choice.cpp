// SPDX-License-Identifier: Apache-2.0
#include "sw/quantize/transform_choice.h"

#include <cstdint>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "sw/quantize/importance.h"
#include "sw/quantize/outliers.h"
#include "sw/quantize/side.h"
#include "sw/quantize/software_backend.h"
#include "sw/quantize/transform_judge.h"
#include "sw/quantize/transform_search.h"

namespace aqpim::quantize {

namespace {

// Quantizes keys or values with each candidate for the judge.
class Contest {
 public:
  Contest(const workload::Head& head, const cache::Timeline& timeline,
          const config::EngineConfig& engine, const QuantizeOptions& options)
      : head_(head),
        timeline_(timeline),
        engine_(engine),
        options_(options),
        keys_(with_stand_ins(head.k, head, timeline)),
        values_(with_stand_ins(head.v, head, timeline)),
        judge_(head, timeline),
        weights_(options.weights ? importance_weights(head, timeline)
                                 : std::vector<std::uint8_t>(timeline.clustered(), 1)),
        backend_(software_backend(engine, options.clustering)) {}

  cache::TransformKind best_keys(const TransformSearch& search) const {
    return judge_.best(kKindsK, [&](cache::TransformKind kind) {
      return judge_.error_of_keys(decoded(keys_, search.keys(kind), false));
    });
  }

  cache::TransformKind best_values(const TransformSearch& search) const {
    return judge_.best(kKindsV, [&](cache::TransformKind kind) {
      return judge_.error_of_values(decoded(values_, search.values(kind), true));
    });
  }

 private:
  // What the cache gives back of the tokens that are encoded before P.
  std::vector<double> decoded(std::span<const float> vectors, cache::Transform transform,
                              bool values) const {
    const SideShape shape = side_shape(engine_, timeline_, options_, values);
    const std::size_t dim = head_.head_dim;
    Side side(vectors.subspan(timeline_.sinks * dim, timeline_.clustered() * dim), shape,
              std::move(transform));
    for (std::size_t w = 0; w < shape.windows; ++w) side.cluster(w, weights_, *backend_);
    side.encode(judge_.encoded(), *backend_);
    return side.decoded();
  }

  const workload::Head& head_;
  const cache::Timeline& timeline_;
  const config::EngineConfig& engine_;
  const QuantizeOptions& options_;
  std::vector<float> keys_, values_;  // [T, D]
  TransformJudge judge_;
  std::vector<std::uint8_t> weights_;
  std::unique_ptr<Backend> backend_;
};

}  // namespace

ChosenTransforms choose_transforms(const workload::Head& head, const cache::Timeline& timeline,
                                   const config::EngineConfig& engine,
                                   const QuantizeOptions& options) {
  const TransformSearch search(head, timeline, engine.sub_dim, options.centring);
  cache::TransformKind kind_k = options.transform;
  cache::TransformKind kind_v = options.transform;
  if (options.transform == cache::TransformKind::kAuto) {
    const Contest contest(head, timeline, engine, options);
    kind_k = contest.best_keys(search);
    kind_v = contest.best_values(search);
  }
  return {.kind_k = kind_k, .kind_v = kind_v, .k = search.keys(kind_k), .v = search.values(kind_v)};
}

}  // namespace aqpim::quantize
