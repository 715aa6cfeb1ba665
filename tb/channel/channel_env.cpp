// SPDX-License-Identifier: Apache-2.0
#include "tb/channel/channel_env.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "tb/memory/trace.h"

namespace aqpim::tb {
namespace {

// Clock cycles without any event at the host port and without a column, beyond the refreshes that
// may be made up for, after which the pseudo-channel counts as hanging.
constexpr std::uint64_t kPatience = 3000;

// Clock cycles in which all that is on its way arrives.
constexpr std::uint64_t kDrain = 64;

constexpr unsigned kResetCycles = 4;

}  // namespace

golden::HostAnswer answer_of(const HostExchange& exchange) {
  golden::HostAnswer answer{.code = exchange.code, .data = {}, .elements = {}};
  for (const auto& beat : exchange.data) answer.data.push_back(beat.value_or(Beat{}));
  for (const auto& beat : exchange.elements) answer.elements.push_back(beat.value_or(Beat{}));
  return answer;
}

ChannelEnv::ChannelEnv(const ChannelBuild& build, const ChannelOptions& options)
    : title_(fmt::format("{} (seed {})", build.name, options.seed)),
      shape_(shape_of(build)),
      memory_(memory_of(build)),
      model_(build.make(shape_)),
      host_(options.host, options.seed),
      dram_(shape_, memory_, options.checked.value_or(memory_), build.power_limited, options.seed),
      counter_(shape_, memory_, build.power_limited),
      may_refuse_(options.refusals) {
  if (options.check) {
    scoreboard_ = std::make_unique<ChannelScoreboard>(title_, shape_, dram_.memory());
  }
  host_.accepted().subscribe([this](const HostExchange& exchange) {
    counter_.accepted(exchange);
    if (scoreboard_) scoreboard_->accepted(exchange);
  });
  host_.finished().subscribe([this](const HostExchange& exchange) { collect(exchange); });
  host_.problems().subscribe([this](const std::string& text) { problem(text); });
  dram_.problems().subscribe([this](const std::string& text) { problem(text); });
  dram_.commands().subscribe([this](const DramCommand& command) {
    counter_.command(command);
    // Refreshes go on whatever hangs.
    if (command.kind > CommandKind::kRef) last_column_ = cycle_;
  });
  model_->use_threads(options.threads);
  model_->power_up(Random(options.seed, "channel").bits());
  reset();
}

ChannelEnv::~ChannelEnv() = default;

void ChannelEnv::reset() {
  inputs_.reset = true;
  for (unsigned cycle = 0; cycle < kResetCycles; ++cycle) model_->cycle(inputs_);
  inputs_.reset = false;
}

void ChannelEnv::problem(const std::string& sentence) {
  if (scoreboard_) {
    scoreboard_->problem(sentence);
  } else {
    problems_.push_back(sentence);
  }
}

void ChannelEnv::collect(const HostExchange& exchange) {
  counter_.finished(exchange);
  if (scoreboard_) scoreboard_->finished(exchange);
  exchanges_.push_back(exchange);
}

void ChannelEnv::step() {
  if (model_->outputs().error && !may_refuse_) {
    throw RunFailed(fmt::format("{}: an engine reports an error in cycle {}", title_, cycle_));
  }
  refusals_ += model_->outputs().error ? 1 : 0;
  host_.step(cycle_, model_->outputs(), inputs_);
  dram_.step(cycle_, *model_, inputs_);
  model_->cycle(inputs_);
  counter_.cycle();
  ++cycle_;
  if (model_->failed_assertions() > 0) {
    throw RunFailed(fmt::format("{}: an assertion failed in cycle {}", title_, cycle_));
  }
  const std::uint64_t patience =
      kPatience + memory_.timing.refreshes_postponed * memory_.timing.refresh;
  if (const std::uint64_t last = std::max(last_column_, host_.last_event());
      !host_.idle() && cycle_ - last > patience) {
    throw RunFailed(fmt::format("{}: nothing has happened for {} cycles, in cycle {}; {}", title_,
                                cycle_ - last, cycle_, host_.describe_outstanding()));
  }
}

std::vector<golden::HostAnswer> ChannelEnv::play(std::span<const golden::HostCommand> commands) {
  exchanges_.clear();
  for (const golden::HostCommand& command : commands) host_.start(command);
  while (!host_.idle()) step();
  std::ranges::sort(exchanges_, {}, &HostExchange::number);
  std::vector<golden::HostAnswer> answers;
  for (const HostExchange& exchange : exchanges_) {
    answers.push_back(answer_of(exchange));
  }
  exchanges_.clear();
  return answers;
}

std::vector<HostExchange> ChannelEnv::wait_for_answer() {
  while (exchanges_.empty() && !host_.idle()) step();
  return std::exchange(exchanges_, {});
}

void ChannelEnv::wait(std::uint64_t cycles) {
  for (; cycles > 0; --cycles) step();
}

void ChannelEnv::write_trace(std::ostream& stream) {
  stream << kTraceHeader;
  dram_.commands().subscribe(
      [&stream](const DramCommand& command) { stream << trace_line(command); });
}

std::string ChannelEnv::verdict(std::uint64_t minimum_compared) {
  wait(kDrain);
  dram_.checker().finish(kSlots * cycle_);
  if (scoreboard_) {
    scoreboard_->compare(dram_.memory());
    return scoreboard_->verdict(minimum_compared, model_->failed_assertions());
  }
  std::string text;
  for (const std::string& sentence : problems_) text += sentence + "\n";
  return text;
}

}  // namespace aqpim::tb
