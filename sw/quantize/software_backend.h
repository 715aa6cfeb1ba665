// SPDX-License-Identifier: Apache-2.0
//
// Clustering and encoding in plain software.
//
//   fixed  integers, bit for bit what the engine and the reducer do: tokens are rounded to 12 bits,
//          sums are exact, centroids are rounded to integers in each pass
//   float  double precision k-means of the same tokens with the same weights and start, rounded to
//          the stored format at the end: what fixed point is judged against
//
// Weighted k-means per sub-space:
//
//   assignment  code_t = argmin_c ‖x_t − μ_c‖², unweighted, the lowest index wins a tie
//   update      μ_c = Σ w_t x_t / Σ w_t over the tokens with code c; an empty cluster keeps μ_c
//
// four passes, from tokens ⌊c·n/K⌋. Method: AQPIM (arXiv 2604.18137).
#pragma once

#include <cstddef>
#include <memory>

#include "sw/config/config.h"
#include "sw/quantize/backend.h"
#include "sw/quantize/options.h"

namespace aqpim::quantize {

// Passes of assignment and update.
inline constexpr std::size_t kPasses = 4;

// `start_offset` is added to the start tokens, modulo n: another start, to judge how much one start
// matters. The engine's is 0.
std::unique_ptr<Backend> fixed_backend(const config::EngineConfig& engine,
                                       std::size_t start_offset = 0);
std::unique_ptr<Backend> float_backend(const config::EngineConfig& engine,
                                       std::size_t start_offset = 0);
std::unique_ptr<Backend> software_backend(const config::EngineConfig& engine,
                                          Clustering clustering);

}  // namespace aqpim::quantize
