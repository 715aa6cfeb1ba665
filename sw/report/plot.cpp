// SPDX-License-Identifier: Apache-2.0
#include "sw/report/plot.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <fstream>
#include <stdexcept>
#include <system_error>

namespace aqpim::report {

namespace {

// Heads in one picture; more would be too small to read.
constexpr std::size_t kMostHeads = 24;

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
  pid_t child = 0;
  const int error = posix_spawnp(&child, pointers[0], &actions, nullptr, pointers.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  int status = 0;
  if (error != 0 || waitpid(child, &status, 0) < 0) return {};
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

}  // namespace

HeadPlot::HeadPlot(std::string name, std::size_t tokens, std::size_t prefill)
    : name_(std::move(name)),
      tokens_(tokens),
      prefill_(prefill),
      exact_(kBins, 0.0),
      computed_(kBins, 0.0) {}

void HeadPlot::add(std::size_t t, std::span<const double> exact, std::span<const double> computed,
                   double relative_error, double pq_relative_error) {
  if (t >= tokens_ || exact.size() != t + 1 || computed.size() != t + 1) {
    throw std::invalid_argument("these are not the probabilities of tokens 0 to t");
  }
  for (std::size_t i = 0; i <= t; ++i) {
    const std::size_t bin = i * kBins / tokens_;
    exact_[bin] += exact[i];
    computed_[bin] += computed[i];
  }
  queries_.push_back({t, relative_error, pq_relative_error});
}

std::string HeadPlot::data() const {
  std::string text;
  const double outputs = static_cast<double>(std::max<std::size_t>(queries_.size(), 1));
  for (std::size_t bin = 0; bin < kBins; ++bin) {
    const double position = (static_cast<double>(bin) + 0.5) * static_cast<double>(tokens_) /
                            static_cast<double>(kBins);
    text += fmt::format("{} {} {}\n", position, exact_[bin] / outputs, computed_[bin] / outputs);
  }
  text += "\n\n";
  for (const Query& query : queries_) {
    text += fmt::format("{} {} {}\n", query.token, query.relative_error, query.pq_relative_error);
  }
  return text + "\n\n";
}

std::optional<std::string> draw(const std::filesystem::path& script,
                                const std::filesystem::path& picture, const std::string& title,
                                std::span<const HeadPlot> heads) {
  heads = heads.first(std::min(heads.size(), kMostHeads));
  std::filesystem::path data = picture;
  data += ".data";
  std::string names;
  std::string prefills;
  {
    std::ofstream stream(data);
    for (const HeadPlot& head : heads) {
      stream << head.data();
      names += head.name() + " ";
      prefills += fmt::format("{} ", head.prefill());
    }
    if (!stream.flush()) return fmt::format("{} cannot be written", data.string());
  }
  const std::optional<int> code =
      run({"gnuplot", "-e",
           fmt::format("data={}; picture={}; title={}; names={}; prefills={}", literal(data),
                       literal(picture), literal(title), literal(names), literal(prefills)),
           script});
  std::error_code ignored;
  std::filesystem::remove(data, ignored);
  if (code == 0) return {};
  std::filesystem::remove(picture, ignored);
  if (!code || *code == 127) return "gnuplot is not installed, so there is no attention.png";
  return fmt::format("gnuplot failed on {}, so there is no attention.png", script.string());
}

}  // namespace aqpim::report
