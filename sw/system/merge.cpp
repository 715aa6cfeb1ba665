// SPDX-License-Identifier: Apache-2.0
#include "sw/system/merge.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <stdexcept>

namespace aqpim::system {

Partial engine_part(const golden::Result& result, const TilePlan& tile,
                    const cache::HeadCache& cache, const config::EngineConfig& engine) {
  return engine_part(result, tile.common, cache, engine);
}

Partial engine_part(const golden::Result& result, double common, const cache::HeadCache& cache,
                    const config::EngineConfig& engine) {
  const int unit = -static_cast<int>(engine.weight_width);
  Partial part{.maximum = static_cast<double>(result.maximum) + common,
               .weight = std::ldexp(static_cast<double>(result.weight_sum), unit),
               .output = std::vector<double>(cache.head_dim)};
  std::vector<double> transformed(cache.head_dim);
  for (std::size_t d = 0; d < cache.head_dim; ++d) {
    transformed[d] = std::ldexp(static_cast<double>(result.outputs[d]), unit) *
                     static_cast<double>(cache.scale_v[d / cache.sub_dim]);
  }
  part.output = cache.transform_v.undo(transformed);
  return part;
}

Partial exact_part(const workload::Head& head, std::size_t g, std::size_t t, std::size_t first,
                   std::size_t last) {
  const std::size_t dim = head.head_dim;
  Partial part{.maximum = 0.0, .weight = 0.0, .output = std::vector<double>(dim, 0.0)};
  if (first >= last) return part;
  const std::span<const float> query = query_of(head, g, t);
  const double scale = std::numbers::log2e / std::sqrt(static_cast<double>(dim));
  std::vector<double> scores;
  for (std::size_t token = first; token < last; ++token) {
    double dot = 0.0;
    for (std::size_t d = 0; d < dim; ++d) {
      dot += static_cast<double>(query[d]) * static_cast<double>(head.k[token * dim + d]);
    }
    scores.push_back(dot * scale);
  }
  part.maximum = *std::ranges::max_element(scores);
  for (std::size_t token = first; token < last; ++token) {
    const double weight = std::exp2(scores[token - first] - part.maximum);
    part.weight += weight;
    for (std::size_t d = 0; d < dim; ++d) {
      part.output[d] += weight * static_cast<double>(head.v[token * dim + d]);
    }
  }
  return part;
}

std::vector<OutlierParts> outlier_parts(const workload::Head& head, const cache::HeadCache& cache,
                                        std::size_t g, std::size_t t) {
  std::vector<OutlierParts> parts;
  const auto exact = cache::exact_tokens(cache.exact, cache.sinks, cache.first_recent(t));
  if (exact.empty()) return parts;
  const std::size_t dim = cache.head_dim;
  const double scale = std::numbers::log2e / std::sqrt(static_cast<double>(dim));
  const std::vector<double> query = cache.transform_k.apply_to_query(query_of(head, g, t));
  std::vector<double> key(dim), value(dim);
  for (const std::size_t token : exact) {
    cache.decode(token - cache.sinks, key, value);
    double dot = 0.0;
    for (std::size_t d = 0; d < dim; ++d) dot += query[d] * key[d];
    std::vector<double> output = cache.transform_v.undo(value);
    for (double& o : output) o = -o;
    parts.push_back(
        {.token = token,
         .exact = exact_part(head, g, t, token, token + 1),
         .stand_in = {.maximum = dot * scale, .weight = -1.0, .output = std::move(output)}});
  }
  return parts;
}

Partial merge(std::span<const Partial> parts) {
  Partial joint;
  joint.maximum = -std::numeric_limits<double>::infinity();
  for (const Partial& part : parts) {
    joint.output.resize(std::max(joint.output.size(), part.output.size()), 0.0);
    if (part.weight > 0.0) joint.maximum = std::max(joint.maximum, part.maximum);
  }
  for (const Partial& part : parts) {
    if (part.weight == 0.0) continue;
    const double factor = std::exp2(part.maximum - joint.maximum);
    joint.weight += factor * part.weight;
    for (std::size_t d = 0; d < part.output.size(); ++d) {
      joint.output[d] += factor * part.output[d];
    }
  }
  if (joint.weight == 0.0) joint.maximum = 0.0;
  return joint;
}

std::vector<double> normalised(const Partial& part) {
  if (part.weight <= 0.0) throw std::invalid_argument("an empty part has no output");
  std::vector<double> output = part.output;
  for (double& value : output) value /= part.weight;
  return output;
}

std::span<const float> query_of(const workload::Head& head, std::size_t g, std::size_t t) {
  const std::size_t first = head.tokens - head.query_tokens;
  if (g >= head.groups || t < first || t >= head.tokens) {
    throw std::out_of_range("the file does not hold this query");
  }
  return std::span<const float>(head.q).subspan((g * head.query_tokens + t - first) * head.head_dim,
                                                head.head_dim);
}

}  // namespace aqpim::system
