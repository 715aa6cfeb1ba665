// SPDX-License-Identifier: Apache-2.0
#include "sw/workload/temporary.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <functional>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <system_error>
#include <thread>
#include <utility>

namespace aqpim::workload {

namespace {

namespace fs = std::filesystem;

constexpr std::string_view kPrefix = ".aqpim-";
constexpr std::size_t kSuffix = 6;

// Signals are the process's, and so is the list of what to remove.
struct Registry {
  std::mutex mutex;
  std::set<fs::path> temporaries;
  std::set<fs::path, std::greater<>> made;  // folders for them, inner ones first
  std::set<pid_t> children;
};

Registry& registry() {
  // Never destroyed: a signal may come while the process exits.
  static Registry& everything = *new Registry;
  return everything;
}

// All that were made and are empty: others may have written there meanwhile, and a folder that one
// temporary was the first to need holds those of others.
void remove_folders() {
  std::error_code ignored;
  std::erase_if(registry().made,
                [&](const fs::path& folder) { return fs::remove(folder, ignored); });
}

bool is_temporary(const std::string& name) {
  return name.size() == kPrefix.size() + kSuffix && name.starts_with(kPrefix) &&
         std::ranges::all_of(name.substr(kPrefix.size()),
                             [](unsigned char c) { return std::isalnum(c) != 0; });
}

// Removes temporaries that nobody holds.
void sweep(const fs::path& folder) {
  std::error_code error;
  std::vector<fs::path> found;
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end;
       entry.increment(error)) {
    if (is_temporary(entry->path().filename().string())) found.push_back(entry->path());
  }
  for (const fs::path& path : found) {
    const int descriptor = ::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (descriptor < 0) continue;
    struct stat status = {};
    if (::fstat(descriptor, &status) == 0 && (S_ISREG(status.st_mode) || S_ISDIR(status.st_mode)) &&
        ::flock(descriptor, LOCK_EX | LOCK_NB) == 0) {
      fs::remove_all(path, error);
    }
    ::close(descriptor);
  }
}

int make(std::string& name, Temporary::Kind kind) {
  if (kind == Temporary::Kind::kFile) return ::mkostemp(name.data(), O_CLOEXEC);
  if (::mkdtemp(name.data()) == nullptr) return -1;
  return ::open(name.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

// Whether the locked file or folder still has its name: a sweep may have come before the lock.
bool is_there(int descriptor, const std::string& name) {
  struct stat held = {};
  struct stat named = {};
  return ::fstat(descriptor, &held) == 0 && ::lstat(name.c_str(), &named) == 0 &&
         held.st_dev == named.st_dev && held.st_ino == named.st_ino;
}

// Ends the process by the signal, its children and temporaries first.
[[noreturn]] void end(int signal) {
  Registry& all = registry();
  // Kept to the end: nothing new is made.
  all.mutex.lock();
  for (const pid_t child : all.children) ::kill(child, SIGKILL);
  for (const fs::path& path : all.temporaries) {
    std::error_code error;
    // Other threads may still be writing there.
    for (int attempt = 0; attempt < 100 && fs::exists(path, error); ++attempt) {
      fs::remove_all(path, error);
    }
  }
  remove_folders();
  std::signal(signal, SIG_DFL);
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, signal);
  pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
  ::raise(signal);
  std::_Exit(128 + signal);
}

}  // namespace

Temporary::Temporary(const fs::path& folder, Kind kind, std::vector<fs::path> made)
    : made_(std::move(made)) {
  sweep(folder);
  const std::scoped_lock lock(registry().mutex);
  do {
    if (descriptor_ >= 0) ::close(descriptor_);
    std::string name = (folder / (std::string(kPrefix) + std::string(kSuffix, 'X'))).string();
    descriptor_ = make(name, kind);
    if (descriptor_ < 0) throw std::system_error(errno, std::generic_category());
    path_ = name;
    // A file system without locks has no sweeps either.
    if (::flock(descriptor_, LOCK_EX) != 0) break;
  } while (!is_there(descriptor_, path_));
  registry().temporaries.insert(path_);
  registry().made.insert(made_.begin(), made_.end());
}

Temporary::~Temporary() {
  const std::scoped_lock lock(registry().mutex);
  std::error_code ignored;
  fs::remove_all(path_, ignored);
  ::close(descriptor_);
  registry().temporaries.erase(path_);
  remove_folders();
}

void Temporary::keep() {
  const std::scoped_lock lock(registry().mutex);
  for (const fs::path& folder : made_) registry().made.erase(folder);
}

void end_cleanly_on_signals() {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
    struct sigaction action = {};
    if (::sigaction(signal, nullptr, &action) == 0 && action.sa_handler != SIG_IGN) {
      sigaddset(&set, signal);
    }
  }
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  std::thread([set] {
    int signal = 0;
    if (::sigwait(&set, &signal) == 0) end(signal);
  }).detach();
}

std::optional<int> run_child(const std::function<int(pid_t&)>& spawn) {
  pid_t child = 0;
  {
    const std::scoped_lock lock(registry().mutex);
    if (spawn(child) != 0) return {};
    registry().children.insert(child);
  }
  // Forgotten before its number may become another's.
  siginfo_t ended{};
  while (::waitid(P_PID, static_cast<id_t>(child), &ended, WEXITED | WNOWAIT) != 0 &&
         errno == EINTR) {
  }
  const std::scoped_lock lock(registry().mutex);
  registry().children.erase(child);
  int status = 0;
  if (::waitpid(child, &status, 0) < 0) return {};
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

}  // namespace aqpim::workload
