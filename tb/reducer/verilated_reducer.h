// SPDX-License-Identifier: Apache-2.0
//
// ReducerModel for one class that Verilator made. Only generated sources include this
// (model.cpp.in).
#pragma once

#include <cstring>

#include "tb/common/verilated_top.h"
#include "tb/reducer/reducer_model.h"

namespace aqpim::tb {

template <typename Top>
class VerilatedReducer final : public ReducerModel {
 public:
  void power_up(std::uint64_t seed) override { top_.power_up(seed); }

  ReducerOutputs cycle(const ReducerInputs& inputs) override {
    Top& top = *top_;
    top.rst_ni = !inputs.reset;
    top.word_valid_i = inputs.word_valid;
    std::memcpy(&top.word_i, inputs.word.data(), sizeof(top.word_i));
    top.last_part_i = inputs.last_part;
    top.values_i = inputs.values;
    top_.fall();
    ReducerOutputs outputs;
    outputs.word_ready = top.word_ready_o;
    outputs.centroid_valid = top.centroid_valid_o;
    std::memcpy(outputs.centroid.data(), &top.centroid_o, sizeof(top.centroid_o));
    outputs.elements_valid = top.elements_valid_o;
    std::memcpy(outputs.elements.data(), &top.elements_o, sizeof(top.elements_o));
    top_.rise();
    return outputs;
  }

  unsigned failed_assertions() const override { return top_.failed_assertions(); }

 private:
  VerilatedTop<Top> top_{"reducer"};
};

}  // namespace aqpim::tb
