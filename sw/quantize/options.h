// SPDX-License-Identifier: Apache-2.0
//
// How heads are quantized. docs/quantization.md §2.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>

#include "sw/quantize/timeline.h"
#include "sw/workload/workload.h"

namespace aqpim::quantize {

// Which channel transform keys and values get.
enum class TransformKind {
  kNone,         // the natural order of the channels
  kGreedy,       // the greedy cosine grouping of AQPIM
  kDeterminant,  // the grouping of the smallest determinants
  kWhitening,    // such a grouping under the queries' metric, and that metric per sub-space
  kAuto,         // per head the one with the smallest attention error before P
};

// As on the command line: none, greedy, determinant, whitening, auto.
std::string name_of(TransformKind kind);

// What aqpim takes unless the command line says otherwise. QuantizeOptions have a cheaper one: this
// quantizes the prefill with each candidate.
inline constexpr TransformKind kStandardTransform = TransformKind::kAuto;

// How software clusters and encodes.
enum class Clustering { kFixed, kFloat };

// fixed, float.
std::string name_of(Clustering clustering);

struct QuantizeOptions {
  bool weights = true;   // importance weights in the clustering; otherwise all 1
  bool centring = true;  // keys relative to the mean of their append block
  TransformKind transform = TransformKind::kDeterminant;
  std::size_t window = 0;  // tokens per codebook, a multiple of 16; 0 = one codebook for all
  Clustering clustering = Clustering::kFixed;
  // Transforms come from the heads of the same names in this workload; none = from the head itself.
  std::shared_ptr<const workload::Workload> calibration = {};
  // Tokens of the calibration that count, from the first; its own prefill unless given.
  std::optional<std::size_t> calibration_tokens = {};
  TimelineOptions timeline = {};

  bool operator==(const QuantizeOptions&) const = default;
};

}  // namespace aqpim::quantize
