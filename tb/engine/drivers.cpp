// SPDX-License-Identifier: Apache-2.0
#include "tb/engine/drivers.h"

#include <algorithm>
#include <cstring>

namespace aqpim::tb {

Noise::Noise(Random& random) : on_(true) {
  for (Word& word : words_) {
    for (std::uint8_t& byte : word) byte = static_cast<std::uint8_t>(random.bits(8));
  }
}

void RegisterDriver::drive(EngineInputs& inputs) {
  inputs.reg_valid = write_ != nullptr;
  if (write_ == nullptr) {
    noise_.put_on(inputs.reg_data);
    noise_.put_on(inputs.reg_select, 3);
    noise_.put_on(inputs.reg_index, 0xff);
    return;
  }
  inputs.reg_select = static_cast<std::uint8_t>(write_->select);
  inputs.reg_index = static_cast<std::uint8_t>(write_->index);
  std::ranges::copy(write_->data, inputs.reg_data.begin());
  write_ = nullptr;
}

void BankDriver::start(const golden::Command& command, Pace pace, unsigned start_delay) {
  stream_ = command.stream;
  position_ = command.offset;
  left_ = command.bytes / word_bytes_;
  pace_ = pace;
  wait_ = start_delay;
  withheld_ = 0;
}

void BankDriver::drive(const EngineOutputs& outputs, EngineInputs& inputs) {
  if (stray_) {
    inputs.word_valid = true;
    inputs.word = *stray_;
    stray_.reset();
    return;
  }
  if (left_ > 0 && outputs.stream_open) {
    if (wait_ == 0) {
      inputs.word_valid = true;
      std::memcpy(inputs.word.data(), stream_->data() + position_, word_bytes_);
      position_ += word_bytes_;
      --left_;
      wait_ = pace_.gap(random_);
      return;
    }
    --wait_;
    ++withheld_;
  }
  inputs.word_valid = false;
  noise_.put_on(inputs.word);
}

}  // namespace aqpim::tb
