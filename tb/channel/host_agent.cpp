// SPDX-License-Identifier: Apache-2.0
#include "tb/channel/host_agent.h"

#include <fmt/format.h>

#include <bit>
#include <stdexcept>
#include <utility>

namespace aqpim::tb {
namespace {

using golden::AnswerCode;
using golden::HostCommand;
using golden::HostOpcode;

std::string describe(const HostExchange& exchange) {
  return fmt::format("{} of rank {} with tag {}, taken in cycle {}",
                     name_of(exchange.command.opcode), exchange.command.rank, exchange.tag,
                     exchange.taken);
}

}  // namespace

std::string_view name_of(HostOpcode opcode) {
  static constexpr std::array<std::string_view, golden::kHostOpcodes> kNames = {
      "SET_CONFIG", "WR",     "RD",     "SET_QUERY", "SET_VECTORS",
      "ATTEND",     "RESULT", "ENCODE", "CLUSTER"};
  const auto number = static_cast<std::size_t>(opcode);
  return number < kNames.size() ? kNames[number] : "an unknown opcode";
}

std::string_view name_of(AnswerCode code) {
  static constexpr std::array<std::string_view, golden::kAnswerCodes> kNames = {
      "OK", "ILLEGAL", "QUEUE_FULL", "SHAPE", "ADDRESS", "CODE_FULL", "NOT_READY", "PENDING"};
  const auto number = static_cast<std::size_t>(code);
  return number < kNames.size() ? kNames[number] : "an unknown code";
}

HostAgent::HostAgent(const HostAgentOptions& options, std::uint64_t seed)
    : options_(options), random_(seed, "host") {}

void HostAgent::start(const HostCommand& command) {
  if (command.rank > 1 || command.context >= golden::kContexts ||
      static_cast<unsigned>(command.opcode) > 15) {
    throw std::invalid_argument("the pins of the host port have no such command");
  }
  waiting_.push_back(command);
}

HostAgent::Queue HostAgent::queue_of(const HostCommand& command) {
  switch (command.opcode) {
    case HostOpcode::kWrite:
    case HostOpcode::kRead:
    case HostOpcode::kAttend:
    case HostOpcode::kEncode:
    case HostOpcode::kCluster:
      return Queue::kWork;
    case HostOpcode::kSetQuery:
    case HostOpcode::kSetVectors:
    case HostOpcode::kResult:
      return Queue::kTransfer;
    default:
      return Queue::kNone;
  }
}

void HostAgent::step(std::uint64_t cycle, const ChannelOutputs& outputs, ChannelInputs& inputs) {
  cycle_ = cycle;
  collect(outputs.data, &HostExchange::data, "data");
  collect(outputs.elements, &HostExchange::elements, "elements");
  serve_payload(outputs.payload, inputs);
  if (outputs.answer_valid) take_answer(outputs);
  if (undecided_ && outputs.cmd_ready) accept(*open_[*undecided_]);
  drive_command(outputs, inputs);
}

void HostAgent::problem(const std::string& text) {
  problems_.publish(fmt::format("{} in cycle {}", text, cycle_));
}

void HostAgent::collect(const BeatPins& pins, Beats beats, const char* name) {
  if (!pins.valid) return;
  last_event_ = cycle_;
  std::optional<Open>& open = open_[pins.tag];
  if (!open) {
    problem(fmt::format("{} come with tag {}, which no command has", name, pins.tag));
    return;
  }
  std::vector<std::optional<Beat>>& collected = open->exchange.*beats;
  if (pins.beat >= collected.size()) collected.resize(pins.beat + 1u);
  if (collected[pins.beat]) {
    problem(fmt::format("beat {} of the {} comes twice: {}", pins.beat, name,
                        describe(open->exchange)));
  }
  collected[pins.beat] = pins.data;
}

void HostAgent::serve_payload(const BeatPins& pins, ChannelInputs& inputs) {
  if (payload_) {
    inputs.payload = *payload_;
    payload_.reset();
  } else if (options_.noise) {
    inputs.payload = noise();
  }
  if (!pins.valid) return;
  last_event_ = cycle_;
  std::optional<Open>& open = open_[pins.tag];
  if (!open || pins.beat >= open->exchange.command.payload.size()) {
    problem(fmt::format("beat {} of the payload of tag {} is pulled, which there is not", pins.beat,
                        pins.tag));
    return;
  }
  if (open->exchange.pulled[pins.beat]) {
    problem(fmt::format("beat {} of the payload is pulled twice: {}", pins.beat,
                        describe(open->exchange)));
  }
  open->exchange.pulled[pins.beat] = true;
  payload_ = open->exchange.command.payload[pins.beat];
}

void HostAgent::accept(Open& open) {
  open.decided = true;
  open.exchange.accepted = cycle_;
  undecided_.reset();
  // One may run beside those that wait.
  if (open.queue != Queue::kNone &&
      count(open.exchange.command, open.queue) > options_.queue_depth + 1) {
    problem(fmt::format("accepted with {} commands ahead in a queue of {}: {}", open.ahead,
                        options_.queue_depth, describe(open.exchange)));
  }
  accepted_.publish(open.exchange);
}

void HostAgent::take_answer(const ChannelOutputs& outputs) {
  last_event_ = cycle_;
  std::optional<Open>& open = open_[outputs.answer_tag];
  if (!open) {
    problem(fmt::format("an answer comes with tag {}, which no command has", outputs.answer_tag));
    return;
  }
  const auto code = static_cast<AnswerCode>(outputs.answer_code);
  open->exchange.code = code;
  open->exchange.answered = cycle_;
  if (code == AnswerCode::kOk) {
    if (!open->decided) accept(*open);
  } else {
    if (open->decided) problem("refused after it was accepted: " + describe(open->exchange));
    if (undecided_ == outputs.answer_tag) undecided_.reset();
    if (code == AnswerCode::kQueueFull) {
      if (open->ahead < options_.queue_depth) {
        problem(fmt::format("QUEUE_FULL with only {} commands ahead: {}", open->ahead,
                            describe(open->exchange)));
      }
      if (options_.when_full == WhenFull::kRetry) waiting_.push_front(open->exchange.command);
    }
  }
  if (open->queue != Queue::kNone) --count(open->exchange.command, open->queue);
  --outstanding_;
  const HostExchange exchange = std::move(open->exchange);
  open.reset();
  finished_.publish(exchange);
}

bool HostAgent::may_issue(const HostCommand& command) {
  if (options_.when_full != WhenFull::kWait) return true;
  const Queue queue = queue_of(command);
  return queue == Queue::kNone || count(command, queue) < options_.queue_depth;
}

void HostAgent::drive_command(const ChannelOutputs& outputs, ChannelInputs& inputs) {
  if (!offered_) {
    inputs.cmd_valid = false;
    if (options_.noise) {
      inputs.cmd_tag = static_cast<std::uint8_t>(random_.bits(8));
      inputs.cmd_opcode = static_cast<std::uint8_t>(random_.bits(4));
    }
    if (gap_ > 0) {
      --gap_;
      return;
    }
    // The answer of the last command decides whether it comes again.
    if (undecided_ || waiting_.empty() || outstanding_ == open_.size() ||
        !may_issue(waiting_.front())) {
      return;
    }
    const HostCommand& command = waiting_.front();
    offered_ = free_tag();
    inputs.cmd_valid = true;
    inputs.cmd_tag = *offered_;
    inputs.cmd_opcode = static_cast<std::uint8_t>(command.opcode);
    inputs.cmd_rank = static_cast<std::uint8_t>(command.rank);
    inputs.cmd_context = static_cast<std::uint8_t>(command.context);
    inputs.cmd_fields = command.fields;
  }
  if (!outputs.cmd_ready) return;
  last_event_ = cycle_;
  const Queue queue = queue_of(waiting_.front());
  Open open{.exchange = {.number = taken_++,
                         .command = std::move(waiting_.front()),
                         .tag = *offered_,
                         .taken = cycle_,
                         .accepted = 0,
                         .answered = 0,
                         .code = AnswerCode::kOk,
                         .data = {},
                         .elements = {},
                         .pulled = {}},
            .queue = queue,
            .ahead = 0,
            .decided = false};
  waiting_.pop_front();
  open.exchange.pulled.resize(open.exchange.command.payload.size());
  if (queue != Queue::kNone) open.ahead = count(open.exchange.command, queue)++;
  open_[*offered_] = std::move(open);
  ++outstanding_;
  undecided_ = offered_;
  offered_.reset();
  gap_ = options_.pace.gap(random_);
}

std::uint8_t HostAgent::free_tag() {
  auto tag = static_cast<std::uint8_t>(random_.bits(8));
  while (open_[tag]) ++tag;
  return tag;
}

Beat HostAgent::noise() {
  std::array<std::uint64_t, sizeof(Beat) / sizeof(std::uint64_t)> bits;
  for (std::uint64_t& piece : bits) piece = random_.bits();
  return std::bit_cast<Beat>(bits);
}

std::string HostAgent::describe_outstanding() const {
  std::string text;
  for (const std::optional<Open>& open : open_) {
    if (!open) continue;
    if (!text.empty()) text += "; ";
    text += describe(open->exchange);
  }
  return text.empty() ? "nothing is outstanding" : "outstanding: " + text;
}

}  // namespace aqpim::tb
