// SPDX-License-Identifier: Apache-2.0
#include "tb/channel/channel_build.h"

namespace aqpim::tb {

config::Memory memory_of(const ChannelBuild& build) {
  config::Memory memory = config::find_memory(build.memory);
  memory.organization.ranks = build.ranks;
  memory.organization.bank_groups = build.bank_groups;
  memory.organization.banks_per_group = build.banks_per_group;
  memory.timing.refresh_interval = build.refresh_interval;
  return memory;
}

config::ChannelShape shape_of(const ChannelBuild& build) {
  return {.engine = config::find_configuration(build.configuration).engine,
          .memory = memory_of(build).organization,
          .banks_per_engine = build.banks_per_engine};
}

}  // namespace aqpim::tb
