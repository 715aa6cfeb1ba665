// SPDX-License-Identifier: Apache-2.0
//
// What a command line selects: heads of workloads, configurations.
#pragma once

#include <string>
#include <vector>

#include "sw/config/config.h"
#include "sw/workload/workload.h"

namespace aqpim::cli {

// Each file with the wanted heads, or all if none are named. Of several files, each gives those
// that it has, and is left out if it has none. Throws InputError as workload::load(), or if no file
// has a wanted head.
std::vector<workload::Workload> load_workloads(const std::vector<std::string>& paths,
                                               const std::vector<std::string>& wanted,
                                               workload::Nonfinite nonfinite);

// The named configurations, each once, or all that were built if none are named. Throws InputError
// if there is no such configuration.
std::vector<const config::Configuration*> wanted_configurations(
    const std::vector<std::string>& names);

}  // namespace aqpim::cli
