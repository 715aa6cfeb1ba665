// SPDX-License-Identifier: Apache-2.0
//
// The caches to compare with: integers of 2, 3 or 4 bits with a scale and a zero per group, as in
// KIVI (arXiv 2402.02750), and FP16. They keep the same sinks, outliers and recent tokens exact as
// the product-quantized cache, and give back the vectors of the same N encoded tokens.
//
//   scale = FP16((largest − smallest) / (2^bits − 1))   zero = FP16(smallest)
//   code  = (x − zero) / scale, rounded to nearest even, held at 0 … 2^bits − 1
//   x     ≈ zero + code · scale
//
// A group of K is one channel of `group` consecutive tokens, cut at the append blocks; a group of V
// is min(group, D) consecutive channels of one token. What is left over is a smaller group.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "sw/cache/timeline.h"
#include "sw/workload/workload.h"

namespace aqpim::quantize {

// What such a cache gives back of tokens sinks … sinks + N − 1.
struct PlainCache {
  std::vector<double> keys;    // [N, D]
  std::vector<double> values;  // [N, D]
  // Codes, and 32 bits of scale and zero per group; K and V averaged.
  double bits_per_element = 0.0;
};

// One group.
struct IntegerGroup {
  double scale = 0.0;  // a binary16 value; 0 if all are equal, or too near to each other for FP16
  double zero = 0.0;   // a binary16 value
  std::vector<std::uint8_t> codes;

  double value(std::size_t i) const { return zero + static_cast<double>(codes[i]) * scale; }
};

// Groups of n ≥ 1 values, 1 ≤ bits ≤ 8. Values that FP16 cannot hold are held at its ends.
IntegerGroup integer_group(std::span<const double> values, unsigned bits);

PlainCache integer_cache(const workload::Head& head, const cache::Timeline& timeline, unsigned bits,
                         std::size_t group);

PlainCache half_cache(const workload::Head& head, const cache::Timeline& timeline);

}  // namespace aqpim::quantize
