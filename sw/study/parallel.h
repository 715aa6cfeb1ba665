// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <functional>

namespace aqpim::study {

// Calls work(0) … work(count − 1), each once, the lower ones first, on `threads` ≥ 1 threads of
// which the caller is one. The first exception stops the rest from being started and is thrown
// here, when all that had started have ended.
void parallel_for(std::size_t count, std::size_t threads,
                  const std::function<void(std::size_t)>& work);

}  // namespace aqpim::study
