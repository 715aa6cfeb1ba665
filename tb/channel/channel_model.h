// SPDX-License-Identifier: Apache-2.0
//
// The pins of one pseudo-channel in RTL, the same for all configurations and however it is built:
// flat from pq_channel, or from pq_sequencer and one object of pq_bank_engine for each engine,
// which this side of the pins wires as pq_channel.sv does.
//
//   clock    __________/‾‾‾‾‾‾‾‾‾‾\__________/‾‾‾
//   outputs        ===X======================X===     all come from registers
//   inputs   ===X=======================X========     driven while the clock is low
//
// Pins: rtl/channel/pq_channel.sv.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>

#include "sw/golden/host_command.h"

namespace aqpim::tb {

using golden::Beat;

// A clock cycle is two cycles of the memory clock.
inline constexpr unsigned kSlots = 2;

struct ChannelInputs {
  bool reset = false;  // rst_ni is low

  bool cmd_valid = false;
  std::uint8_t cmd_tag = 0;
  std::uint8_t cmd_opcode = 0;
  std::uint8_t cmd_rank = 0;
  std::uint8_t cmd_context = 0;
  std::array<std::uint16_t, golden::kHostFields> cmd_fields = {};
  Beat payload = {};
  Beat bus_rdata = {};

  bool operator==(const ChannelInputs&) const = default;
};

struct RowPins {
  bool valid = false;
  std::uint8_t kind = 0;
  std::uint8_t rank = 0;
  std::uint16_t row = 0;

  bool operator==(const RowPins&) const = default;
};

struct ColumnPins {
  bool valid = false;
  std::uint8_t kind = 0;
  std::uint8_t rank = 0;
  std::uint8_t set = 0;
  std::uint8_t bank = 0;
  std::uint16_t row = 0;
  std::uint16_t column = 0;

  bool operator==(const ColumnPins&) const = default;
};

// A beat to the host; the payload's request has no data.
struct BeatPins {
  bool valid = false;
  std::uint8_t tag = 0;
  std::uint16_t beat = 0;
  Beat data = {};

  bool operator==(const BeatPins&) const = default;
};

// Pins beside a valid pin hold anything while it is low.
struct ChannelOutputs {
  bool cmd_ready = false;
  bool answer_valid = false;
  std::uint8_t answer_tag = 0;
  std::uint8_t answer_code = 0;
  BeatPins payload;
  BeatPins data;
  BeatPins elements;
  std::array<RowPins, kSlots> rows;
  std::array<ColumnPins, kSlots> columns;
  Beat bus_wdata = {};
  bool error = false;

  bool operator==(const ChannelOutputs&) const = default;
};

class ChannelModel {
 public:
  virtual ~ChannelModel() = default;

  // Switches the pseudo-channel on: all registers and memories take random values of this seed,
  // waves and counts start anew. Must come first; reset must follow.
  virtual void power_up(std::uint64_t seed) = 0;

  // How many threads share a cycle, from the next one on: no result depends on it. 1 without this,
  // and for a model that cannot share it.
  virtual void use_threads(unsigned) {}

  // Writes waveforms (FST) of all cycles from now on into a folder that exists.
  virtual void open_waves(const std::filesystem::path& folder) = 0;
  virtual void close_waves() = 0;

  // Outputs of the current cycle, before its inputs are driven.
  virtual const ChannelOutputs& outputs() const = 0;
  virtual Beat write_data(unsigned rank, unsigned engine) const = 0;
  virtual bool write_enable(unsigned rank, unsigned engine) const = 0;

  // What a bank gives to its engine from this cycle on.
  virtual void drive_bank(unsigned rank, unsigned bank, const Beat& data) = 0;

  // One clock cycle: drives the inputs, raises the clock.
  virtual void cycle(const ChannelInputs& inputs) = 0;

  // Assertions that failed since power_up(). Each has printed its hierarchical name.
  virtual unsigned failed_assertions() const = 0;

 protected:
  ChannelModel() = default;
  ChannelModel(const ChannelModel&) = delete;
  ChannelModel& operator=(const ChannelModel&) = delete;
};

}  // namespace aqpim::tb
