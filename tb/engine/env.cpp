// SPDX-License-Identifier: Apache-2.0
#include "tb/engine/env.h"

#include <fmt/format.h>

#include <cstring>

#include "tb/engine/timing.h"

namespace aqpim::tb {

namespace {

// Cycles without any event, beyond the bank's own gaps, after which the engine counts as hanging.
constexpr Cycle kPatience = 1000;

Noise noise_of(bool on, Random& random) { return on ? Noise(random) : Noise(); }

}  // namespace

Env::Env(const config::Configuration& configuration, const EnvOptions& options)
    : configuration_(configuration),
      model_(make_model(configuration.name)),
      random_(options.seed, "env"),
      register_driver_(noise_of(options.noise, random_)),
      bank_driver_(configuration.engine.word_bytes(), Random(options.seed, "bank"),
                   noise_of(options.noise, random_)),
      monitor_(configuration.engine.word_bytes()) {
  if (options.check || options.cover) {
    scoreboard_ = std::make_unique<Scoreboard>(
        fmt::format("{} (seed {})", configuration.name, options.seed),
        options.golden_config == nullptr ? configuration.engine : *options.golden_config, monitor_);
  }
  if (options.cover) {
    coverage_ = std::make_unique<EngineCoverage>(configuration_, monitor_, scoreboard_->golden());
  }
  monitor_.operations.subscribe([this](const OperationSeen& seen) {
    statistics_[seen.command.operation].add(seen, bank_driver_.withheld());
  });
  monitor_.refusals.subscribe([this](const RefusalSeen&) { bank_driver_.cancel(); });
  monitor_.reads.subscribe([this](const ReadSeen& seen) { reads_.push_back(seen); });
  monitor_.results.subscribe([this](const ResultSeen& seen) { collect(seen); });
  model_->power_up(random_.bits());
  start(Reset{}, When::now());
}

Env::~Env() = default;

void Env::step() {
  const EngineOutputs before = model_->outputs();
  register_driver_.drive(inputs_);
  results_driver_.drive(inputs_);
  const bool accepted = command_driver_.drive(before, inputs_);
  bank_driver_.drive(before, inputs_);
  const EngineOutputs sampled = model_->cycle(inputs_);
  monitor_.sample(inputs_, sampled, before);
  if (accepted) bank_driver_.start(command_driver_.command(), next_pace_, next_delay_);
  forget_lost_reads();
  ++statistics_.cycles;

  if (model_->failed_assertions() > 0) {
    throw RunFailed(
        fmt::format("{}: an assertion failed in cycle {}", configuration_.name, monitor_.cycle()));
  }
  if (monitor_.cycle() - monitor_.last_event() >
      kPatience + bank_driver_.longest_gap() + next_delay_) {
    throw RunFailed(fmt::format("{}: nothing has happened for {} cycles, in cycle {}",
                                configuration_.name, monitor_.cycle() - monitor_.last_event(),
                                monitor_.cycle()));
  }
}

void Env::wait_for(When when) {
  switch (when.kind) {
    case When::Kind::kNow:
      return;
    case When::Kind::kIdle:
      while (monitor_.phase() != Phase::kIdle || answers_pending()) step();
      return;
    case When::Kind::kPhase:
      while (monitor_.phase() != Phase::kIdle &&
             (monitor_.phase() < when.phase || monitor_.words_taken() < when.words)) {
        step();
      }
      return;
  }
}

void Env::play(const Sequence& sequence) {
  for (const Item& item : sequence) {
    std::visit([&](const auto& what) { start(what, item.when); }, item.what);
  }
  wait_for(When::idle());
}

std::vector<golden::Result> Env::play(const golden::Program& program, Pace pace) {
  take_results();
  play(sequence_of(program, pace));
  return take_results();
}

void Env::start(const Write& item, When when) {
  wait_for(when);
  register_driver_.start(item.write);
  step();
}

void Env::start(const Start& item, When when) {
  wait_for(when);
  next_pace_ = item.pace;
  next_delay_ = item.delay;
  command_driver_.start(item.command);
  if (item.write) register_driver_.start(*item.write);
  while (command_driver_.pending()) step();
}

void Env::start(const Read& item, When when) {
  wait_for(when);
  const unsigned words =
      configuration_.engine.head_dim / (configuration_.engine.word_bits / 64) + 1;
  results_driver_.start(item.first, item.count == 0 ? words : item.count);
  while (results_driver_.pending()) step();
}

void Env::start(const StrayWord& item, When when) {
  wait_for(when);
  bank_driver_.stray(item.word);
  step();
}

void Env::start(const Reset& item, When when) {
  wait_for(when);
  bank_driver_.cancel();
  inputs_.reset = true;
  for (unsigned cycle = 0; cycle < item.cycles; ++cycle) step();
  inputs_.reset = false;
  reads_.clear();
  step();
}

void Env::start(const Wait& item, When when) {
  wait_for(when);
  for (unsigned cycle = 0; cycle < item.cycles; ++cycle) step();
}

// An answer comes a fixed time after its read, or never.
void Env::forget_lost_reads() {
  while (!reads_.empty() && reads_.front().cycle + kReadCycles < monitor_.cycle() - 1) {
    reads_.pop_front();
  }
}

void Env::collect(const ResultSeen& seen) {
  if (reads_.empty()) return;
  const unsigned index = reads_.front().index;
  reads_.pop_front();
  const unsigned per_word = configuration_.engine.word_bits / 64;
  partial_.outputs.resize(configuration_.engine.head_dim);
  if (index < configuration_.engine.head_dim / per_word) {
    std::memcpy(partial_.outputs.data() + index * per_word, seen.word.data(),
                per_word * sizeof(std::int64_t));
    return;
  }
  std::int16_t maximum = 0;
  std::memcpy(&partial_.weight_sum, seen.word.data(), sizeof(partial_.weight_sum));
  std::memcpy(&maximum, seen.word.data() + 4, sizeof(maximum));
  std::memcpy(&partial_.flags, seen.word.data() + 6, sizeof(partial_.flags));
  partial_.maximum = maximum;
  results_.push_back(std::exchange(partial_, {}));
}

bool Env::failed() const {
  return (scoreboard_ != nullptr && scoreboard_->failed()) || model_->failed_assertions() > 0;
}

std::string Env::verdict(std::uint64_t minimum_compared) const {
  return scoreboard_->verdict(minimum_compared, model_->failed_assertions());
}

}  // namespace aqpim::tb
