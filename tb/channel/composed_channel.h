// SPDX-License-Identifier: Apache-2.0
//
// ChannelModel of a verilated pq_sequencer and one object of a verilated pq_bank_engine for each
// engine: the compiler sees one engine instead of 32. Wired as in rtl/channel/pq_channel.sv; all
// pins between them come from registers, so that one evaluation of each is a cycle. Only generated
// sources include this.
#pragma once

#include <bit>
#include <cstring>
#include <deque>
#include <string>

#include "sw/config/channel.h"
#include "tb/channel/channel_model.h"
#include "tb/channel/channel_pins.h"
#include "tb/common/random.h"
#include "tb/common/verilated_top.h"

namespace aqpim::tb {

template <typename Sequencer, typename Engine>
class ComposedChannel final : public ChannelModel {
 public:
  explicit ComposedChannel(const config::ChannelShape& shape)
      : shape_(shape),
        tokens_width_(static_cast<unsigned>(std::bit_width(shape.engine.score_depth))) {
    for (unsigned i = 0; i < shape.memory.ranks * shape.engines(); ++i) {
      engines_.emplace_back("engine");
    }
  }

  void power_up(std::uint64_t seed) override {
    Random random(seed, "power-up");
    sequencer_.power_up(random.bits());
    for (unsigned i = 0; i < engines_.size(); ++i) {
      engines_[i].power_up(random.bits());
      engines_[i]->index_i = static_cast<std::uint8_t>(i % shape_.engines());
    }
    sample();
  }

  // Of the sequencer and of each rank's engine 0.
  void open_waves(const std::filesystem::path& folder) override {
    sequencer_.open_waves(folder / "sequencer.fst");
    for (unsigned rank = 0; rank < shape_.memory.ranks; ++rank) {
      engine(rank, 0).open_waves(folder / ("engine_of_rank_" + std::to_string(rank) + ".fst"));
    }
  }

  void close_waves() override {
    sequencer_.close_waves();
    for (auto& engine : engines_) engine.close_waves();
  }

  const ChannelOutputs& outputs() const override { return outputs_; }
  Beat write_data(unsigned rank, unsigned number) const override {
    return beat_of(engine(rank, number)->write_data_o);
  }
  bool write_enable(unsigned rank, unsigned number) const override {
    return engine(rank, number)->write_enable_o;
  }

  void drive_bank(unsigned rank, unsigned bank, const Beat& data) override {
    const unsigned per_engine = shape_.banks_per_engine;
    Engine& top = *engine(rank, bank / per_engine);
    std::memcpy(reinterpret_cast<std::uint8_t*>(&top.bank_data_i) + bank % per_engine * data.size(),
                data.data(), data.size());
  }

  void cycle(const ChannelInputs& inputs) override {
    drive_pins(*sequencer_, inputs);
    join_engines();
    for (unsigned i = 0; i < engines_.size(); ++i) drive_engine(i, inputs.reset);
    sequencer_.fall();
    sequencer_.rise();
    for (auto& engine : engines_) {
      engine.fall();
      engine.rise();
    }
    sample();
  }

  unsigned failed_assertions() const override {
    unsigned failed = sequencer_.failed_assertions();
    for (const auto& engine : engines_) failed += engine.failed_assertions();
    return failed;
  }

 private:
  VerilatedTop<Engine>& engine(unsigned rank, unsigned number) {
    return engines_[rank * shape_.engines() + number];
  }
  const VerilatedTop<Engine>& engine(unsigned rank, unsigned number) const {
    return engines_[rank * shape_.engines() + number];
  }

  void join_engines() {
    std::array<std::uint64_t, sizeof(Beat) / sizeof(std::uint64_t)> joined = {};
    for (unsigned rank = 0; rank < shape_.memory.ranks; ++rank) {
      bool ready = true;
      for (unsigned e = 0; e < shape_.engines(); ++e) {
        const Engine& top = *engine(rank, e);
        ready = ready && top.ready_o;
        decltype(joined) read;
        std::memcpy(read.data(), &top.read_data_o, sizeof(read));
        for (std::size_t i = 0; i < joined.size(); ++i) joined[i] |= read[i];
      }
      put(sequencer_->engine_ready_i, rank, 1, ready);
    }
    std::memcpy(&sequencer_->engine_data_i, joined.data(), sizeof(joined));
  }

  void drive_engine(unsigned i, bool reset) {
    const Sequencer& from = *sequencer_;
    const unsigned rank = i / shape_.engines();
    Engine& to = *engines_[i];
    to.rst_ni = !reset;
    assign(to.cmd_valid_i, get(from.engine_cmd_valid_o, rank, 1));
    assign(to.cmd_operation_i, get(from.engine_cmd_operation_o, 3 * rank, 3));
    assign(to.cmd_first_i, get(from.engine_cmd_first_o, rank, 1));
    assign(to.cmd_skip_i, get(from.engine_cmd_skip_o, tokens_width_ * rank, tokens_width_));
    assign(to.cmd_tokens_i, get(from.engine_cmd_tokens_o, tokens_width_ * rank, tokens_width_));
    assign(to.bank_take_i, get(from.bank_take_o, rank, 1));
    assign(to.bank_odd_i, get(from.bank_odd_o, rank, 1));
    assign(to.bus_valid_i, get(from.bus_valid_o, i, 1));
    to.bus_kind_i = from.bus_kind_o;
    to.bus_index_i = from.bus_index_o;
    to.bus_data_i = from.bus_data_o;
    assign(to.read_valid_i, get(from.read_valid_o, i, 1));
    assign(to.read_kind_i, get(from.read_kind_o, 2 * rank, 2));
    assign(to.read_index_i, get(from.read_index_o, 6 * rank, 6));
  }

  template <typename Port>
  static void assign(Port& port, std::uint64_t value) {
    port = static_cast<Port>(value);
  }

  void sample() {
    sample_pins(*sequencer_, shape_.memory, outputs_);
    outputs_.error = false;
    for (const auto& engine : engines_) outputs_.error = outputs_.error || engine->error_o;
  }

  config::ChannelShape shape_;
  unsigned tokens_width_;
  VerilatedTop<Sequencer> sequencer_{"sequencer"};
  std::deque<VerilatedTop<Engine>> engines_;  // of rank 0, then of rank 1
  ChannelOutputs outputs_;
};

}  // namespace aqpim::tb
