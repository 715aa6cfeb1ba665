// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <CLI/CLI.hpp>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "sw/config/config.h"
#include "sw/quantize/quantize.h"
#include "sw/workload/workload.h"

namespace aqpim::app {

// Command-line options that say how heads are quantized. What is not given is as the configuration
// has it.
struct CacheOptions {
  bool no_weights = false;
  bool no_centring = false;
  cache::TransformKind transform = quantize::kStandardTransform;
  quantize::Clustering clustering = quantize::Clustering::kFixed;
  std::string calibration;  // path; empty: none
  std::optional<std::size_t> window, sinks, append_block, prefill, calibration_tokens;

  // What --calibration names, opened by open_calibration().
  std::shared_ptr<const workload::Workload> calibration_workload;

  // Throws InputError as workload::load(); those of its heads are read that calibrate `heads`.
  void open_calibration(const std::vector<workload::HeadFacts>& heads,
                        const workload::LoadOptions& load);
  // Of what the workload reads, as app::set_outliers_apart(); and names them.
  void set_outliers_apart(workload::Workload& workload) const;
  quantize::QuantizeOptions for_configuration(const config::Configuration& configuration) const;
};

// Adds these options to a subcommand; `options` must outlive the parsing.
void add_cache_options(CLI::App& command, CacheOptions& options);

// Adds the options that say how a workload is read; `load` must outlive the parsing.
void add_queries_first_option(CLI::App& command, workload::LoadOptions& load);
void add_load_options(CLI::App& command, workload::LoadOptions& load);

// Adds --workload and --workloads.
void add_workloads_options(CLI::App& command, std::vector<std::string>& paths);

// Adds --queries and --prefill.
void add_queries_option(CLI::App& command, std::optional<std::size_t>& queries);
void add_prefill_option(CLI::App& command, std::optional<std::size_t>& prefill);

// Adds an option whose values are separated by commas.
template <typename Value>
CLI::Option* add_list(CLI::App& command, const std::string& name, std::vector<Value>& values,
                      const std::string& description) {
  return command.add_option(name, values, description)->delimiter(',')->allow_extra_args(false);
}

// Adds --config; `otherwise`: which ones, if none are named.
void add_configurations_option(CLI::App& command, std::vector<std::string>& names,
                               const std::string& otherwise);

// What engines are next to.
struct MemoryOptions {
  std::string name = "hbm3-5200";
  unsigned banks_per_engine = 1;
  bool no_power_limit = false;

  // "one bank per engine, power limited", or as it is.
  std::string describe() const;
};

// Adds --memory, --banks-per-engine and --no-power-limit.
void add_memory_options(CLI::App& command, MemoryOptions& options);

}  // namespace aqpim::app
