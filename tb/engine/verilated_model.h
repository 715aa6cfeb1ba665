// SPDX-License-Identifier: Apache-2.0
//
// Model for one class that Verilator made. Only generated sources include this (model.cpp.in).
//
// Ports are integers of 8, 16, 32 or 64 bits or VlWide<N>; all hold their bits little endian, so a
// word is copied byte by byte.
#pragma once

#include <cstring>

#include "tb/common/verilated_top.h"
#include "tb/engine/model.h"

namespace aqpim::tb {

// Top: the verilated class. BreakWordCount: what break_word_count() does to it.
template <typename Top, typename BreakWordCount>
class VerilatedModel final : public Model {
 public:
  void power_up(std::uint64_t seed) override {
    top_.power_up(seed);
    sample(outputs_);
  }

  void open_waves(const std::filesystem::path& path) override { top_.open_waves(path); }
  void close_waves() override { top_.close_waves(); }

  const EngineOutputs& outputs() const override { return outputs_; }

  EngineOutputs cycle(const EngineInputs& inputs) override {
    drive(inputs);
    top_.fall();
    EngineOutputs sampled;
    sample(sampled);
    top_.rise();
    sample(outputs_);
    return sampled;
  }

  unsigned failed_assertions() const override { return top_.failed_assertions(); }

  void break_word_count() override { BreakWordCount()(*top_); }

 private:
  void drive(const EngineInputs& inputs) {
    Top& top = *top_;
    top.rst_ni = !inputs.reset;
    top.cmd_valid_i = inputs.cmd_valid;
    top.cmd_operation_i = inputs.cmd_operation;
    top.cmd_first_i = inputs.cmd_first;
    assign(top.cmd_tokens_i, inputs.cmd_tokens);
    top.word_valid_i = inputs.word_valid;
    std::memcpy(&top.word_i, inputs.word.data(), sizeof(top.word_i));
    top.reg_valid_i = inputs.reg_valid;
    top.reg_select_i = inputs.reg_select;
    top.reg_index_i = inputs.reg_index;
    std::memcpy(&top.reg_data_i, inputs.reg_data.data(), sizeof(top.reg_data_i));
    top.result_read_i = inputs.result_read;
    top.result_index_i = inputs.result_index;
  }

  template <typename Port>
  static void assign(Port& port, std::uint32_t value) {
    port = static_cast<Port>(value);
  }

  void sample(EngineOutputs& outputs) const {
    const Top& top = *top_;
    outputs.cmd_ready = top.cmd_ready_o;
    outputs.cmd_error = top.cmd_error_o;
    outputs.stream_open = top.stream_open_o;
    outputs.busy = top.busy_o;
    outputs.done = top.done_o;
    outputs.result_valid = top.result_valid_o;
    std::memcpy(outputs.result.data(), &top.result_o, sizeof(top.result_o));
  }

  VerilatedTop<Top> top_{"engine"};
  EngineOutputs outputs_;
};

}  // namespace aqpim::tb
