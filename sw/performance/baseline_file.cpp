// SPDX-License-Identifier: Apache-2.0
#include "sw/performance/baseline_file.h"

#include <fmt/format.h>

#include <stdexcept>

#include "sw/config/embedded.h"

namespace aqpim::performance {

std::string_view baseline_text(std::string_view name) {
  for (const config::EmbeddedFile& file : config::embedded_baselines()) {
    if (name == file.name) return file.text;
  }
  throw std::logic_error(fmt::format("configs/baseline/{}.json was not there at build time", name));
}

}  // namespace aqpim::performance
