// SPDX-License-Identifier: Apache-2.0
#include "sw/study/accuracy_plot.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include "sw/report/gnuplot.h"
#include "sw/study/accuracy_files.h"

namespace aqpim::study {

namespace {

// Panels in one picture; more would be too small to read.
constexpr std::size_t kMostPanels = 24;

bool is_plain(const Variant& variant) { return variant.clustering == "none"; }

// The part of "int4-g32" after the hyphen; empty for FP16.
std::string group_of(const std::string& name) {
  const std::size_t hyphen = name.find('-');
  return hyphen == std::string::npos ? "" : name.substr(hyphen + 1);
}

// A block of gnuplot: a quoted name, then a line per point.
std::string curve(const std::string& name, const std::vector<std::string>& points) {
  std::string text = fmt::format("\"{}\"\n", name);
  for (const std::string& point : points) text += point + "\n";
  return text + "\n\n";
}

std::string point_of(const Summary& summary) {
  return fmt::format("{} {} \"{}\"", summary.bits_per_element, summary.relative_error.mean,
                     summary.variant.config);
}

void add_panel(PlotData& plot, const std::string& title, std::size_t plain, std::size_t coded) {
  plot.titles += title + "\n";
  plot.plain += fmt::format("{} ", plain);
  plot.coded += fmt::format("{} ", coded);
}

// Mean over the query heads of each token's error.
std::vector<std::string> errors_by_token(const Row& row) {
  std::map<std::size_t, std::pair<double, double>> sums;
  for (const reference::OutputAccuracy& output : row.outputs) {
    sums[output.token].first += output.relative_error;
    sums[output.token].second += 1.0;
  }
  std::vector<std::string> points;
  for (const auto& [token, sum] : sums) {
    points.push_back(fmt::format("{} {}", token, sum.first / sum.second));
  }
  return points;
}

std::optional<std::string> draw(const std::filesystem::path& script,
                                const std::filesystem::path& picture, const PlotData& plot) {
  return report::run_gnuplot(
      script, picture, plot.data,
      {{"titles", plot.titles}, {"plain", plot.plain}, {"coded", plot.coded}});
}

}  // namespace

PlotData error_by_bits(const Study& study) {
  std::map<std::size_t, std::vector<Summary>> dimensions;
  std::map<std::size_t, std::size_t> heads;
  for (const HeadFacts& head : study.heads) ++heads[head.head_dim];
  for (Summary& summary : summarize(study.rows)) {
    dimensions[summary.head_dim].push_back(std::move(summary));
  }
  PlotData plot;
  for (const auto& [head_dim, summaries] : dimensions) {
    std::map<std::string, std::vector<std::string>> integers, all, standard;
    for (const Summary& summary : summaries) {
      const std::string& config = summary.variant.config;
      if (is_plain(summary.variant)) {
        const std::string group = group_of(config);
        if (!group.empty()) integers[group].push_back(point_of(summary));
        continue;
      }
      all[config].push_back(point_of(summary));
      if (summary.standard) standard[config].push_back(point_of(summary));
    }
    for (const auto& [group, points] : integers) {
      plot.data += curve(fmt::format("integers, groups of {}", group.substr(1)), points);
    }
    for (const auto& [config, points] : all) {
      plot.data += curve(config, standard[config]);
      plot.data += curve(config + ", other options", points);
    }
    add_panel(plot,
              fmt::format("D = {}, {} {}", head_dim, heads[head_dim],
                          heads[head_dim] == 1 ? "head" : "heads"),
              integers.size(), all.size());
  }
  return plot;
}

PlotData error_by_query(const Study& study) {
  PlotData plot;
  std::size_t panels = 0;
  for (const HeadFacts& head : study.heads) {
    if (panels++ == kMostPanels) break;
    std::string plain, coded;
    std::size_t plain_curves = 0;
    std::size_t coded_curves = 0;
    for (const Row& row : study.rows) {
      if (!row.standard || row.workload != head.workload || row.head != head.name) continue;
      if (!is_plain(row.variant)) {
        coded += curve(row.variant.config, errors_by_token(row));
        ++coded_curves;
      } else if (group_of(row.variant.config) == "g32") {
        plain += curve(row.variant.config, errors_by_token(row));
        ++plain_curves;
      }
    }
    plot.data += plain + coded;
    add_panel(plot, fmt::format("{} of {}", head.name, workload::stem(head.workload)), plain_curves,
              coded_curves);
  }
  return plot;
}

std::optional<std::string> draw_error_by_bits(const std::filesystem::path& script,
                                              const std::filesystem::path& picture,
                                              const Study& study) {
  return draw(script, picture, error_by_bits(study));
}

std::optional<std::string> draw_error_by_query(const std::filesystem::path& script,
                                               const std::filesystem::path& picture,
                                               const Study& study) {
  return draw(script, picture, error_by_query(study));
}

}  // namespace aqpim::study
