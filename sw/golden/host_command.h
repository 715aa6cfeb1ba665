// SPDX-License-Identifier: Apache-2.0
//
// What the host tells a pseudo-channel, and what it answers: the types that the host software
// plans in, that golden::Channel executes and that the test bench plays through the RTL's pins.
// Fields, payloads and answers of each opcode: docs/channel.md.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "sw/config/memory.h"
#include "sw/config/pq_pkg.h"

namespace aqpim::golden {

using Beat = std::array<std::uint8_t, config::kBeatBytes>;

using pq_pkg::AnswerCode;
using pq_pkg::HostOpcode;
using pq_pkg::kAnswerCodes;
using pq_pkg::kHostOpcodes;

// Contexts that the sequencer knows of each rank.
inline constexpr unsigned kContexts = 4;
inline constexpr std::size_t kHostFields = 10;

struct HostCommand {
  HostOpcode opcode = HostOpcode::kSetConfig;  // any number, for tests of bad ones
  unsigned rank = 0;
  unsigned context = 0;
  std::array<std::uint16_t, kHostFields> fields = {};
  std::vector<Beat> payload;

  bool operator==(const HostCommand&) const = default;
};

struct HostAnswer {
  AnswerCode code = AnswerCode::kOk;
  std::vector<Beat> data;      // of kRead and kResult
  std::vector<Beat> elements;  // of kCluster: stored bytes of the new centroids

  bool operator==(const HostAnswer&) const = default;
};

}  // namespace aqpim::golden
