// SPDX-License-Identifier: Apache-2.0
#include "sw/system/query.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

#include "sw/cache/formats.h"
#include "sw/cache/half.h"

namespace aqpim::system {

namespace {

constexpr int kLargestFraction = 15;
constexpr int kLargestShift = 15;

double largest_signed(unsigned width) { return std::ldexp(1.0, static_cast<int>(width) - 1) - 1.0; }

// Scores in units of log2: q·k becomes log2 of the softmax's numerator.
double log2_scale(std::size_t head_dim) {
  return std::numbers::log2e / std::sqrt(static_cast<double>(head_dim));
}

// Holding values here makes a query that is too large saturate in the engine instead of being
// reported as not finite.
double largest_finite(QueryFormat format) {
  return format == QueryFormat::kBinary16 ? cache::kLargestHalf : cache::kLargestBfloat16;
}

std::uint16_t to_bits(double value, QueryFormat format) {
  const double held = std::clamp(value, -largest_finite(format), largest_finite(format));
  return format == QueryFormat::kBinary16 ? cache::to_half(held) : cache::to_bfloat16(held);
}

double from_bits(std::uint16_t bits, QueryFormat format) {
  return format == QueryFormat::kBinary16 ? cache::from_half(bits) : cache::from_bfloat16(bits);
}

struct Magnitudes {
  double largest = 0.0;  // of an element
  double sum = 0.0;      // over a sub-space
};

}  // namespace

PreparedQuery prepare_query(std::span<const float> query, const cache::HeadCache& cache,
                            const config::EngineConfig& engine, QueryFormat format) {
  const double scale = log2_scale(cache.head_dim);
  PreparedQuery prepared{.format = format,
                         .table_fraction = engine.score_fraction,
                         .shifts = std::vector<std::uint8_t>(cache.subspaces(), 0),
                         .elements = std::vector<std::uint16_t>(cache.head_dim)};

  const std::vector<double> transformed = cache.transform_k.apply_to_query(query);

  // What the engine sees, after rounding to 16 bits.
  std::vector<Magnitudes> magnitudes(cache.subspaces());
  Magnitudes worst;
  for (std::size_t d = 0; d < cache.head_dim; ++d) {
    const std::size_t m = d / cache.sub_dim;
    const double value = transformed[d] * static_cast<double>(cache.scale_k[m]) * scale;
    prepared.elements[d] = to_bits(value, format);
    const double magnitude = std::fabs(from_bits(prepared.elements[d], format));
    magnitudes[m].largest = std::max(magnitudes[m].largest, magnitude);
    magnitudes[m].sum += magnitude;
    worst.largest = std::max(worst.largest, magnitudes[m].largest);
    worst.sum = std::max(worst.sum, magnitudes[m].sum);
  }

  const double entry_limit = largest_signed(engine.entry_width) / cache::kLargestInt8;
  const double query_limit = largest_signed(engine.query_width);
  const auto fits_query = [&](double magnitude, int fraction) {
    return std::nearbyint(std::ldexp(magnitude, fraction)) <= query_limit;
  };
  // Rounding a query element to the engine's step may add half a step to each: with shift 0 that is
  // half a unit of the bound per channel.
  const double rounding = 0.5 * static_cast<double>(cache.sub_dim);
  const auto fits_entry = [&](int fraction) {
    return std::ldexp(worst.sum, fraction) + rounding <= entry_limit;
  };
  for (int f = kLargestFraction; f > static_cast<int>(engine.score_fraction); --f) {
    if (fits_entry(f) && fits_query(worst.largest, f)) {
      prepared.table_fraction = static_cast<unsigned>(f);
      break;
    }
  }
  const int fraction = static_cast<int>(prepared.table_fraction);
  prepared.saturates = !fits_entry(fraction) || !fits_query(worst.largest, fraction);
  for (std::size_t m = 0; m < cache.subspaces(); ++m) {
    if (magnitudes[m].largest == 0.0) continue;
    int shift = kLargestShift;
    while (shift > 0 &&
           !fits_query(magnitudes[m].largest, static_cast<int>(prepared.table_fraction) + shift)) {
      --shift;
    }
    prepared.shifts[m] = static_cast<std::uint8_t>(shift);
  }
  return prepared;
}

std::vector<double> centre_scores(std::span<const float> query, const cache::HeadCache& cache) {
  if (cache.center_block == 0) return {};
  const double scale = log2_scale(cache.head_dim);
  const std::vector<double> transformed = cache.transform_k.apply_to_query(query);
  std::vector<double> scores(cache.centers_k.size() / cache.head_dim);
  for (std::size_t b = 0; b < scores.size(); ++b) {
    double dot = 0.0;
    for (std::size_t d = 0; d < cache.head_dim; ++d) {
      dot += transformed[d] * static_cast<double>(cache.centers_k[b * cache.head_dim + d]);
    }
    scores[b] = dot * scale;
  }
  return scores;
}

TileBiases tile_biases(std::span<const double> centre_scores, const cache::HeadCache& cache,
                       const config::EngineConfig& engine, std::size_t first, std::size_t tokens,
                       std::size_t run) {
  if (cache.center_block == 0) return {};
  std::vector<double> scores;
  for (std::size_t i = first; i < first + tokens; i += run) {
    scores.push_back(centre_scores[i / cache.center_block]);
  }
  return run_biases(scores, engine, run);
}

TileBiases run_biases(std::span<const double> scores, const config::EngineConfig& engine,
                      std::size_t run) {
  TileBiases tile{.run = run, .common = *std::ranges::max_element(scores), .biases = {}};
  for (const double score : scores) {
    const double units =
        std::nearbyint(std::ldexp(score - tile.common, static_cast<int>(engine.score_fraction)));
    tile.biases.push_back(static_cast<std::int16_t>(
        std::max(units, static_cast<double>(std::numeric_limits<std::int16_t>::min()))));
  }
  return tile;
}

}  // namespace aqpim::system
