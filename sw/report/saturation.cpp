// SPDX-License-Identifier: Apache-2.0
#include "sw/report/saturation.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <vector>

#include "sw/golden/program.h"

namespace aqpim::report {

namespace {

// Held elements are told of from one in so many on.
constexpr std::size_t kNegligible = 1000;

struct Kind {
  std::uint16_t flag;
  const char* key;
  const char* text;
};

constexpr std::array<Kind, 4> kKinds = {{
    {golden::kFlagNonfinite, "not_finite", "numbers that are not finite"},
    {golden::kFlagQuerySaturated, "query", "query or token elements"},
    {golden::kFlagTableSaturated, "table", "table entries"},
    {golden::kFlagScoreSaturated, "score", "scores"},
}};

}  // namespace

void Saturation::add(std::uint16_t flags) {
  ++results;
  bool any = false;
  for (std::size_t i = 0; i < kKinds.size(); ++i) {
    const bool set = (flags & kKinds[i].flag) != 0;
    raised[i] += set;
    any = any || set;
  }
  flagged += any;
}

Saturation& Saturation::operator+=(const Saturation& other) {
  results += other.results;
  flagged += other.flagged;
  for (std::size_t i = 0; i < raised.size(); ++i) raised[i] += other.raised[i];
  appended += other.appended;
  held_keys += other.held_keys;
  held_values += other.held_values;
  return *this;
}

nlohmann::ordered_json saturation_json(const Saturation& saturation) {
  nlohmann::ordered_json json = {{"results", saturation.results}, {"flagged", saturation.flagged}};
  for (std::size_t i = 0; i < kKinds.size(); ++i) json[kKinds[i].key] = saturation.raised[i];
  json["appended"] = saturation.appended;
  json["held_keys"] = saturation.held_keys;
  json["held_values"] = saturation.held_values;
  return json;
}

std::string saturation_lines(const std::string& head, const Saturation& saturation) {
  std::string text;
  if (saturation.flagged > 0) {
    std::vector<std::string> kinds;
    for (std::size_t i = 0; i < kKinds.size(); ++i) {
      if (saturation.raised[i] == 0) continue;
      kinds.push_back(fmt::format("{} in {}", kKinds[i].text, saturation.raised[i]));
    }
    text += fmt::format(
        "{} saturated in {} of {} results ({}): its scores are beyond what the engine holds, and "
        "its "
        "errors are not those of quantization. Check that its queries and keys were not scaled "
        "twice, or divide the queries by a constant\n",
        head, saturation.flagged, saturation.results, fmt::join(kinds, ", "));
  }
  if (std::max(saturation.held_keys, saturation.held_values) * kNegligible > saturation.appended) {
    text += fmt::format(
        "{}: {} key and {} value elements of {} that were appended after the prefill are beyond "
        "its "
        "range and were held at its ends. A longer prefill sees them\n",
        head, saturation.held_keys, saturation.held_values, saturation.appended);
  }
  return text;
}

}  // namespace aqpim::report
