// SPDX-License-Identifier: Apache-2.0
#include "sw/golden/engine.h"

#include <fmt/format.h>

#include <stdexcept>

#include "sw/golden/centroid_group.h"
#include "sw/golden/exp2.h"
#include "sw/golden/float_to_fixed.h"
#include "sw/golden/maximum.h"
#include "sw/golden/output_lane.h"
#include "sw/golden/score.h"
#include "sw/golden/score_sum.h"

namespace aqpim::golden {
namespace {

constexpr unsigned kShortestRun = 8;
constexpr unsigned kLongestRun = 128;

std::uint16_t half_word(std::span<const std::uint8_t> bytes, std::size_t index) {
  return static_cast<std::uint16_t>(bytes[2 * index] | bytes[2 * index + 1] << 8);
}

void append(std::vector<std::uint8_t>& bytes, std::uint64_t value) {
  for (unsigned shift = 0; shift < 64; shift += 8) {
    bytes.push_back(static_cast<std::uint8_t>(value >> shift));
  }
}

}  // namespace

Engine::Engine(const config::EngineConfig& config)
    : config_(config),
      table_fraction_(config.score_fraction),
      shifts_(config.subspaces()),
      query_(config.head_dim),
      bias_(config.bias_depth),
      lanes_(config.lanes(), TableLane(config.lane_depth())),
      outputs_(config.head_dim) {}

// ---- Registers ----------------------------------------------------------------------------------

void Engine::write(const RegisterWrite& write) {
  if (write.data.size() != config_.word_bytes()) {
    throw std::invalid_argument(fmt::format("a register write of {} bytes, a word has {}",
                                            write.data.size(), config_.word_bytes()));
  }
  const std::size_t bytes = config_.word_bytes();
  bool legal = false;
  switch (write.select) {
    case RegisterSelect::kControl:
      legal = write.index == 0 && write_control(write.data);
      break;
    case RegisterSelect::kQuery:
      legal = write.index * bytes < 2 * config_.head_dim;
      if (legal) write_query(write.index, write.data);
      break;
    case RegisterSelect::kShift:
      legal = write.index * bytes < config_.subspaces();
      if (legal) write_shifts(write.index, write.data);
      break;
    case RegisterSelect::kBias:
      legal = write.index * bytes < 2 * config_.bias_depth;
      if (legal) write_biases(write.index, write.data);
      break;
  }
  if (!legal) flags_ |= kFlagProtocol;
}

bool Engine::write_control(std::span<const std::uint8_t> data) {
  const unsigned fraction = data[0] & 15u;
  const unsigned run = data[1];
  if (fraction < config_.score_fraction) return false;
  if (run != 0 && (run < kShortestRun || run > kLongestRun)) return false;
  table_fraction_ = fraction;
  bfloat16_ = (data[0] & 0x10) != 0;
  bias_run_ = run;
  if ((data[0] & 0x20) != 0) flags_ = 0;
  return true;
}

void Engine::write_query(unsigned index, std::span<const std::uint8_t> data) {
  const std::size_t elements = data.size() / 2;
  for (std::size_t e = 0; e < elements; ++e) {
    const std::size_t channel = index * elements + e;
    const unsigned fraction = table_fraction_ + shifts_[channel / config_.sub_dim];
    const Fixed fixed =
        float_to_fixed(half_word(data, e), bfloat16_, fraction, config_.query_width);
    query_[channel] = fixed.value;
    if (fixed.nonfinite) flags_ |= kFlagNonfinite;
    if (fixed.saturated) flags_ |= kFlagQuerySaturated;
  }
}

void Engine::write_shifts(unsigned index, std::span<const std::uint8_t> data) {
  for (std::size_t i = 0; i < data.size(); ++i) {
    const std::size_t subspace = index * data.size() + i;
    if (subspace < shifts_.size()) shifts_[subspace] = data[i] & 15u;
  }
}

void Engine::write_biases(unsigned index, std::span<const std::uint8_t> data) {
  std::vector<std::int16_t> values;
  for (std::size_t i = 0; i < data.size() / 2; ++i) {
    values.push_back(static_cast<std::int16_t>(half_word(data, i)));
  }
  bias_.write(index * values.size(), values);
}

// ---- Commands -----------------------------------------------------------------------------------

std::uint64_t Engine::scored_after(const Command& command) const {
  return std::uint64_t{command.tokens} + (command.first ? 0 : scores_.size());
}

bool Engine::legal(const Command& command) const {
  switch (command.operation) {
    case Operation::kTable:
      return true;
    case Operation::kScore: {
      const std::uint64_t run = command.first ? bias_run_ : tile_run_;
      return tables_valid_ && (command.first || !weighing_) &&
             scored_after(command) <= config_.score_depth &&
             (run == 0 || scored_after(command) <= config_.bias_depth * run);
    }
    case Operation::kAccumulate:
      return lanes_valid_ && !(command.first && weighing_) &&
             accumulated_ + std::uint64_t{command.tokens} <= scores_.size();
    case Operation::kCombine:
      return lanes_valid_ && (command.first || combining_);
  }
  return false;
}

std::size_t Engine::words(Operation operation, unsigned tokens) const {
  if (operation == Operation::kTable || operation == Operation::kCombine) {
    return std::size_t{config_.centroids()} * config_.centroid_words();
  }
  return std::size_t{tokens} * config_.token_words();
}

bool Engine::command(const Command& command) {
  if (!legal(command)) {
    flags_ |= kFlagProtocol;
    return false;
  }
  const std::size_t bytes = words(command.operation, command.tokens) * config_.word_bytes();
  const std::size_t available = command.stream ? command.stream->size() : 0;
  if (command.bytes != bytes || command.offset > available ||
      command.bytes > available - command.offset) {
    throw std::invalid_argument(fmt::format(
        "operation {} takes {} bytes; its command names {} from {} on, of {}",
        static_cast<int>(command.operation), bytes, command.bytes, command.offset, available));
  }
  std::span<const std::uint8_t> stream;
  if (bytes != 0) stream = std::span(*command.stream).subspan(command.offset, bytes);

  switch (command.operation) {
    case Operation::kTable:
      table(stream);
      break;
    case Operation::kScore:
      score_tokens(command, stream);
      break;
    case Operation::kAccumulate:
      accumulate(command, stream);
      break;
    case Operation::kCombine:
      combine(command.first, stream);
      break;
  }
  return true;
}

void Engine::table(std::span<const std::uint8_t> stream) {
  const unsigned dim = config_.sub_dim;
  std::vector<std::int8_t> elements(dim);
  for (unsigned c = 0; c < config_.centroids(); ++c) {
    for (unsigned m = 0; m < config_.subspaces(); ++m) {
      const std::size_t channel = std::size_t{m} * dim;
      for (unsigned i = 0; i < dim; ++i) {
        elements[i] = static_cast<std::int8_t>(stream[c * config_.head_dim + channel + i]);
      }
      const Rounded entry = table_entry(std::span(query_).subspan(channel, dim), elements,
                                        shifts_[m], config_.entry_width);
      if (entry.saturated) flags_ |= kFlagTableSaturated;
      lane_of(m).write(address_of(m, c), static_cast<std::int32_t>(entry.value));
    }
  }
  tables_valid_ = true;
  lanes_valid_ = true;
}

void Engine::score_tokens(const Command& command, std::span<const std::uint8_t> stream) {
  if (command.first) {
    scores_.clear();
    bias_.start_tile();
    tile_run_ = bias_run_;
    accumulated_ = 0;
    weight_sum_ = 0;
    weighing_ = false;
    combining_ = false;
  }
  const unsigned extra = table_fraction_ - config_.score_fraction;
  std::vector<std::int32_t> entries(config_.subspaces());
  for (std::size_t t = 0; t < command.tokens; ++t) {
    for (unsigned m = 0; m < config_.subspaces(); ++m) {
      entries[m] = lane_of(m).lookup(address_of(m, code(stream, t, m)));
    }
    const Rounded rounded =
        score(score_sum(entries), bias_.next(tile_run_), extra, config_.score_width);
    if (rounded.saturated) flags_ |= kFlagScoreSaturated;
    scores_.push_back(static_cast<std::int32_t>(rounded.value));
  }
}

void Engine::accumulate(const Command& command, std::span<const std::uint8_t> stream) {
  const std::int32_t largest = current_maximum() * (1 << config_.score_fraction);
  for (std::size_t t = 0; t < command.tokens; ++t) {
    const std::uint32_t weight =
        exp2(scores_[accumulated_ + t] - largest, config_.score_fraction, config_.weight_width);
    for (unsigned m = 0; m < config_.subspaces(); ++m) {
      lane_of(m).add(address_of(m, code(stream, t, m)), weight);
    }
    weight_sum_ += weight;
  }
  accumulated_ += command.tokens;
  tables_valid_ = false;
  weighing_ = true;
}

void Engine::combine(bool first, std::span<const std::uint8_t> stream) {
  for (unsigned c = 0; c < config_.centroids(); ++c) {
    for (unsigned m = 0; m < config_.subspaces(); ++m) {
      const std::uint32_t bucket = lane_of(m).take(address_of(m, c));
      for (unsigned i = 0; i < config_.sub_dim; ++i) {
        const std::size_t channel = std::size_t{m} * config_.sub_dim + i;
        outputs_[channel] = output_accumulate(
            outputs_[channel], weighted_element(bucket, stream[c * config_.head_dim + channel]),
            first && c == 0);
      }
    }
  }
  tables_valid_ = false;
  combining_ = true;
  outputs_valid_ = true;
}

unsigned Engine::code(std::span<const std::uint8_t> stream, std::size_t token,
                      unsigned subspace) const {
  const std::size_t bit = (token * config_.subspaces() + subspace) * config_.code_bits;
  return static_cast<unsigned>(stream[bit / 8] >> bit % 8) & (config_.centroids() - 1);
}

// ---- Results ------------------------------------------------------------------------------------

std::int32_t Engine::current_maximum() const {
  return maximum(scores_, config_.score_fraction, config_.score_width);
}

std::vector<std::uint32_t> Engine::weights() const {
  const std::int32_t largest = current_maximum() * (1 << config_.score_fraction);
  std::vector<std::uint32_t> weights;
  weights.reserve(scores_.size());
  for (const std::int32_t score : scores_) {
    weights.push_back(exp2(score - largest, config_.score_fraction, config_.weight_width));
  }
  return weights;
}

Result Engine::result() const {
  return {.outputs = outputs_,
          .maximum = current_maximum(),
          .weight_sum = weight_sum_,
          .flags = flags_};
}

std::optional<std::vector<std::uint8_t>> Engine::read(unsigned index) {
  const std::size_t per_word = config_.word_bytes() / 8;
  const std::size_t output_words = config_.head_dim / per_word;
  if (!outputs_valid_ || index > output_words) {
    flags_ |= kFlagProtocol;
    return std::nullopt;
  }
  std::vector<std::uint8_t> word;
  if (index < output_words) {
    for (std::size_t e = 0; e < per_word; ++e) {
      append(word, static_cast<std::uint64_t>(outputs_[index * per_word + e]));
    }
  } else {
    const auto maximum = static_cast<std::uint16_t>(current_maximum());
    append(word, std::uint64_t{flags_} << 48 | std::uint64_t{maximum} << 32 | weight_sum_);
    word.resize(config_.word_bytes());
  }
  return word;
}

std::vector<Result> Engine::run(const Program& program) {
  std::vector<Result> results;
  for (const Step& step : program) {
    if (const auto* register_write = std::get_if<RegisterWrite>(&step)) {
      write(*register_write);
    } else if (const auto* to_run = std::get_if<Command>(&step)) {
      command(*to_run);
    } else if (outputs_valid_) {
      results.push_back(result());
    } else {
      flags_ |= kFlagProtocol;
    }
  }
  return results;
}

}  // namespace aqpim::golden
