// SPDX-License-Identifier: Apache-2.0
#include "app/selection.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <set>
#include <system_error>
#include <utility>

#include "sw/cache/timeline.h"
#include "sw/config/error.h"
#include "sw/quantize/outliers.h"
#include "sw/workload/capture.h"

namespace aqpim::app {

namespace {

bool is_there(const std::string& path) {
  std::error_code ignored;
  return std::filesystem::exists(path, ignored);
}

// Names of the heads of a workload, whether or not they are complete.
std::set<std::string> heads_in(const std::string& path) {
  std::set<std::string> names;
  const workload::Capture capture(path);
  for (const std::string_view tensor : capture.names()) {
    names.emplace(tensor.substr(0, tensor.rfind('.')));
  }
  return names;
}

}  // namespace

std::vector<std::string> paths_of_list(const std::string& list) {
  std::vector<std::string> paths;
  for (std::size_t begin = list.find_first_not_of(' '); begin < list.size();) {
    // The longest that is there, or else up to the next blank.
    std::size_t end = list.size();
    while (end != list.npos && !is_there(list.substr(begin, end - begin))) {
      end = list.rfind(' ', end - 1);
      if (end == list.npos || end <= begin) {
        end = std::min(list.find(' ', begin), list.size());
        break;
      }
    }
    paths.push_back(list.substr(begin, end - begin));
    begin = list.find_first_not_of(' ', end);
  }
  return paths;
}

std::vector<workload::Workload> load_workloads(const std::vector<std::string>& paths,
                                               const workload::LoadOptions& options) {
  if (paths.empty()) throw InputError("--workload is required");
  std::vector<workload::Workload> workloads;
  if (paths.size() == 1 || options.heads.empty()) {
    for (const std::string& path : paths) workloads.push_back(workload::load(path, options));
    return workloads;
  }
  std::set<std::string> missing(options.heads.begin(), options.heads.end());
  for (const std::string& path : paths) {
    const std::set<std::string> there = heads_in(path);
    workload::LoadOptions of_file = options;
    std::erase_if(of_file.heads, [&](const std::string& head) { return !there.contains(head); });
    for (const std::string& head : of_file.heads) missing.erase(head);
    if (!of_file.heads.empty()) workloads.push_back(workload::load(path, of_file));
  }
  if (!missing.empty()) {
    throw InputError(
        fmt::format("none of {} has a head {}", fmt::join(paths, ", "), *missing.begin()));
  }
  return workloads;
}

void set_outliers_apart(workload::Workload& workload, std::size_t sinks,
                        std::optional<std::size_t> prefill) {
  workload.read = [read = workload.read, path = workload.path, sinks,
                   prefill](const workload::HeadFacts& facts) {
    workload::Head head = read(facts);
    try {
      quantize::set_outliers_apart(
          head, sinks, prefill.value_or(cache::default_prefill(head.tokens, head.query_tokens)));
    } catch (const InputError& error) {
      throw InputError(fmt::format("{}: {}", path, error.what()));
    }
    return head;
  };
}

void warn_of_outliers(const workload::Workload& workload) {
  for (const workload::HeadFacts& facts : workload.heads) {
    const workload::Head head = workload.read(facts);
    if (head.exact.empty()) continue;
    fmt::print(stderr, "aqpim: warning: {}: {}\n", workload.path, quantize::describe(head));
  }
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

}  // namespace aqpim::app
