// SPDX-License-Identifier: Apache-2.0
//
// How large the weights of a window may become together, known when its scores have come; twin of
// rtl/attend/pq_attend_weight_sum.sv.
#pragma once

#include <cstdint>
#include <span>

namespace aqpim::golden {

// A bound on the sum of a window's exact weights 2^(score − maximum), with the fraction of the
// weights. It only rounds up: docs/attend.md, "Why no bucket overflows".
class WeightBound {
 public:
  // Scores that came together: their weights under `maximum`, the maximum of all scores so far,
  // these included. It never falls.
  void add(std::span<const std::uint32_t> weights, std::int32_t maximum);

  std::uint64_t value() const { return value_; }

  // The least power of two by which the weights must be taken smaller, so that those of a window
  // add up to less than 2^bucket_width: 33/32 of the bound is less than 2^(bucket_width + coarse).
  unsigned coarse(unsigned bucket_width) const;

 private:
  std::uint64_t value_ = 0;
  std::int32_t maximum_ = 0;
};

}  // namespace aqpim::golden
