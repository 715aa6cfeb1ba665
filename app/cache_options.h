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

// Adds --prefill.
void add_prefill_option(CLI::App& command, std::optional<std::size_t>& prefill);

}  // namespace aqpim::app
