// SPDX-License-Identifier: Apache-2.0
#include "app/progress.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>

namespace aqpim::app {

namespace {
// Carriage return, erase to the end of the line.
constexpr const char* kClear = "\r\x1b[K";
}  // namespace

ProgressLine::ProgressLine() : terminal_(isatty(STDERR_FILENO) != 0) {}

ProgressLine::~ProgressLine() { clear(); }

void ProgressLine::clear() {
  if (!shown_.empty()) std::fputs(kClear, stderr);
  shown_.clear();
}

void ProgressLine::show(const std::string& what, double fraction) {
  if (!terminal_) return;
  std::string text = fmt::format("{} {:.0f} %", what, 100.0 * fraction);
  if (text == shown_) return;
  fmt::print(stderr, "{}{}", kClear, text);
  std::fflush(stderr);
  shown_ = std::move(text);
}

}  // namespace aqpim::app
