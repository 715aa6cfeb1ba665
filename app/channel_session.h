// SPDX-License-Identifier: Apache-2.0
//
// A pseudo-channel that `aqpim channel` plays on: the golden model, or RTL in its test bench.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "sw/config/channel.h"
#include "sw/config/config.h"
#include "sw/config/memory.h"
#include "sw/report/channel_report.h"
#include "sw/system/host_port.h"

namespace aqpim::app {

struct SessionOptions {
  const config::Configuration* configuration = nullptr;
  const config::Memory* memory = nullptr;
  unsigned ranks = 2;  // that are used
  unsigned banks_per_engine = 1;
  bool power_limited = true;
  std::uint64_t seed = 1;
  unsigned threads = 1;  // that share the engines in RTL
  // Where RTL writes its commands and, into a folder that exists, its waves, if it is to.
  std::optional<std::filesystem::path> trace = std::nullopt;
  std::optional<std::filesystem::path> waves = std::nullopt;
};

class ChannelSession {
 public:
  virtual ~ChannelSession() = default;
  ChannelSession(const ChannelSession&) = delete;
  ChannelSession& operator=(const ChannelSession&) = delete;

  virtual system::HostPort& port() = 0;

  // Ends the run and writes into the report what was counted. Empty if all is well, otherwise the
  // reasons, one sentence per line.
  virtual std::string finish(report::ChannelReport& report) = 0;

 protected:
  ChannelSession() = default;
};

// What the engines of this configuration and the memory make together.
config::ChannelShape shape_of(const SessionOptions& options);

std::unique_ptr<ChannelSession> golden_session(const SessionOptions& options);
// Throws InputError if the binary has no RTL for it.
std::unique_ptr<ChannelSession> rtl_session(const SessionOptions& options);

}  // namespace aqpim::app
