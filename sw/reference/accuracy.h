// SPDX-License-Identifier: Apache-2.0
//
// Figures that compare two attention outputs [D], or two attention distributions over the same
// tokens, of one query. docs/quantization.md §5.
#pragma once

#include <cstddef>
#include <span>

namespace aqpim::reference {

// ‖output − exact‖ / ‖exact‖; 0 if both are all zero, infinite if only `exact` is.
double relative_error(std::span<const double> output, std::span<const double> exact);

// output·exact / (‖output‖ ‖exact‖); 1 if both are all zero, 0 if only one is.
double cosine(std::span<const double> output, std::span<const double> exact);

// Kullback-Leibler divergence of an attention distribution from the exact one, in nats:
// Σ p_exact (ln p_exact − ln p), from natural logarithms, so that no probability is too small.
// Tokens whose exact probability is 0 add nothing.
double kl_divergence(std::span<const double> log_exact, std::span<const double> log_other);

// How many of the `count` tokens (at most all) with the largest exact scores are among the `count`
// with the largest other scores: 0 … 1. Of equal scores the earlier token counts as larger.
double top_share(std::span<const double> exact, std::span<const double> other, std::size_t count);

}  // namespace aqpim::reference
