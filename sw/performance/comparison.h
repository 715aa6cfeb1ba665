// SPDX-License-Identifier: Apache-2.0
//
// Engines on codes against FP16 next to the banks, on the same memory, for one new token of one
// layer. Both limits are columns of all banks back to back, without activates and without
// refreshes: those of the FP16 cache, and those of the codes alone.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "sw/config/config.h"
#include "sw/config/memory.h"
#include "sw/performance/attacc.h"
#include "sw/performance/energy.h"
#include "sw/performance/stack.h"

namespace aqpim::performance {

// An engine next to its banks.
struct Design {
  const config::Configuration* configuration = nullptr;
  unsigned banks_per_engine = 1;

  // "pq8", or "pq8, pairs" with two banks per engine.
  std::string name() const;
};

// The designs that are possible with these configurations.
std::vector<Design> designs_of(const std::vector<const config::Configuration*>& configurations,
                               const config::Memory& memory);

// What is compared.
struct Grid {
  std::vector<unsigned> tokens = {1024, 2048, 4096, 8192, 16384, 32768};
  std::vector<unsigned> heads = {1, 2, 4, 8, 16, 32, 64};
  std::vector<unsigned> groups = {1, 4, 8};  // of the most heads
};

// Cycles of the memory clock.
struct ComparisonRow {
  Design design;
  bool power_limited = true;
  Workload workload;
  double cycles = 0.0;  // steady state
  std::uint64_t latency = 0;
  double attacc = 0.0;
  double fp16_limit = 0.0;
  double code_limit = 0.0;

  double speedup() const { return attacc / cycles; }
};

// What each side has for nothing, charged to it. Cycles of the memory clock.
struct Charged {
  double engine = 0.0;  // all together
  double attacc = 0.0;
  double engine_activates = 0.0, attacc_activates = 0.0;  // of these, nFAW and nRRDS
  double attacc_softmax = 0.0;                            // the engines do it in ACCUMULATE
  double engine_append = 0.0, attacc_append = 0.0;        // the new token's keys and values
};

class Comparison {
 public:
  Comparison(std::vector<Design> designs, const config::Memory& memory, const Stack& stack = {});

  const std::vector<Design>& designs() const { return designs_; }
  const config::Memory& memory() const { return memory_; }

  // From now on RTL's cycles are those of all workloads whose ranks have this set of ATTENDs to do,
  // instead of the model's.
  void measured(std::size_t design, bool power_limited, const std::vector<Attend>& set,
                double cycles, std::uint64_t latency);

  ComparisonRow row(std::size_t design, bool power_limited, const Workload& workload);
  StackCost cost(std::size_t design, bool power_limited, const Workload& workload);
  Charged charged(std::size_t design, bool power_limited, const Workload& workload);
  HeadEnergy energy(std::size_t design, bool power_limited, const Workload& workload);
  HeadEnergy attacc_energy(std::size_t design, bool power_limited, const Workload& workload) const;

 private:
  // Of a design, with and without power limit.
  struct Models {
    std::unique_ptr<StackModel> of[2];
  };

  AttaccCase asked(std::size_t design, bool power_limited, const Workload& workload) const;
  unsigned window_of(std::size_t design, const Workload& workload) const;
  StackModel& model(std::size_t design, bool power_limited);

  std::vector<Design> designs_;
  const config::Memory& memory_;
  Stack stack_;
  std::vector<Models> models_;
};

// Cycles by which an activate of all banks of a rank takes longer, if each counts for nRRDS and
// nFAW.
unsigned staggered_activates(const config::Memory& memory);

}  // namespace aqpim::performance
