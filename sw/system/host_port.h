// SPDX-License-Identifier: Apache-2.0
//
// Plays host commands on a pseudo-channel, whatever it is: a golden model or RTL.
//
//   HostProgram of rank 0 --+                 +--> HostPort --> answers --> steps' handlers
//   HostProgram of rank 1 --+--> play() ------+
//
// Commands of a rank keep their order; ranks take turns. A rank has at most as many commands
// outstanding as its queues hold, so none is refused because a queue is full.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <stdexcept>
#include <string_view>
#include <vector>

#include "sw/golden/channel.h"
#include "sw/golden/host_command.h"

namespace aqpim::system {

struct FinishedCommand {
  std::size_t ticket = 0;
  golden::HostAnswer answer;
  // Clock cycle of the answer; 0 where there is no time.
  std::uint64_t answered = 0;
};

class HostPort {
 public:
  virtual ~HostPort() = default;

  // Hands over a command. Tickets are the caller's, none is in use twice.
  virtual void submit(std::size_t ticket, const golden::HostCommand& command) = 0;
  // Those that have been answered since the last call, in the order of their answers; waits for one
  // if a command is outstanding.
  virtual std::vector<FinishedCommand> wait() = 0;

 protected:
  HostPort() = default;
  HostPort(const HostPort&) = default;
  HostPort& operator=(const HostPort&) = default;
};

class GoldenPort : public HostPort {
 public:
  explicit GoldenPort(const config::ChannelShape& shape, golden::Channel::Untouched untouched = {})
      : channel_(shape, std::move(untouched)) {}

  void submit(std::size_t ticket, const golden::HostCommand& command) override;
  std::vector<FinishedCommand> wait() override;

  const golden::Channel& channel() const { return channel_; }

 private:
  golden::Channel channel_;
  std::vector<FinishedCommand> finished_;
};

// What a command is for.
enum class HostPhase : std::uint8_t { kTransfer, kCluster, kEncode, kAttend };
inline constexpr std::array<std::string_view, 4> kHostPhaseNames = {"transfer", "cluster", "encode",
                                                                    "attend"};

struct HostStep {
  golden::HostCommand command;
  HostPhase phase = HostPhase::kTransfer;
  std::function<void(const golden::HostAnswer&)> done;  // may be empty
};

// Steps that are made when it is their turn.
struct HostStage {
  std::function<std::vector<HostStep>()> make;
  bool settled = false;  // not before all earlier steps of the rank have been answered
};

using HostProgram = std::deque<HostStage>;

// A command was refused: a mistake of the host software, or of the hardware.
class CommandRefused : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

std::string_view name_of(golden::HostOpcode opcode);
std::string_view name_of(golden::AnswerCode code);

struct PhaseStatistics {
  std::uint64_t commands = 0;
  // Clock cycles until the answers, from the rank's previous answer on.
  std::uint64_t cycles = 0;

  bool operator==(const PhaseStatistics&) const = default;
};

// Of one rank, by phase.
using RankStatistics = std::array<PhaseStatistics, kHostPhaseNames.size()>;

struct PlayOptions {
  std::size_t queue_depth = 4;  // of the channel
  // Told after each answer.
  std::function<void()> played;
};

// Plays one program on each rank to their ends. Throws CommandRefused.
std::vector<RankStatistics> play(HostPort& port, std::vector<HostProgram> programs,
                                 const PlayOptions& options = {});

}  // namespace aqpim::system
