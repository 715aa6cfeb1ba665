// SPDX-License-Identifier: Apache-2.0
#include "app/options.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <utility>

#include "app/commands.h"
#include "app/selection.h"
#include "sw/config/error.h"

namespace aqpim::app {

namespace {

// Names of an enumeration's values on the command line.
template <typename Kind>
std::map<std::string, Kind> names_of(std::initializer_list<Kind> kinds) {
  std::map<std::string, Kind> names;
  for (const Kind kind : kinds) names.emplace(name_of(kind), kind);
  return names;
}

template <typename Kind>
void add_choice(CLI::App& command, const char* option, Kind& value, const char* description,
                std::initializer_list<Kind> kinds) {
  const auto names = names_of(kinds);
  const std::string standard = name_of(value);
  std::vector<std::string> choices;
  for (const Kind kind : kinds) choices.push_back(name_of(kind));
  command
      .add_option_function<std::string>(
          option, [&value, names](const std::string& name) { value = names.at(name); }, description)
      ->check(CLI::IsMember(choices))
      ->default_str(standard);
}

}  // namespace

void CacheOptions::open_calibration(const std::vector<workload::HeadFacts>& heads,
                                    const workload::LoadOptions& load) {
  if (calibration.empty()) {
    if (calibration_tokens) throw InputError("--calibration-tokens needs a --calibration");
    return;
  }
  workload::LoadOptions all = load;
  all.heads.clear();
  workload::Workload workload = workload::open(calibration, all);
  app::set_outliers_apart(workload, sinks.value_or(cache::TimelineOptions{}.sinks),
                          calibration_tokens);
  calibration_workload = std::make_shared<const workload::Workload>(std::move(workload));
  for (const workload::HeadFacts& head : calibration_workload->heads) {
    if (std::ranges::find(heads, head.name, &workload::HeadFacts::name) != heads.end()) {
      calibration_workload->read(head);
    }
  }
}

void CacheOptions::set_outliers_apart(workload::Workload& workload) const {
  app::set_outliers_apart(workload, sinks.value_or(cache::TimelineOptions{}.sinks), prefill);
  warn_of_outliers(workload);
}

quantize::QuantizeOptions CacheOptions::for_configuration(
    const config::Configuration& configuration) const {
  quantize::QuantizeOptions options = quantize::default_options(configuration);
  options.weights = !no_weights;
  options.centring = !no_centring;
  options.transform = transform;
  options.clustering = clustering;
  options.calibration = calibration_workload;
  options.calibration_tokens = calibration_tokens;
  options.window = window.value_or(options.window);
  options.timeline.sinks = sinks.value_or(options.timeline.sinks);
  options.timeline.append_block = append_block.value_or(options.timeline.append_block);
  options.timeline.prefill = prefill;
  return options;
}

void add_cache_options(CLI::App& command, CacheOptions& options) {
  const auto add_count = [&](const char* name, std::optional<std::size_t>& value,
                             const char* description) {
    command.add_option(name, value, description)->check(kCount);
  };
  command.add_flag("--no-weights", options.no_weights, "cluster without importance weights");
  command.add_flag("--no-centring", options.no_centring, "do not centre blocks of keys");
  add_choice(command, "--transform", options.transform, "channel transform",
             {cache::TransformKind::kNone, cache::TransformKind::kGreedy,
              cache::TransformKind::kDeterminant, cache::TransformKind::kWhitening,
              cache::TransformKind::kAuto});
  add_choice(command, "--clustering", options.clustering, "arithmetic of clustering and encoding",
             {quantize::Clustering::kFixed, quantize::Clustering::kFloat});
  command.add_option("--calibration", options.calibration,
                     "workload that transforms are made from (default: the heads' own prefill)");
  add_count("--calibration-tokens", options.calibration_tokens,
            "tokens of the calibration that count (default: its prefill)");
  add_count("--window", options.window,
            "tokens per codebook, 0 = one for all (default: the configuration's)");
  add_count("--sinks", options.sinks, "exact tokens at the start (default: 8)");
  add_count("--append-block", options.append_block,
            "tokens that are encoded together (default: the configuration's)");
  add_prefill_option(command, options.prefill);
}

void add_queries_option(CLI::App& command, std::optional<std::size_t>& queries) {
  command
      .add_option("--queries", queries,
                  "evaluated tokens per head (default: 16, or all after the prefill if fewer)")
      ->check(kCount);
}

void add_configurations_option(CLI::App& command, std::vector<std::string>& names,
                               const std::string& otherwise) {
  add_list(command, "--config", names,
           fmt::format("configurations, e.g. pq8,pq4 (default: {})", otherwise));
}

std::string MemoryOptions::describe() const {
  return fmt::format("{} per engine, power {}", banks_per_engine == 1 ? "one bank" : "two banks",
                     no_power_limit ? "not limited" : "limited");
}

void add_memory_options(CLI::App& command, MemoryOptions& options) {
  command.add_option("--memory", options.name, "memory")->capture_default_str();
  command
      .add_option("--banks-per-engine", options.banks_per_engine,
                  "1, or 2: even and odd banks take turns")
      ->check(CLI::IsMember({1, 2}))
      ->capture_default_str();
  command.add_flag("--no-power-limit", options.no_power_limit, "columns as fast as the banks can");
}

void add_prefill_option(CLI::App& command, std::optional<std::size_t>& prefill) {
  command
      .add_option("--prefill", prefill,
                  "tokens that codebooks are made from (default: T - min(Tq/2, 256))")
      ->check(kCount);
}

void add_workloads_options(CLI::App& command, std::vector<std::string>& paths) {
  command
      .add_option("--workload", paths,
                  "workload: a safetensors file, an index or a folder of shards; may be repeated")
      ->allow_extra_args(false);
  command.add_option_function<std::string>(
      "--workloads",
      [&paths](const std::string& list) {
        const std::vector<std::string> more = paths_of_list(list);
        paths.insert(paths.end(), more.begin(), more.end());
      },
      "the same, several by blanks");
}

void add_queries_first_option(CLI::App& command, workload::LoadOptions& load) {
  command.add_flag("--queries-first", load.queries_first, "the file has .q as [Tq, G, D]");
}

void add_load_options(CLI::App& command, workload::LoadOptions& load) {
  add_list(command, "--heads", load.heads, "heads, e.g. l2.h0,l3.h1 (default: all)");
  add_queries_first_option(command, load);
  command.add_flag_callback(
      "--allow-nonfinite", [&load] { load.nonfinite = workload::Nonfinite::kSaturate; },
      "take infinite keys and values as FP16's largest number, NaN as 0");
}

}  // namespace aqpim::app
