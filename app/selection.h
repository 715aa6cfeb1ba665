// SPDX-License-Identifier: Apache-2.0
//
// What a command line selects: heads of workloads, configurations.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "sw/config/config.h"
#include "sw/workload/workload.h"

namespace aqpim::app {

// The paths of a list by blanks. Blanks may be within a path of something that is there.
std::vector<std::string> paths_of_list(const std::string& list);

// Each file with the wanted heads, or all if none are named. Of several files, each gives those
// that it has, and is left out if it has none. Throws InputError as workload::load(), or if no file
// has a wanted head, or if there is no file.
std::vector<workload::Workload> load_workloads(const std::vector<std::string>& paths,
                                               const workload::LoadOptions& options);

// What the workload reads from now on has its outliers set apart (quantize/outliers.h), for a
// prefill of so many tokens; reading throws InputError also as that does, with the path.
void set_outliers_apart(workload::Workload& workload, std::size_t sinks,
                        std::optional<std::size_t> prefill);

// Reads each head once, and names its outliers on standard error.
void warn_of_outliers(const workload::Workload& workload);

// The named configurations, each once, or all that were built if none are named. Throws InputError
// if there is no such configuration.
std::vector<const config::Configuration*> wanted_configurations(
    const std::vector<std::string>& names);

}  // namespace aqpim::app
