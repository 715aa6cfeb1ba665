// SPDX-License-Identifier: Apache-2.0
//
// The life of one head's cache on one rank of a pseudo-channel, as host commands:
//
//   prefill   raw slices WR, SET_VECTORS, CLUSTER -> elements -> codebooks WR
//             SET_VECTORS, ENCODE for each place of the tokens that query P finds encoded
//   decode    for each evaluated token: SET_VECTORS, ENCODE of the append blocks that have left the
//             recent window; SET_QUERY, ATTEND, RESULT for each query head and tile, the result of
//             one read while the next one runs
//   check     the codes RD and compared with those of software
//
// What the queries attend to is what the channel clustered and encoded; scales, centres and exact
// tokens are the host's. Codebook windows that begin after the prefill get the newest codebook.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <span>
#include <vector>

#include "sw/config/channel.h"
#include "sw/quantize/quantize.h"
#include "sw/system/channel_program.h"
#include "sw/system/host_port.h"
#include "sw/system/merge.h"
#include "sw/system/placement.h"
#include "sw/system/recorder.h"
#include "sw/workload/workload.h"

namespace aqpim::system {

struct ChannelHeadOptions {
  quantize::QuantizeOptions cache;
  std::vector<std::size_t> queries;  // token indices, ascending
  bool software_prefill = false;     // codebooks and codes of the prefill are made by software
  std::size_t tile_limit = 0;        // as PlacementOptions
  unsigned rank = 0;
  unsigned context = 0;
};

class ChannelHead {
 public:
  // Clusters and encodes the prefill in software. `head` must outlive this. Throws InputError as
  // HeadQuantizer and Placement.
  ChannelHead(const workload::Head& head, const config::ChannelShape& shape,
              const ChannelHeadOptions& options);
  ChannelHead(const ChannelHead&) = delete;
  ChannelHead& operator=(const ChannelHead&) = delete;

  // The whole life, to be played once; refers to this.
  HostProgram program();
  // Steps that it has, about, for a progress line.
  std::size_t expected_steps() const;

  // After it was played.
  const cache::HeadCache& cache() const { return quantizer_.cache(); }
  const cache::Timeline& timeline() const { return quantizer_.timeline(); }
  const Placement& placement() const { return placement_; }
  // o [D] of query (g, queries[q]): [G · Q].
  std::vector<std::vector<double>> outputs() const;
  // Bytes of codebooks and codes that were compared with software, and those that differed.
  std::uint64_t compared() const { return compared_; }
  std::uint64_t mismatches() const { return mismatches_; }
  std::uint16_t flags() const;  // of all results
  // Of each result of each engine that had tokens.
  const std::vector<std::uint16_t>& result_flags() const { return flags_; }
  std::uint64_t tiles() const { return tiles_; }

 private:
  using Steps = std::vector<HostStep>;
  using Bytes = std::vector<std::uint8_t>;

  // Runs the quantizer's prefill: how many tokens a codebook is made from decides about raw rows.
  Placement place();

  void add(Steps& steps, golden::HostCommand command, HostPhase phase,
           std::function<void(const golden::HostAnswer&)> done = {}) const;
  void add_all(Steps& steps, std::vector<golden::HostCommand> commands) const;

  // Windows of one CLUSTER: all engines' tokens of one codebook, or a window of each engine.
  Steps cluster_slice(unsigned side, std::size_t slice, std::size_t first_window);
  Steps write_codebooks();
  // Copies of the newest codebook for windows up to that of the last of `encoded` tokens.
  void extend_codebooks(Steps& steps, std::size_t encoded);
  Steps write_codes();
  void encode(Steps& steps, unsigned side, const EncodeTask& task) const;
  Steps decode(std::size_t query);
  void attend(Steps& steps, std::size_t query, std::size_t g);
  void read_result(Steps& steps);
  Steps check_codes();
  void compare(std::span<const std::uint8_t> bytes, std::span<const std::uint8_t> expected);

  const workload::Head& head_;
  config::ChannelShape shape_;
  ChannelHeadOptions options_;
  Recorder recorder_;
  quantize::HeadQuantizer quantizer_;
  Placement placement_;
  RankCommands commands_;

  std::array<std::vector<Bytes>, 2> codebooks_;  // [windows that were clustered][K, D]
  std::size_t written_windows_ = 0;
  // RESULTs that have not been issued.
  std::deque<std::function<void(const golden::HostAnswer&)>> unread_;
  std::array<std::vector<golden::Beat>, 2> read_back_;
  std::vector<std::vector<Partial>> parts_;  // [G · Q]
  std::uint64_t compared_ = 0;
  std::uint64_t mismatches_ = 0;
  std::vector<std::uint16_t> flags_;
  std::uint64_t tiles_ = 0;
};

}  // namespace aqpim::system
