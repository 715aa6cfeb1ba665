// SPDX-License-Identifier: Apache-2.0
//
// What a scoreboard has compared, and the verdict over a run: it fails with the first difference,
// with too few comparisons, with expected values that never came, and with failed assertions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace aqpim::tb {

class Tally {
 public:
  // `count` values were compared, of which `different` differed.
  void compared(std::uint64_t count, std::uint64_t different = 0) {
    compared_ += count;
    mismatches_ += different;
  }

  // Whether describing a problem is still worth while: only the first few are kept.
  bool listening() const { return problems_.size() < kKept; }
  void problem(std::string sentence) {
    if (listening()) problems_.push_back(std::move(sentence));
    ++problem_count_;
  }

  std::uint64_t compared() const { return compared_; }
  std::uint64_t mismatches() const { return mismatches_; }
  const std::vector<std::string>& problems() const { return problems_; }
  bool failed() const { return mismatches_ > 0 || problem_count_ > 0; }

  // Ends the run: empty if all is well, otherwise one sentence per line, the first difference
  // first. `left` values were expected and never came.
  std::string verdict(std::uint64_t minimum_compared, std::size_t left,
                      unsigned failed_assertions) const;

 private:
  static constexpr std::size_t kKept = 5;

  std::uint64_t compared_ = 0;
  std::uint64_t mismatches_ = 0;
  std::uint64_t problem_count_ = 0;
  std::vector<std::string> problems_;
};

}  // namespace aqpim::tb
