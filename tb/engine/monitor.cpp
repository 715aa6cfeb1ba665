// SPDX-License-Identifier: Apache-2.0
#include "tb/engine/monitor.h"

#include <fmt/format.h>

#include <array>
#include <span>
#include <utility>

namespace aqpim::tb {

std::string_view name_of(golden::Operation operation) {
  static constexpr std::array<std::string_view, golden::kOperations> kNames = {
      "TABLE", "SCORE", "ACCUMULATE", "COMBINE", "ENCODE", "LOAD", "CLUSTER", "UNLOAD"};
  return kNames.at(static_cast<std::size_t>(operation));
}

void Monitor::anomaly(const char* what) {
  anomalies.publish(fmt::format("cycle {}: {}", cycle_, what));
}

std::optional<golden::Operation> Monitor::running() const {
  if (phase_ == Phase::kIdle) return {};
  return command_.operation;
}

void Monitor::take_word(const EngineInputs& inputs) {
  if (words_ == 0) first_word_ = cycle_;
  if (words_ == 2) third_word_ = cycle_;
  if (command_.operation == golden::Operation::kUnload) {
    strobes.publish({cycle_, static_cast<unsigned>(words_)});
  }
  last_word_ = cycle_;
  ++words_;
  const std::span<const std::uint8_t> word(inputs.word.data(), word_bytes_);
  stream_->insert(stream_->end(), word.begin(), word.end());
}

void Monitor::finish_operation() {
  OperationSeen seen{.command = command_,
                     .stream = std::move(stream_),
                     .words = words_,
                     .opened = opened_,
                     .last_word = last_word_,
                     .done = cycle_};
  if (words_ > 0) {
    seen.start_delay = first_word_ - opened_;
    seen.gaps = last_word_ - first_word_ + 1 - words_;
    seen.third_word = third_word_;
  }
  phase_ = Phase::kIdle;
  operations.publish(seen);
}

// The phase of this cycle.
void Monitor::follow(const EngineOutputs& outputs) {
  if (phase_ == Phase::kCheck && cycle_ == command_.cycle + 2) {
    phase_ = outputs.cmd_error ? Phase::kIdle : Phase::kFill;
    if (outputs.cmd_error) refusals.publish({command_});
  } else if (outputs.cmd_error) {
    anomaly("cmd_error_o without a command that was checked");
  }

  if (phase_ == Phase::kFill && outputs.stream_open) {
    phase_ = Phase::kStream;
    opened_ = cycle_;
  } else if (phase_ == Phase::kDrain && outputs.stream_open &&
             command_.operation == golden::Operation::kCluster) {
    // A group of tokens had to wait for its place.
    phase_ = Phase::kStream;
  } else if (phase_ == Phase::kStream && !outputs.stream_open) {
    phase_ = Phase::kDrain;
  } else if (outputs.stream_open && phase_ != Phase::kStream) {
    anomaly("stream_open_o outside an operation");
  }
  if (outputs.done) {
    if (phase_ == Phase::kIdle) {
      anomaly("done_o without an operation");
    } else {
      finish_operation();
    }
  }
  if (outputs.busy != (phase_ != Phase::kIdle)) anomaly("busy_o is not the state of the operation");
  if (outputs.cmd_ready == outputs.busy) anomaly("cmd_ready_o while busy, or idle and not ready");
}

void Monitor::sample(const EngineInputs& inputs, const EngineOutputs& outputs,
                     const EngineOutputs& before) {
  const bool changed = outputs.cmd_ready != before.cmd_ready ||
                       outputs.cmd_error != before.cmd_error ||
                       outputs.stream_open != before.stream_open || outputs.busy != before.busy ||
                       outputs.done != before.done || outputs.result_valid != before.result_valid;
  if (inputs.reset) {
    if (!in_reset_) resets.publish({cycle_, running()});
    in_reset_ = true;
    phase_ = Phase::kIdle;
    command_waits_ = false;
    last_event_ = cycle_++;
    return;
  }
  in_reset_ = false;
  if (changed) anomaly("an output follows an input in the same cycle");

  if (outputs.result_valid) results.publish({cycle_, outputs.result});
  follow(outputs);
  if (inputs.result_read) reads.publish({cycle_, inputs.result_index, running()});
  if (inputs.word_valid && outputs.stream_open) take_word(inputs);
  if (inputs.word_valid && !outputs.stream_open) stray_words.publish({cycle_, phase_});
  if (inputs.reg_valid) {
    const auto data = inputs.reg_data.begin();
    writes.publish({cycle_,
                    {static_cast<golden::RegisterSelect>(inputs.reg_select),
                     inputs.reg_index,
                     {data, data + static_cast<std::ptrdiff_t>(word_bytes_)}},
                    running()});
  }
  const bool accepted = inputs.cmd_valid && outputs.cmd_ready;
  if (accepted) {
    command_ = {.cycle = cycle_,
                .operation = static_cast<golden::Operation>(inputs.cmd_operation),
                .first = inputs.cmd_first,
                .tokens = inputs.cmd_tokens,
                .waited = command_waits_};
    phase_ = Phase::kCheck;
    stream_ = std::make_shared<std::vector<std::uint8_t>>();
    words_ = 0;
    opened_ = first_word_ = last_word_ = cycle_;
    commands.publish(command_);
  }
  command_waits_ = inputs.cmd_valid && !accepted;

  if (inputs.result_read || inputs.word_valid || inputs.reg_valid || accepted ||
      outputs.result_valid || outputs.done) {
    last_event_ = cycle_;
  }
  ++cycle_;
}

}  // namespace aqpim::tb
