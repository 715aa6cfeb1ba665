// SPDX-License-Identifier: Apache-2.0
//
// Host and DRAM pins of a verilated pq_channel or pq_sequencer: both name them alike. Only
// generated sources include this.
#pragma once

#include <bit>
#include <cstring>

#include "sw/config/channel.h"
#include "tb/channel/channel_model.h"
#include "tb/common/ports.h"

namespace aqpim::tb {

template <typename Port>
void drive_beat(Port& port, const Beat& beat) {
  std::memcpy(&port, beat.data(), beat.size());
}

template <typename Port>
Beat beat_of(const Port& port) {
  Beat beat;
  std::memcpy(beat.data(), &port, beat.size());
  return beat;
}

// Of a host_beat_t: its command, and which beat of it.
template <typename Port>
std::uint8_t tag_of(const Port& port) {
  return static_cast<std::uint8_t>(get(port, pq_pkg::host_beat::tag));
}

template <typename Port>
std::uint16_t number_of(const Port& port) {
  return static_cast<std::uint16_t>(get(port, pq_pkg::host_beat::beat));
}

template <typename Top>
void drive_pins(Top& top, const ChannelInputs& inputs) {
  top.rst_ni = !inputs.reset;
  top.cmd_valid_i = inputs.cmd_valid;
  namespace command = pq_pkg::host_command;
  put(top.cmd_i, command::tag, inputs.cmd_tag);
  put(top.cmd_i, command::opcode, inputs.cmd_opcode);
  put(top.cmd_i, command::rank, inputs.cmd_rank);
  put(top.cmd_i, command::place, inputs.cmd_context);
  std::memcpy(&top.cmd_i, inputs.cmd_fields.data(), sizeof(inputs.cmd_fields));
  drive_beat(top.payload_i, inputs.payload);
  drive_beat(top.bus_rdata_i, inputs.bus_rdata);
}

template <typename Top>
void sample_pins(const Top& top, const config::MemoryOrganization& memory,
                 ChannelOutputs& outputs) {
  const auto bits = [](unsigned count) { return static_cast<unsigned>(std::bit_width(count - 1)); };
  const unsigned row_bits = bits(memory.rows);
  const unsigned bank_bits = bits(memory.banks());
  const unsigned column_bits = bits(memory.columns);

  outputs.cmd_ready = top.cmd_ready_o;
  outputs.answer_valid = top.answer_valid_o;
  outputs.answer_tag = static_cast<std::uint8_t>(get(top.answer_o, pq_pkg::host_answer::tag));
  outputs.answer_code = static_cast<std::uint8_t>(get(top.answer_o, pq_pkg::host_answer::code));
  outputs.payload.valid = top.payload_take_o;
  outputs.payload.tag = tag_of(top.payload_beat_o);
  outputs.payload.beat = number_of(top.payload_beat_o);
  outputs.data = {static_cast<bool>(top.data_valid_o), tag_of(top.data_beat_o),
                  number_of(top.data_beat_o), beat_of(top.data_o)};
  outputs.elements = {static_cast<bool>(top.elements_valid_o), tag_of(top.elements_beat_o),
                      number_of(top.elements_beat_o), beat_of(top.elements_o)};
  outputs.bus_wdata = beat_of(top.bus_wdata_o);
  for (unsigned slot = 0; slot < kSlots; ++slot) {
    const auto part = [slot](const auto& port, unsigned width) {
      return get(port, slot * width, width);
    };
    RowPins& row = outputs.rows[slot];
    row.valid = part(top.row_valid_o, 1) != 0;
    row.kind = static_cast<std::uint8_t>(part(top.row_kind_o, 2));
    row.rank = static_cast<std::uint8_t>(part(top.row_rank_o, 1));
    row.row = static_cast<std::uint16_t>(part(top.row_row_o, row_bits));
    ColumnPins& column = outputs.columns[slot];
    column.valid = part(top.col_valid_o, 1) != 0;
    column.kind = static_cast<std::uint8_t>(part(top.col_kind_o, 3));
    column.rank = static_cast<std::uint8_t>(part(top.col_rank_o, 1));
    column.set = static_cast<std::uint8_t>(part(top.col_set_o, 2));
    column.bank = static_cast<std::uint8_t>(part(top.col_bank_o, bank_bits));
    column.row = static_cast<std::uint16_t>(part(top.col_row_o, row_bits));
    column.column = static_cast<std::uint16_t>(part(top.col_column_o, column_bits));
  }
}

}  // namespace aqpim::tb
