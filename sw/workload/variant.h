// SPDX-License-Identifier: Apache-2.0
//
// What a workload says about a head's attention beside queries, keys and values: metadata, of the
// head (`l{layer}.h{kvhead}.KEY`) or else of all heads (`KEY`), and a tensor.
//
//   sliding_window   the query of token t sees tokens t − W + 1 … t; 0: all
//   attention_scale  of q·k, instead of 1/√D
//   softcap          a score s counts as softcap · tanh(s/softcap); 0: as it is
//   .sink_logits     exp(logit) is added to the denominator of each query head
#pragma once

#include <map>
#include <string>

#include "sw/workload/workload.h"

namespace aqpim::workload {

// Why a head cannot be played as it is meant: a sentence without the path, empty if it can.
std::string variant_obstacle(const HeadFacts& head,
                             const std::map<std::string, std::string>& metadata, bool sink_logits);

}  // namespace aqpim::workload
