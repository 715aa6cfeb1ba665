// SPDX-License-Identifier: Apache-2.0
#include "sw/cli/cache_options.h"

namespace aqpim::cli {

quantize::QuantizeOptions CacheOptions::for_configuration(
    const config::Configuration& configuration) const {
  quantize::QuantizeOptions options = quantize::default_options(configuration);
  options.weights = !no_weights;
  options.centring = !no_centring;
  options.grouping = !no_grouping;
  options.window = window.value_or(options.window);
  options.timeline.sinks = sinks.value_or(options.timeline.sinks);
  options.timeline.append_block = append_block.value_or(options.timeline.append_block);
  options.timeline.prefill = prefill;
  return options;
}

void add_cache_options(CLI::App& command, CacheOptions& options) {
  const auto add_count = [&](const char* name, std::optional<std::size_t>& value,
                             const char* description) {
    command.add_option(name, value, description)->check(CLI::NonNegativeNumber);
  };
  command.add_flag("--no-weights", options.no_weights, "cluster without importance weights");
  command.add_flag("--no-centring", options.no_centring, "do not centre blocks of keys");
  command.add_flag("--no-grouping", options.no_grouping, "keep the natural order of the channels");
  add_count("--window", options.window,
            "tokens per codebook, 0 = one for all (default: the configuration's)");
  add_count("--sinks", options.sinks, "exact tokens at the start (default: 8)");
  add_count("--append-block", options.append_block,
            "tokens that are encoded together (default: the configuration's)");
  add_count("--prefill", options.prefill,
            "tokens that codebooks are made from (default: T - min(Tq/2, 256))");
}

void add_heads_option(CLI::App& command, std::vector<std::string>& heads) {
  command.add_option("--heads", heads, "heads, e.g. l2.h0,l3.h1 (default: all)")
      ->delimiter(',')
      ->allow_extra_args(false);
}

}  // namespace aqpim::cli
