// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string_view>

#include "sw/workload/temporary.h"

namespace aqpim::workload {

// A file that appears under its name only when it is complete: bytes go to a temporary file in the
// same folder, commit() flushes and renames it, and without commit() nothing stays behind. Throws
// InputError with the path and the system's reason.
class AtomicFile {
 public:
  explicit AtomicFile(std::filesystem::path path);
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  void write(std::span<const std::uint8_t> bytes);
  void write(std::string_view text);
  void commit();

 private:
  [[noreturn]] void fail(int error_number) const;

  std::filesystem::path path_;
  std::optional<Temporary> temporary_;
};

}  // namespace aqpim::workload
