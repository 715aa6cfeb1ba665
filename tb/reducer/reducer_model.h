// SPDX-License-Identifier: Apache-2.0
//
// The pins of one verilated pq_reducer, the same for all configurations; timing of inputs and
// outputs as in tb/engine/model.h. Words and elements hold their first bytes of the configuration's
// width. Pins: rtl/channel/pq_reducer.sv.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "tb/engine/model.h"

namespace aqpim::tb {

struct ReducerInputs {
  bool reset = false;  // rst_ni is low
  bool word_valid = false;
  Word word{};
  std::uint8_t last_part = 0;
  bool values = false;
};

struct ReducerOutputs {
  bool word_ready = false;
  bool centroid_valid = false;
  Word centroid{};
  bool elements_valid = false;
  Word elements{};
};

class ReducerModel {
 public:
  virtual ~ReducerModel() = default;

  // Switches the reducer on: all registers take random values of this seed. Must come first; reset
  // must follow.
  virtual void power_up(std::uint64_t seed) = 0;

  // One clock cycle: drives the inputs, samples the outputs before the rising edge, raises the
  // clock.
  virtual ReducerOutputs cycle(const ReducerInputs& inputs) = 0;

  // Assertions that failed since power_up(). Each has printed its hierarchical name.
  virtual unsigned failed_assertions() const = 0;

 protected:
  ReducerModel() = default;
  ReducerModel(const ReducerModel&) = delete;
  ReducerModel& operator=(const ReducerModel&) = delete;
};

// The model of a configuration in this binary. Throws std::out_of_range if there is none.
std::unique_ptr<ReducerModel> make_reducer_model(std::string_view configuration);

}  // namespace aqpim::tb
