// SPDX-License-Identifier: Apache-2.0
#include "sw/report/plot.h"

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>
#include <utility>

#include "sw/report/gnuplot.h"

namespace aqpim::report {

namespace {

// Heads in one picture; more would be too small to read.
constexpr std::size_t kMostHeads = 24;

}  // namespace

HeadPlot::HeadPlot(std::string name, std::size_t tokens, std::size_t prefill)
    : name_(std::move(name)),
      tokens_(tokens),
      prefill_(prefill),
      exact_(kBins, 0.0),
      computed_(kBins, 0.0) {}

void HeadPlot::add(std::size_t t, std::span<const double> exact, std::span<const double> computed,
                   double relative_error, double pq_relative_error) {
  if (t >= tokens_ || exact.size() != t + 1 || computed.size() != t + 1) {
    throw std::invalid_argument("these are not the probabilities of tokens 0 to t");
  }
  for (std::size_t i = 0; i <= t; ++i) {
    const std::size_t bin = i * kBins / tokens_;
    exact_[bin] += exact[i];
    computed_[bin] += computed[i];
  }
  queries_.push_back({t, relative_error, pq_relative_error});
}

std::string HeadPlot::data() const {
  std::string text;
  const double outputs = static_cast<double>(std::max<std::size_t>(queries_.size(), 1));
  for (std::size_t bin = 0; bin < kBins; ++bin) {
    const double position = (static_cast<double>(bin) + 0.5) * static_cast<double>(tokens_) /
                            static_cast<double>(kBins);
    text += fmt::format("{} {} {}\n", position, exact_[bin] / outputs, computed_[bin] / outputs);
  }
  text += "\n\n";
  for (const Query& query : queries_) {
    text += fmt::format("{} {} {}\n", query.token, query.relative_error, query.pq_relative_error);
  }
  return text + "\n\n";
}

std::optional<std::string> draw(const std::filesystem::path& script,
                                const std::filesystem::path& picture, const std::string& title,
                                std::span<const HeadPlot> heads) {
  heads = heads.first(std::min(heads.size(), kMostHeads));
  std::string data, names, prefills;
  for (const HeadPlot& head : heads) {
    data += head.data();
    names += head.name() + " ";
    prefills += fmt::format("{} ", head.prefill());
  }
  return run_gnuplot(script, picture, data,
                     {{"title", title}, {"names", names}, {"prefills", prefills}});
}

}  // namespace aqpim::report
