// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <CLI/CLI.hpp>
#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "sw/config/config.h"
#include "sw/quantize/quantize.h"

namespace aqpim::cli {

// Command-line options that say how heads are quantized. What is not given is as the configuration
// has it.
struct CacheOptions {
  bool no_weights = false;
  bool no_centring = false;
  bool no_grouping = false;
  std::optional<std::size_t> window, sinks, append_block, prefill;

  quantize::QuantizeOptions for_configuration(const config::Configuration& configuration) const;
};

// Adds these options to a subcommand; `options` must outlive the parsing.
void add_cache_options(CLI::App& command, CacheOptions& options);

// Adds --heads, a list by commas.
void add_heads_option(CLI::App& command, std::vector<std::string>& heads);

}  // namespace aqpim::cli
