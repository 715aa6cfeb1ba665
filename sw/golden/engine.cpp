// SPDX-License-Identifier: Apache-2.0
#include "sw/golden/engine.h"

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>

#include "sw/golden/centroid_group.h"
#include "sw/golden/exp2.h"
#include "sw/golden/float_to_fixed.h"
#include "sw/golden/maximum.h"
#include "sw/golden/nearest.h"
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

// The low bytes of a number, the lowest first.
void append(std::vector<std::uint8_t>& bytes, std::uint64_t value, unsigned count = 8) {
  for (unsigned i = 0; i < count; ++i) bytes.push_back(static_cast<std::uint8_t>(value >> 8 * i));
}

}  // namespace

Engine::Engine(const config::EngineConfig& config)
    : config_(config),
      table_fraction_(config.score_fraction),
      shifts_(config.subspaces()),
      query_(config.head_dim),
      bias_(config.bias_depth),
      lanes_(config.lanes(), TableLane(config.lane_depth())),
      outputs_(config.head_dim),
      codes_(config.subspaces()),
      centroids_(std::size_t{config.centroids()} * config.slice_channels()),
      sums_(centroids_.size()),
      weights_of_(std::size_t{config.centroids()} * config.slice_subspaces()) {}

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
      if (legal) write_query(write.index, write.data, bfloat16_);
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
  values_ = (data[0] & 0x40) != 0;
  bias_run_ = run;
  if ((data[0] & 0x20) != 0) flags_ = 0;
  return true;
}

void Engine::write_query(unsigned index, std::span<const std::uint8_t> data, bool bfloat16) {
  const std::size_t elements = data.size() / 2;
  for (std::size_t e = 0; e < elements; ++e) {
    const std::size_t channel = index * elements + e;
    const unsigned fraction = table_fraction_ + shifts_[channel / config_.sub_dim];
    const Fixed fixed = float_to_fixed(half_word(data, e), bfloat16, fraction, config_.query_width);
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
    case Operation::kEncode:
    case Operation::kLoad:
      return config_.quantize != 0;
    case Operation::kCluster:
      return slice_valid_ && command.tokens % config_.token_slots() == 0 &&
             clustered_ + std::uint64_t{command.tokens} <= config_.score_depth;
    case Operation::kUnload:
      return slice_valid_;
  }
  return false;
}

