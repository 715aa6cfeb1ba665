// SPDX-License-Identifier: Apache-2.0
//
// The picture of a stretch of time, timeline.png: lanes above each other, and bars of several kinds
// in them. gnuplot draws it from a data file.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace aqpim::report {

struct TimelineKind {
  std::string name;    // in the key; no blanks
  std::string colour;  // "#rrggbb"
};

class TimelinePlot {
 public:
  // The picture shows cycles first … last − 1; lanes from the top down.
  TimelinePlot(std::vector<std::string> lanes, std::vector<TimelineKind> kinds, std::uint64_t first,
               std::uint64_t last);

  // Cycles first … last − 1 of a lane; what lies outside of the picture is left out. Throws
  // std::out_of_range if there is no such lane or kind.
  void add(std::size_t lane, std::size_t kind, std::uint64_t first, std::uint64_t last);

  // A block for gnuplot for each kind that has bars, ended by two blank lines: centre of the bar,
  // its left and right end, the lane's number from the top.
  std::string data() const;
  // Names and colours of these kinds, by blanks.
  std::string names() const;
  std::string colours() const;

  const std::vector<std::string>& lanes() const { return lanes_; }
  std::uint64_t first() const { return first_; }
  std::uint64_t last() const { return last_; }

 private:
  struct Bar {
    std::size_t lane;
    std::uint64_t first, last;
  };

  std::vector<std::string> lanes_;
  std::vector<TimelineKind> kinds_;
  std::vector<std::vector<Bar>> bars_;  // by kind
  std::uint64_t first_, last_;
};

// Lets gnuplot run `script` and write `picture`. Returns why there is none, as a sentence, if
// gnuplot is missing or fails.
std::optional<std::string> draw(const std::filesystem::path& script,
                                const std::filesystem::path& picture, const std::string& title,
                                const TimelinePlot& plot);

}  // namespace aqpim::report
