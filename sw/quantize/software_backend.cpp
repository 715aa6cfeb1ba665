// SPDX-License-Identifier: Apache-2.0
#include "sw/quantize/software_backend.h"

#include <cmath>
#include <cstdint>
#include <memory>
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

// Integers, as the engine and the reducer.
struct Fixed {
  using Element = std::int32_t;

  static Element of_raw(std::uint16_t raw) {
    return golden::float_to_fixed(raw, false, kTokenFraction, kTokenWidth).value;
  }

  static std::uint8_t stored(Element element, bool values) {
    return golden::store_element(element, values);
  }

  class Nearest {
   public:
    Nearest(const std::vector<Element>& centroids, std::size_t sub_dim)
        : nearest_(centroids, sub_dim), sub_dim_(sub_dim) {}
    std::size_t operator()(const Element* vector) const {
      return nearest_(std::span(vector, sub_dim_));
    }

   private:
    golden::Nearest nearest_;
    std::size_t sub_dim_;
  };

  // One sub-space; `tokens` [n, Dsub].
  static std::vector<Element> kmeans(const std::vector<Element>& tokens,
                                     std::span<const std::uint8_t> weights, const Shape& shape,
                                     std::size_t start_offset) {
    const std::size_t count = weights.size();
    const std::size_t sub_dim = shape.sub_dim;
    std::vector<Element> centroids;
    for (std::size_t c = 0; c < shape.centroids; ++c) {
      const std::size_t token = start_token(c, count, shape.centroids, start_offset);
      const auto start = std::span(tokens).subspan(token * sub_dim, sub_dim);
      centroids.insert(centroids.end(), start.begin(), start.end());
    }
    for (std::size_t pass = 0; pass < kPasses; ++pass) {
      const Nearest nearest(centroids, sub_dim);
      std::vector<std::int64_t> sums(centroids.size(), 0);
      std::vector<std::int64_t> sum_of_weights(shape.centroids, 0);
      for (std::size_t t = 0; t < count; ++t) {
        const Element* token = tokens.data() + t * sub_dim;
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
};

struct Float {
  using Element = double;
  using Nearest = NearestCentroid;

  static Element of_raw(std::uint16_t raw) {
    return std::ldexp(cache::from_half(raw), static_cast<int>(kTokenFraction));
  }

  static std::uint8_t stored(Element element, bool values) {
    if (values) return cache::encode_minifloat(element);
    return static_cast<std::uint8_t>(cache::encode_int8(element, kInt8Step));
  }

  static std::vector<Element> kmeans(const std::vector<Element>& tokens,
                                     std::span<const std::uint8_t> weights, const Shape& shape,
                                     std::size_t start_offset) {
    return weighted_kmeans(
        tokens, shape.sub_dim, weights,
        {.centroids = shape.centroids, .iterations = kPasses, .start_offset = start_offset});
  }
};

// Sub-space by sub-space.
template <typename Arithmetic>
class SoftwareBackend : public Backend {
 public:
  SoftwareBackend(const config::EngineConfig& engine, std::size_t start_offset)
      : shape_(engine), start_offset_(start_offset) {}

  std::vector<std::uint8_t> cluster(std::span<const std::uint16_t> tokens,
                                    std::span<const std::uint8_t> weights, bool values) override {
    std::vector<std::uint8_t> codebook(shape_.centroids * shape_.dim);
    for (std::size_t m = 0; m < shape_.subspaces(); ++m) {
      const std::vector<Element> centroids =
          Arithmetic::kmeans(gather(tokens, m, Arithmetic::of_raw), weights, shape_, start_offset_);
      for (std::size_t e = 0; e < centroids.size(); ++e) {
        const std::size_t c = e / shape_.sub_dim;
        codebook[c * shape_.dim + m * shape_.sub_dim + e % shape_.sub_dim] =
            Arithmetic::stored(centroids[e], values);
      }
    }
    return codebook;
  }

  std::vector<std::uint8_t> encode(std::span<const std::uint16_t> tokens,
                                   std::span<const std::uint8_t> codebook, bool values) override {
    const std::size_t count = tokens.size() / shape_.dim;
    std::vector<std::uint8_t> codes(count * shape_.subspaces());
    for (std::size_t m = 0; m < shape_.subspaces(); ++m) {
      const std::vector<Element> vectors = gather(tokens, m, Arithmetic::of_raw);
      const typename Arithmetic::Nearest nearest(
          gather(codebook, m,
                 [&](std::uint8_t byte) { return golden::stored_element(byte, values); }),
          shape_.sub_dim);
      for (std::size_t t = 0; t < count; ++t) {
        codes[t * shape_.subspaces() + m] =
            static_cast<std::uint8_t>(nearest(vectors.data() + t * shape_.sub_dim));
      }
    }
    return codes;
  }

 private:
  using Element = typename Arithmetic::Element;

  // Channels of sub-space m of `rows` [n, D], contiguous: [n, Dsub].
  template <typename From, typename Convert>
  std::vector<Element> gather(std::span<const From> rows, std::size_t m,
                              const Convert& convert) const {
    std::vector<Element> result;
    result.reserve(rows.size() / shape_.subspaces());
    for (std::size_t begin = m * shape_.sub_dim; begin < rows.size(); begin += shape_.dim) {
      for (std::size_t d = 0; d < shape_.sub_dim; ++d) {
        result.push_back(static_cast<Element>(convert(rows[begin + d])));
      }
    }
    return result;
  }

  Shape shape_;
  std::size_t start_offset_;
};

}  // namespace

std::unique_ptr<Backend> fixed_backend(const config::EngineConfig& engine,
                                       std::size_t start_offset) {
  return std::make_unique<SoftwareBackend<Fixed>>(engine, start_offset);
}

std::unique_ptr<Backend> float_backend(const config::EngineConfig& engine,
                                       std::size_t start_offset) {
  return std::make_unique<SoftwareBackend<Float>>(engine, start_offset);
}

std::unique_ptr<Backend> software_backend(const config::EngineConfig& engine,
                                          Clustering clustering) {
  return clustering == Clustering::kFixed ? fixed_backend(engine) : float_backend(engine);
}

}  // namespace aqpim::quantize
