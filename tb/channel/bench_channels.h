// SPDX-License-Identifier: Apache-2.0
//
// Pseudo-channels whose speed of simulation is measured beside those of the product:
// sim/cmake/aqpim_layers.cmake.
#pragma once

#include <span>

#include "tb/channel/channel_build.h"

namespace aqpim::tb {

std::span<const ChannelBuild> bench_channel_builds();

}  // namespace aqpim::tb
