// SPDX-License-Identifier: Apache-2.0
//
// Judges a pseudo-channel: gives every command that was accepted to the golden model, and compares
// answers, data and elements beat by beat, and in the end the contents of both memories. Computes
// no value itself.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>

#include "sw/config/channel.h"
#include "sw/golden/channel.h"
#include "tb/channel/host_agent.h"
#include "tb/common/tally.h"
#include "tb/memory/dram_model.h"

namespace aqpim::tb {

class ChannelScoreboard {
 public:
  // `title` begins every message. Beats that nobody has written are those of `memory`, which may
  // have been given contents already.
  ChannelScoreboard(std::string title, const config::ChannelShape& shape, const DramModel& memory);
  ChannelScoreboard(const ChannelScoreboard&) = delete;
  ChannelScoreboard& operator=(const ChannelScoreboard&) = delete;

  // Call in the cycle in which it happens.
  void accepted(const HostExchange& exchange);
  void finished(const HostExchange& exchange);

  // Nothing is on its way: compares the memories.
  void compare(const DramModel& memory);

  const golden::Channel& golden() const { return golden_; }
  std::uint64_t compared() const { return tally_.compared(); }
  bool failed() const { return tally_.failed(); }
  void problem(const std::string& sentence) { tally_.problem(title_ + ": " + sentence); }

  // Ends the run; empty if all is well, otherwise what is not, the first difference first.
  std::string verdict(std::uint64_t minimum_compared, unsigned failed_assertions) const {
    return tally_.verdict(minimum_compared, expected_.size(), failed_assertions);
  }

 private:
  void compare_beats(const HostExchange& exchange, const char* name,
                     const std::vector<std::optional<Beat>>& actual,
                     const std::vector<Beat>& expected);
  void compare_beat(unsigned rank, unsigned bank, unsigned row, unsigned column,
                    const DramModel& memory);

  std::string title_;
  DramModel untouched_;
  golden::Channel golden_;
  std::map<std::size_t, golden::HostAnswer> expected_;  // by the exchange's number
  Tally tally_;
};

}  // namespace aqpim::tb
