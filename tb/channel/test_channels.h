// SPDX-License-Identifier: Apache-2.0
//
// The pseudo-channels of the tests: tb/channel/CMakeLists.txt.
#pragma once

#include <algorithm>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>

#include "tb/channel/channel_build.h"

namespace aqpim::tb {

std::span<const ChannelBuild> test_channel_builds();

inline const ChannelBuild& test_channel(std::string_view name) {
  const std::span builds = test_channel_builds();
  const auto found = std::ranges::find(builds, name, &ChannelBuild::name);
  if (found == builds.end()) throw std::out_of_range("no pseudo-channel " + std::string(name));
  return *found;
}

}  // namespace aqpim::tb
