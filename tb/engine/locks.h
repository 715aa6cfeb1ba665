// SPDX-License-Identifier: Apache-2.0
//
// What an engine refuses because of the operation that runs, or is being checked.
// docs/architecture.md §6.
#pragma once

#include <optional>

#include "sw/config/config.h"
#include "sw/golden/program.h"

namespace aqpim::tb {

// Register writes are refused: the operation uses the registers.
constexpr bool locks_registers(std::optional<golden::Operation> running) {
  using golden::Operation;
  return running && *running != Operation::kAccumulate && *running != Operation::kCombine &&
         *running != Operation::kUnload;
}

// Reads are refused: the operation changes what is read, or needs the pins. An engine without
// Quantize has no UNLOAD that could, even while it is being checked, and never has codes.
constexpr bool locks_results(std::optional<golden::Operation> running, bool codes,
                             const config::EngineConfig& engine) {
  using golden::Operation;
  if (!running) return false;
  if (*running == Operation::kUnload) return engine.quantize != 0;
  return codes ? *running == Operation::kEncode || *running == Operation::kCluster
               : *running == Operation::kCombine;
}

}  // namespace aqpim::tb
