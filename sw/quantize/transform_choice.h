// SPDX-License-Identifier: Apache-2.0
//
// Which channel transforms a head gets: those that the options name (transform_search.h), or for
// `auto` the one with the smallest attention error of the queries of the 32 tokens before P
// (transform_judge.h), with the keys quantized alone, and with the values quantized alone.
#pragma once

#include "sw/cache/timeline.h"
#include "sw/cache/transform.h"
#include "sw/config/config.h"
#include "sw/quantize/options.h"
#include "sw/workload/workload.h"

namespace aqpim::quantize {

struct ChosenTransforms {
  cache::TransformKind kind_k = cache::TransformKind::kNone,
                       kind_v = cache::TransformKind::kNone;  // never kAuto
  cache::Transform k, v;
};

// Uses tokens < P of `head` only. If the file holds no query before P, or nothing is encoded by
// then, `auto` is `determinant`.
ChosenTransforms choose_transforms(const workload::Head& head, const cache::Timeline& timeline,
                                   const config::EngineConfig& engine,
                                   const QuantizeOptions& options);

}  // namespace aqpim::quantize
