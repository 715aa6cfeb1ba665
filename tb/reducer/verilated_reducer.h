// SPDX-License-Identifier: Apache-2.0
//
// ReducerModel for one class that Verilator made. Only generated sources include this
// (model.cpp.in).
#pragma once

#include <verilated.h>

#include <cstring>
#include <limits>
#include <memory>

#include "tb/reducer/reducer_model.h"

namespace aqpim::tb {

template <typename Top>
class VerilatedReducer final : public ReducerModel {
 public:
  VerilatedReducer() = default;
  ~VerilatedReducer() override { power_down(); }

  void power_up(std::uint64_t seed) override {
    power_down();
    context_ = std::make_unique<VerilatedContext>();
    context_->randReset(2);
    // 1 … 2^31 − 1; 0 would mean a seed from the time of day.
    context_->randSeed(static_cast<int>(seed % std::numeric_limits<int>::max()) + 1);
    context_->fatalOnError(false);
    context_->errorLimit(std::numeric_limits<int>::max());
    top_ = std::make_unique<Top>(context_.get(), "reducer");
    top_->clk_i = 0;
    top_->rst_ni = 0;
    top_->eval();
  }

  ReducerOutputs cycle(const ReducerInputs& inputs) override {
    use_context();
    Top& top = *top_;
    top.rst_ni = !inputs.reset;
    top.word_valid_i = inputs.word_valid;
    std::memcpy(&top.word_i, inputs.word.data(), sizeof(top.word_i));
    top.last_part_i = inputs.last_part;
    top.values_i = inputs.values;
    top.clk_i = 0;
    top.eval();
    ReducerOutputs outputs;
    outputs.word_ready = top.word_ready_o;
    outputs.centroid_valid = top.centroid_valid_o;
    std::memcpy(outputs.centroid.data(), &top.centroid_o, sizeof(top.centroid_o));
    outputs.elements_valid = top.elements_valid_o;
    std::memcpy(outputs.elements.data(), &top.elements_o, sizeof(top.elements_o));
    top.clk_i = 1;
    top.eval();
    return outputs;
  }

  unsigned failed_assertions() const override {
    return context_ == nullptr ? 0u : static_cast<unsigned>(context_->errorCount());
  }

 private:
  // Verilator counts errors in the context of the thread, and there may be other models.
  void use_context() { Verilated::threadContextp(context_.get()); }

  void power_down() {
    if (top_ == nullptr) return;
    // Another context may have died since: destroying the model would then wait forever.
    use_context();
    top_->final();
    top_.reset();
    context_.reset();
  }

  std::unique_ptr<VerilatedContext> context_;
  std::unique_ptr<Top> top_;
};

}  // namespace aqpim::tb
