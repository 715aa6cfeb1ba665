// SPDX-License-Identifier: Apache-2.0
//
// The host of a pseudo-channel in RTL: plays commands into its port, serves the payload that it
// pulls, and collects what comes back under each command's tag.
//
//   start(command) --> cmd_*                         taken(), accepted()
//   payload_take_o --> payload_i, a cycle later
//   data_*, elements_*, answer_* --> finished()
//
// The port decides a command before it is ready for the next one: one that was not refused by then
// is accepted. Tags are random, and none is in use twice.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "sw/golden/host_command.h"
#include "tb/channel/channel_model.h"
#include "tb/common/analysis_port.h"
#include "tb/common/random.h"
#include "tb/engine/pace.h"

namespace aqpim::tb {

// What the host does about a queue that is full.
enum class WhenFull : std::uint8_t {
  kWait,    // it counts, and holds commands back
  kRetry,   // the command comes again when it was refused
  kAccept,  // the command is lost
};

struct HostAgentOptions {
  Pace pace = Pace::back_to_back();  // from command to command
  WhenFull when_full = WhenFull::kWait;
  unsigned queue_depth = 4;  // of the RTL
  bool noise = true;         // random values on data pins that are not valid
};

// A command that was taken, and what came back.
struct HostExchange {
  std::size_t number = 0;  // in the order in which commands are taken
  golden::HostCommand command;
  std::uint8_t tag = 0;
  std::uint64_t taken = 0;  // clock cycles
  std::uint64_t accepted = 0;
  std::uint64_t answered = 0;
  golden::AnswerCode code = golden::AnswerCode::kOk;
  std::vector<std::optional<Beat>> data, elements;  // by the numbers of their beats
  std::vector<bool> pulled;                         // beats of the payload
};

class HostAgent {
 public:
  HostAgent(const HostAgentOptions& options, std::uint64_t seed);

  // Throws std::invalid_argument if the pins cannot say it.
  void start(const golden::HostCommand& command);
  // Nothing waits and nothing is outstanding.
  bool idle() const { return waiting_.empty() && outstanding_ == 0; }

  // One clock cycle: looks at the outputs, drives the inputs.
  void step(std::uint64_t cycle, const ChannelOutputs& outputs, ChannelInputs& inputs);

  // In the cycle in which it happens.
  AnalysisPort<HostExchange>& accepted() { return accepted_; }
  AnalysisPort<HostExchange>& finished() { return finished_; }  // refused ones, too
  AnalysisPort<std::string>& problems() { return problems_; }

  // The cycle of the last thing that happened at the port.
  std::uint64_t last_event() const { return last_event_; }
  // "ATTEND of rank 0 with tag 17, taken in cycle 12", …
  std::string describe_outstanding() const;

 private:
  enum class Queue : std::uint8_t { kNone, kWork, kTransfer };
  struct Open {
    HostExchange exchange;
    Queue queue = Queue::kNone;
    unsigned ahead = 0;  // commands of its queue that were outstanding when it was taken
    bool decided = false;
  };

  static Queue queue_of(const golden::HostCommand& command);
  unsigned& count(const golden::HostCommand& command, Queue queue) {
    return counts_[command.rank % counts_.size()][static_cast<std::size_t>(queue)];
  }
  using Beats = std::vector<std::optional<Beat>> HostExchange::*;
  void collect(const BeatPins& pins, Beats beats, const char* name);
  void serve_payload(const BeatPins& pins, ChannelInputs& inputs);
  void take_answer(const ChannelOutputs& outputs);
  void accept(Open& open);
  void drive_command(const ChannelOutputs& outputs, ChannelInputs& inputs);
  bool may_issue(const golden::HostCommand& command);
  std::uint8_t free_tag();
  Beat noise();
  void problem(const std::string& text);

  HostAgentOptions options_;
  Random random_;
  std::uint64_t cycle_ = 0;
  std::deque<golden::HostCommand> waiting_;
  std::array<std::optional<Open>, 256> open_;  // by tag
  std::size_t outstanding_ = 0;
  std::size_t taken_ = 0;
  std::array<std::array<unsigned, 3>, 2> counts_ = {};  // outstanding, by rank and queue
  std::optional<std::uint8_t> undecided_;               // tag of the command taken last
  std::optional<std::uint8_t> offered_;                 // tag on the pins
  unsigned gap_ = 0;
  std::optional<Beat> payload_;  // pulled in the cycle before
  std::uint64_t last_event_ = 0;
  AnalysisPort<HostExchange> accepted_, finished_;
  AnalysisPort<std::string> problems_;
};

std::string_view name_of(golden::HostOpcode opcode);
std::string_view name_of(golden::AnswerCode code);

}  // namespace aqpim::tb
