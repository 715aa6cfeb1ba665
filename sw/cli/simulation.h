// SPDX-License-Identifier: Apache-2.0
//
// Plays one head through the RTL: every query of every query head, tile by tile, against the golden
// model; merges the results with the exact tokens as the host would, and judges the outputs by the
// double precision references.
#pragma once

#include <cstddef>
#include <functional>
#include <vector>

#include "sw/config/config.h"
#include "sw/quantize/cache.h"
#include "sw/quantize/quantize.h"
#include "sw/report/plot.h"
#include "sw/report/report.h"
#include "sw/workload/workload.h"
#include "tb/engine/env.h"

namespace aqpim::cli {

struct HeadRun {
  report::HeadReport report;
  report::HeadPlot plot;
  quantize::HeadCache cache;
  std::vector<float> outputs;  // o [G, Q, D], channels in the file's order
  double seconds = 0.0;        // of simulation, golden model included
};

// Told how much of the head is done, 0 … 1.
using SimulationProgress = std::function<void(double)>;

// `env` is an engine of this configuration with a scoreboard; its statistics start anew. Throws
// tb::RunFailed if the engine cannot go on. Mismatches are counted, not thrown.
HeadRun simulate(tb::Env& env, const workload::Head& head, const quantize::QuantizeOptions& options,
                 const std::vector<std::size_t>& queries, tb::Pace pace,
                 const SimulationProgress& progress);

}  // namespace aqpim::cli
