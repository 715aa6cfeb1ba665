// SPDX-License-Identifier: Apache-2.0
#include "tb/channel/channel_module.h"

#include <dlfcn.h>
#include <fmt/format.h>

#include <filesystem>
#include <map>
#include <mutex>
#include <string>

#include "sw/config/error.h"

namespace aqpim::tb {

namespace {

// Modules stay loaded until the program ends: models may be alive until then.
MakeChannel* open_module(const std::string& name) {
  const std::filesystem::path tree = AQPIM_CHANNEL_TREE;
  const std::filesystem::path path = tree / "channels" / (name + ".so");
  const std::string remedy =
      fmt::format("`cmake --build {} --target channel_model_{}` builds it", tree.string(), name);
  if (!std::filesystem::exists(path)) {
    throw InputError(
        fmt::format("the RTL of pseudo-channel {} has not been built: {}", name, remedy));
  }
  void* module = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (module == nullptr)
    throw InputError(fmt::format("cannot load {}: {}", path.string(), dlerror()));
  const auto* interface = static_cast<const char*>(dlsym(module, kModuleInterface));
  void* make = dlsym(module, kModuleMake);
  if (interface == nullptr || make == nullptr ||
      std::string_view(interface) != AQPIM_CHANNEL_INTERFACE) {
    throw InputError(fmt::format("{} does not fit this program: {}", path.string(), remedy));
  }
  return reinterpret_cast<MakeChannel*>(make);
}

MakeChannel* module_of(std::string_view name) {
  static std::mutex mutex;
  static std::map<std::string, MakeChannel*, std::less<>> modules;
  const std::lock_guard lock(mutex);
  const auto found = modules.find(name);
  if (found != modules.end()) return found->second;
  const std::string key(name);
  return modules.emplace(key, open_module(key)).first->second;
}

}  // namespace

void load_channel_module(std::string_view name) { module_of(name); }

std::unique_ptr<ChannelModel> make_from_module(std::string_view name,
                                               const config::ChannelShape& shape) {
  return std::unique_ptr<ChannelModel>(module_of(name)(shape));
}

}  // namespace aqpim::tb
