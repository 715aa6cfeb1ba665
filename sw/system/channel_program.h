// SPDX-License-Identifier: Apache-2.0
//
// The host commands of one head on one rank: what fields and payloads they have, given where the
// head's tokens lie, and what their answers mean. Nothing is issued here. docs/channel.md.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "sw/config/channel.h"
#include "sw/golden/host_command.h"
#include "sw/golden/program.h"
#include "sw/system/placement.h"
#include "sw/system/query.h"

namespace aqpim::system {

// Bytes in whole beats, filled up with zeros, and back.
std::vector<golden::Beat> to_beats(std::span<const std::uint8_t> bytes);
std::vector<std::uint8_t> to_bytes(std::span<const golden::Beat> beats);
// 16-bit numbers likewise.
std::vector<golden::Beat> halves_to_beats(std::span<const std::uint16_t> halves);

class RankCommands {
 public:
  using Bytes = std::vector<std::uint8_t>;

  RankCommands(const config::ChannelShape& shape, const Placement& placement, unsigned rank,
               unsigned context);

  golden::HostCommand set_config() const;

  // Writes streams [E] into the engines' own banks from `row` on. Banks that get nothing, or less
  // than others, are filled up with zeros to the longest, unless one engine alone gets something.
  std::vector<golden::HostCommand> write_local(unsigned row, std::span<const Bytes> streams) const;
  // Reads `beats` of each engine's stream; local_streams() takes the data of all these commands.
  std::vector<golden::HostCommand> read_local(unsigned row, std::size_t beats) const;
  std::vector<Bytes> local_streams(std::span<const golden::Beat> data) const;
  // Writes a stream that is striped over all banks.
  std::vector<golden::HostCommand> write_striped(unsigned row,
                                                 std::span<const std::uint8_t> stream) const;

  // The registers for CLUSTER: tokens [E] of each engine.
  golden::HostCommand set_cluster(bool values, std::span<const std::uint16_t> tokens) const;
  // CLUSTER of up to `tokens` tokens of each engine from the start of the raw region. `starts`:
  // words of LOAD, one for all at scope rank, else [E]; an engine without any may have none.
  golden::HostCommand cluster(bool values, std::size_t tokens, std::span<const Bytes> starts) const;
  // Stored elements [K, channels of the slice] of the answer: one, or [E].
  std::vector<Bytes> elements(const golden::HostAnswer& answer) const;

  // The registers for ENCODE: raw vectors [D] of the engines that have one, empty for others.
  golden::HostCommand set_vectors(bool values,
                                  std::span<const std::span<const std::uint16_t>> vectors) const;
  golden::HostCommand encode(bool values, std::size_t place) const;

  // The registers for ATTEND: tokens [E], and one set of biases for all engines or [E] of them.
  golden::HostCommand set_query(const PreparedQuery& query, std::span<const std::uint16_t> tokens,
                                std::span<const TileBiases> biases) const;
  // Up to `tokens` tokens of each engine from place tile · TileTokens on.
  golden::HostCommand attend(std::size_t tokens, std::size_t tile) const;
  golden::HostCommand result() const;
  // Results [E] of the answer to RESULT.
  std::vector<golden::Result> results(const golden::HostAnswer& answer) const;

 private:
  golden::HostCommand command(golden::HostOpcode opcode,
                              std::initializer_list<std::size_t> fields) const;
  std::vector<golden::Beat> registers(std::span<const std::uint16_t> tokens,
                                      std::span<const std::uint8_t> control,
                                      std::span<const std::uint8_t> shifts) const;
  // beats[b · E + i] is beat b of the i-th engine in turn; lists [E] of the same length.
  std::vector<golden::Beat> in_turn(std::span<const std::vector<golden::Beat>> lists) const;
  std::vector<std::vector<golden::Beat>> out_of_turn(std::span<const golden::Beat> beats) const;
  std::vector<golden::HostCommand> write(unsigned bank, unsigned row,
                                         std::span<const golden::Beat> beats) const;
  unsigned beats_per_row(unsigned bank) const;

  const config::ChannelShape shape_;
  const Placement placement_;
  unsigned rank_, context_;
};

}  // namespace aqpim::system
