// SPDX-License-Identifier: Apache-2.0
// Other heads made from a captured one.
#pragma once

#include <cstddef>

#include "sw/workload/workload.h"

namespace aqpim::workload {

// The last `tokens` tokens of a head, with the queries that it has of them; a longer context
// repeats the keys and values, so that the last ones stay the last. `tokens` ≥ 1.
Head with_tokens(const Head& head, std::size_t tokens);

// The same for all heads of a workload, when they are read.
Workload with_tokens(Workload workload, std::size_t tokens);

// The same attention from other data: the channels of queries, keys and values in reverse order.
Head with_channels_reversed(const Head& head);

}  // namespace aqpim::workload
