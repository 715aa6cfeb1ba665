// SPDX-License-Identifier: Apache-2.0
//
// The pins of one verilated pq_engine, the same for all configurations.
//
//   clock    __________/‾‾‾‾‾‾‾‾‾‾\__________/‾‾‾
//   inputs   ===X=======================X========     driven while the clock is low
//   outputs        ^ sampled before the edge
//                       ^ outputs() of the next cycle
//
// One object is one engine with a clock, a reset, its own random power-up state and its own waves.
// A word has WordBits/8 bytes, little endian: byte 0 is bits 7:0. Pins: rtl/engine/pq_engine.sv.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string_view>

namespace aqpim::tb {

// Bytes of the widest word; narrower configurations use the first WordBits/8.
inline constexpr std::size_t kWidestWord = 32;
using Word = std::array<std::uint8_t, kWidestWord>;

struct EngineInputs {
  bool reset = false;  // rst_ni is low

  bool cmd_valid = false;
  std::uint8_t cmd_operation = 0;
  bool cmd_first = false;
  std::uint32_t cmd_tokens = 0;

  bool word_valid = false;
  Word word{};

  bool reg_valid = false;
  std::uint8_t reg_select = 0;
  std::uint8_t reg_index = 0;
  Word reg_data{};

  bool result_read = false;
  std::uint16_t result_index = 0;

  bool operator==(const EngineInputs&) const = default;
};

struct EngineOutputs {
  bool cmd_ready = false;
  bool cmd_error = false;
  bool stream_open = false;
  bool busy = false;
  bool done = false;
  bool result_valid = false;
  Word result{};  // holds its last value while result_valid is false

  bool operator==(const EngineOutputs&) const = default;
};

class Model {
 public:
  virtual ~Model() = default;

  // Switches the engine on: all registers and memories take random values of this seed, waves and
  // counts start anew. Must come first; reset must follow.
  virtual void power_up(std::uint64_t seed) = 0;

  // Writes waveforms (FST) of all cycles from now on. Waves never change what the engine does.
  virtual void open_waves(const std::filesystem::path& path) = 0;
  virtual void close_waves() = 0;

  // Outputs of the current cycle, before its inputs are driven. They come from registers.
  virtual const EngineOutputs& outputs() const = 0;

  // One clock cycle: drives the inputs, samples the outputs before the rising edge, raises the
  // clock.
  virtual EngineOutputs cycle(const EngineInputs& inputs) = 0;

  // Assertions that failed since power_up(). Each has printed its hierarchical name.
  virtual unsigned failed_assertions() const = 0;

  // Makes the engine expect no more words while its stream is open, which its assertions must
  // notice: for tests of the test bench.
  virtual void break_word_count() = 0;

 protected:
  Model() = default;
  Model(const Model&) = delete;
  Model& operator=(const Model&) = delete;
};

// The model of a configuration in this binary. Throws std::out_of_range if there is none.
std::unique_ptr<Model> make_model(std::string_view configuration);

}  // namespace aqpim::tb
