// SPDX-License-Identifier: Apache-2.0
#include "sw/report/gnuplot.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <spawn.h>
#include <unistd.h>

#include <csignal>
#include <fstream>
#include <system_error>
#include <vector>

#include "sw/workload/temporary.h"

namespace aqpim::report {

namespace {

// A string of gnuplot that means `text` literally.
std::string literal(const std::string& text) {
  std::string result = "'";
  for (const char letter : text) {
    if (letter == '\'') result += '\'';
    result += letter;
  }
  return result + "'";
}

// Runs a program that is found in PATH, its output thrown away; the exit code, or nothing if it
// could not be started.
std::optional<int> run(const std::vector<std::string>& arguments) {
  std::vector<char*> pointers;
  for (const std::string& argument : arguments)
    pointers.push_back(const_cast<char*>(argument.c_str()));
  pointers.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  for (const int descriptor : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    posix_spawn_file_actions_addopen(&actions, descriptor, "/dev/null",
                                     descriptor == STDIN_FILENO ? O_RDONLY : O_WRONLY, 0);
  }
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  sigset_t none;
  sigemptyset(&none);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
  const std::optional<int> code = workload::run_child([&](pid_t& child) {
    return posix_spawnp(&child, pointers[0], &actions, &attributes, pointers.data(), environ);
  });
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&actions);
  return code;
}

}  // namespace

std::optional<std::string> run_gnuplot(const std::filesystem::path& script,
                                       const std::filesystem::path& picture,
                                       const std::string& data,
                                       std::map<std::string, std::string> variables) {
  std::filesystem::path data_file = picture;
  data_file += ".data";
  std::ofstream stream(data_file);
  if (!(stream << data).flush()) {
    return fmt::format("{} cannot be written", data_file.string());
  }
  variables["data"] = data_file;
  variables["picture"] = picture;
  std::string settings;
  for (const auto& [name, value] : variables) {
    settings += fmt::format("{}={}; ", name, literal(value));
  }
  const std::optional<int> code = run({"gnuplot", "-e", settings, script});
  std::error_code ignored;
  std::filesystem::remove(data_file, ignored);
  if (code == 0) return {};
  std::filesystem::remove(picture, ignored);
  const std::string name = picture.filename().string();
  if (!code || *code == 127) {
    return fmt::format("gnuplot is not installed, so there is no {}", name);
  }
  return fmt::format("gnuplot failed on {}, so there is no {}", script.string(), name);
}

}  // namespace aqpim::report
