// SPDX-License-Identifier: Apache-2.0
#include "tb/common/tally.h"

#include <fmt/format.h>

namespace aqpim::tb {

std::string Tally::verdict(std::uint64_t minimum_compared, std::size_t left,
                           unsigned failed_assertions) const {
  std::string text;
  for (const std::string& problem : problems_) text += problem + "\n";
  if (problem_count_ > problems_.size()) {
    text += fmt::format("and {} more like these\n", problem_count_ - problems_.size());
  }
  if (mismatches_ > 0) {
    text += fmt::format("{} of {} compared values differ\n", mismatches_, compared_);
  }
  if (compared_ < minimum_compared) {
    text += fmt::format("only {} values were compared, at least {} were to be\n", compared_,
                        minimum_compared);
  }
  if (left > 0) text += fmt::format("{} expected results never came\n", left);
  if (failed_assertions > 0) text += fmt::format("{} assertions failed\n", failed_assertions);
  return text;
}

}  // namespace aqpim::tb