std::size_t Engine::words(Operation operation, unsigned tokens) const {
  switch (operation) {
    case Operation::kTable:
    case Operation::kCombine:
    case Operation::kEncode:
      return std::size_t{config_.centroids()} * config_.centroid_words();
    case Operation::kLoad:
      return std::size_t{config_.centroids()} * config_.slice_words();
    case Operation::kCluster:
      return std::size_t{tokens} * config_.slice_words() +
             (tokens + config_.word_bytes() - 1) / config_.word_bytes();
    case Operation::kUnload:
      return std::size_t{config_.centroids()} * config_.record_words();
    case Operation::kScore:
    case Operation::kAccumulate:
      break;
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
    case Operation::kEncode:
      encode(stream);
      break;
    case Operation::kLoad:
      load(command.first, stream);
      break;
    case Operation::kCluster:
      cluster(command.tokens, stream);
      break;
    case Operation::kUnload:
      unload();
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
  slice_valid_ = false;
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

// ---- Encoding and clustering --------------------------------------------------------------------

void Engine::encode(std::span<const std::uint8_t> stream) {
  const unsigned dim = config_.sub_dim;
  std::vector<std::int32_t> centroids(std::size_t{config_.centroids()} * dim);
  for (unsigned m = 0; m < config_.subspaces(); ++m) {
    const std::size_t channel = std::size_t{m} * dim;
    for (unsigned c = 0; c < config_.centroids(); ++c) {
      for (unsigned i = 0; i < dim; ++i) {
        centroids[c * dim + i] =
            stored_element(stream[c * config_.head_dim + channel + i], values_);
      }
    }
    codes_[m] =
        static_cast<std::uint8_t>(Nearest(centroids, dim)(std::span(query_).subspan(channel, dim)));
  }
  codes_valid_ = true;
}

void Engine::load(bool first, std::span<const std::uint8_t> stream) {
  const std::size_t channels = config_.slice_channels();
  const std::size_t bytes = config_.word_bytes();
  for (unsigned c = 0; c < config_.centroids(); ++c) {
    for (unsigned w = 0; w < config_.slice_words(); ++w) {
      write_query(w, stream.subspan((c * config_.slice_words() + w) * bytes, bytes),
                  first && bfloat16_);
    }
    std::copy_n(query_.begin(), channels,
                centroids_.begin() + static_cast<std::ptrdiff_t>(c * channels));
  }
  std::ranges::fill(sums_, 0);
  std::ranges::fill(weights_of_, 0u);
  clustered_ = 0;
  slice_valid_ = true;
  tables_valid_ = false;
  lanes_valid_ = false;
}

// The stream: for each WordBits/8 tokens, or what is left of them, a word of weights, then the
// tokens. Two words of tokens at a time go to the query registers, to the first two words and the
// next two in turn.
void Engine::cluster(unsigned tokens, std::span<const std::uint8_t> stream) {
  const std::size_t bytes = config_.word_bytes();
  const unsigned dim = config_.sub_dim;
  const std::size_t channels = config_.slice_channels();
  const std::size_t subspaces = config_.slice_subspaces();
  const std::size_t slots = config_.token_slots();

  std::vector<Nearest> nearest;
  for (std::size_t s = 0; s < subspaces; ++s) {
    std::vector<std::int32_t> centroids;
    for (unsigned c = 0; c < config_.centroids(); ++c) {
      const auto first = centroids_.begin() + static_cast<std::ptrdiff_t>(c * channels + s * dim);
      centroids.insert(centroids.end(), first, first + dim);
    }
    nearest.emplace_back(centroids, dim);
  }

  assigned_.resize(tokens * subspaces);
  std::span<const std::uint8_t> weights;
  for (std::size_t token = 0; token < tokens; token += slots) {
    if (token % bytes == 0) {
      weights = stream.first(bytes);
      stream = stream.subspan(bytes);
    }
    const std::size_t buffer = token / slots % 2;
    for (unsigned half = 0; half < 2; ++half) {
      write_query(static_cast<unsigned>(2 * buffer + half), stream.first(bytes), bfloat16_);
      stream = stream.subspan(bytes);
    }
    for (std::size_t slot = 0; slot < slots; ++slot) {
      const std::int64_t weight = weights[(token + slot) % bytes];
      for (std::size_t s = 0; s < subspaces; ++s) {
        const auto vector = std::span(query_).subspan(
            buffer * config_.multipliers() + slot * channels + s * dim, dim);
        const unsigned code = nearest[s](vector);
        assigned_[(token + slot) * subspaces + s] = static_cast<std::uint8_t>(code);
        weights_of_[code * subspaces + s] += static_cast<std::uint32_t>(weight);
        for (unsigned i = 0; i < dim; ++i) {
          sums_[code * channels + s * dim + i] += weight * vector[i];
        }
      }
    }
  }
  clustered_ += tokens;
  // Their places are those of the searches.
  codes_valid_ = false;
}

std::vector<std::uint8_t> Engine::records() const {
  const std::size_t channels = config_.slice_channels();
  const std::size_t subspaces = config_.slice_subspaces();
  const std::size_t record = config_.record_words() * config_.word_bytes();
  std::vector<std::uint8_t> bytes;
  for (unsigned c = 0; c < config_.centroids(); ++c) {
    for (std::size_t i = 0; i < channels; ++i) {
      append(bytes, static_cast<std::uint64_t>(sums_[c * channels + i]), 4);
    }
    for (std::size_t s = 0; s < subspaces; ++s) {
      append(bytes, weights_of_[c * subspaces + s], 4);
    }
    bytes.resize((c + 1) * record - channels * 2);
    for (std::size_t i = 0; i < channels; ++i) {
      append(bytes, static_cast<std::uint64_t>(centroids_[c * channels + i]), 2);
    }
  }
  return bytes;
}

void Engine::unload() {
  unloaded_ = records();
  std::ranges::fill(sums_, 0);
  std::ranges::fill(weights_of_, 0u);
  clustered_ = 0;
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
  const unsigned output_words = config_.output_words();
  const bool is_code = index > output_words;
  if (is_code ? !codes_valid_ || index > output_words + config_.token_words() : !outputs_valid_) {
    flags_ |= kFlagProtocol;
    return std::nullopt;
  }
  if (is_code) {
    const std::vector<std::uint8_t> words = code_words();
    const auto first =
        words.begin() + std::ptrdiff_t{index - output_words - 1} * config_.word_bytes();
    return std::vector(first, first + config_.word_bytes());
  }
  std::vector<std::uint8_t> word;
  if (index < output_words) {
    const bool high = index >= config_.low_words();
    const unsigned size = high ? 1 : 4;
    const unsigned per_word = config_.word_bytes() / size;
    const unsigned first = (high ? index - config_.low_words() : index) * per_word;
    for (unsigned e = first; e < first + per_word; ++e) {
      append(word, static_cast<std::uint64_t>(outputs_[e]) >> (high ? 32 : 0), size);
    }
  } else {
    const auto maximum = static_cast<std::uint16_t>(current_maximum());
    append(word, std::uint64_t{flags_} << 48 | std::uint64_t{maximum} << 32 | weight_sum_);
    word.resize(config_.word_bytes());
  }
  return word;
}

// As in a stream of codes: sub-space 0 lowest.
std::vector<std::uint8_t> Engine::code_words() const {
  std::vector<std::uint8_t> words(config_.token_words() * config_.word_bytes());
  for (std::size_t m = 0; m < codes_.size(); ++m) {
    const std::size_t bit = m * config_.code_bits;
    words[bit / 8] = static_cast<std::uint8_t>(words[bit / 8] | codes_[m] << bit % 8);
  }
  return words;
}

Answers Engine::run(const Program& program) {
  Answers answers;
  for (const Step& step : program) {
    if (const auto* register_write = std::get_if<RegisterWrite>(&step)) {
      write(*register_write);
    } else if (const auto* to_run = std::get_if<Command>(&step)) {
      if (command(*to_run) && to_run->operation == Operation::kUnload) {
        answers.partials.push_back(unloaded_);
      }
    } else if (std::holds_alternative<ReadResult>(step) ? outputs_valid_ : codes_valid_) {
      if (std::holds_alternative<ReadResult>(step)) {
        answers.results.push_back(result());
      } else {
        answers.codes.push_back(code_words());
      }
    } else {
      flags_ |= kFlagProtocol;
    }
  }
  return answers;
}

}  // namespace aqpim::golden
