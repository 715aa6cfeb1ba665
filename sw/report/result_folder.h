// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <vector>

namespace aqpim::report {

// A folder whose new files appear together, when they are complete. They are written to a hidden
// folder beside them first; commit() moves them, one rename each, over older files of the same
// names. Other files in the folder are left alone. Without commit() nothing changes, and folders
// that were made on the way are removed again.
class ResultFolder {
 public:
  // Makes the folder and tries to write there. Throws InputError with the path and the reason.
  explicit ResultFolder(std::filesystem::path folder);
  ResultFolder(ResultFolder&& other) noexcept;
  ResultFolder& operator=(ResultFolder&&) = delete;
  ~ResultFolder();

  const std::filesystem::path& folder() const { return folder_; }
  // Where to write the file that will be called `name`.
  std::filesystem::path file(const char* name) const { return staging_ / name; }

  // Moves all files there. `replaced` are removed if they are not among them: what an older run
  // may have left.
  void commit(const std::vector<const char*>& replaced);

 private:
  std::filesystem::path folder_;
  std::filesystem::path staging_;
  std::vector<std::filesystem::path> made_;  // innermost last
  bool committed_ = false;
};

}  // namespace aqpim::report
