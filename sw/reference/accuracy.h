// SPDX-License-Identifier: Apache-2.0
//
// Figures that compare two attention outputs [D] of the same query. docs/quantization.md §5.
#pragma once

#include <span>

namespace aqpim::reference {

// ‖output − exact‖ / ‖exact‖; 0 if both are all zero, infinite if only `exact` is.
double relative_error(std::span<const double> output, std::span<const double> exact);

// output·exact / (‖output‖ ‖exact‖); 1 if both are all zero, 0 if only one is.
double cosine(std::span<const double> output, std::span<const double> exact);

}  // namespace aqpim::reference
