// SPDX-License-Identifier: Apache-2.0
//
// What the monitor has seen on the engine's pins. Cycles count from the power-up of the model; a
// stamp is the cycle in which the pins had these values before the rising edge.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "sw/golden/program.h"
#include "tb/engine/model.h"

namespace aqpim::tb {

using Cycle = std::uint64_t;

// Where an engine stands: idle, looks at a command, prepares for words, takes them, finishes.
enum class Phase : std::uint8_t { kIdle, kCheck, kFill, kStream, kDrain };

struct ResetSeen {
  Cycle cycle = 0;
  std::optional<golden::Operation> during;  // what it interrupts
};

struct WriteSeen {
  Cycle cycle = 0;
  golden::RegisterWrite write;
  std::optional<golden::Operation> during;  // what runs, or is being checked
};

// Values on the command pins.
struct CommandSeen {
  Cycle cycle = 0;
  golden::Operation operation = golden::Operation::kTable;
  bool first = false;
  unsigned tokens = 0;
  // cmd_valid_i was already up in the last busy cycle.
  bool waited = false;
};

struct RefusalSeen {
  CommandSeen command;
};

// An operation that has drained.
struct OperationSeen {
  CommandSeen command;
  // The words taken, one after the other.
  std::shared_ptr<const std::vector<std::uint8_t>> stream;
  std::uint64_t words = 0;
  // First cycle of the open stream and the one of the last word; without words both are the cycle
  // in which the command was accepted.
  Cycle opened = 0;
  Cycle last_word = 0;
  Cycle done = 0;
  // Open cycles before the first word, and those without a word between the first and the last.
  std::uint64_t start_delay = 0;
  std::uint64_t gaps = 0;
  // The third word: with it, a CLUSTER has its first group of tokens.
  Cycle third_word = 0;
};

// A word that UNLOAD took, and answers with one of its own.
struct StrobeSeen {
  Cycle cycle = 0;
  unsigned index = 0;  // in the stream
};

struct StrayWordSeen {
  Cycle cycle = 0;
  Phase phase = Phase::kIdle;
};

struct ReadSeen {
  Cycle cycle = 0;
  unsigned index = 0;
  std::optional<golden::Operation> during;
};

struct ResultSeen {
  Cycle cycle = 0;
  Word word{};
};

// "TABLE", "SCORE", "ACCUMULATE", …
std::string_view name_of(golden::Operation operation);

}  // namespace aqpim::tb
