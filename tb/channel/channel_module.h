// SPDX-License-Identifier: Apache-2.0
//
// Pseudo-channels in shared objects of their own, <build tree>/channels/NAME.so: a program that
// knows all of them waits only for those that it plays to be compiled.
// sim/cmake/aqpim_channels.cmake makes them from tb/channel/module.cpp.in.
#pragma once

#include <memory>
#include <string_view>

#include "sw/config/channel.h"
#include "tb/channel/channel_model.h"

namespace aqpim::tb {

// What a module must export under these names: the interface it was compiled with, a digest of the
// headers that it shares with the program, and a function that makes a model of it.
inline constexpr const char* kModuleInterface = "aqpim_channel_interface";
inline constexpr const char* kModuleMake = "aqpim_make_channel";
using MakeChannel = ChannelModel*(const config::ChannelShape& shape);

// Loads the module if it was not yet. Throws InputError if it is not there, cannot be loaded, or
// was compiled with another interface.
void load_channel_module(std::string_view name);

// Loads the module, too.
std::unique_ptr<ChannelModel> make_from_module(std::string_view name,
                                               const config::ChannelShape& shape);

}  // namespace aqpim::tb
