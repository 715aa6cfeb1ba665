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

namespace aqpim::cli {

// Command-line options that say how heads are quantized. What is not given is as the configuration
// has it.
struct CacheOptions {
  bool no_weights = false;
  bool no_centring = false;
  bool allow_nonfinite = false;
  quantize::TransformKind transform = quantize::kStandardTransform;
  quantize::Clustering clustering = quantize::Clustering::kFixed;
  std::string calibration;  // path; empty: none
  std::optional<std::size_t> window, sinks, append_block, prefill, calibration_tokens;

  // What --calibration names, loaded by load_calibration().
  std::shared_ptr<const workload::Workload> calibration_workload;

  workload::Nonfinite nonfinite() const {
    return allow_nonfinite ? workload::Nonfinite::kSaturate : workload::Nonfinite::kRefuse;
  }
  void load_calibration();
  quantize::QuantizeOptions for_configuration(const config::Configuration& configuration) const;
};

// Adds these options to a subcommand; `options` must outlive the parsing.
void add_cache_options(CLI::App& command, CacheOptions& options);

// Adds --heads, a list by commas.
void add_heads_option(CLI::App& command, std::vector<std::string>& heads);

}  // namespace aqpim::cli
