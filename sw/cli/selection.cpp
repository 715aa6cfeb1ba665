// SPDX-License-Identifier: Apache-2.0
#include "sw/cli/selection.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <set>

#include "sw/config/error.h"
#include "sw/workload/safetensors.h"

namespace aqpim::cli {

namespace {

// Names of the heads in a file, whether or not they are complete.
std::set<std::string> heads_in(const std::string& path) {
  std::set<std::string> names;
  const workload::Reader reader(path);
  for (const auto& [tensor, info] : reader.header().tensors) {
    names.insert(tensor.substr(0, tensor.rfind('.')));
  }
  return names;
}

}  // namespace

std::vector<workload::Workload> load_workloads(const std::vector<std::string>& paths,
                                               const std::vector<std::string>& wanted,
                                               workload::Nonfinite nonfinite) {
  std::vector<workload::Workload> workloads;
  if (paths.size() == 1 || wanted.empty()) {
    for (const std::string& path : paths) {
      workloads.push_back(workload::load(path, wanted, nonfinite));
    }
    return workloads;
  }
  std::set<std::string> missing(wanted.begin(), wanted.end());
  for (const std::string& path : paths) {
    const std::set<std::string> there = heads_in(path);
    std::vector<std::string> heads;
    for (const std::string& head : wanted) {
      if (!there.contains(head)) continue;
      heads.push_back(head);
      missing.erase(head);
    }
    if (!heads.empty()) workloads.push_back(workload::load(path, heads, nonfinite));
  }
  if (!missing.empty()) {
    throw InputError(
        fmt::format("none of {} has a head {}", fmt::join(paths, ", "), *missing.begin()));
  }
  return workloads;
}

std::vector<const config::Configuration*> wanted_configurations(
    const std::vector<std::string>& names) {
  std::vector<const config::Configuration*> configurations;
  for (const std::string& name : names) {
    const config::Configuration* configuration = &config::find_configuration(name);
    if (std::ranges::find(configurations, configuration) == configurations.end()) {
      configurations.push_back(configuration);
    }
  }
  if (names.empty()) {
    for (const config::Configuration& configuration : config::built_configurations()) {
      configurations.push_back(&configuration);
    }
  }
  return configurations;
}

}  // namespace aqpim::cli
