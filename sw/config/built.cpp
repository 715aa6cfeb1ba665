// SPDX-License-Identifier: Apache-2.0
// The configurations and memories in this binary. A file is read when it is asked for, so that one
// that is not legal stops only what uses it.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <mutex>
#include <span>

#include "sw/config/config.h"
#include "sw/config/embedded.h"
#include "sw/config/json.h"
#include "sw/config/memory.h"

namespace aqpim::config {
namespace {

std::vector<std::string_view> names_of(std::span<const EmbeddedFile> files) {
  std::vector<std::string_view> names;
  for (const EmbeddedFile& file : files) names.emplace_back(file.name);
  std::ranges::sort(names);
  return names;
}

template <typename T>
const T& find(const char* kind, std::span<const EmbeddedFile> files,
              T (*parse)(std::string_view, std::string_view), std::string_view name) {
  static std::mutex mutex;
  static std::map<std::string_view, T> parsed;
  const std::lock_guard lock(mutex);
  for (const EmbeddedFile& file : files) {
    if (file.name != name) continue;
    const auto known = parsed.find(name);
    if (known != parsed.end()) return known->second;
    return parsed.emplace(file.name, parse(file.name, file.text)).first->second;
  }
  throw InputError(fmt::format("there is no {} {}, built are {}", kind, in_quotes(name),
                               fmt::join(names_of(files), ", ")));
}

}  // namespace

std::vector<std::string_view> configuration_names() { return names_of(embedded_files()); }

const Configuration& find_configuration(std::string_view name) {
  return find<Configuration>("configuration", embedded_files(), &parse, name);
}

const std::vector<Configuration>& built_configurations() {
  static const std::vector<Configuration> configurations = [] {
    std::vector<Configuration> all;
    for (const std::string_view name : configuration_names()) {
      all.push_back(find_configuration(name));
    }
    return all;
  }();
  return configurations;
}

std::vector<std::string_view> memory_names() { return names_of(embedded_memories()); }

const Memory& find_memory(std::string_view name) {
  return find<Memory>("memory", embedded_memories(), &parse_memory, name);
}

}  // namespace aqpim::config
