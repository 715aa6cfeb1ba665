// SPDX-License-Identifier: Apache-2.0
#include "sw/study/accuracy_files.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <utility>

#include "sw/report/json_parts.h"

namespace aqpim::study {

namespace {

using nlohmann::ordered_json;

Spread spread_of(std::vector<double> values, bool large_is_bad) {
  std::ranges::sort(values);
  const std::size_t count = values.size();
  double sum = 0.0;
  for (const double value : values) sum += value;
  return {.mean = sum / static_cast<double>(count),
          .median = (values[(count - 1) / 2] + values[count / 2]) / 2.0,
          .worst = large_is_bad ? values.back() : values.front()};
}

Summary summary_of(const std::vector<const Row*>& rows) {
  using Figure = double Figures::*;
  const auto spread = [&](Figure figure, bool large_is_bad) {
    std::vector<double> values;
    for (const Row* row : rows) values.push_back(row->figures.*figure);
    return spread_of(std::move(values), large_is_bad);
  };
  const Row& worst = **std::ranges::max_element(
      rows, {}, [](const Row* row) { return row->figures.relative_error; });
  Summary summary{
      .head_dim = rows.front()->head_dim,
      .variant = rows.front()->variant,
      .standard = rows.front()->standard,
      .heads = rows.size(),
      .bits_per_element = 0.0,
      .relative_error = spread(&Figures::relative_error, true),
      .cosine = spread(&Figures::cosine, false),
      .kl = spread(&Figures::kl, true),
      .top32 = spread(&Figures::top32, false),
      .worst_head = fmt::format("{} of {}", worst.head, workload::stem(worst.workload))};
  for (const Row* row : rows) {
    summary.bits_per_element += row->bits_per_element / static_cast<double>(rows.size());
  }
  return summary;
}

ordered_json variant_json(const Variant& variant) {
  return {{"config", variant.config},   {"transform", variant.transform},
          {"weights", variant.weights}, {"centring", variant.centring},
          {"window", variant.window},   {"clustering", variant.clustering}};
}

ordered_json spread_json(const Spread& spread) {
  return {{"mean", spread.mean}, {"median", spread.median}, {"worst", spread.worst}};
}

// Of a standard variant: mean over the query heads of each token's error.
ordered_json query_errors(const Row& row) {
  std::map<std::size_t, std::pair<double, double>> sums;
  for (const reference::OutputAccuracy& output : row.outputs) {
    sums[output.token].first += output.relative_error;
    sums[output.token].second += 1.0;
  }
  std::vector<std::size_t> tokens;
  std::vector<double> errors;
  for (const auto& [token, sum] : sums) {
    tokens.push_back(token);
    errors.push_back(sum.first / sum.second);
  }
  return {{"token", tokens}, {"relative_error", errors}};
}

ordered_json row_json(const Row& row) {
  ordered_json json = {{"workload", row.workload}, {"head", row.head}};
  json.update(variant_json(row.variant));
  json.update({{"standard", row.standard},
               {"bits_per_element", row.bits_per_element},
               {"relative_error", row.figures.relative_error},
               {"cosine", row.figures.cosine},
               {"kl", row.figures.kl},
               {"top32", row.figures.top32}});
  if (row.standard) json["query_errors"] = query_errors(row);
  return json;
}

}  // namespace

std::vector<Summary> summarize(const std::vector<Row>& rows) {
  std::map<std::pair<std::size_t, Variant>, std::vector<const Row*>> groups;
  for (const Row& row : rows) groups[{row.head_dim, row.variant}].push_back(&row);
  std::vector<Summary> summaries;
  for (const auto& [key, members] : groups) summaries.push_back(summary_of(members));
  return summaries;
}

ordered_json to_json(const Study& study, const std::string& command) {
  ordered_json workloads = ordered_json::array();
  for (const WorkloadFacts& workload : study.workloads) {
    workloads.push_back(
        {{"file", workload.file}, {"sha256", workload.sha256}, {"metadata", workload.metadata}});
  }
  ordered_json heads = ordered_json::array();
  for (const HeadFacts& head : study.heads) {
    heads.push_back({{"workload", head.workload},
                     {"name", head.name},
                     {"tokens", head.tokens},
                     {"head_dim", head.head_dim},
                     {"query_heads", head.query_heads},
                     {"prefill", head.prefill},
                     {"query_tokens", head.queries}});
  }
  ordered_json summaries = ordered_json::array();
  for (const Summary& summary : summarize(study.rows)) {
    ordered_json entry = {{"head_dim", summary.head_dim}};
    entry.update(variant_json(summary.variant));
    entry.update({{"standard", summary.standard},
                  {"heads", summary.heads},
                  {"bits_per_element", summary.bits_per_element},
                  {"relative_error", spread_json(summary.relative_error)},
                  {"worst_head", summary.worst_head},
                  {"cosine", spread_json(summary.cosine)},
                  {"kl", spread_json(summary.kl)},
                  {"top32", spread_json(summary.top32)}});
    summaries.push_back(std::move(entry));
  }
  ordered_json rows = ordered_json::array();
  for (const Row& row : study.rows) rows.push_back(row_json(row));
  return {{"run", report::run_json(command)},
          {"workloads", workloads},
          {"heads", heads},
          {"summaries", summaries},
          {"rows", rows}};
}

}  // namespace aqpim::study
