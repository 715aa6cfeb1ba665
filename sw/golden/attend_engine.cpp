// SPDX-License-Identifier: Apache-2.0
#include "sw/golden/attend_engine.h"

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>

#include "sw/golden/centroid_group.h"
#include "sw/golden/exp2.h"
#include "sw/golden/maximum.h"
#include "sw/golden/output_lane.h"
#include "sw/golden/score.h"
#include "sw/golden/score_sum.h"
#include "sw/golden/weight_bound.h"

namespace aqpim::golden {
namespace {

constexpr unsigned kFirstBias = 8;  // of the words of parameters
constexpr unsigned kGroupSubspaces = AttendConfig::kGroupChannels / AttendConfig::kSubDim;

// The signed number of `width` bits in the lowest bits.
std::int32_t low_bits(std::uint32_t bits, unsigned width) {
  return static_cast<std::int32_t>(bits << (32 - width)) >> (32 - width);
}

std::uint32_t word_of(std::span<const std::uint8_t> bytes, std::size_t first) {
  std::uint32_t word = 0;
  for (unsigned i = 0; i < 4; ++i) word |= std::uint32_t{bytes[first + i]} << 8 * i;
  return word;
}

std::uint32_t weight_of(std::int32_t score, std::int32_t exponent) {
  return exp2(score - exponent * (1 << AttendConfig::kScoreFraction), AttendConfig::kScoreFraction,
              AttendConfig::kWeightWidth);
}

}  // namespace

AttendEngine::AttendEngine(const AttendConfig& config)
    : config_(config), lanes_(config.subspaces(), TableLane(AttendConfig::kCentroids)) {
  result_.outputs.resize(config.head_dim);
}

// ---- Registers ----------------------------------------------------------------------------------

void AttendEngine::write_tokens(unsigned tokens) {
  if (tokens > AttendConfig::kMaxTokens) return refused();
  tokens_ = tokens;
}

void AttendEngine::write_control(std::span<const std::uint8_t> beat) {
  const unsigned fraction = beat[0] & 15u;
  if (fraction < AttendConfig::kScoreFraction) return refused();
  extra_ = fraction - AttendConfig::kScoreFraction;
  if ((beat[0] & 0x20) != 0) protocol_ = false;
}

void AttendEngine::write_parameters(unsigned index, std::span<const std::uint8_t> beat) {
  std::ranges::copy(beat, parameters_.at(index).begin());
}

// ---- Commands -----------------------------------------------------------------------------------

bool AttendEngine::legal(AttendOperation operation, unsigned tokens) const {
  switch (operation) {
    case AttendOperation::kTurn:
      return true;
    case AttendOperation::kScore:
      return holds_ == Holds::kTables && tokens <= config_.tile_depth;
    case AttendOperation::kAccumulate:
      return holds_ == Holds::kScored;
  }
  return false;
}

unsigned AttendEngine::window_tokens(unsigned tokens) const {
  return std::min(tokens, tokens_ - std::min(tokens_, done_));
}

std::size_t AttendEngine::code_beats(std::size_t tokens) const {
  return (tokens + config_.slots() - 1) / config_.slots();
}

std::size_t AttendEngine::beats(AttendOperation operation, unsigned tokens) const {
  switch (operation) {
    case AttendOperation::kTurn:
      return config_.turn_beats();
    case AttendOperation::kScore:
      return code_beats(window_tokens(tokens));
    case AttendOperation::kAccumulate:
      break;
  }
  return code_beats(scores_.size());
}

bool AttendEngine::command(AttendOperation operation, bool first, unsigned tokens,
                           std::span<const std::uint8_t> stream) {
  if (!legal(operation, tokens)) {
    refused();
    return false;
  }
  const std::size_t bytes = beats(operation, tokens) * AttendConfig::kBeatBytes;
  if (stream.size() < bytes || (operation == AttendOperation::kTurn && stream.size() != bytes)) {
    throw std::invalid_argument(fmt::format("operation {} takes {} bytes, and is given {}",
                                            static_cast<int>(operation), bytes, stream.size()));
  }
  switch (operation) {
    case AttendOperation::kTurn:
      turn(first, stream);
      break;
    case AttendOperation::kScore:
      score_tokens(window_tokens(tokens), stream);
      break;
    case AttendOperation::kAccumulate:
      accumulate(stream);
      break;
  }
  return true;
}

void AttendEngine::turn(bool first, std::span<const std::uint8_t> stream) {
  readable_ = holds_ == Holds::kBuckets;
  result_.maximum = exponent();
  result_.weight_sum = weight_sum_;
  result_.flags = flags_;
  flags_ = 0;
  if (first) done_ = 0;
  for (std::size_t beat = 0; beat < config_.turn_beats(); ++beat) {
    const auto values =
        stream.subspan(beat * AttendConfig::kBeatBytes, AttendConfig::kGroupChannels);
    const auto keys = stream.subspan(beat * AttendConfig::kBeatBytes + AttendConfig::kGroupChannels,
                                     AttendConfig::kGroupChannels);
    const std::size_t group = beat / AttendConfig::kCentroids;
    const std::size_t centroid = beat % AttendConfig::kCentroids;
    for (std::size_t j = 0; j < kGroupSubspaces; ++j) {
      TableLane& lane = lanes_[group * kGroupSubspaces + j];
      const std::uint32_t bucket = lane.take(centroid);
      const std::uint32_t query = word_of(parameters_[group], 4 * j);
      const std::array<std::int32_t, 2> channels = {low_bits(query, 12), low_bits(query >> 12, 12)};
      std::array<std::int8_t, 2> elements{};
      for (std::size_t i = 0; i < AttendConfig::kSubDim; ++i) {
        const std::size_t place = j * AttendConfig::kSubDim + i;
        std::int64_t& output = result_.outputs[group * AttendConfig::kGroupChannels + place];
        output = output_accumulate(output, weighted_element(bucket, values[place]), centroid == 0);
        elements[i] = static_cast<std::int8_t>(keys[place]);
      }
      const Rounded entry =
          table_entry(channels, elements, query >> 24 & 15u, AttendConfig::kEntryWidth);
      if (entry.saturated) flags_ |= kFlagTableSaturated;
      lane.write(centroid, static_cast<std::int32_t>(entry.value));
    }
  }
  holds_ = Holds::kTables;
}

void AttendEngine::score_tokens(unsigned tokens, std::span<const std::uint8_t> stream) {
  scores_.clear();
  WeightBound bound;
  std::vector<std::int32_t> entries(config_.subspaces());
  for (unsigned t = 0; t < tokens; ++t) {
    for (unsigned m = 0; m < config_.subspaces(); ++m)
      entries[m] = lanes_[m].lookup(code(stream, t, m));
    const std::size_t run = (done_ + t) / AttendConfig::kBiasTokens;
    const auto& biases = parameters_[kFirstBias + run / 16];
    const auto bias =
        static_cast<std::int16_t>(biases[run % 16 * 2] | biases[run % 16 * 2 + 1] << 8);
    const Rounded rounded = score(score_sum(entries), bias, extra_, AttendConfig::kScoreWidth);
    if (rounded.saturated) flags_ |= kFlagScoreSaturated;
    scores_.push_back(static_cast<std::int32_t>(rounded.value));
  }

  // The bound grows beat by beat, with the maximum that each beat leaves.
  std::int32_t largest = maximum({}, AttendConfig::kScoreFraction, AttendConfig::kScoreWidth);
  for (std::size_t first = 0; first < scores_.size(); first += config_.slots()) {
    const auto together =
        std::span(scores_).subspan(first, std::min<std::size_t>(config_.slots(), tokens - first));
    largest = std::max(largest,
                       maximum(together, AttendConfig::kScoreFraction, AttendConfig::kScoreWidth));
    std::vector<std::uint32_t> weights;
    for (const std::int32_t score : together) weights.push_back(weight_of(score, largest));
    bound.add(weights, largest);
  }
  coarse_ = config_.bounded() ? bound.coarse(config_.bucket_width) : 0;
  weight_sum_ = 0;
  holds_ = Holds::kScored;
}

void AttendEngine::accumulate(std::span<const std::uint8_t> stream) {
  const std::vector<std::uint32_t> all = weights();
  for (std::size_t t = 0; t < all.size(); ++t) {
    for (unsigned m = 0; m < config_.subspaces(); ++m) lanes_[m].add(code(stream, t, m), all[t]);
    weight_sum_ += all[t];
  }
  done_ += static_cast<unsigned>(code_beats(all.size()) * config_.slots());
  holds_ = Holds::kBuckets;
}

std::int32_t AttendEngine::exponent() const {
  return maximum(scores_, AttendConfig::kScoreFraction, AttendConfig::kScoreWidth) +
         static_cast<std::int32_t>(coarse_);
}

std::vector<std::uint32_t> AttendEngine::weights() const {
  const std::int32_t common = exponent();
  std::vector<std::uint32_t> weights;
  weights.reserve(scores_.size());
  for (const std::int32_t score : scores_) weights.push_back(weight_of(score, common));
  return weights;
}

// Token t of a beat has its codes in half t % slots.
unsigned AttendEngine::code(std::span<const std::uint8_t> stream, std::size_t token,
                            unsigned subspace) const {
  const std::size_t nibble = token * config_.subspaces() + subspace;
  return static_cast<unsigned>(stream[nibble / 2] >> nibble % 2 * 4) & 15u;
}

// ---- Results ------------------------------------------------------------------------------------

Result AttendEngine::result() const {
  Result result = result_;
  if (protocol_) result.flags |= kFlagProtocol;
  return result;
}

std::optional<std::vector<std::uint8_t>> AttendEngine::read(unsigned index) {
  if (!readable_ || index > config_.output_beats()) {
    refused();
    return std::nullopt;
  }
  std::vector<std::uint8_t> beat;
  const auto append = [&](std::uint64_t value, unsigned bytes) {
    for (unsigned i = 0; i < bytes; ++i) beat.push_back(static_cast<std::uint8_t>(value >> 8 * i));
  };
  const unsigned rows = config_.head_dim / 8;
  if (index < config_.output_beats()) {
    const bool high = index >= rows;
    for (unsigned i = 0; i < 8; ++i) {
      const auto output = static_cast<std::uint64_t>(result_.outputs[index % rows * 8 + i]);
      append(high ? output >> 32 : output, high ? 1 : 4);
    }
  } else {
    const Result status = result();
    append(status.weight_sum, 4);
    append(static_cast<std::uint64_t>(status.maximum), 2);
    append(status.flags, 2);
  }
  beat.resize(AttendConfig::kBeatBytes);
  return beat;
}

}  // namespace aqpim::golden
