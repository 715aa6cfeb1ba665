// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>

namespace aqpim::config {

struct EmbeddedFile {
  const char* name;
  const char* text;
};

// configs/*.json, configs/memory/*.json and configs/baseline/*.json as they were at build time
// (defined in a source that CMake generates).
std::span<const EmbeddedFile> embedded_files();
std::span<const EmbeddedFile> embedded_memories();
std::span<const EmbeddedFile> embedded_baselines();

}  // namespace aqpim::config
