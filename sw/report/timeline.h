// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace aqpim::report {

// A stretch of time for a picture: lanes above each other, and bars of several kinds in them.
class Timeline {
 public:
  struct Kind {
    std::string name;
    std::string colour;  // "#rrggbb"
  };

  // Cycles first … last − 1 are shown; lanes from the top down.
  Timeline(std::vector<std::string> lanes, std::vector<Kind> kinds, std::uint64_t first,
           std::uint64_t last);

  // Cycles first … last − 1 of a lane; what lies outside of the stretch is left out. Throws
  // std::out_of_range if there is no such lane or kind.
  void add(std::size_t lane, std::size_t kind, std::uint64_t first, std::uint64_t last);

  // {"title", "lanes", "kinds", "first", "last"}; a kind that has bars is {"name", "colour",
  // "bars"}, a bar [lane, first, last].
  nlohmann::ordered_json json(const std::string& title) const;

 private:
  std::vector<std::string> lanes_;
  std::vector<Kind> kinds_;
  std::vector<nlohmann::ordered_json> bars_;  // by kind
  std::uint64_t first_, last_;
};

}  // namespace aqpim::report
