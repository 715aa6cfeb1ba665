// SPDX-License-Identifier: Apache-2.0
//
// What it costs to cluster and encode the keys of one head on many engines, from what one engine
// was measured to take.
//
// With one codebook for all tokens, the engines work in step:
//
//   pass = setup + LOAD + chunks · (CLUSTER + reduction),   4 passes for each slice
//
// and then each encodes its share of the tokens, one vector after another.
//
// LOAD is broadcast. A reduction is the UNLOAD of all engines over one bus, record by record, while
// the reducer divides: K · max(engines · RecordWords, SliceChannels) cycles, and what UNLOAD and
// the reducer take besides. With a codebook per window an engine has windows of its own, and the
// reducer serves one engine after another while the others cluster, so that a round of as many
// windows as engines takes
//
//   the larger of   setup + LOAD + CLUSTER + reduction of one engine   and
//                   engines · (reduction of one engine + LOAD)
//
// docs/performance.md.
#pragma once

#include <cstddef>
#include <cstdint>

#include "sw/config/config.h"

namespace aqpim::system {

// Engine cycles, means over a run.
struct PrefillCosts {
  double setup = 0.0;     // register writes before a LOAD
  double load = 0.0;      // a LOAD
  double group = 0.0;     // a group of TokenSlots tokens in the loops of CLUSTER
  double overhead = 0.0;  // a CLUSTER besides its loops
  double unload = 0.0;    // an UNLOAD besides its words
  double reduce = 0.0;    // a reduction besides the words or divisions
  double encode = 0.0;    // a vector: register writes, ENCODE, its codes read

  bool operator==(const PrefillCosts&) const = default;
};

// Engine cycles until the codebooks and codes of `tokens` keys (values cost the same again) are
// there, on `engines` engines; `window` tokens per codebook, 0: one for all.
std::uint64_t prefill_cycles(const PrefillCosts& costs, const config::EngineConfig& engine,
                             std::size_t tokens, unsigned engines, std::size_t window);

}  // namespace aqpim::system
