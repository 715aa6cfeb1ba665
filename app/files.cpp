// SPDX-License-Identifier: Apache-2.0
#include "app/files.h"

#include <fmt/format.h>

#include <fstream>
#include <iterator>

#include "sw/config/error.h"
#include "sw/workload/atomic_file.h"

namespace aqpim::app {

std::string read_text(const std::string& path) {
  std::ifstream stream(path, std::ios::binary);
  std::string text{std::istreambuf_iterator<char>(stream), {}};
  if (!stream || std::filesystem::is_directory(path)) {
    throw InputError(fmt::format("{} cannot be read", path));
  }
  return text;
}

void write_file(const std::filesystem::path& path, const std::string& content) {
  workload::AtomicFile file(path);
  file.write(content);
  file.commit();
}

}  // namespace aqpim::app
