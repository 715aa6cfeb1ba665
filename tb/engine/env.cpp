// SPDX-License-Identifier: Apache-2.0
#include "tb/engine/env.h"

#include <fmt/format.h>

#include <cstring>

#include "tb/engine/locks.h"
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
    statistics_[seen.command.operation].add(seen, bank_driver_.withheld(), configuration_.engine);
  });
  monitor_.refusals.subscribe([this](const RefusalSeen&) { bank_driver_.cancel(); });
  monitor_.reads.subscribe([this](const ReadSeen& seen) { expect(seen); });
  monitor_.strobes.subscribe([this](const StrobeSeen& seen) { expect(seen); });
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

golden::Answers Env::play(const golden::Program& program, Pace pace) {
  take_answers();
  play(sequence_of(program, pace));
  return take_answers();
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
  results_driver_.start(item.first, item.count == 0 ? output_words() + 1 : item.count);
  while (results_driver_.pending()) step();
}

void Env::start(const ReadCodeWords&, When when) {
  wait_for(when);
  results_driver_.start(output_words() + 1, configuration_.engine.token_words());
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
  awaited_.clear();
  records_.clear();
  step();
}

void Env::start(const Wait& item, When when) {
  wait_for(when);
  for (unsigned cycle = 0; cycle < item.cycles; ++cycle) step();
}

void Env::expect(const ReadSeen& seen) {
  if (locks_results(seen.during, seen.index > output_words(), configuration_.engine)) return;
  awaited_.push_back({seen.cycle + kReadCycles, false, seen.index});
}

void Env::expect(const StrobeSeen& seen) {
  awaited_.push_back({seen.cycle + kUnloadCycles, true, seen.index});
}

// An answer comes a fixed time after its read or strobe, or never.
void Env::forget_lost_reads() {
  while (!awaited_.empty() && awaited_.front().due + 1 < monitor_.cycle()) awaited_.pop_front();
}

void Env::collect(const ResultSeen& seen) {
  while (!awaited_.empty() && awaited_.front().due < seen.cycle) awaited_.pop_front();
  if (awaited_.empty() || awaited_.front().due > seen.cycle) return;
  const Awaited awaited = awaited_.front();
  awaited_.pop_front();
  const std::span word(seen.word.data(), configuration_.engine.word_bytes());
  if (awaited.unload) {
    collect_record(awaited.index, word);
  } else {
    collect_result(awaited.index, word);
  }
}

void Env::collect_record(unsigned index, std::span<const std::uint8_t> word) {
  records_.insert(records_.end(), word.begin(), word.end());
  const config::EngineConfig& engine = configuration_.engine;
  if (index + 1 < engine.centroids() * engine.record_words()) return;
  answers_.partials.push_back(std::exchange(records_, {}));
}

void Env::collect_result(unsigned index, std::span<const std::uint8_t> word) {
  if (index > output_words()) {
    codes_.insert(codes_.end(), word.begin(), word.end());
    if (index < output_words() + configuration_.engine.token_words()) return;
    answers_.codes.push_back(std::exchange(codes_, {}));
    return;
  }
  if (index < output_words()) {
    // The low bits of an output first, then the high ones with its sign.
    result_.outputs.resize(configuration_.engine.head_dim);
    const unsigned low_words = configuration_.engine.low_words();
    const std::size_t size = index < low_words ? sizeof(std::uint32_t) : 1;
    const std::size_t first = (index < low_words ? index : index - low_words) * word.size() / size;
    for (std::size_t e = 0; e < word.size() / size; ++e) {
      std::int64_t& output = result_.outputs[first + e];
      if (index < low_words) {
        std::uint32_t low = 0;
        std::memcpy(&low, word.data() + size * e, size);
        output = low;
      } else {
        output |= std::int64_t{static_cast<std::int8_t>(word[e])} * (std::int64_t{1} << 32);
      }
    }
    return;
  }
  std::int16_t maximum = 0;
  std::memcpy(&result_.weight_sum, word.data(), sizeof(result_.weight_sum));
  std::memcpy(&maximum, word.data() + 4, sizeof(maximum));
  std::memcpy(&result_.flags, word.data() + 6, sizeof(result_.flags));
  result_.maximum = maximum;
  answers_.results.push_back(std::exchange(result_, {}));
}

bool Env::failed() const {
  return (scoreboard_ != nullptr && scoreboard_->failed()) || model_->failed_assertions() > 0;
}

std::string Env::verdict(std::uint64_t minimum_compared) const {
  return scoreboard_->verdict(minimum_compared, model_->failed_assertions());
}

}  // namespace aqpim::tb
