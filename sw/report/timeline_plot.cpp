// SPDX-License-Identifier: Apache-2.0
#include "sw/report/timeline_plot.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "sw/report/gnuplot.h"

namespace aqpim::report {

TimelinePlot::TimelinePlot(std::vector<std::string> lanes, std::vector<TimelineKind> kinds,
                           std::uint64_t first, std::uint64_t last)
    : lanes_(std::move(lanes)),
      kinds_(std::move(kinds)),
      bars_(kinds_.size()),
      first_(first),
      last_(last) {}

void TimelinePlot::add(std::size_t lane, std::size_t kind, std::uint64_t first,
                       std::uint64_t last) {
  std::vector<Bar>& bars = bars_.at(kind);
  static_cast<void>(lanes_.at(lane));  // throws
  const Bar bar{lane, std::max(first, first_), std::min(last, last_)};
  if (bar.first < bar.last) bars.push_back(bar);
}

std::string TimelinePlot::data() const {
  std::string text;
  for (const std::vector<Bar>& bars : bars_) {
    for (const Bar& bar : bars) {
      text += fmt::format("{} {} {} {}\n", static_cast<double>(bar.first + bar.last) / 2.0,
                          bar.first, bar.last, bar.lane);
    }
    if (!bars.empty()) text += "\n\n";
  }
  return text;
}

std::string TimelinePlot::names() const {
  std::string text;
  for (std::size_t kind = 0; kind < kinds_.size(); ++kind) {
    if (!bars_[kind].empty()) text += kinds_[kind].name + " ";
  }
  return text;
}

std::string TimelinePlot::colours() const {
  std::string text;
  for (std::size_t kind = 0; kind < kinds_.size(); ++kind) {
    if (!bars_[kind].empty()) text += kinds_[kind].colour + " ";
  }
  return text;
}

std::optional<std::string> draw(const std::filesystem::path& script,
                                const std::filesystem::path& picture, const std::string& title,
                                const TimelinePlot& plot) {
  std::string lanes;
  for (const std::string& lane : plot.lanes()) lanes += "\"" + lane + "\" ";
  return run_gnuplot(script, picture, plot.data(),
                     {{"title", title},
                      {"lanes", lanes},
                      {"names", plot.names()},
                      {"colours", plot.colours()},
                      {"first", fmt::to_string(plot.first())},
                      {"last", fmt::to_string(plot.last())}});
}

}  // namespace aqpim::report
