// SPDX-License-Identifier: Apache-2.0
//
// A pseudo-channel whose model can be had: an engine's configuration, the banks next to it,
// and what the parameters of the RTL say of the memory. sim/cmake/aqpim_channels.cmake makes them.
#pragma once

#include <memory>
#include <string_view>

#include "sw/config/channel.h"
#include "sw/config/config.h"
#include "sw/config/memory.h"
#include "tb/channel/channel_model.h"

namespace aqpim::tb {

struct ChannelBuild {
  std::string_view name;
  std::string_view configuration;
  std::string_view memory;
  unsigned banks_per_engine = 1;
  bool power_limited = true;
  // What may differ from the memory's file.
  unsigned ranks = 0;
  unsigned bank_groups = 0;
  unsigned banks_per_group = 0;
  unsigned refresh_interval = 0;
  std::unique_ptr<ChannelModel> (*make)(const config::ChannelShape& shape) = nullptr;
};

// What the RTL of this build was given.
config::Memory memory_of(const ChannelBuild& build);
config::ChannelShape shape_of(const ChannelBuild& build);

}  // namespace aqpim::tb
