// SPDX-License-Identifier: Apache-2.0
#include "sw/quantize/side.h"

#include <algorithm>
#include <cmath>

#include "sw/cache/formats.h"
#include "sw/cache/half.h"
#include "sw/golden/nearest.h"
#include "sw/quantize/centring.h"

namespace aqpim::quantize {

namespace {

// Engine integers are raw numbers times 2^8; a stored key element stands for 16 of them.
constexpr double kRawUnit = 1.0 / 256.0;
constexpr double kInt8Step = 16.0;
constexpr double kLargestRaw = 2047.0 * kRawUnit;

// Raw numbers per unit of the stored element, which `scale` then makes real.
double raw_step(bool values) { return values ? kRawUnit : kInt8Step * kRawUnit; }

std::vector<float> scales(std::span<const double> vectors, const SideShape& shape) {
  std::vector<double> largest(shape.subspaces(), 0.0);
  for (std::size_t e = 0; e < vectors.size(); ++e) {
    double& value = largest[e % shape.head_dim / shape.sub_dim];
    value = std::max(value, std::fabs(vectors[e]));
  }
  std::vector<float> result;
  for (const double value : largest) result.push_back(cache::stored_scale(value, shape.values));
  return result;
}

std::size_t window_count(const cache::Timeline& timeline, std::size_t window) {
  const std::size_t rounded = (timeline.clustered() + window / 2) / window;
  const std::size_t reached = (timeline.encoded() - 1) / window + 1;
  return std::max<std::size_t>(1, std::min(rounded, reached));
}

}  // namespace

SideShape side_shape(const config::EngineConfig& engine, const cache::Timeline& timeline,
                     const QuantizeOptions& options, bool values) {
  const bool shared = options.window == 0;
  return {.values = values,
          .head_dim = engine.head_dim,
          .sub_dim = engine.sub_dim,
          .centroids = engine.centroids(),
          .clustered = timeline.clustered(),
          .center_block = options.centring && !values ? timeline.append_block : 0,
          .window = shared ? timeline.encoded() : options.window,
          .windows = shared ? 1 : window_count(timeline, options.window)};
}

Side::Side(std::span<const float> vectors, const SideShape& shape, cache::Transform transform)
    : shape_(shape),
      transform_(std::move(transform)),
      vectors_(transform_.apply(vectors)),
      codebooks_(shape.windows) {
  const auto prefill = std::span(vectors_).first(shape.clustered * shape.head_dim);
  std::vector<double> centred(prefill.begin(), prefill.end());
  if (shape.center_block != 0) {
    subtract_centres(centred, block_centres(centred, shape.head_dim, shape.center_block),
                     shape.head_dim, shape.center_block);
  }
  scale_ = scales(centred, shape);
  clustered_ = raw(centred);
}

std::vector<std::uint16_t> Side::raw(std::span<const double> vectors) {
  std::vector<double> factors(shape_.head_dim, 0.0);
  for (std::size_t d = 0; d < factors.size(); ++d) {
    const auto scale = static_cast<double>(scale_[d / shape_.sub_dim]);
    if (scale > 0.0) factors[d] = raw_step(shape_.values) / scale;
  }
  std::vector<std::uint16_t> result(vectors.size());
  for (std::size_t e = 0; e < vectors.size(); ++e) {
    const double value = vectors[e] * factors[e % shape_.head_dim];
    held_ += std::fabs(value) > kLargestRaw;
    result[e] = cache::to_half(std::clamp(value, -kLargestRaw, kLargestRaw));
  }
  return result;
}

std::size_t Side::window_of(std::size_t i) const {
  return std::min(i / shape_.window, shape_.windows - 1);
}

void Side::extend(std::span<const float> vectors) { vectors_ = transform_.apply(vectors); }

void Side::cluster(std::size_t w, std::span<const std::uint8_t> weights, Backend& backend) {
  const std::size_t first = w * shape_.window;
  const std::size_t last = w + 1 == shape_.windows ? shape_.clustered : first + shape_.window;
  codebooks_[w] = backend.cluster(
      std::span(clustered_).subspan(first * shape_.head_dim, (last - first) * shape_.head_dim),
      weights.subspan(first, last - first), shape_.values);
}

void Side::encode(std::size_t count, Backend& backend) {
  const std::size_t dim = shape_.head_dim;
  const std::size_t first = codes_.size() / shape_.subspaces();
  const auto next = std::span(vectors_).subspan(first * dim, count * dim);
  std::vector<double> vectors(next.begin(), next.end());
  if (shape_.center_block != 0) {
    const std::vector<float> centres = block_centres(vectors, dim, shape_.center_block);
    subtract_centres(vectors, centres, dim, shape_.center_block);
    centres_.insert(centres_.end(), centres.begin(), centres.end());
  }
  const std::vector<std::uint16_t> tokens = raw(vectors);
  for (std::size_t i = first; i < first + count;) {
    const std::size_t w = window_of(i);
    const std::size_t end =
        w + 1 == shape_.windows ? first + count : std::min(first + count, (w + 1) * shape_.window);
    const std::vector<std::uint8_t> codes =
        backend.encode(std::span(tokens).subspan((i - first) * dim, (end - i) * dim), codebooks_[w],
                       shape_.values);
    codes_.insert(codes_.end(), codes.begin(), codes.end());
    i = end;
  }
}

std::vector<double> Side::decoded() const {
  const std::size_t dim = shape_.head_dim;
  const std::size_t subspaces = shape_.subspaces();
  // A stored key element is 16 of the integers that golden::stored_element() gives.
  const double unit = shape_.values ? 1.0 : 1.0 / kInt8Step;
  std::vector<double> vectors(codes_.size() * shape_.sub_dim);
  for (std::size_t e = 0; e < vectors.size(); ++e) {
    const std::size_t i = e / dim;
    const std::size_t d = e % dim;
    const std::size_t m = d / shape_.sub_dim;
    const std::uint8_t stored = codebooks_[window_of(i)][codes_[i * subspaces + m] * dim + d];
    vectors[e] =
        golden::stored_element(stored, shape_.values) * unit * static_cast<double>(scale_[m]);
    if (shape_.center_block != 0) {
      vectors[e] += static_cast<double>(centres_[i / shape_.center_block * dim + d]);
    }
  }
  return transform_.undo(vectors);
}

}  // namespace aqpim::quantize
