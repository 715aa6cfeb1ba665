// SPDX-License-Identifier: Apache-2.0
#include "sw/report/json_parts.h"

namespace aqpim::report {

using nlohmann::ordered_json;

ordered_json accuracy_json(const Accuracy& accuracy) {
  return {{"relative_error", accuracy.relative_error},
          {"cosine", accuracy.cosine},
          {"pq_relative_error", accuracy.pq_relative_error},
          {"pq_cosine", accuracy.pq_cosine},
          {"fixed_point_added", accuracy.fixed_point_added},
          {"fixed_point_distance", accuracy.fixed_point_distance}};
}

ordered_json cache_json(const quantize::CacheSize& size) {
  return {{"bytes", size.bytes()},         {"ratio", size.ratio()},
          {"codes_bytes", size.codes},     {"codebooks_bytes", size.codebooks},
          {"centres_bytes", size.centres}, {"scales_bytes", size.scales},
          {"fp16_bytes", size.half},       {"bits_per_element", size.bits_per_element()}};
}

ordered_json configuration_json(const config::Configuration& configuration) {
  const config::EngineConfig& engine = configuration.engine;
  return {
      {"name", configuration.name},
      {"description", configuration.description},
      {"engine",
       {{"HeadDim", engine.head_dim},
        {"SubDim", engine.sub_dim},
        {"CodeBits", engine.code_bits},
        {"WordBits", engine.word_bits},
        {"QueryWidth", engine.query_width},
        {"EntryWidth", engine.entry_width},
        {"ScoreWidth", engine.score_width},
        {"ScoreFraction", engine.score_fraction},
        {"ScoreDepth", engine.score_depth},
        {"BiasDepth", engine.bias_depth},
        {"WeightWidth", engine.weight_width},
        {"Quantize", engine.quantize}}},
      {"cache", {{"window", configuration.window}, {"append_block", configuration.append_block}}}};
}

ordered_json cache_options_json(const quantize::QuantizeOptions& options) {
  ordered_json json = {{"weights", options.weights},
                       {"centring", options.centring},
                       {"transform", quantize::name_of(options.transform)},
                       {"clustering", quantize::name_of(options.clustering)},
                       {"window", options.window},
                       {"sinks", options.timeline.sinks},
                       {"append_block", options.timeline.append_block},
                       {"prefill", nullptr}};
  if (options.timeline.prefill) json["prefill"] = *options.timeline.prefill;
  return json;
}

}  // namespace aqpim::report
