// SPDX-License-Identifier: Apache-2.0
#include "sw/workload/atomic_file.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "sw/config/error.h"

namespace aqpim::workload {

AtomicFile::AtomicFile(std::filesystem::path path) : path_(std::move(path)) {
  // Renaming onto a device would replace the device.
  std::error_code ignored;
  if (std::filesystem::exists(path_, ignored) &&
      !std::filesystem::is_regular_file(path_, ignored)) {
    throw InputError(
        fmt::format("{} cannot be written: it exists and is no regular file", path_.string()));
  }
  try {
    const std::filesystem::path folder = path_.parent_path();
    temporary_.emplace(folder.empty() ? "." : folder, Temporary::Kind::kFile);
  } catch (const std::system_error& error) {
    fail(error.code().value());
  }
}

void AtomicFile::write(std::span<const std::uint8_t> bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(temporary_->descriptor(), bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) fail(errno);
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
}

void AtomicFile::write(std::string_view text) {
  write({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
}

void AtomicFile::commit() {
  // mkstemp makes files private; give this one what any new file would have.
  const mode_t mask = ::umask(0);
  ::umask(mask);
  const int descriptor = temporary_->descriptor();
  if (::fchmod(descriptor, 0666 & ~mask) != 0 || ::fsync(descriptor) != 0) fail(errno);
  if (::rename(temporary_->path().c_str(), path_.c_str()) != 0) fail(errno);
}

void AtomicFile::fail(int error_number) const {
  throw InputError(fmt::format("{} cannot be written: {}", path_.string(),
                               std::generic_category().message(error_number)));
}

}  // namespace aqpim::workload
