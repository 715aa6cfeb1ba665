// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <memory>
#include <vector>

#include "sw/workload/temporary.h"

namespace aqpim::report {

// A folder whose new files appear together, when they are complete. They are written to a hidden
// folder beside them first; commit() moves them, one rename each, over older files of the same
// names. Other files in the folder are left alone. Without commit() nothing changes, and folders
// that were made on the way are removed again, also if a signal ends the process; what a killed run
// has left is removed by the next one (sw/workload/temporary.h).
class ResultFolder {
 public:
  // Makes the folder and tries to write there. Throws InputError with the path and the reason.
  explicit ResultFolder(std::filesystem::path folder);

  const std::filesystem::path& folder() const { return folder_; }
  // Where to write the file that will be called `name`.
  std::filesystem::path file(const char* name) const { return staging_->path() / name; }

  // Moves all files there. `replaced` are removed if they are not among them: what an older run
  // may have left.
  void commit(const std::vector<const char*>& replaced);

 private:
  std::filesystem::path folder_;
  std::unique_ptr<workload::Temporary> staging_;
};

}  // namespace aqpim::report
