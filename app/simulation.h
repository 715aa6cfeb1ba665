// SPDX-License-Identifier: Apache-2.0
//
// Plays the life of one head's cache through the RTL, against the golden model: prefill, then, in
// the order of the evaluated queries, append blocks and every query head's attention, tile by tile.
// Merges the results with the exact tokens as the host would, and judges the outputs by the double
// precision references.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

#include "sw/cache/cache.h"
#include "sw/config/config.h"
#include "sw/quantize/quantize.h"
#include "sw/report/report.h"
#include "sw/workload/workload.h"
#include "tb/engine/env.h"
#include "tb/reducer/reducer_env.h"

namespace aqpim::app {

struct SimulationOptions {
  tb::Pace pace;
  bool software_prefill = false;  // codebooks and codes from software; only attention is played
  unsigned engines = 1;           // that cluster and encode; one model plays all
};

// The hardware of one configuration: an engine with a scoreboard, and a reducer, which only a
// prefill in RTL needs.
struct Hardware {
  tb::Env& engine;
  tb::ReducerEnv* reducer = nullptr;
};

struct HeadRun {
  report::HeadReport report;
  cache::HeadCache cache;
  std::vector<float> outputs;  // o [G, Q, D], channels in the file's order
  double seconds = 0.0;        // of simulation, golden model included
  // Bytes of codebooks and codes that are not those of software.
  std::uint64_t cache_mismatches = 0;
};

// Told how much of the head is done, 0 … 1.
using SimulationProgress = std::function<void(double)>;

// The engine's statistics start anew. Throws tb::RunFailed if the hardware cannot go on. Mismatches
// are counted, not thrown.
HeadRun simulate(const Hardware& hardware, const workload::Head& head,
                 const quantize::QuantizeOptions& options, const std::vector<std::size_t>& queries,
                 const SimulationOptions& simulation, const SimulationProgress& progress);

}  // namespace aqpim::app
