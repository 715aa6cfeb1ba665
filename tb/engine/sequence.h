// SPDX-License-Identifier: Apache-2.0
//
// What a test makes happen on the engine's pins, and when. A golden::Program is the plain case: one
// step after the other. Items can also overlap an operation, or break the protocol.
#pragma once

#include <optional>
#include <variant>
#include <vector>

#include "sw/golden/program.h"
#include "tb/engine/model.h"
#include "tb/engine/pace.h"
#include "tb/engine/transactions.h"

namespace aqpim::tb {

// When an item starts.
struct When {
  enum class Kind : std::uint8_t {
    kIdle,   // when the engine is idle and all answers are here
    kNow,    // in the next cycle
    kPhase,  // when the running operation is in this phase and has taken so many words, or is over
  };
  Kind kind = Kind::kIdle;
  Phase phase = Phase::kIdle;
  std::uint64_t words = 0;

  bool operator==(const When&) const = default;

  static constexpr When idle() { return {}; }
  static constexpr When now() { return {Kind::kNow, Phase::kIdle, 0}; }
  static constexpr When in(Phase phase, std::uint64_t words = 0) {
    return {Kind::kPhase, phase, words};
  }
};

struct Write {
  golden::RegisterWrite write;
};

// Gives a command; its words follow when its stream opens. With When::now() the command waits on
// the pins until the engine takes it.
struct Start {
  golden::Command command;
  Pace pace = {};
  unsigned delay = 0;  // open cycles before the first word
  // Written in the first cycle in which the command is on the pins.
  std::optional<golden::RegisterWrite> write = std::nullopt;
};

// Reads `count` result words from index `first` on; 0: outputs and status.
struct Read {
  unsigned first = 0;
  unsigned count = 0;
};

// Reads the code words.
struct ReadCodeWords {};

// A word, whether or not a stream is open.
struct StrayWord {
  Word word{};
};

struct Reset {
  unsigned cycles = 2;
};

struct Wait {
  unsigned cycles = 1;
};

struct Item {
  std::variant<Write, Start, Read, ReadCodeWords, StrayWord, Reset, Wait> what;
  When when;
};

using Sequence = std::vector<Item>;

// The items of a program, its streams at this pace. Commands that follow a command wait on the
// pins for their turn, as a sequencer would have it.
Sequence sequence_of(const golden::Program& program, Pace pace = {}, unsigned delay = 0);

}  // namespace aqpim::tb
