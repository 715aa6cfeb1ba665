// SPDX-License-Identifier: Apache-2.0
#include "sw/quantize/software_backend.h"

#include <cmath>
#include <cstdint>
#include <span>
#include <vector>

#include "sw/cache/formats.h"
#include "sw/cache/half.h"
#include "sw/golden/float_to_fixed.h"
#include "sw/golden/nearest.h"
#include "sw/golden/reducer.h"
#include "sw/quantize/kmeans.h"
#include "sw/quantize/nearest.h"

namespace aqpim::quantize {

namespace {

// A token element is an integer of 12 bits, raw · 2^8; a stored key codebook drops four of them.
constexpr unsigned kTokenFraction = 8;
constexpr unsigned kTokenWidth = 12;
constexpr double kInt8Step = 16.0;

struct Shape {
  std::size_t dim, sub_dim, centroids;

  explicit Shape(const config::EngineConfig& engine)
      : dim(engine.head_dim), sub_dim(engine.sub_dim), centroids(engine.centroids()) {}
  std::size_t subspaces() const { return dim / sub_dim; }
};

std::int32_t fixed_element(std::uint16_t raw) {
  return golden::float_to_fixed(raw, false, kTokenFraction, kTokenWidth).value;
}

double float_element(std::uint16_t raw) {
  return std::ldexp(cache::from_half(raw), static_cast<int>(kTokenFraction));
}

// Channels of sub-space m of `rows` [n, D], contiguous: [n, Dsub].
template <typename To, typename From, typename Convert>
std::vector<To> gather(std::span<const From> rows, const Shape& shape, std::size_t m,
                       const Convert& convert) {
  std::vector<To> result;
  result.reserve(rows.size() / shape.subspaces());
  for (std::size_t begin = m * shape.sub_dim; begin < rows.size(); begin += shape.dim) {
    for (std::size_t d = 0; d < shape.sub_dim; ++d) result.push_back(convert(rows[begin + d]));
  }
  return result;
}

// Writes the centroids [K, Dsub] of sub-space m into a codebook [K, D].
template <typename From, typename Convert>
void scatter(const std::vector<From>& centroids, const Shape& shape, std::size_t m,
             const Convert& convert, std::vector<std::uint8_t>& codebook) {
  for (std::size_t e = 0; e < centroids.size(); ++e) {
    codebook[e / shape.sub_dim * shape.dim + m * shape.sub_dim + e % shape.sub_dim] =
        convert(centroids[e]);
  }
}

// One sub-space in integers; `tokens` [n, Dsub].
std::vector<std::int32_t> fixed_kmeans(std::span<const std::int32_t> tokens,
                                       std::span<const std::uint8_t> weights, const Shape& shape,
                                       std::size_t start_offset) {
  const std::size_t count = weights.size();
  const std::size_t sub_dim = shape.sub_dim;
  std::vector<std::int32_t> centroids;
  for (std::size_t c = 0; c < shape.centroids; ++c) {
    const std::size_t token = start_token(c, count, shape.centroids, start_offset);
    const auto start = tokens.subspan(token * sub_dim, sub_dim);
    centroids.insert(centroids.end(), start.begin(), start.end());
  }
  for (std::size_t pass = 0; pass < kPasses; ++pass) {
    const golden::Nearest nearest(centroids, sub_dim);
    std::vector<std::int64_t> sums(centroids.size(), 0);
    std::vector<std::int64_t> sum_of_weights(shape.centroids, 0);
    for (std::size_t t = 0; t < count; ++t) {
      const auto token = tokens.subspan(t * sub_dim, sub_dim);
      const std::size_t c = nearest(token);
      sum_of_weights[c] += weights[t];
      for (std::size_t d = 0; d < sub_dim; ++d) {
        sums[c * sub_dim + d] += std::int64_t{weights[t]} * token[d];
      }
    }
    for (std::size_t e = 0; e < centroids.size(); ++e) {
      const std::int64_t weight = sum_of_weights[e / sub_dim];
      if (weight != 0) centroids[e] = golden::mean(sums[e], weight);
    }
  }
  return centroids;
}

std::vector<std::uint8_t> cluster_fixed(const Shape& shape, std::size_t start_offset,
                                        std::span<const std::uint16_t> tokens,
                                        std::span<const std::uint8_t> weights, bool values) {
  std::vector<std::uint8_t> codebook(shape.centroids * shape.dim);
  for (std::size_t m = 0; m < shape.subspaces(); ++m) {
    const auto vectors = gather<std::int32_t>(tokens, shape, m, fixed_element);
    scatter(
        fixed_kmeans(vectors, weights, shape, start_offset), shape, m,
        [&](std::int32_t element) { return golden::store_element(element, values); }, codebook);
  }
  return codebook;
}

std::vector<std::uint8_t> encode_fixed(const Shape& shape, std::span<const std::uint16_t> tokens,
                                       std::span<const std::uint8_t> codebook, bool values) {
  const std::size_t count = tokens.size() / shape.dim;
  std::vector<std::uint8_t> codes(count * shape.subspaces());
  for (std::size_t m = 0; m < shape.subspaces(); ++m) {
    const auto vectors = gather<std::int32_t>(tokens, shape, m, fixed_element);
    const golden::Nearest nearest(
        gather<std::int32_t>(
            codebook, shape, m,
            [&](std::uint8_t byte) { return golden::stored_element(byte, values); }),
        shape.sub_dim);
    for (std::size_t t = 0; t < count; ++t) {
      codes[t * shape.subspaces() + m] = static_cast<std::uint8_t>(
          nearest(std::span(vectors).subspan(t * shape.sub_dim, shape.sub_dim)));
    }
  }
  return codes;
}

std::uint8_t store_float(double element, bool values) {
  if (values) return cache::encode_minifloat(element);
  return static_cast<std::uint8_t>(cache::encode_int8(element, kInt8Step));
}

std::vector<std::uint8_t> cluster_float(const Shape& shape, std::size_t start_offset,
                                        std::span<const std::uint16_t> tokens,
                                        std::span<const std::uint8_t> weights, bool values) {
  std::vector<std::uint8_t> codebook(shape.centroids * shape.dim);
  for (std::size_t m = 0; m < shape.subspaces(); ++m) {
    const auto vectors = gather<double>(tokens, shape, m, float_element);
    const std::vector<double> centroids = weighted_kmeans(
        vectors, shape.sub_dim, weights,
        {.centroids = shape.centroids, .iterations = kPasses, .start_offset = start_offset});
    scatter(
        centroids, shape, m, [&](double element) { return store_float(element, values); },
        codebook);
  }
  return codebook;
}

std::vector<std::uint8_t> encode_float(const Shape& shape, std::span<const std::uint16_t> tokens,
                                       std::span<const std::uint8_t> codebook, bool values) {
  const std::size_t count = tokens.size() / shape.dim;
  std::vector<std::uint8_t> codes(count * shape.subspaces());
  for (std::size_t m = 0; m < shape.subspaces(); ++m) {
    const auto vectors = gather<double>(tokens, shape, m, float_element);
    const auto centroids = gather<double>(codebook, shape, m, [&](std::uint8_t byte) {
      return static_cast<double>(golden::stored_element(byte, values));
    });
    const NearestCentroid nearest(centroids, shape.sub_dim);
    for (std::size_t t = 0; t < count; ++t) {
      codes[t * shape.subspaces() + m] =
          static_cast<std::uint8_t>(nearest(vectors.data() + t * shape.sub_dim));
    }
  }
  return codes;
}

}  // namespace

Backend fixed_backend(const config::EngineConfig& engine, std::size_t start_offset) {
  const Shape shape(engine);
  return {.cluster =
              [=](auto tokens, auto weights, bool values) {
                return cluster_fixed(shape, start_offset, tokens, weights, values);
              },
          .encode = [=](auto tokens, auto codebook,
                        bool values) { return encode_fixed(shape, tokens, codebook, values); }};
}

Backend float_backend(const config::EngineConfig& engine, std::size_t start_offset) {
  const Shape shape(engine);
  return {.cluster =
              [=](auto tokens, auto weights, bool values) {
                return cluster_float(shape, start_offset, tokens, weights, values);
              },
          .encode = [=](auto tokens, auto codebook,
                        bool values) { return encode_float(shape, tokens, codebook, values); }};
}

Backend software_backend(const config::EngineConfig& engine, Clustering clustering) {
  return clustering == Clustering::kFixed ? fixed_backend(engine) : float_backend(engine);
}

}  // namespace aqpim::quantize
