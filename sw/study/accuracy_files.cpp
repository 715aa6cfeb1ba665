// SPDX-License-Identifier: Apache-2.0
#include "sw/study/accuracy_files.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <filesystem>
#include <functional>
#include <map>
#include <set>
#include <utility>

#include "sw/report/json_parts.h"
#include "sw/report/markdown.h"

namespace aqpim::study {

namespace {

using nlohmann::ordered_json;

std::string csv_field(const std::string& text) {
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  std::string quoted = "\"";
  for (const char letter : text) {
    if (letter == '"') quoted += '"';
    quoted += letter;
  }
  return quoted + "\"";
}

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

std::string window_name(std::size_t window) {
  return window == 0 ? "shared" : fmt::to_string(window);
}

std::string on_off(bool on) { return on ? "on" : "off"; }

std::string mean_and_worst(const Summary& summary) {
  // One head is its own worst.
  if (summary.heads == 1) return fmt::format("{:.4f}", summary.relative_error.mean);
  return fmt::format("{:.4f} / {:.4f}", summary.relative_error.mean, summary.relative_error.worst);
}

// The summaries of one head dimension.
class Tables {
 public:
  explicit Tables(std::vector<Summary> summaries) : summaries_(std::move(summaries)) {}

  // Standard variants and what they are compared with, by bits.
  std::string caches() const {
    std::vector<const Summary*> rows;
    for (const Summary& summary : summaries_) {
      if (summary.standard) rows.push_back(&summary);
    }
    std::ranges::stable_sort(rows, std::ranges::greater{}, &Summary::bits_per_element);
    std::string text = report::table_head({"cache", "bits per element", "error: mean", "median",
                                           "worst head", "cosine", "KL, nats", "top 32 kept"});
    for (const Summary* row : rows) {
      const bool plain = row->variant.clustering == "none";
      text += report::table_row(
          {plain ? row->variant.config : fmt::format("**{}**", row->variant.config),
           fmt::format("{:.3f}", row->bits_per_element),
           fmt::format("{:.4f}", row->relative_error.mean),
           fmt::format("{:.4f}", row->relative_error.median),
           fmt::format("{:.4f}", row->relative_error.worst),
           fmt::format("{:.5f}", row->cosine.mean), fmt::format("{:.4f}", row->kl.mean),
           fmt::format("{:.1f} %", 100.0 * row->top32.mean)});
    }
    return text;
  }

  // One option at a time, the others as the configuration has them. Empty if none was varied.
  std::string options() const {
    std::string text;
    for (const Summary& standard : summaries_) {
      if (!standard.standard || standard.variant.clustering == "none") continue;
      const auto add = [&](const std::string& option,
                           const std::function<std::string(const Variant&)>& value) {
        // All variants that are the standard one but for this option.
        const std::string own = value(standard.variant);
        std::vector<const Summary*> rows;
        for (const Summary& summary : summaries_) {
          if (differs_only(standard.variant, summary.variant, option)) rows.push_back(&summary);
        }
        if (rows.size() < 2) return;
        for (const Summary* row : rows) {
          const std::string name = value(row->variant);
          text += report::table_row({standard.variant.config, option,
                                     name == own ? fmt::format("**{}**", name) : name,
                                     fmt::format("{:.3f}", row->bits_per_element),
                                     mean_and_worst(*row), fmt::format("{:.4f}", row->kl.mean),
                                     fmt::format("{:.1f} %", 100.0 * row->top32.mean)});
        }
      };
      add("transform", [](const Variant& variant) { return variant.transform; });
      add("weights", [](const Variant& variant) { return on_off(variant.weights); });
      add("centring", [](const Variant& variant) { return on_off(variant.centring); });
      add("window", [](const Variant& variant) { return window_name(variant.window); });
      add("clustering", [](const Variant& variant) { return variant.clustering; });
    }
    if (text.empty()) return text;
    return report::table_head({"configuration", "option", "value", "bits per element",
                               "error: mean / worst head", "KL, nats", "top 32 kept"}) +
           text;
  }

 private:
  static bool differs_only(const Variant& standard, Variant variant, const std::string& option) {
    if (option == "transform") variant.transform = standard.transform;
    if (option == "weights") variant.weights = standard.weights;
    if (option == "centring") variant.centring = standard.centring;
    if (option == "window") variant.window = standard.window;
    if (option == "clustering") variant.clustering = standard.clustering;
    return variant == standard;
  }

  std::vector<Summary> summaries_;
};

std::string describe(const std::vector<HeadFacts>& heads, std::size_t head_dim) {
  std::map<std::string, std::vector<const HeadFacts*>> workloads;
  for (const HeadFacts& head : heads) {
    if (head.head_dim == head_dim) workloads[head.workload].push_back(&head);
  }
  std::vector<std::string> parts;
  for (const auto& [file, members] : workloads) {
    std::set<std::string> shapes;
    for (const HeadFacts* head : members) {
      shapes.insert(fmt::format("{} tokens, prefill {}, {} query heads with {} queries each",
                                head->tokens, head->prefill, head->query_heads,
                                head->queries.size()));
    }
    parts.push_back(fmt::format("{}: {} {} ({})", workload::stem(file), members.size(),
                                members.size() == 1 ? "head" : "heads", fmt::join(shapes, "; ")));
  }
  return fmt::format("{}", fmt::join(parts, ". "));
}

}  // namespace

std::vector<Summary> summarize(const std::vector<Row>& rows) {
  std::map<std::pair<std::size_t, Variant>, std::vector<const Row*>> groups;
  for (const Row& row : rows) groups[{row.head_dim, row.variant}].push_back(&row);
  std::vector<Summary> summaries;
  for (const auto& [key, members] : groups) summaries.push_back(summary_of(members));
  return summaries;
}

std::string to_csv(const Study& study) {
  std::string csv =
      "workload,head,config,transform,weights,centring,window,clustering,bits_per_element,"
      "relative_error,cosine,kl,top32\n";
  for (const Row& row : study.rows) {
    const Variant& variant = row.variant;
    csv += fmt::format("{},{},{},{},{:d},{:d},{},{},{},{},{},{},{}\n", csv_field(row.workload),
                       csv_field(row.head), variant.config, variant.transform, variant.weights,
                       variant.centring, variant.window, variant.clustering, row.bits_per_element,
                       row.figures.relative_error, row.figures.cosine, row.figures.kl,
                       row.figures.top32);
  }
  return csv;
}

ordered_json to_json(const Study& study) {
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
  return {{"workloads", workloads}, {"heads", heads}, {"summaries", summaries}};
}

std::string to_json_text(const Study& study) { return report::json_text(to_json(study)); }

std::string to_markdown(const Study& study, const std::string& command) {
  const std::vector<Summary> summaries = summarize(study.rows);
  std::map<std::size_t, std::vector<Summary>> dimensions;
  for (const Summary& summary : summaries) dimensions[summary.head_dim].push_back(summary);
  std::string text = report::paragraph(
      fmt::format("From `{}`: {} rows of `accuracy.csv`.", command, study.rows.size()));
  for (const auto& [head_dim, members] : dimensions) {
    const Tables tables(members);
    text += fmt::format("\n### D = {}\n\n{}.\n\n{}", head_dim, describe(study.heads, head_dim),
                        tables.caches());
    const std::string options = tables.options();
    if (!options.empty()) text += "\n" + options;
  }
  return text;
}

}  // namespace aqpim::study
