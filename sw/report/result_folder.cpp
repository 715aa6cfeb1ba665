// SPDX-License-Identifier: Apache-2.0
#include "sw/report/result_folder.h"

#include <fmt/format.h>

#include <algorithm>
#include <ranges>
#include <string>
#include <system_error>
#include <utility>

#include "sw/config/error.h"

namespace aqpim::report {

namespace {

namespace fs = std::filesystem;
using workload::Temporary;

[[noreturn]] void fail(const fs::path& path, const std::error_code& error) {
  throw InputError(fmt::format("{} cannot be written: {}", path.string(), error.message()));
}

}  // namespace

ResultFolder::ResultFolder(fs::path folder) : folder_(std::move(folder)) {
  std::error_code error;
  // Outermost first; "a/b/" and "a/b" are the same folder.
  fs::path part;
  std::vector<fs::path> made;
  for (const fs::path& name : folder_) {
    part /= name;
    if (fs::create_directory(part, error)) made.push_back(part);
    if (error) break;
  }
  if ((!error && !fs::is_directory(folder_)) || error == std::errc::file_exists) {
    error = std::make_error_code(std::errc::not_a_directory);
  }
  try {
    if (error) throw std::system_error(error);
    staging_ = std::make_unique<Temporary>(folder_, Temporary::Kind::kFolder, made);
  } catch (const std::system_error& failure) {
    for (const fs::path& folder : made | std::views::reverse) fs::remove(folder);
    fail(folder_, failure.code());
  }
}

void ResultFolder::commit(const std::vector<const char*>& replaced) {
  std::error_code error;
  std::vector<fs::path> names;
  for (const fs::directory_entry& entry : fs::directory_iterator(staging_->path())) {
    names.push_back(entry.path().filename());
  }
  for (const char* name : replaced) {
    if (std::ranges::find(names, fs::path(name)) == names.end()) fs::remove(folder_ / name, error);
  }
  for (const fs::path& name : names) {
    fs::rename(staging_->path() / name, folder_ / name, error);
    if (error) fail(folder_ / name, error);
  }
  staging_->keep();
}

}  // namespace aqpim::report
