// SPDX-License-Identifier: Apache-2.0
//
// The pseudo-channels that can be built: each configuration that fits, next to one bank or two,
// with each memory as its file says, with its power limit and without. Their models are modules,
// which may be missing (tb/channel/channel_module.h).
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <span>
#include <stdexcept>
#include <string_view>

#include "tb/channel/channel_build.h"
#include "tb/channel/channel_module.h"

namespace aqpim::tb {

std::span<const ChannelBuild> channel_builds();

// Throws std::out_of_range if there is none.
inline const ChannelBuild& find_channel(std::string_view configuration, std::string_view memory,
                                        unsigned banks_per_engine, bool power_limited) {
  const std::span builds = channel_builds();
  const auto found = std::ranges::find_if(builds, [&](const ChannelBuild& build) {
    return build.configuration == configuration && build.memory == memory &&
           build.banks_per_engine == banks_per_engine && build.power_limited == power_limited;
  });
  if (found == builds.end()) {
    throw std::out_of_range(fmt::format(
        "there is no pseudo-channel of {} with memory {} and {} banks per engine{}", configuration,
        memory, banks_per_engine, power_limited ? "" : " without power limit"));
  }
  return *found;
}

}  // namespace aqpim::tb
