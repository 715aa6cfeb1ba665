// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace aqpim::app {

// One line on standard error that says what is being done and how far it is. Silent unless standard
// error is a terminal; the line is gone when the object is.
class ProgressLine {
 public:
  ProgressLine();
  ProgressLine(const ProgressLine&) = delete;
  ProgressLine& operator=(const ProgressLine&) = delete;
  ~ProgressLine();

  // `fraction` 0 … 1. Draws only when the text has changed.
  void show(const std::string& what, double fraction);

  // Takes the line away until the next show().
  void clear();

 private:
  bool terminal_;
  std::string shown_;
};

}  // namespace aqpim::app
