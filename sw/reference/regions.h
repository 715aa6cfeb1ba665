// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>

namespace aqpim::reference {

// One past the last token that is read from the cache when token t attends: whole append blocks
// have been encoded since the sinks, at least the last 32 tokens have not. docs/quantization.md §1.
inline std::size_t encoded_end(std::size_t t, std::size_t sinks, std::size_t append_block) {
  constexpr std::size_t kRecent = 32;
  const std::size_t behind = t + 1 > sinks + kRecent ? t + 1 - sinks - kRecent : 0;
  return sinks + behind / append_block * append_block;
}

}  // namespace aqpim::reference
