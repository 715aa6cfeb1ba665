// SPDX-License-Identifier: Apache-2.0
//
// How heads are quantized. docs/quantization.md §2.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>

#include "sw/cache/timeline.h"
#include "sw/cache/transform.h"
#include "sw/workload/workload.h"

namespace aqpim::quantize {

// What aqpim takes unless the command line says otherwise. QuantizeOptions have a cheaper one: this
// quantizes the prefill with each candidate.
inline constexpr cache::TransformKind kStandardTransform = cache::TransformKind::kAuto;

// How software clusters and encodes.
enum class Clustering { kFixed, kFloat };

// fixed, float.
std::string name_of(Clustering clustering);

struct QuantizeOptions {
  bool weights = true;   // importance weights in the clustering; otherwise all 1
  bool centring = true;  // keys relative to the mean of their append block
  cache::TransformKind transform = cache::TransformKind::kDeterminant;
  std::size_t window = 0;  // tokens per codebook, a multiple of 16; 0 = one codebook for all
  Clustering clustering = Clustering::kFixed;
  // Transforms come from the heads of the same names in this workload; none = from the head itself.
  std::shared_ptr<const workload::Workload> calibration = {};
  // Tokens of the calibration that count, from the first; its own prefill unless given.
  std::optional<std::size_t> calibration_tokens = {};
  cache::TimelineOptions timeline = {};

  bool operator==(const QuantizeOptions&) const = default;
};

}  // namespace aqpim::quantize
