// SPDX-License-Identifier: Apache-2.0
#include "sw/workload/variant.h"

#include <fmt/format.h>

#include <charconv>
#include <cmath>
#include <optional>
#include <string_view>
#include <system_error>

#include "sw/config/json.h"

namespace aqpim::workload {

namespace {

// Files hold the scale in single precision, or as text of few digits.
constexpr double kScaleTolerance = 1e-5;

// A whole text as a number.
template <typename Number>
std::optional<Number> number_of(std::string_view text) {
  Number number{};
  const char* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc() || rest != end) return std::nullopt;
  return number;
}

std::string not_supported(const HeadFacts& head, const std::string& what) {
  return fmt::format("head {} {}, which cannot be played; --heads takes others", head.name, what);
}

std::string malformed(const HeadFacts& head, const char* key, std::string_view text,
                      const char* allowed) {
  return fmt::format("head {} has the metadata {} {}, it must be {}", head.name, key,
                     in_quotes(text), allowed);
}

std::string window_obstacle(const HeadFacts& head, std::string_view text) {
  const auto window = number_of<std::size_t>(text);
  if (!window) return malformed(head, "sliding_window", text, "a number of tokens, 0 for all");
  if (*window == 0 || *window >= head.tokens) return {};
  return not_supported(
      head, fmt::format("has a sliding window of {} of its {} tokens", *window, head.tokens));
}

std::string scale_obstacle(const HeadFacts& head, std::string_view text) {
  const auto scale = number_of<double>(text);
  if (!scale || !std::isfinite(*scale) || *scale <= 0.0) {
    return malformed(head, "attention_scale", text, "a positive number");
  }
  const double usual = 1.0 / std::sqrt(static_cast<double>(head.head_dim));
  if (std::fabs(*scale - usual) <= kScaleTolerance * usual) return {};
  return fmt::format(
      "head {} has the attention scale {}, which cannot be played; queries times {:.6g} mean the "
      "same under the scale 1/sqrt(D)",
      head.name, text, *scale / usual);
}

std::string softcap_obstacle(const HeadFacts& head, std::string_view text) {
  const auto softcap = number_of<double>(text);
  if (!softcap || !std::isfinite(*softcap) || *softcap < 0.0) {
    return malformed(head, "softcap", text, "a positive number, 0 for none");
  }
  if (*softcap == 0.0) return {};
  return not_supported(head, fmt::format("has scores with a soft-cap of {}", text));
}

}  // namespace

std::string variant_obstacle(const HeadFacts& head,
                             const std::map<std::string, std::string>& metadata, bool sink_logits) {
  if (sink_logits) return not_supported(head, "has learned sinks (.sink_logits)");
  const auto check = [&](const char* key,
                         std::string (*obstacle)(const HeadFacts&, std::string_view)) {
    auto found = metadata.find(head.name + "." + key);
    if (found == metadata.end()) found = metadata.find(key);
    return found == metadata.end() ? std::string() : obstacle(head, found->second);
  };
  std::string sentence = check("sliding_window", window_obstacle);
  if (sentence.empty()) sentence = check("softcap", softcap_obstacle);
  if (sentence.empty()) sentence = check("attention_scale", scale_obstacle);
  return sentence;
}

}  // namespace aqpim::workload
