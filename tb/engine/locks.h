// SPDX-License-Identifier: Apache-2.0
//
// What an engine refuses because of the operation that runs, or is being checked.
// docs/architecture.md §6.
#pragma once

#include <optional>

#include "sw/golden/program.h"

namespace aqpim::tb {

// Register writes are refused: the operation uses the registers.
constexpr bool locks_registers(std::optional<golden::Operation> running) {
  using golden::Operation;
  return running && *running != Operation::kAccumulate && *running != Operation::kCombine &&
         *running != Operation::kUnload;
}

// Reads are refused: the operation changes what is read, or needs the pins.
constexpr bool locks_results(std::optional<golden::Operation> running, bool codes) {
  using golden::Operation;
  if (!running || *running == Operation::kUnload) return running.has_value();
  return codes ? *running == Operation::kEncode || *running == Operation::kCluster
               : *running == Operation::kCombine;
}

}  // namespace aqpim::tb
