// SPDX-License-Identifier: Apache-2.0
//
// ChannelModel of a verilated pq_channel. Only generated sources include this.
#pragma once

#include <cstring>

#include "sw/config/channel.h"
#include "tb/channel/channel_model.h"
#include "tb/channel/channel_pins.h"
#include "tb/common/verilated_top.h"

namespace aqpim::tb {

template <typename Top>
class FlatChannel final : public ChannelModel {
 public:
  explicit FlatChannel(const config::ChannelShape& shape) : shape_(shape) {}

  void power_up(std::uint64_t seed) override {
    top_.power_up(seed);
    sample();
  }

  void open_waves(const std::filesystem::path& folder) override {
    top_.open_waves(folder / "channel.fst");
  }
  void close_waves() override { top_.close_waves(); }

  const ChannelOutputs& outputs() const override { return outputs_; }

  Beat write_data(unsigned rank, unsigned engine) const override {
    Beat beat;
    std::memcpy(beat.data(),
                reinterpret_cast<const std::uint8_t*>(&top_->write_data_o) +
                    (rank * shape_.engines() + engine) * beat.size(),
                beat.size());
    return beat;
  }
  bool write_enable(unsigned rank, unsigned engine) const override {
    return get(top_->write_enable_o, rank * shape_.engines() + engine, 1) != 0;
  }

  void drive_bank(unsigned rank, unsigned bank, const Beat& data) override {
    std::memcpy(reinterpret_cast<std::uint8_t*>(&top_->bank_data_i) +
                    (rank * shape_.memory.banks() + bank) * data.size(),
                data.data(), data.size());
  }

  void cycle(const ChannelInputs& inputs) override {
    drive_pins(*top_, inputs);
    top_.fall();
    top_.rise();
    sample();
  }

  unsigned failed_assertions() const override { return top_.failed_assertions(); }

 private:
  void sample() {
    sample_pins(*top_, shape_.memory, outputs_);
    outputs_.error = top_->error_o;
  }

  config::ChannelShape shape_;
  VerilatedTop<Top> top_{"channel"};
  ChannelOutputs outputs_;
};

}  // namespace aqpim::tb
