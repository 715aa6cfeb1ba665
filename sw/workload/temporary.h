// SPDX-License-Identifier: Apache-2.0
//
// What a run makes and must not leave behind: temporary files and folders, and child processes.
//
// A temporary is called .aqpim-XXXXXX and lies beside what it will become. Its maker holds a lock
// on it, which ends with the process however that ends. So whoever makes another one in the same
// folder can tell what a killed run has left, and removes it.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <functional>
#include <optional>
#include <vector>

namespace aqpim::workload {

class Temporary {
 public:
  enum class Kind { kFile, kFolder };

  // Makes one in `folder`, which must exist. `made` are folders that go, unless this is kept,
  // with the last temporary in them. Throws std::system_error.
  Temporary(const std::filesystem::path& folder, Kind kind,
            std::vector<std::filesystem::path> made = {});
  Temporary(const Temporary&) = delete;
  Temporary& operator=(const Temporary&) = delete;
  // Removes it, whether or not it was kept, if it is still there.
  ~Temporary();

  const std::filesystem::path& path() const { return path_; }
  int descriptor() const { return descriptor_; }

  // The `made` folders stay.
  void keep();

 private:
  std::vector<std::filesystem::path> made_;
  std::filesystem::path path_;
  int descriptor_ = -1;
};

// From now on SIGINT, SIGTERM and SIGHUP, unless they are ignored already, end the process as they
// do by default, but first its children and its temporaries. Call it before the first thread.
void end_cleanly_on_signals();

// Starts a child, as `spawn` does, which returns what posix_spawn() does, and waits for its end.
// The exit code; −1 if a signal ended it; none if it could not be started. A child inherits the
// signals that are blocked here: one of the terminal ends this process, and so the child.
std::optional<int> run_child(const std::function<int(pid_t&)>& spawn);

}  // namespace aqpim::workload
