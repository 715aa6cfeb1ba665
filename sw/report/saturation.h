// SPDX-License-Identifier: Apache-2.0
//
// What did not fit the formats of a head: how often, and what to do about it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>

namespace aqpim::report {

struct Saturation {
  // Results or programs of engines that were looked at, those with any flag that tells of a number
  // (golden/program.h: not finite, query, table, score), and those with each.
  std::uint64_t results = 0;
  std::uint64_t flagged = 0;
  std::array<std::uint64_t, 4> raised = {};
  // Elements of keys (and as many of values) that were encoded after the prefill, and those that
  // were held at the ends of the prefill's range.
  std::size_t appended = 0;
  std::size_t held_keys = 0;
  std::size_t held_values = 0;

  // Counts one result with these flags.
  void add(std::uint16_t flags);

  bool operator==(const Saturation&) const = default;
  Saturation& operator+=(const Saturation& other);
};

nlohmann::ordered_json saturation_json(const Saturation& saturation);

// One line per kind, each with what to do; empty if all has fitted, or all but one in a thousand of
// the appended elements. `head` names it.
std::string saturation_lines(const std::string& head, const Saturation& saturation);

}  // namespace aqpim::report
