// SPDX-License-Identifier: Apache-2.0
//
// Model for one class that Verilator made. Only generated sources include this (model.cpp.in).
//
// Ports are integers of 8, 16, 32 or 64 bits or VlWide<N>; all hold their bits little endian, so a
// word is copied byte by byte.
#pragma once

#include <verilated.h>
#include <verilated_fst_c.h>

#include <cstring>
#include <limits>
#include <memory>
#include <stdexcept>
#include <string>

#include "tb/engine/model.h"

namespace aqpim::tb {

// Top: the verilated class. BreakWordCount: what break_word_count() does to it.
template <typename Top, typename BreakWordCount>
class VerilatedModel final : public Model {
 public:
  VerilatedModel() = default;
  ~VerilatedModel() override { power_down(); }

  void power_up(std::uint64_t seed) override {
    power_down();
    context_ = std::make_unique<VerilatedContext>();
    context_->randReset(2);
    // 1 … 2^31 − 1; 0 would mean a seed from the time of day.
    context_->randSeed(static_cast<int>(seed % std::numeric_limits<int>::max()) + 1);
    context_->fatalOnError(false);
    context_->errorLimit(std::numeric_limits<int>::max());
    top_ = std::make_unique<Top>(context_.get(), "engine");
    top_->clk_i = 0;
    top_->rst_ni = 0;
    top_->eval();
    sample(outputs_);
  }

  void open_waves(const std::filesystem::path& path) override {
    use_context();
    close_waves();
    context_->traceEverOn(true);
    waves_ = std::make_unique<VerilatedFstC>();
    top_->trace(waves_.get(), std::numeric_limits<int>::max());
    waves_->open(path.c_str());
    if (!waves_->isOpen()) {
      waves_.reset();
      throw std::runtime_error("cannot write waves to " + path.string());
    }
  }

  void close_waves() override {
    if (waves_ == nullptr) return;
    use_context();
    waves_->close();
    waves_.reset();
  }

  const EngineOutputs& outputs() const override { return outputs_; }

  EngineOutputs cycle(const EngineInputs& inputs) override {
    use_context();
    drive(inputs);
    top_->clk_i = 0;
    step();
    EngineOutputs sampled;
    sample(sampled);
    top_->clk_i = 1;
    step();
    sample(outputs_);
    return sampled;
  }

  unsigned failed_assertions() const override {
    return context_ == nullptr ? 0u : static_cast<unsigned>(context_->errorCount());
  }

  void break_word_count() override { BreakWordCount()(*top_); }

 private:
  // Half a period of 650 MHz, in picoseconds.
  static constexpr std::uint64_t kHalfPeriod = 769;

  // Verilator counts errors in the context of the thread, and there may be other models.
  void use_context() { Verilated::threadContextp(context_.get()); }

  void power_down() {
    if (top_ == nullptr) return;
    close_waves();
    // Another context may have died since: destroying the model would then wait forever.
    use_context();
    top_->final();
    top_.reset();
    context_.reset();
  }

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
    outputs.word_ready = top.word_ready_o;
    outputs.busy = top.busy_o;
    outputs.done = top.done_o;
    outputs.result_valid = top.result_valid_o;
    std::memcpy(outputs.result.data(), &top.result_o, sizeof(top.result_o));
  }

  void step() {
    top_->eval();
    context_->timeInc(kHalfPeriod);
    if (waves_ != nullptr) waves_->dump(context_->time());
  }

  std::unique_ptr<VerilatedContext> context_;
  std::unique_ptr<Top> top_;
  std::unique_ptr<VerilatedFstC> waves_;
  EngineOutputs outputs_;
};

}  // namespace aqpim::tb
