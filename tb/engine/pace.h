// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "tb/common/random.h"

namespace aqpim::tb {

// When a bank has its next word: in every n-th cycle, or after random gaps: mostly none, some of a
// few cycles, rarely a long one.
struct Pace {
  unsigned every = 1;  // 0 = random
  bool operator==(const Pace&) const = default;

  static constexpr Pace back_to_back() { return {1}; }
  static constexpr Pace random() { return {0}; }

  // Cycles without a word before the next one.
  unsigned gap(Random& random) const {
    if (every > 0) return every - 1;
    if (random.chance(1, 2)) return 0;
    return static_cast<unsigned>(random.chance(1, 64) ? random.between(16, 64)
                                                      : random.between(1, 8));
  }

  // Most cycles that gap() can give.
  unsigned longest_gap() const { return every > 0 ? every - 1 : 64; }
};

}  // namespace aqpim::tb
