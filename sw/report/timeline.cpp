// SPDX-License-Identifier: Apache-2.0
#include "sw/report/timeline.h"

#include <algorithm>
#include <utility>

namespace aqpim::report {

using nlohmann::ordered_json;

Timeline::Timeline(std::vector<std::string> lanes, std::vector<Kind> kinds, std::uint64_t first,
                   std::uint64_t last)
    : lanes_(std::move(lanes)),
      kinds_(std::move(kinds)),
      bars_(kinds_.size(), ordered_json::array()),
      first_(first),
      last_(last) {}

void Timeline::add(std::size_t lane, std::size_t kind, std::uint64_t first, std::uint64_t last) {
  ordered_json& bars = bars_.at(kind);
  static_cast<void>(lanes_.at(lane));  // throws
  first = std::max(first, first_);
  last = std::min(last, last_);
  if (first < last) bars.push_back(ordered_json::array({lane, first, last}));
}

ordered_json Timeline::json(const std::string& title) const {
  ordered_json kinds = ordered_json::array();
  for (std::size_t kind = 0; kind < kinds_.size(); ++kind) {
    if (bars_[kind].empty()) continue;
    kinds.push_back(
        {{"name", kinds_[kind].name}, {"colour", kinds_[kind].colour}, {"bars", bars_[kind]}});
  }
  return {
      {"title", title}, {"lanes", lanes_}, {"kinds", kinds}, {"first", first_}, {"last", last_}};
}

}  // namespace aqpim::report
