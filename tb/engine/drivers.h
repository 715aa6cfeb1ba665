// SPDX-License-Identifier: Apache-2.0
//
// The agents that put values on the engine's pins while the clock is low. Each owns the pins of one
// interface and is called once per cycle with the outputs of that cycle, which no input changes.
// With noise, data pins carry random values whenever their valid is down.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "sw/golden/program.h"
#include "tb/common/random.h"
#include "tb/engine/model.h"
#include "tb/engine/pace.h"

namespace aqpim::tb {

// A few random words, drawn once: noise must not cost simulation speed.
class Noise {
 public:
  Noise() = default;  // none
  explicit Noise(Random& random);
  void put_on(Word& pins) {
    if (on_) pins = words_[next_++ % words_.size()];
  }
  void put_on(std::uint8_t& pins, std::uint8_t mask) {
    if (on_) pins = words_[next_++ % words_.size()][0] & mask;
  }

 private:
  bool on_ = false;
  std::size_t next_ = 0;
  std::array<Word, 16> words_{};
};

// Holds a command on the pins until the engine takes it.
class CommandDriver {
 public:
  void start(golden::Command command) {
    command_ = std::move(command);
    pending_ = true;
  }
  bool pending() const { return pending_; }

  // True in the cycle in which the engine takes the command.
  bool drive(const EngineOutputs& outputs, EngineInputs& inputs) {
    inputs.cmd_valid = pending_;
    if (!pending_) return false;
    inputs.cmd_operation = static_cast<std::uint8_t>(command_.operation);
    inputs.cmd_first = command_.first;
    inputs.cmd_tokens = command_.tokens;
    if (!outputs.cmd_ready) return false;
    pending_ = false;
    return true;
  }

  const golden::Command& command() const { return command_; }

 private:
  golden::Command command_;
  bool pending_ = false;
};

// One register write per cycle.
class RegisterDriver {
 public:
  explicit RegisterDriver(Noise noise = {}) : noise_(std::move(noise)) {}

  void start(const golden::RegisterWrite& write) { write_ = &write; }

  void drive(EngineInputs& inputs);

 private:
  Noise noise_;
  const golden::RegisterWrite* write_ = nullptr;
};

// The bank: once the stream opens it waits `start_delay` cycles and then gives its words at its own
// pace, asking nobody.
class BankDriver {
 public:
  BankDriver(std::size_t word_bytes, Random random, Noise noise = {})
      : word_bytes_(word_bytes), random_(std::move(random)), noise_(std::move(noise)) {}

  // Words of a command that was just accepted.
  void start(const golden::Command& command, Pace pace, unsigned start_delay);
  // The command was refused, or the engine was reset.
  void cancel() { left_ = 0; }
  // One word in the next cycle, whether or not a stream is open.
  void stray(const Word& word) { stray_ = word; }

  void drive(const EngineOutputs& outputs, EngineInputs& inputs);

  // Cycles of the open stream, up to its last word, in which the bank had none to give.
  std::uint64_t withheld() const { return withheld_; }
  unsigned longest_gap() const { return pace_.longest_gap(); }

 private:
  std::size_t word_bytes_;
  Random random_;
  Noise noise_;
  std::shared_ptr<const std::vector<std::uint8_t>> stream_;
  std::size_t position_ = 0;  // in bytes
  std::size_t left_ = 0;      // words
  Pace pace_;
  unsigned wait_ = 0;
  std::uint64_t withheld_ = 0;
  std::optional<Word> stray_;
};

// Reads result words, one per cycle.
class ResultDriver {
 public:
  void start(unsigned first, unsigned count) {
    next_ = first;
    left_ = count;
  }
  bool pending() const { return left_ > 0; }

  void drive(EngineInputs& inputs) {
    inputs.result_read = left_ > 0;
    if (left_ == 0) return;
    inputs.result_index = static_cast<std::uint16_t>(next_++);
    --left_;
  }

 private:
  unsigned next_ = 0;
  unsigned left_ = 0;
};

}  // namespace aqpim::tb
