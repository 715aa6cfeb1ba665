// SPDX-License-Identifier: Apache-2.0
//
// A pseudo-channel, bit for bit and without time: what a host command does to the memory and what
// it brings back; twin of rtl/channel/pq_channel.sv.
//
//   command -> rules -> memory <-> engines of the rank -> results, codes, reducer -> answer
//
// Commands are executed one after the other. The RTL overlaps them, and ranks run beside each
// other, but nothing that a host can see depends on it. Layouts, payloads and answers:
// docs/channel.md.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <span>
#include <unordered_map>
#include <vector>

#include "sw/config/channel.h"
#include "sw/golden/engine.h"
#include "sw/golden/host_command.h"
#include "sw/golden/host_rules.h"

namespace aqpim::golden {

// A result as RESULT delivers it: [result_beats].
//   D · 32/256 beats   bits 31:0 of the outputs, 8 a beat
//   D · 8/256 beats    bits 39:32, 32 a beat
//   status             bits 31:0 weight sum, 47:32 maximum, 63:48 flags, rest 0
std::vector<Beat> pack_result(const Result& result);
// Inverse.
Result unpack_result(std::span<const Beat> beats, const config::EngineConfig& engine);

class Channel {
 public:
  // What a beat holds that was never written.
  using Untouched =
      std::function<Beat(unsigned rank, unsigned bank, unsigned row, unsigned column)>;

  // As after reset; a beat that was never written is zero if `untouched` is empty. Throws
  // std::invalid_argument for a shape with an obstacle: config::obstacle_of().
  explicit Channel(const config::ChannelShape& shape, Untouched untouched = {});

  // The answer that execute() would give, but for QUEUE_FULL, which neither gives.
  AnswerCode check(const HostCommand& command) const { return rules_.check(command); }

  // Executes the command to its end; one that is refused changes nothing. Throws
  // std::invalid_argument if an accepted command's payload has not exactly the beats it takes.
  HostAnswer execute(const HostCommand& command);

  // Contents of the memory. Throw std::out_of_range.
  void store(unsigned rank, unsigned bank, unsigned row, unsigned column, const Beat& beat);
  Beat stored(unsigned rank, unsigned bank, unsigned row, unsigned column) const;

  // Calls visit(rank, bank, row, column) for each beat that was written.
  template <typename Visit>
  void for_each_written(Visit&& visit) const {
    const config::MemoryOrganization& memory = shape_.memory;
    for (const auto& entry : beats_) {
      std::size_t rest = entry.first;
      const auto digit = [&rest](unsigned base) {
        const auto value = static_cast<unsigned>(rest % base);
        rest /= base;
        return value;
      };
      const unsigned column = digit(memory.columns);
      const unsigned row = digit(memory.rows);
      const unsigned bank = digit(memory.banks());
      visit(static_cast<unsigned>(rest), bank, row, column);
    }
  }

  const HostRules& rules() const { return rules_; }
  const Engine& engine(unsigned rank, unsigned index) const;

 private:
  using Stream = std::shared_ptr<const std::vector<std::uint8_t>>;

  struct Rank {
    std::vector<Engine> engines;
    std::vector<unsigned> tokens;             // the engines' token registers
    std::deque<std::vector<Result>> results;  // [engines] each
  };

  std::size_t key(unsigned rank, unsigned bank, unsigned row, unsigned column) const;
  // Where beat i is of a region that is striped over a rank, or lies in one engine's banks.
  std::size_t striped_key(unsigned rank, unsigned row, std::size_t i) const;
  std::size_t local_key(unsigned rank, unsigned engine, unsigned row, std::size_t i) const;
  std::size_t access_key(const HostCommand& command, std::size_t i) const;
  Beat at(std::size_t key) const;

  Stream local_stream(unsigned rank, unsigned engine, unsigned row, std::size_t bytes) const;
  // Of a codebook window, for each engine of a rank.
  std::vector<Stream> codebooks(const HostCommand& command, unsigned side, unsigned window) const;

  void set_registers(const HostCommand& command);
  void attend(const HostCommand& command);
  std::vector<Beat> results(const HostCommand& command);
  void encode(const HostCommand& command);
  std::vector<Beat> cluster(const HostCommand& command);

  config::ChannelShape shape_;
  Untouched untouched_;
  HostRules rules_;
  std::vector<Rank> ranks_;
  std::unordered_map<std::size_t, Beat> beats_;  // those that were written
};

}  // namespace aqpim::golden
