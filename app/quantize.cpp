// SPDX-License-Identifier: Apache-2.0
#include "sw/quantize/quantize.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <memory>
#include <string>
#include <system_error>
#include <tuple>
#include <vector>

#include "app/commands.h"
#include "app/options.h"
#include "app/progress.h"
#include "sw/cache/cache_file.h"
#include "sw/config/config.h"
#include "sw/config/error.h"
#include "sw/golden/program.h"
#include "sw/reference/accuracy.h"
#include "sw/reference/attention.h"
#include "sw/report/saturation.h"
#include "sw/system/merge.h"
#include "sw/system/query.h"
#include "sw/workload/atomic_file.h"
#include "sw/workload/workload.h"

namespace aqpim::app {

namespace {

struct Arguments {
  std::string workload;
  std::string output;
  std::string configuration;  // empty: chosen by the head dimension
  workload::LoadOptions load;
  CacheOptions cache;
};

// The configuration that fits D with one shared codebook and the smallest codes.
const config::Configuration& fitting_configuration(std::size_t head_dim) {
  const config::Configuration* best = nullptr;
  const auto preference = [](const config::Configuration& c) {
    return std::tuple(c.window != 0, c.engine.subspaces() * c.engine.code_bits);
  };
  std::vector<unsigned> dimensions;
  for (const config::Configuration& candidate : config::built_configurations()) {
    dimensions.push_back(candidate.engine.head_dim);
    if (candidate.engine.head_dim != head_dim) continue;
    if (best == nullptr || preference(candidate) < preference(*best)) best = &candidate;
  }
  if (best != nullptr) return *best;
  std::ranges::sort(dimensions);
  dimensions.erase(std::ranges::unique(dimensions).begin(), dimensions.end());
  throw InputError(fmt::format("no configuration was built for heads of {} channels, only for {}",
                               head_dim, fmt::join(dimensions, ", ")));
}

// pq_relative_error of docs/quantization.md §5.
double mean_relative_error(const workload::Head& head, const cache::HeadCache& cache,
                           const std::vector<std::size_t>& queries) {
  const reference::PqReference pq(head, cache);
  double sum = 0.0;
  for (const std::size_t t : queries) {
    for (std::size_t g = 0; g < head.groups; ++g) {
      sum += reference::relative_error(pq(g, t).output, reference::exact_attention(head, g, t));
    }
  }
  return sum / static_cast<double>(queries.size() * head.groups);
}

// What would not fit an engine, and what did not fit the codebooks' range.
report::Saturation saturation_of(const workload::Head& head, const cache::HeadCache& cache,
                                 const std::vector<std::size_t>& queries,
                                 const config::EngineConfig& engine) {
  report::Saturation saturation{
      .appended = cache.appended, .held_keys = cache.held_k, .held_values = cache.held_v};
  for (const std::size_t t : queries) {
    for (std::size_t g = 0; g < head.groups; ++g) {
      const system::PreparedQuery query =
          system::prepare_query(system::query_of(head, g, t), cache, engine);
      saturation.add(query.saturates ? golden::kFlagTableSaturated : std::uint16_t{0});
    }
  }
  return saturation;
}

void refuse_overwriting(const workload::Workload& workload, const std::string& output) {
  std::error_code ignored;
  for (const std::filesystem::path& file : workload.files) {
    if (std::filesystem::equivalent(file, output, ignored)) {
      throw InputError(fmt::format("{} would overwrite the workload it is made from", output));
    }
  }
}

void run(Arguments& arguments) {
  refuse_overwriting(workload::open(arguments.workload, arguments.load), arguments.output);
  workload::Workload workload = workload::load(arguments.workload, arguments.load);
  arguments.cache.set_outliers_apart(workload);
  arguments.cache.open_calibration(workload.heads, arguments.load);
  if (const auto& calibration = arguments.cache.calibration_workload) {
    refuse_overwriting(*calibration, arguments.output);
  }
  const config::Configuration& configuration =
      arguments.configuration.empty() ? fitting_configuration(workload.heads.front().head_dim)
                                      : config::find_configuration(arguments.configuration);
  const quantize::QuantizeOptions options = arguments.cache.for_configuration(configuration);
  // Opened before the work, so that an unwritable place is reported at once.
  workload::AtomicFile output(arguments.output);

  workload::File file;
  file.metadata = workload.metadata;
  file.metadata["configuration"] = configuration.name;
  file.metadata["workload_sha256"] = workload.sha256;
  cache::CacheSize size;
  double error_sum = 0.0;
  std::vector<std::string> rows;
  std::string saturated;
  {
    ProgressLine progress;
    for (const workload::HeadFacts& facts : workload.heads) {
      const std::string what =
          fmt::format("{}: quantizing {}, head {} of {}:", configuration.name, facts.name,
                      &facts - workload.heads.data() + 1, workload.heads.size());
      const workload::Head head = workload.read(facts);
      const cache::Timeline timeline = quantize::timeline_of(head, options);
      const std::vector<std::size_t> queries = quantize::queries_of(head, options);
      const cache::HeadCache cache =
          quantize::quantize(head, configuration.engine, options,
                             [&](double fraction) { progress.show(what, fraction); });
      cache::add_tensors(file, cache, {.queries = queries, .groups = head.groups, .outputs = {}});
      const double error = mean_relative_error(head, cache, queries);
      if (!std::isfinite(error)) {
        throw InputError(fmt::format(
            "{}: the relative error of head {} would not be a finite number, so nothing is written",
            workload.path, head.name));
      }
      saturated += report::saturation_lines(
          head.name, saturation_of(head, cache, queries, configuration.engine));
      size += cache::cache_size(cache);
      error_sum += error;
      rows.push_back(fmt::format("{:<10} {:>8} {:>8} {:>8} {:>8} {:>8}  {:<23} {:>15.4f}",
                                 head.name, head.tokens, timeline.prefill, cache.tokens,
                                 cache.windows, queries.size(),
                                 name_of(cache.kind_k) + ", " + name_of(cache.kind_v), error));
    }
  }
  output.write(workload::serialize(file));
  output.commit();

  fmt::print("{}: {}\n\n", configuration.name, configuration.description);
  fmt::print("{:<10} {:>8} {:>8} {:>8} {:>8} {:>8}  {:<23} {:>15}\n", "head", "tokens", "prefill",
             "encoded", "windows", "queries", "transform K, V", "relative error");
  for (const std::string& row : rows) fmt::print("{}\n", row);
  fmt::print("{:<79} {:>15.4f}\n\n", "mean", error_sum / static_cast<double>(rows.size()));
  fmt::print(
      "{:.3f} bits per element (codes, codebooks, centres), {:.2f} times smaller than FP16\n",
      size.bits_per_element(), size.ratio());
  fmt::print("{}{} holds {} bytes of cache\n", saturated, arguments.output, size.bytes());
}

}  // namespace

void add_quantize(CLI::App& app, int&) {
  CLI::App* command = app.add_subcommand(
      "quantize", "Cluster and encode captured heads in software; write the cache.");
  const auto arguments = std::make_shared<Arguments>();
  command
      ->add_option("FILE", arguments->workload,
                   "workload: a safetensors file, an index or a folder of shards")
      ->required();
  command->add_option("-o,--output", arguments->output, "cache to write (safetensors)")->required();
  command->add_option("--config", arguments->configuration,
                      "configuration (default: a shared codebook and the fewest bits that fit the "
                      "heads)");
  add_load_options(*command, arguments->load);
  add_cache_options(*command, arguments->cache);
  command->callback([arguments] { run(*arguments); });
}

}  // namespace aqpim::app
