// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>

namespace aqpim::config {

struct EmbeddedFile {
  const char* name;
  const char* text;
};

// configs/*.json and the files of configs/memory, baseline, model and node as they were at build
// time (defined in a source that CMake generates).
std::span<const EmbeddedFile> embedded_files();
std::span<const EmbeddedFile> embedded_memories();
std::span<const EmbeddedFile> embedded_baselines();
std::span<const EmbeddedFile> embedded_models();
std::span<const EmbeddedFile> embedded_nodes();

}  // namespace aqpim::config
