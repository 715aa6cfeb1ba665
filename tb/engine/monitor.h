// SPDX-License-Identifier: Apache-2.0
//
// Watches the pins of one engine and publishes what happens on them. It drives nothing and expects
// nothing; what no engine may do on its pins is published as an anomaly.
//
// Transactions of one cycle are published in the order in which they take effect: answers, the end
// of an operation or the refusal of a command, reads, words, register writes, commands.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tb/common/analysis_port.h"
#include "tb/engine/model.h"
#include "tb/engine/transactions.h"

namespace aqpim::tb {

class Monitor {
 public:
  explicit Monitor(std::size_t word_bytes) : word_bytes_(word_bytes) {}

  AnalysisPort<ResetSeen> resets;
  AnalysisPort<WriteSeen> writes;
  AnalysisPort<RefusalSeen> refusals;
  AnalysisPort<CommandSeen> commands;  // accepted; whether refused is known two cycles later
  AnalysisPort<OperationSeen> operations;
  AnalysisPort<StrobeSeen> strobes;
  AnalysisPort<StrayWordSeen> stray_words;
  AnalysisPort<ReadSeen> reads;
  AnalysisPort<ResultSeen> results;
  AnalysisPort<std::string> anomalies;

  // The pins before the rising edge of the next cycle. `before` are the outputs that were seen
  // before the inputs of this cycle were driven.
  void sample(const EngineInputs& inputs, const EngineOutputs& outputs,
              const EngineOutputs& before);

  Cycle cycle() const { return cycle_; }  // the next one to be sampled
  // Of the cycle that was sampled last; kCheck as soon as a command was accepted.
  Phase phase() const { return phase_; }
  std::uint64_t words_taken() const { return words_; }  // of the running operation
  // Of the last cycle in which anything happened.
  Cycle last_event() const { return last_event_; }

 private:
  void follow(const EngineOutputs& outputs);
  void take_word(const EngineInputs& inputs);
  void finish_operation();
  std::optional<golden::Operation> running() const;
  void anomaly(const char* what);

  std::size_t word_bytes_;
  Cycle cycle_ = 0;
  Cycle last_event_ = 0;
  Phase phase_ = Phase::kIdle;
  bool in_reset_ = false;
  bool command_waits_ = false;

  CommandSeen command_;
  std::shared_ptr<std::vector<std::uint8_t>> stream_;
  std::uint64_t words_ = 0;
  Cycle opened_ = 0;
  Cycle first_word_ = 0;
  Cycle third_word_ = 0;
  Cycle last_word_ = 0;
};

}  // namespace aqpim::tb
