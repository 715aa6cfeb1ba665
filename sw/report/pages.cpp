// SPDX-License-Identifier: Apache-2.0
#include "sw/report/pages.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <spawn.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <optional>
#include <stdexcept>
#include <system_error>
#include <utility>

#include "sw/config/error.h"
#include "sw/workload/temporary.h"

namespace aqpim::report {

namespace {

namespace fs = std::filesystem;

constexpr const char* kMain = "aqpim_report/__main__.py";

std::string from_environment(const char* name, const std::string& otherwise) {
  const char* value = std::getenv(name);
  return value == nullptr || *value == '\0' ? otherwise : value;
}

// The package's program, if it is anywhere.
std::optional<fs::path> find_package() {
  std::error_code error;
  std::vector<fs::path> folders = {from_environment("AQPIM_REPORT", "")};
  if (folders.front().empty()) {
    folders = {AQPIM_PYTHON_FOLDER};
    fs::path folder = fs::read_symlink("/proc/self/exe", error).parent_path();
    for (; folder.has_relative_path(); folder = folder.parent_path()) {
      folders.push_back(folder / "python");
      folders.push_back(folder / "share/aqpim");
    }
  }
  for (const fs::path& folder : folders) {
    if (fs::is_regular_file(folder / kMain, error)) return folder / kMain;
  }
  return {};
}

// What a child writes to standard output or standard error, in memory.
class Output {
 public:
  Output() : descriptor_(::memfd_create("aqpim", MFD_CLOEXEC)) {
    if (descriptor_ < 0) throw std::system_error(errno, std::generic_category());
  }
  Output(const Output&) = delete;
  Output& operator=(const Output&) = delete;
  ~Output() { ::close(descriptor_); }

  int descriptor() const { return descriptor_; }

  std::string text() const {
    std::string text(static_cast<std::size_t>(::lseek(descriptor_, 0, SEEK_END)), '\0');
    const ::ssize_t size = ::pread(descriptor_, text.data(), text.size(), 0);
    text.resize(size < 0 ? 0 : static_cast<std::size_t>(size));
    return text;
  }

 private:
  int descriptor_;
};

struct Ended {
  std::optional<int> code;  // none: the program could not be started
  std::string output, errors;
};

// Runs a program that is found in PATH. Signals of the terminal are this process's, which ends its
// children itself.
Ended run(const std::vector<std::string>& arguments) {
  std::vector<char*> pointers;
  for (const std::string& argument : arguments)
    pointers.push_back(const_cast<char*>(argument.c_str()));
  pointers.push_back(nullptr);
  const Output output, errors;
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, output.descriptor(), STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&actions, errors.descriptor(), STDERR_FILENO);
  const std::optional<int> code = workload::run_child([&](pid_t& child) {
    return posix_spawnp(&child, pointers[0], &actions, nullptr, pointers.data(), environ);
  });
  posix_spawn_file_actions_destroy(&actions);
  return {code, output.text(), errors.text()};
}

// Runs the package, which has ended well then, or could not be started for want of what `obstacle`
// says.
Ended run_package(const std::vector<std::string>& arguments, std::string& obstacle) {
  const std::string python = from_environment("AQPIM_PYTHON", "python3");
  const std::optional<fs::path> package = find_package();
  if (!package) {
    obstacle = "the Python package aqpim_report is not found (AQPIM_REPORT names its folder)";
    return {};
  }
  std::vector<std::string> command = {python, *package};
  command.insert(command.end(), arguments.begin(), arguments.end());
  Ended ended = run(command);
  if (!ended.code || *ended.code == 127) {
    obstacle = fmt::format("{} is not installed", python);
    return {};
  }
  if (ended.code == 0) return ended;
  while (ended.errors.ends_with('\n')) ended.errors.pop_back();
  if (ended.code == 2) throw InputError(ended.errors);
  throw std::runtime_error(
      fmt::format("aqpim_report: {}", ended.errors.substr(ended.errors.rfind('\n') + 1)));
}

}  // namespace

Pages make_pages(const std::vector<fs::path>& runs, const Wanted& wanted) {
  std::vector<std::string> arguments;
  if (wanted.files) arguments.emplace_back("--files");
  if (wanted.table) arguments.emplace_back("--print");
  if (!wanted.html.empty()) arguments.insert(arguments.end(), {"--html", wanted.html});
  arguments.insert(arguments.end(), runs.begin(), runs.end());
  std::string obstacle;
  Ended ended = run_package(arguments, obstacle);
  if (!obstacle.empty()) {
    return {.left_out = obstacle + ", so there are no tables, pictures and pages, only JSON\n",
            .table = ""};
  }
  return {.left_out = std::move(ended.errors), .table = std::move(ended.output)};
}

std::string with_tables(const fs::path& page, const std::string& command, const fs::path& tables) {
  std::string obstacle;
  Ended ended = run_package({"--tables", tables, "--command", command, page}, obstacle);
  if (obstacle.empty()) return std::move(ended.output);
  throw InputError(fmt::format("{} cannot have its tables replaced: {}", page.string(), obstacle));
}

}  // namespace aqpim::report
