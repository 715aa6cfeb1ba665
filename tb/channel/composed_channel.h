// SPDX-License-Identifier: Apache-2.0
//
// ChannelModel of a verilated pq_sequencer and one object of a verilated pq_bank_engine for each
// engine: the compiler sees one engine instead of 32. Wired as in rtl/channel/pq_channel.sv; all
// pins between them come from registers, so that one evaluation of each is a cycle, in any order
// and on several threads. Only generated sources include this.
//
//   wires_ --> engine 0 --> answers_[0] --+
//   wires_ --> engine 1 --> answers_[1] --+--> the sequencer's pins of the next cycle
//   pins ----> sequencer --> wires_ of the next cycle
#pragma once

#include <cstring>
#include <deque>
#include <optional>
#include <string>
#include <type_traits>
#include <vector>

#include "sw/config/channel.h"
#include "tb/channel/channel_model.h"
#include "tb/channel/channel_pins.h"
#include "tb/common/random.h"
#include "tb/common/verilated_top.h"
#include "tb/common/workers.h"

namespace aqpim::tb {

template <typename Sequencer, typename Engine>
class ComposedChannel final : public ChannelModel {
 public:
  explicit ComposedChannel(const config::ChannelShape& shape) : shape_(shape) {
    for (unsigned i = 0; i < shape.memory.ranks * shape.engines(); ++i) {
      engines_.emplace_back("engine");
    }
    answers_.resize(engines_.size());
    use_threads(1);
  }

  void use_threads(unsigned threads) override {
    workers_.emplace(1 + engines_.size(), threads, [this](std::size_t item) {
      if (item == 0) {
        sequencer_.fall();
        sequencer_.rise();
      } else {
        cycle_engine(item - 1);
      }
    });
  }

  void power_up(std::uint64_t seed) override {
    Random random(seed, "power-up");
    sequencer_.power_up(random.bits());
    for (unsigned i = 0; i < engines_.size(); ++i) {
      engines_[i].power_up(random.bits());
      engines_[i]->index_i = static_cast<std::uint8_t>(i % shape_.engines());
      take_answer(i);
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
    reset_ = inputs.reset;
    workers_->run();
    sample();
  }

  unsigned failed_assertions() const override {
    unsigned failed = sequencer_.failed_assertions();
    for (const Answer& answer : answers_) failed += answer.failed_assertions;
    return failed;
  }

 private:
  VerilatedTop<Engine>& engine(unsigned rank, unsigned number) {
    return engines_[rank * shape_.engines() + number];
  }
  const VerilatedTop<Engine>& engine(unsigned rank, unsigned number) const {
    return engines_[rank * shape_.engines() + number];
  }

  template <typename Reference>
  using Value = std::remove_reference_t<Reference>;

  // The sequencer's pins towards the engines in this cycle: it goes on to the next one while they
  // are read.
  struct Wires {
    Value<decltype(Sequencer::engine_valid_o)> engine_valid;
    Value<decltype(Sequencer::engine_command_o)> engine_command;
    Value<decltype(Sequencer::bank_take_o)> bank_take;
    Value<decltype(Sequencer::bank_odd_o)> bank_odd;
    Value<decltype(Sequencer::bus_valid_o)> bus_valid;
    Value<decltype(Sequencer::bus_beat_o)> bus_beat;
    Value<decltype(Sequencer::bus_data_o)> bus_data;
    Value<decltype(Sequencer::read_valid_o)> read_valid;
    Value<decltype(Sequencer::read_beat_o)> read_beat;
  };

  // What is asked of each engine after each cycle, in a cache line of its own.
  struct alignas(64) Answer {
    std::array<std::uint64_t, sizeof(Beat) / sizeof(std::uint64_t)> read_data;
    unsigned failed_assertions;
    bool ready;
    bool error;
  };

  void take_answer(std::size_t i) {
    const Engine& top = *engines_[i];
    Answer& answer = answers_[i];
    std::memcpy(answer.read_data.data(), &top.read_data_o, sizeof(answer.read_data));
    answer.failed_assertions = engines_[i].failed_assertions();
    answer.ready = top.ready_o;
    answer.error = top.error_o;
  }

  void cycle_engine(std::size_t i) {
    drive_engine(i);
    engines_[i].fall();
    engines_[i].rise();
    take_answer(i);
  }

  void join_engines() {
    decltype(Answer::read_data) joined = {};
    for (unsigned rank = 0; rank < shape_.memory.ranks; ++rank) {
      bool ready = true;
      for (unsigned e = 0; e < shape_.engines(); ++e) {
        const Answer& answer = answers_[rank * shape_.engines() + e];
        ready = ready && answer.ready;
        for (std::size_t i = 0; i < joined.size(); ++i) joined[i] |= answer.read_data[i];
      }
      put(sequencer_->engine_ready_i, rank, 1, ready);
    }
    std::memcpy(&sequencer_->engine_data_i, joined.data(), sizeof(joined));
  }

  void drive_engine(std::size_t number) {
    const auto i = static_cast<unsigned>(number);
    const unsigned rank = i / shape_.engines();
    Engine& to = *engines_[i];
    to.rst_ni = !reset_;
    assign(to.cmd_valid_i, get(wires_.engine_valid, rank, 1));
    assign(to.cmd_i, get(wires_.engine_command, pq_pkg::kEngineCommandBits * rank,
                         pq_pkg::kEngineCommandBits));
    assign(to.bank_take_i, get(wires_.bank_take, rank, 1));
    assign(to.bank_odd_i, get(wires_.bank_odd, rank, 1));
    assign(to.bus_valid_i, get(wires_.bus_valid, i, 1));
    to.bus_beat_i = wires_.bus_beat;
    to.bus_data_i = wires_.bus_data;
    assign(to.read_valid_i, get(wires_.read_valid, i, 1));
    assign(to.read_beat_i,
           get(wires_.read_beat, pq_pkg::kEngineReadBits * rank, pq_pkg::kEngineReadBits));
  }

  template <typename Port>
  static void assign(Port& port, std::uint64_t value) {
    port = static_cast<Port>(value);
  }

  void sample() {
    const Sequencer& top = *sequencer_;
    sample_pins(top, shape_.memory, outputs_);
    outputs_.error = false;
    for (const Answer& answer : answers_) outputs_.error = outputs_.error || answer.error;
    wires_ = {.engine_valid = top.engine_valid_o,
              .engine_command = top.engine_command_o,
              .bank_take = top.bank_take_o,
              .bank_odd = top.bank_odd_o,
              .bus_valid = top.bus_valid_o,
              .bus_beat = top.bus_beat_o,
              .bus_data = top.bus_data_o,
              .read_valid = top.read_valid_o,
              .read_beat = top.read_beat_o};
  }

  config::ChannelShape shape_;
  VerilatedTop<Sequencer> sequencer_{"sequencer"};
  std::deque<VerilatedTop<Engine>> engines_;  // of rank 0, then of rank 1
  bool reset_ = true;
  Wires wires_;
  std::vector<Answer> answers_;  // of each engine
  ChannelOutputs outputs_;
  std::optional<Workers> workers_;
};

}  // namespace aqpim::tb
