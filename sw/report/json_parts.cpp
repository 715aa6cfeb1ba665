// SPDX-License-Identifier: Apache-2.0
#include "sw/report/json_parts.h"

#include <fmt/format.h>

#include <cmath>
#include <ranges>
#include <string_view>
#include <vector>

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

}  // namespace

std::string json_text(const ordered_json& json) {
  check_finite(json, "");
  return json.dump(2, ' ', false, ordered_json::error_handler_t::replace) + "\n";
}

const std::string& finite_csv(const std::string& csv) {
  const auto lines = [](std::string_view text) { return std::views::split(text, '\n'); };
  const auto fields = [](const auto& line) { return std::views::split(line, ','); };
  std::vector<std::string> names;
  for (const auto& line : lines(csv)) {
    const bool head = names.empty();
    std::size_t column = 0;
    for (const auto& part : fields(line)) {
      const std::string field(part.begin(), part.end());
      if (head) names.push_back(field);
      if (field == "nan" || field == "-nan" || field == "inf" || field == "-inf") {
        refuse(column < names.size() ? names[column] : field);
      }
      ++column;
    }
  }
  return csv;
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
