// SPDX-License-Identifier: Apache-2.0
#include "sw/report/result_folder.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <ranges>
#include <string>
#include <system_error>
#include <utility>

#include "sw/config/error.h"

namespace aqpim::report {

namespace {

namespace fs = std::filesystem;

[[noreturn]] void fail(const fs::path& path, const std::error_code& error) {
  throw InputError(fmt::format("{} cannot be written: {}", path.string(), error.message()));
}

}  // namespace

ResultFolder::ResultFolder(fs::path folder) : folder_(std::move(folder)) {
  std::error_code error;
  // Outermost first; "a/b/" and "a/b" are the same folder.
  fs::path part;
  for (const fs::path& name : folder_) {
    part /= name;
    if (fs::create_directory(part, error)) made_.push_back(part);
    if (error) break;
  }
  if ((!error && !fs::is_directory(folder_)) || error == std::errc::file_exists) {
    error = std::make_error_code(std::errc::not_a_directory);
  }
  std::string staging = (folder_ / ".aqpim-XXXXXX").string();
  if (!error && ::mkdtemp(staging.data()) == nullptr) error = {errno, std::generic_category()};
  if (error) {
    for (const fs::path& made : made_ | std::views::reverse) fs::remove(made);
    fail(folder_, error);
  }
  staging_ = staging;
}

ResultFolder::ResultFolder(ResultFolder&& other) noexcept
    : folder_(std::move(other.folder_)),
      staging_(std::exchange(other.staging_, {})),
      made_(std::exchange(other.made_, {})),
      committed_(std::exchange(other.committed_, true)) {}

ResultFolder::~ResultFolder() {
  std::error_code ignored;
  if (!staging_.empty()) fs::remove_all(staging_, ignored);
  if (committed_) return;
  // Only what is empty: somebody else may have written there meanwhile.
  for (const fs::path& made : made_ | std::views::reverse) fs::remove(made, ignored);
}

void ResultFolder::commit(const std::vector<const char*>& replaced) {
  std::error_code error;
  std::vector<fs::path> names;
  for (const fs::directory_entry& entry : fs::directory_iterator(staging_)) {
    names.push_back(entry.path().filename());
  }
  for (const char* name : replaced) {
    if (std::ranges::find(names, fs::path(name)) == names.end()) fs::remove(folder_ / name, error);
  }
  for (const fs::path& name : names) {
    fs::rename(staging_ / name, folder_ / name, error);
    if (error) fail(folder_ / name, error);
  }
  committed_ = true;
}

}  // namespace aqpim::report
