// SPDX-License-Identifier: Apache-2.0
#include "sw/report/json_parts.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "sw/config/error.h"

namespace aqpim::report {

using nlohmann::ordered_json;

namespace {

[[noreturn]] void refuse(const std::string& place) {
  throw InputError(
      fmt::format("{} would not be a finite number, so nothing is written; the heads hold values "
                  "that attention cannot be computed from",
                  place));
}

void check_finite(const ordered_json& json, const std::string& place) {
  if (json.is_number_float() && !std::isfinite(json.get<double>())) refuse(place.substr(1));
  if (!json.is_structured()) return;
  for (const auto& [key, value] : json.items()) check_finite(value, place + "." + key);
}

std::string plain(const ordered_json& json) {
  return json.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
}

void add_text(std::string& text, const ordered_json& json, std::size_t indent) {
  const auto structured = [](const ordered_json& value) { return value.is_structured(); };
  if (json.empty() || !(json.is_object() || std::ranges::any_of(json, structured))) {
    text += plain(json);
    return;
  }
  const char* separator = "";
  text += json.is_object() ? "{" : "[";
  for (const auto& [key, value] : json.items()) {
    text += fmt::format("{}\n{:{}}", separator, "", indent + 2);
    if (json.is_object()) text += plain(key) + ": ";
    add_text(text, value, indent + 2);
    separator = ",";
  }
  text += fmt::format("\n{:{}}{}", "", indent, json.is_object() ? "}" : "]");
}

}  // namespace

std::string json_text(const ordered_json& json) {
  check_finite(json, "");
  std::string text;
  add_text(text, json, 0);
  return text + "\n";
}

ordered_json run_json(const std::string& command) {
  return {{"command", command}, {"version", AQPIM_VERSION}};
}

ordered_json accuracy_json(const Accuracy& accuracy) {
  return {{"relative_error", accuracy.relative_error},
          {"cosine", accuracy.cosine},
          {"pq_relative_error", accuracy.pq_relative_error},
          {"pq_cosine", accuracy.pq_cosine},
          {"fixed_point_added", accuracy.fixed_point_added},
          {"fixed_point_distance", accuracy.fixed_point_distance}};
}

ordered_json cache_json(const cache::CacheSize& size) {
  return {{"bytes", size.bytes()},
          {"ratio", size.ratio()},
          {"codes_bytes", size.codes},
          {"codebooks_bytes", size.codebooks},
          {"centres_bytes", size.centres},
          {"scales_bytes", size.scales},
          {"exact_bytes", size.exact},
          {"fp16_bytes", size.half},
          {"bits_per_element", size.bits_per_element()}};
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
                       {"transform", name_of(options.transform)},
                       {"clustering", name_of(options.clustering)},
                       {"window", options.window},
                       {"sinks", options.timeline.sinks},
                       {"append_block", options.timeline.append_block},
                       {"prefill", nullptr}};
  if (options.timeline.prefill) json["prefill"] = *options.timeline.prefill;
  return json;
}

}  // namespace aqpim::report
