// SPDX-License-Identifier: Apache-2.0
#include "sw/golden/quantizer.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <stdexcept>

#include "sw/golden/centroid_group.h"
#include "sw/golden/float_to_fixed.h"
#include "sw/golden/nearest.h"
#include "sw/golden/program.h"
#include "sw/golden/reducer.h"

namespace aqpim::golden {
namespace {

constexpr unsigned kTokenFraction = 8;
constexpr unsigned kSmallestFraction = 8;
constexpr unsigned kElementWidth = 12;

constexpr unsigned kBeatBytes = QuantizerConfig::kBeatBytes;
constexpr unsigned kSubDim = QuantizerConfig::kSubDim;
constexpr unsigned kCentroids = QuantizerConfig::kCentroids;
constexpr unsigned kChannels = QuantizerConfig::kSliceChannels;
constexpr unsigned kSubspaces = QuantizerConfig::kSliceSubspaces;

}  // namespace

Quantizer::Quantizer(const QuantizerConfig& config)
    : config_(config),
      ranks_(config.ranks),
      stored_(config.slices()),
      centroids_(std::size_t{config.slices()} * kCentroids * kChannels),
      elements_(std::size_t{kCentroids} * kChannels),
      codes_(std::size_t{QuantizerConfig::kCodeBeats} * kBeatBytes) {
  for (Rank& rank : ranks_) rank.shifts.resize(config.subspaces());
}

// ---- Registers ----------------------------------------------------------------------------------

bool Quantizer::write_control(unsigned rank, std::span<const std::uint8_t> beat) {
  const unsigned fraction = beat[0] & 15u;
  if (fraction < kSmallestFraction) return false;
  ranks_.at(rank).fraction = fraction;
  ranks_[rank].bfloat16 = (beat[0] & 0x10) != 0;
  if ((beat[0] & 0x20) != 0) ranks_[rank].flags = 0;
  return true;
}

bool Quantizer::write_shifts(unsigned rank, unsigned index, std::span<const std::uint8_t> beat) {
  const std::size_t first = std::size_t{index} * kBeatBytes;
  if (first >= config_.subspaces()) return false;
  for (std::size_t b = 0; b < kBeatBytes; ++b) ranks_.at(rank).shifts[first + b] = beat[b] & 15u;
  return true;
}

std::int32_t Quantizer::convert(Rank& rank, std::span<const std::uint8_t> beat, std::size_t element,
                                unsigned fraction) {
  const auto bits = static_cast<std::uint16_t>(beat[2 * element] | beat[2 * element + 1] << 8);
  const Fixed fixed = float_to_fixed(bits, rank.bfloat16, fraction, kElementWidth);
  if (fixed.nonfinite) rank.flags |= kFlagNonfinite;
  if (fixed.saturated) rank.flags |= kFlagQuerySaturated;
  return fixed.value;
}

std::optional<std::vector<std::uint8_t>> Quantizer::convert(unsigned rank, unsigned index,
                                                            std::span<const std::uint8_t> beat) {
  if (index >= config_.slices()) return std::nullopt;
  Rank& of_rank = ranks_.at(rank);
  std::vector<std::uint8_t> parameters;
  for (unsigned m = 0; m < kSubspaces; ++m) {
    const unsigned shift = of_rank.shifts[index * kSubspaces + m];
    std::uint32_t word = shift << 24;
    for (unsigned i = 0; i < kSubDim; ++i) {
      const std::int32_t value = convert(of_rank, beat, m * kSubDim + i, of_rank.fraction + shift);
      word |= (static_cast<std::uint32_t>(value) & 0xfff) << kElementWidth * i;
    }
    for (unsigned b = 0; b < 4; ++b) parameters.push_back(static_cast<std::uint8_t>(word >> 8 * b));
  }
  return parameters;
}

// ---- Commands -----------------------------------------------------------------------------------

bool Quantizer::legal(const QuantizerCommand& command) const {
  switch (command.operation) {
    case QuantizerOperation::kLoad:
    case QuantizerOperation::kCodebook:
      return true;
    case QuantizerOperation::kCluster:
      return loaded_ && clustered_ + command.tokens <= config_.window_depth;
    case QuantizerOperation::kUpdate:
      return loaded_;
    case QuantizerOperation::kEncode:
      return std::ranges::all_of(stored_, std::identity()) &&
             command.tokens <= config_.code_tokens();
  }
  return false;
}

std::size_t Quantizer::beats(const QuantizerCommand& command) const {
  const std::size_t tokens = command.tokens;
  switch (command.operation) {
    case QuantizerOperation::kLoad:
      return kCentroids;
    case QuantizerOperation::kCluster:
      return tokens + (tokens + QuantizerConfig::kWeightsBeat - 1) / QuantizerConfig::kWeightsBeat;
    case QuantizerOperation::kUpdate:
      break;
    case QuantizerOperation::kCodebook:
      return std::size_t{config_.slices()} * kCentroids;
    case QuantizerOperation::kEncode:
      return tokens * config_.slices();
  }
  return 0;
}

bool Quantizer::command(const QuantizerCommand& command, std::span<const std::uint8_t> stream) {
  if (!legal(command)) return false;
  if (stream.size() != beats(command) * kBeatBytes) {
    throw std::invalid_argument(fmt::format("operation {} takes {} beats, and is given {} bytes",
                                            static_cast<int>(command.operation), beats(command),
                                            stream.size()));
  }
  switch (command.operation) {
    case QuantizerOperation::kLoad:
      load(command, stream);
      break;
    case QuantizerOperation::kCluster:
      cluster(command, stream);
      break;
    case QuantizerOperation::kUpdate:
      update(command);
      break;
    case QuantizerOperation::kCodebook:
      codebook(command, stream);
      break;
    case QuantizerOperation::kEncode:
      encode(command, stream);
      break;
  }
  return true;
}

std::vector<std::int32_t> Quantizer::raw(Rank& rank, std::span<const std::uint8_t> beat) {
  std::vector<std::int32_t> values;
  for (std::size_t i = 0; i < kChannels; ++i) {
    values.push_back(convert(rank, beat, i, kTokenFraction));
  }
  return values;
}

std::span<std::int32_t> Quantizer::centroid(unsigned slice, unsigned index) {
  return std::span(centroids_).subspan((slice * kCentroids + index) * kChannels, kChannels);
}

std::vector<std::uint8_t> Quantizer::nearest(unsigned slice,
                                             std::span<const std::int32_t> vectors) {
  const std::size_t count = vectors.size() / kChannels;
  std::vector<std::uint8_t> codes(count * kSubspaces);
  for (std::size_t s = 0; s < kSubspaces; ++s) {
    std::vector<std::int32_t> centroids;
    for (unsigned c = 0; c < kCentroids; ++c) {
      const auto elements = centroid(slice, c).subspan(s * kSubDim, kSubDim);
      centroids.insert(centroids.end(), elements.begin(), elements.end());
    }
    const Nearest search(centroids, kSubDim);
    for (std::size_t t = 0; t < count; ++t) {
      codes[t * kSubspaces + s] =
          static_cast<std::uint8_t>(search(vectors.subspan(t * kChannels + s * kSubDim, kSubDim)));
    }
  }
  return codes;
}

void Quantizer::clear_sums() {
  sums_.fill(0);
  weights_.fill(0);
  clustered_ = 0;
}

void Quantizer::load(const QuantizerCommand& command, std::span<const std::uint8_t> stream) {
  slice_ = command.slice;
  for (unsigned c = 0; c < kCentroids; ++c) {
    std::ranges::copy(
        raw(ranks_.at(command.rank), stream.subspan(std::size_t{c} * kBeatBytes, kBeatBytes)),
        centroid(slice_, c).begin());
  }
  clear_sums();
  loaded_ = true;
  stored_[slice_] = false;
}

void Quantizer::cluster(const QuantizerCommand& command, std::span<const std::uint8_t> stream) {
  std::vector<std::int32_t> tokens;
  std::vector<std::uint8_t> weights;
  for (unsigned t = 0; t < command.tokens; ++t) {
    if (t % QuantizerConfig::kWeightsBeat == 0) {
      const auto beat = stream.first(kBeatBytes);
      weights.insert(weights.end(), beat.begin(), beat.end());
      stream = stream.subspan(kBeatBytes);
    }
    const auto values = raw(ranks_.at(command.rank), stream.first(kBeatBytes));
    tokens.insert(tokens.end(), values.begin(), values.end());
    stream = stream.subspan(kBeatBytes);
  }
  const std::vector<std::uint8_t> codes = nearest(slice_, tokens);
  for (std::size_t t = 0; t < command.tokens; ++t) {
    for (std::size_t i = 0; i < kChannels; ++i) {
      const std::size_t c = codes[t * kSubspaces + i / kSubDim];
      sums_[c * kChannels + i] += weighted_token(tokens[t * kChannels + i], weights[t]);
    }
    for (std::size_t s = 0; s < kSubspaces; ++s) {
      weights_[codes[t * kSubspaces + s] * kSubspaces + s] += weights[t];
    }
  }
  clustered_ += command.tokens;
}

void Quantizer::update(const QuantizerCommand& command) {
  for (unsigned c = 0; c < kCentroids; ++c) {
    for (std::size_t i = 0; i < kChannels; ++i) {
      const std::int64_t weight = weights_[c * kSubspaces + i / kSubDim];
      std::int32_t& element = centroid(slice_, c)[i];
      if (weight != 0) element = mean(sums_[c * kChannels + i], weight);
      if (command.last) {
        const std::uint8_t byte = store_element(element, command.values);
        elements_[c * kChannels + i] = byte;
        element = stored_element(byte, command.values);
      }
    }
  }
  clear_sums();
  if (command.last) {
    loaded_ = false;
    stored_[slice_] = true;
  }
}

void Quantizer::codebook(const QuantizerCommand& command, std::span<const std::uint8_t> stream) {
  for (unsigned slice = 0; slice < config_.slices(); ++slice) {
    for (unsigned c = 0; c < kCentroids; ++c) {
      const auto bytes = stream.subspan(
          (std::size_t{slice} * kCentroids + c) * kBeatBytes + (command.values ? 0 : kChannels),
          kChannels);
      for (std::size_t i = 0; i < kChannels; ++i) {
        centroid(slice, c)[i] = stored_element(bytes[i], command.values);
      }
    }
  }
  loaded_ = false;
  stored_.assign(stored_.size(), true);
}

void Quantizer::encode(const QuantizerCommand& command, std::span<const std::uint8_t> stream) {
  for (unsigned slice = 0; slice < config_.slices(); ++slice) {
    std::vector<std::int32_t> tokens;
    for (std::size_t t = 0; t < command.tokens; ++t) {
      const std::size_t beat = t * config_.slices() + slice;
      const auto values =
          raw(ranks_.at(command.rank), stream.subspan(beat * kBeatBytes, kBeatBytes));
      tokens.insert(tokens.end(), values.begin(), values.end());
    }
    const std::vector<std::uint8_t> codes = nearest(slice, tokens);
    for (std::size_t t = 0; t < command.tokens; ++t) {
      for (std::size_t s = 0; s < kSubspaces; s += 2) {
        const std::size_t place = (t * config_.subspaces() + slice * kSubspaces + s) / 2;
        codes_[place] = static_cast<std::uint8_t>(codes[t * kSubspaces + s] |
                                                  codes[t * kSubspaces + s + 1] << 4);
      }
    }
  }
  // What is left of the last beat
  const std::size_t end = std::size_t{command.tokens} * config_.subspaces() / 2;
  const std::size_t whole = (end + kBeatBytes - 1) / kBeatBytes * kBeatBytes;
  std::fill(codes_.begin() + static_cast<std::ptrdiff_t>(end),
            codes_.begin() + static_cast<std::ptrdiff_t>(whole), std::uint8_t{0});
}

std::span<const std::uint8_t> Quantizer::codes(unsigned address) const {
  return std::span(codes_).subspan(std::size_t{address} * kBeatBytes, kBeatBytes);
}

}  // namespace aqpim::golden
