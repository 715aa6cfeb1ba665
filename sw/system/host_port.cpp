// SPDX-License-Identifier: Apache-2.0
#include "sw/system/host_port.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

namespace aqpim::system {

namespace {

using golden::HostOpcode;

constexpr std::array<std::string_view, golden::kHostOpcodes> kOpcodeNames = {
    "SET_CONFIG", "WR", "RD", "SET_QUERY", "SET_VECTORS", "ATTEND", "RESULT", "ENCODE", "CLUSTER"};
constexpr std::array<std::string_view, golden::kAnswerCodes> kCodeNames = {
    "OK", "ILLEGAL", "QUEUE_FULL", "SHAPE", "ADDRESS", "CODE_FULL", "NOT_READY", "PENDING"};

template <typename Value, std::size_t n>
std::string_view name_in(const std::array<std::string_view, n>& names, Value value) {
  const auto index = static_cast<std::size_t>(value);
  return index < n ? names[index] : "unknown";
}

// Which queue of its rank a command waits in. SET_CONFIG is answered at once; it counts as work.
enum class Queue : std::uint8_t { kWork, kTransfer };

Queue queue_of(HostOpcode opcode) {
  switch (opcode) {
    case HostOpcode::kSetQuery:
    case HostOpcode::kSetVectors:
    case HostOpcode::kResult:
      return Queue::kTransfer;
    default:
      return Queue::kWork;
  }
}

// One rank's program, and what is outstanding of it.
class RankPlayer {
 public:
  explicit RankPlayer(HostProgram program) : program_(std::move(program)) {}

  // The next step, if there is one whose time has come.
  const HostStep* next(std::size_t queue_depth) {
    while (steps_.empty()) {
      if (program_.empty() || (program_.front().settled && !outstanding_.empty())) return nullptr;
      const HostStage stage = std::move(program_.front());
      program_.pop_front();
      std::ranges::move(stage.make(), std::back_inserter(steps_));
    }
    const Queue queue = queue_of(steps_.front().command.opcode);
    return count(queue) < queue_depth ? &steps_.front() : nullptr;
  }

  void submitted(std::size_t ticket) {
    ++count(queue_of(steps_.front().command.opcode));
    steps_.front().command.payload = {};
    outstanding_.emplace(ticket, std::move(steps_.front()));
    steps_.pop_front();
  }

  // Whether the ticket is one of this rank.
  bool finish(const FinishedCommand& finished) {
    const auto found = outstanding_.find(finished.ticket);
    if (found == outstanding_.end()) return false;
    const HostStep step = std::move(found->second);
    outstanding_.erase(found);
    if (finished.answer.code != golden::AnswerCode::kOk) {
      throw CommandRefused(fmt::format("the channel refused {} of rank {}: {}",
                                       name_of(step.command.opcode), step.command.rank,
                                       name_of(finished.answer.code)));
    }
    --count(queue_of(step.command.opcode));
    PhaseStatistics& phase = statistics_[static_cast<std::size_t>(step.phase)];
    ++phase.commands;
    phase.cycles += finished.answered - std::exchange(answered_, finished.answered);
    if (step.done) step.done(finished.answer);
    return true;
  }

  bool idle() const { return program_.empty() && steps_.empty() && outstanding_.empty(); }
  const RankStatistics& statistics() const { return statistics_; }

 private:
  std::size_t& count(Queue queue) { return counts_[static_cast<std::size_t>(queue)]; }

  HostProgram program_;
  std::deque<HostStep> steps_;
  std::map<std::size_t, HostStep> outstanding_;  // by ticket, without their payloads
  std::array<std::size_t, 2> counts_ = {};       // outstanding, by queue
  std::uint64_t answered_ = 0;                   // clock cycle of the last answer
  RankStatistics statistics_ = {};
};

}  // namespace

std::string_view name_of(HostOpcode opcode) { return name_in(kOpcodeNames, opcode); }
std::string_view name_of(golden::AnswerCode code) { return name_in(kCodeNames, code); }

void GoldenPort::submit(std::size_t ticket, const golden::HostCommand& command) {
  finished_.push_back({.ticket = ticket, .answer = channel_.execute(command), .answered = 0});
}

std::vector<FinishedCommand> GoldenPort::wait() { return std::exchange(finished_, {}); }

std::vector<RankStatistics> play(HostPort& port, std::vector<HostProgram> programs,
                                 const PlayOptions& options) {
  std::vector<RankPlayer> ranks;
  for (HostProgram& program : programs) ranks.emplace_back(std::move(program));
  const auto idle = [](const RankPlayer& rank) { return rank.idle(); };
  std::size_t ticket = 0;
  while (!std::ranges::all_of(ranks, idle)) {
    for (bool submitted = true; submitted;) {
      submitted = false;
      for (RankPlayer& rank : ranks) {
        const HostStep* step = rank.next(options.queue_depth);
        if (step == nullptr) continue;
        port.submit(ticket, step->command);
        rank.submitted(ticket++);
        submitted = true;
      }
    }
    for (const FinishedCommand& finished : port.wait()) {
      std::ranges::any_of(ranks, [&](RankPlayer& rank) { return rank.finish(finished); });
      if (options.played) options.played();
    }
  }
  std::vector<RankStatistics> statistics;
  for (const RankPlayer& rank : ranks) statistics.push_back(rank.statistics());
  return statistics;
}

}  // namespace aqpim::system
