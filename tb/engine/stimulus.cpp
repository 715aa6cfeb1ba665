// SPDX-License-Identifier: Apache-2.0
#include "tb/engine/stimulus.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "sw/cache/half.h"

namespace aqpim::tb {

namespace {

using golden::Command;
using golden::Operation;
using golden::RegisterSelect;
using golden::RegisterWrite;
using Values = QueryOptions::Values;
using Codes = TileOptions::Codes;
using Tokens = SliceOptions::Tokens;
using Weights = SliceOptions::Weights;

constexpr unsigned kLargestShift = 15;
constexpr unsigned kLargestFraction = 15;

// Standard deviation of a uniform int8.
constexpr double kElementSpread = 73.9;

// Largest s ≤ `most` with value · 2^s ≤ limit.
unsigned largest_scale(double value, double limit, unsigned least, unsigned most) {
  if (value <= 0.0) return most;
  const double scale = std::floor(std::log2(limit / value));
  return static_cast<unsigned>(std::clamp<double>(scale, least, most));
}

}  // namespace

// ---- Registers ----------------------------------------------------------------------------------

RegisterWrite Stimulus::bytes_write(RegisterSelect select, unsigned index,
                                    const std::vector<std::uint8_t>& bytes) {
  RegisterWrite write{select, index, std::vector<std::uint8_t>(config_.word_bytes(), 0)};
  const std::size_t first = index * write.data.size();
  for (std::size_t i = 0; i < write.data.size() && first + i < bytes.size(); ++i) {
    write.data[i] = bytes[first + i];
  }
  return write;
}

RegisterWrite Stimulus::control(unsigned fraction, unsigned bias_run, bool bfloat16,
                                bool clear_flags) {
  RegisterWrite write{RegisterSelect::kControl, 0, {}};
  for (unsigned i = 0; i < config_.word_bytes(); ++i) {
    write.data.push_back(static_cast<std::uint8_t>(random_.bits(8)));
  }
  // Bit 6 is for ENCODE, bit 7 is ignored.
  write.data[0] = static_cast<std::uint8_t>((write.data[0] & 0xc0u) | fraction |
                                            (bfloat16 ? 0x10u : 0u) | (clear_flags ? 0x20u : 0u));
  write.data[1] = static_cast<std::uint8_t>(bias_run);
  return write;
}

std::uint16_t Stimulus::half(double value, bool bfloat16) const {
  return bfloat16 ? cache::to_bfloat16(value) : cache::to_half(value);
}

std::uint16_t Stimulus::special(bool bfloat16) {
  const unsigned fraction_bits = bfloat16 ? 7 : 10;
  const unsigned exponent_mask = 0x7fffu & ~((1u << fraction_bits) - 1);
  const auto sign = static_cast<unsigned>(random_.bits(1)) << 15;
  const auto fraction = static_cast<unsigned>(random_.bits(fraction_bits));
  switch (random_.below(5)) {
    case 0:
      return static_cast<std::uint16_t>(sign);
    case 1:
      return static_cast<std::uint16_t>(sign | fraction);  // subnormal or zero
    case 2:
      return static_cast<std::uint16_t>(sign | exponent_mask);  // infinite
    case 3:
      return static_cast<std::uint16_t>(sign | exponent_mask | fraction | 1u);  // NaN
    default:
      return static_cast<std::uint16_t>(random_.bits(16));
  }
}

std::vector<RegisterWrite> Stimulus::registers(const QueryOptions& options) {
  const unsigned subspaces = config_.subspaces();
  std::vector<double> query(config_.head_dim);
  const double scale = options.spread / (kElementSpread * std::sqrt(config_.head_dim));
  // Uniform with a standard deviation of 1.
  for (double& q : query) {
    q = scale * std::sqrt(3.0) * (static_cast<double>(random_.between(-1000, 1000)) / 1000.0);
  }
  if (options.values == Values::kZero) std::ranges::fill(query, 0.0);
  const double largest = std::abs(*std::ranges::max_element(
      query, [](double a, double b) { return std::abs(a) < std::abs(b); }));

  unsigned fraction =
      largest_scale(largest * 128.0 * config_.sub_dim, (1 << (config_.entry_width - 1)) - 1,
                    config_.score_fraction, kLargestFraction);
  std::vector<std::uint8_t> shifts(subspaces);
  for (unsigned m = 0; m < subspaces; ++m) {
    shifts[m] = static_cast<std::uint8_t>(largest_scale(
        largest * std::exp2(fraction), (1 << (config_.query_width - 1)) - 1, 0, kLargestShift));
  }
  if (options.values == Values::kWild) {
    fraction = static_cast<unsigned>(random_.between(config_.score_fraction, kLargestFraction));
    for (std::uint8_t& shift : shifts) {
      shift = static_cast<std::uint8_t>(random_.chance(1, 2) ? random_.below(16) : shift);
    }
  }

  std::vector<std::uint8_t> elements;
  for (const double q : query) {
    std::uint16_t bits = half(q, options.bfloat16);
    if (options.values == Values::kSpecial && random_.chance(1, 8)) {
      bits = special(options.bfloat16);
    }
    elements.push_back(static_cast<std::uint8_t>(bits));
    elements.push_back(static_cast<std::uint8_t>(bits >> 8));
  }
  std::vector<std::uint8_t> biases;
  const std::int64_t most_bias =
      options.values == Values::kWild
          ? 32767
          : std::min<std::int64_t>(
                32767, static_cast<std::int64_t>(options.spread * (1 << config_.score_fraction)));
  for (unsigned b = 0; b < config_.bias_depth; ++b) {
    const std::int64_t bias =
        options.values == Values::kZero ? 0 : random_.between(-most_bias - 1, most_bias);
    biases.push_back(static_cast<std::uint8_t>(bias));
    biases.push_back(static_cast<std::uint8_t>(bias >> 8));
  }
  // The upper bits of a shift byte are ignored.
  for (std::uint8_t& shift : shifts) {
    shift = static_cast<std::uint8_t>(shift | random_.bits(4) << 4);
  }

  std::vector<RegisterWrite> writes;
  writes.push_back(control(fraction, options.bias_run, options.bfloat16, options.clear_flags));
  const auto add = [&](RegisterSelect select, const std::vector<std::uint8_t>& bytes) {
    for (unsigned i = 0; i * config_.word_bytes() < bytes.size(); ++i) {
      writes.push_back(bytes_write(select, i, bytes));
    }
  };
  add(RegisterSelect::kShift, shifts);
  add(RegisterSelect::kQuery, elements);
  add(RegisterSelect::kBias, biases);
  return writes;
}

Sequence Stimulus::all_registers(const QueryOptions& options) {
  Sequence sequence;
  for (RegisterWrite& write : registers(options)) {
    // Not before the answers to the last reads: clearing the flags would race with them.
    sequence.push_back({Write{std::move(write)}, sequence.empty() ? When::idle() : When::now()});
  }
  return sequence;
}

RegisterWrite Stimulus::any_write() {
  RegisterWrite write{static_cast<RegisterSelect>(random_.below(4)), 0, {}};
  for (unsigned i = 0; i < config_.word_bytes(); ++i) {
    write.data.push_back(static_cast<std::uint8_t>(random_.bits(8)));
  }
  const unsigned bytes = write.select == RegisterSelect::kControl ? 1
                         : write.select == RegisterSelect::kQuery ? 2 * config_.head_dim
                         : write.select == RegisterSelect::kShift ? config_.subspaces()
                                                                  : 2 * config_.bias_depth;
  const unsigned words = (bytes + config_.word_bytes() - 1) / config_.word_bytes();
  write.index = random_.chance(1, 4) ? static_cast<unsigned>(random_.bits(8))
                                     : static_cast<unsigned>(random_.below(words + 1));
  if (write.select == RegisterSelect::kControl && random_.chance(3, 4)) {
    write = control(static_cast<unsigned>(random_.below(16)),
                    static_cast<unsigned>(random_.pick({0, 1, 7, 8, 9, 16, 127, 128, 129, 255})),
                    random_.chance(1, 2), random_.chance(1, 4));
  }
  return write;
}

// ---- Streams ------------------------------------------------------------------------------------

Word Stimulus::word() {
  Word word{};
  for (unsigned i = 0; i < config_.word_bytes(); ++i) {
    word[i] = static_cast<std::uint8_t>(random_.bits(8));
  }
  return word;
}

Stimulus::Stream Stimulus::codebook_k() {
  auto bytes = std::make_shared<std::vector<std::uint8_t>>(std::size_t{config_.centroids()} *
                                                           config_.head_dim);
  // Small elements now and then, and the ends of the range.
  const auto kind = random_.below(8);
  for (std::uint8_t& byte : *bytes) {
    byte = static_cast<std::uint8_t>(kind == 0   ? random_.between(-8, 8)
                                     : kind == 1 ? random_.pick({-128, -127, 127})
                                                 : random_.between(-128, 127));
  }
  return bytes;
}

Stimulus::Stream Stimulus::codebook_v() {
  auto bytes = std::make_shared<std::vector<std::uint8_t>>(std::size_t{config_.centroids()} *
                                                           config_.head_dim);
  for (std::uint8_t& byte : *bytes) byte = static_cast<std::uint8_t>(random_.bits(8));
  return bytes;
}

Stimulus::Stream Stimulus::codes(unsigned tokens, Codes kind) {
  const std::size_t token_bytes = std::size_t{config_.word_bytes()} * config_.token_words();
  auto bytes = std::make_shared<std::vector<std::uint8_t>>(tokens * token_bytes);
  for (std::size_t i = 0; i < bytes->size(); ++i) {
    std::uint8_t& byte = (*bytes)[i];
    const bool repeats =
        kind == Codes::kAllEqual || (kind == Codes::kRepeating && random_.chance(1, 2));
    byte = repeats && i >= token_bytes ? (*bytes)[i - token_bytes]
                                       : static_cast<std::uint8_t>(random_.bits(8));
  }
  return bytes;
}

// Floats of whole tokens of the slice.
std::vector<std::uint8_t> Stimulus::raw_tokens(std::size_t count, const SliceOptions& options) {
  std::vector<std::uint8_t> bytes;
  for (std::size_t token = 0; token < count; ++token) {
    if (options.tokens == Tokens::kFew && !pool_.empty()) {
      const std::vector<std::uint8_t>& chosen = random_.pick(pool_);
      bytes.insert(bytes.end(), chosen.begin(), chosen.end());
      continue;
    }
    for (std::size_t i = 0; i < config_.slice_channels(); ++i) {
      // In steps of a quarter: ties of the rounding too. The range is a little wider than 12 bits.
      const double steps = static_cast<double>(random_.between(-9000, 9000)) / 4.0;
      std::uint16_t bits = half(std::ldexp(steps, -static_cast<int>(fraction_)), options.bfloat16);
      if (options.tokens == Tokens::kZero && i < zero_.size() && zero_[i]) bits = 0;
      if (options.tokens == Tokens::kWidest) {
        bits = half(random_.pick({-65504.0, 65504.0, 65504.0, -40000.0}), options.bfloat16);
      }
      if (options.tokens == Tokens::kSpecial && random_.chance(1, 4)) {
        bits = special(options.bfloat16);
      }
      bytes.push_back(static_cast<std::uint8_t>(bits));
      bytes.push_back(static_cast<std::uint8_t>(bits >> 8));
    }
  }
  return bytes;
}

// ---- Commands -----------------------------------------------------------------------------------

Command Stimulus::table() {
  const Stream stream = codebook_k();
  // The flag and the count mean nothing to TABLE.
  return {
      Operation::kTable, random_.chance(1, 2), static_cast<unsigned>(random_.below(8)), stream, 0,
      stream->size()};
}

Command Stimulus::score(bool first, unsigned tokens, Codes kind) {
  const Stream stream = codes(tokens, kind);
  return {Operation::kScore, first, tokens, stream, 0, stream->size()};
}

Command Stimulus::accumulate(bool first, unsigned tokens, Codes kind) {
  const Stream stream = codes(tokens, kind);
  return {Operation::kAccumulate, first, tokens, stream, 0, stream->size()};
}

Command Stimulus::combine(bool first) {
  const Stream stream = codebook_v();
  return {Operation::kCombine, first, static_cast<unsigned>(random_.below(8)), stream, 0,
          stream->size()};
}

Command Stimulus::encode() {
  // Of keys or values, as CONTROL says; the flag and the count mean nothing.
  const Stream stream = codebook_k();
  return {
      Operation::kEncode, random_.chance(1, 2), static_cast<unsigned>(random_.below(8)), stream, 0,
      stream->size()};
}

Command Stimulus::load(const SliceOptions& options) {
  SliceOptions format = options;
  format.bfloat16 = options.raw_centroids && options.bfloat16;
  const auto stream =
      std::make_shared<const std::vector<std::uint8_t>>(raw_tokens(config_.centroids(), format));
  return {
      Operation::kLoad, options.raw_centroids, static_cast<unsigned>(random_.below(8)), stream, 0,
      stream->size()};
}

Command Stimulus::cluster(unsigned tokens, const SliceOptions& options) {
  const std::size_t block = config_.word_bytes();
  auto stream = std::make_shared<std::vector<std::uint8_t>>();
  for (unsigned done = 0; done < tokens; done += static_cast<unsigned>(block)) {
    for (std::size_t i = 0; i < block; ++i) {
      stream->push_back(static_cast<std::uint8_t>(options.weights == Weights::kZero      ? 0
                                                  : options.weights == Weights::kLargest ? 255
                                                  : random_.chance(1, 4)
                                                      ? random_.pick({0, 255})
                                                      : static_cast<int>(random_.bits(8))));
    }
    const std::vector<std::uint8_t> floats =
        raw_tokens(std::min<std::size_t>(block, tokens - done), options);
    stream->insert(stream->end(), floats.begin(), floats.end());
  }
  return {Operation::kCluster, random_.chance(1, 2), tokens, stream, 0, stream->size()};
}

Command Stimulus::unload() {
  // Only the number of words counts.
  auto stream = std::make_shared<std::vector<std::uint8_t>>(
      std::size_t{config_.centroids()} * config_.record_words() * config_.word_bytes());
  for (std::uint8_t& byte : *stream) byte = static_cast<std::uint8_t>(random_.bits(8));
  return {
      Operation::kUnload, random_.chance(1, 2), static_cast<unsigned>(random_.below(8)), stream, 0,
      stream->size()};
}

Command Stimulus::any_command(unsigned most_tokens) {
  const bool first = random_.chance(1, 2);
  // Counts around the size of the memory are refused more often than not.
  const auto tokens = static_cast<unsigned>(
      random_.chance(1, 8) ? random_.between(config_.score_depth - 2, 2 * config_.score_depth - 1)
                           : random_.below(most_tokens + 1));
  // Those never take words: nobody has scored so much.
  const unsigned streamed = tokens > config_.score_depth ? 0 : tokens;
  switch (random_.below(12)) {
    case 0:
      return table();
    case 1:
    case 2: {
      Command command = score(first, streamed);
      command.tokens = tokens;
      return command;
    }
    case 3:
    case 4: {
      Command command = accumulate(first, streamed);
      command.tokens = tokens;
      return command;
    }
    case 5:
      return combine(first);
    case 6:
      return encode();
    case 7:
      return load(random_slice(0));
    case 8:
      return unload();
    default: {
      // Broken groups are refused.
      const unsigned whole = streamed / config_.token_slots() * config_.token_slots();
      Command command = cluster(whole, random_slice(0));
      command.tokens = random_.chance(1, 4) ? tokens : whole;
      return command;
    }
  }
}

// ---- Sequences ----------------------------------------------------------------------------------

Pace Stimulus::random_pace() {
  return random_.pick({Pace::back_to_back(), Pace::back_to_back(), Pace{2}, Pace{3}, Pace::random(),
                       Pace::random()});
}

QueryOptions Stimulus::random_query() {
  QueryOptions options;
  const auto kind = random_.below(16);
  options.values = kind == 0  ? Values::kZero
                   : kind < 3 ? Values::kSpecial
                   : kind < 7 ? Values::kWild
                              : Values::kTidy;
  options.spread = random_.pick({0.1, 1.0, 4.0, 4.0, 16.0, 16.0, 64.0, 500.0});
  options.bfloat16 = random_.chance(1, 2);
  options.bias_run = static_cast<unsigned>(random_.pick<std::int64_t>(
      {0, 0, 0, 8, 8, 128, 16, random_.between(9, 127), random_.between(9, 127)}));
  options.clear_flags = random_.chance(3, 4);
  return options;
}

TileOptions Stimulus::random_tile(unsigned most_tokens) {
  TileOptions options;
  options.windows.clear();
  const std::uint64_t windows = random_.pick({1, 1, 1, 2, 2, 3});
  for (std::uint64_t w = 0; w < windows; ++w) {
    options.windows.push_back(static_cast<unsigned>(random_.pick<std::uint64_t>(
        {random_.below(3), random_.below(20), random_.below(20), random_.below(most_tokens + 1)})));
  }
  options.codes = random_.pick({Codes::kUniform, Codes::kRepeating, Codes::kAllEqual});
  options.pace = random_pace();
  options.delay = static_cast<unsigned>(random_.chance(1, 2) ? 0 : random_.below(40));
  options.parts = static_cast<unsigned>(random_.pick({1, 1, 2, 3}));
  options.eager = random_.chance(1, 2);
  options.prepare_next = random_.chance(1, 4);
  return options;
}

SliceOptions Stimulus::random_slice(unsigned most_tokens) {
  SliceOptions options;
  options.tokens = random_.pick({Tokens::kUniform, Tokens::kUniform, Tokens::kFew, Tokens::kZero,
                                 Tokens::kWidest, Tokens::kSpecial});
  options.weights = random_.pick(
      {Weights::kUniform, Weights::kUniform, Weights::kUniform, Weights::kZero, Weights::kLargest});
  options.bfloat16 = random_.chance(1, 2);
  options.raw_centroids = random_.chance(1, 2);
  options.passes.clear();
  for (std::uint64_t pass = random_.below(4); pass > 0; --pass) {
    const auto tokens = static_cast<unsigned>(random_.below(most_tokens / 3 + 1));
    options.passes.push_back(tokens / config_.token_slots() * config_.token_slots());
  }
  options.unloads = static_cast<unsigned>(random_.pick({0, 1, 1, 1, 2}));
  options.pace = random_pace();
  options.delay = static_cast<unsigned>(random_.chance(1, 2) ? 0 : random_.below(40));
  options.eager = random_.chance(1, 2);
  return options;
}

template <class Options>
void Stimulus::add_command(Sequence& sequence, Command command, const Options& options) {
  sequence.push_back({Start{std::move(command), options.pace, options.delay, std::nullopt},
                      options.eager ? When::now() : When::idle()});
}

Sequence Stimulus::tile(const TileOptions& options) {
  Sequence sequence;
  const auto split = [&](unsigned tokens, const auto& command) {
    unsigned left = tokens;
    for (unsigned part = 0; part < options.parts; ++part) {
      const unsigned count =
          part + 1 == options.parts ? left : static_cast<unsigned>(random_.below(left + 1));
      left -= count;
      command(count, part == 0);
    }
  };
  bool first = true;
  for (const unsigned tokens : options.windows) {
    add_command(sequence, table(), options);
    split(tokens, [&](unsigned count, bool first_part) {
      add_command(sequence, score(first && first_part, count, options.codes), options);
    });
    first = false;
  }
  first = true;
  std::vector<RegisterWrite> next;
  if (options.prepare_next) next = registers(random_query());
  std::size_t written = 0;
  const auto write_some = [&](std::size_t count) {
    for (; count > 0 && written < next.size(); --count, ++written) {
      sequence.push_back({Write{next[written]}, When::in(Phase::kFill)});
    }
  };
  for (const unsigned tokens : options.windows) {
    split(tokens, [&](unsigned count, bool first_part) {
      add_command(sequence, accumulate(first && first_part, count, options.codes), options);
      write_some(3);
    });
    add_command(sequence, combine(first), options);
    write_some(next.size());
    first = false;
  }
  if (options.read) sequence.push_back({Read{}, When::idle()});
  prepared_ = options.prepare_next;
  return sequence;
}

Sequence Stimulus::slice(const SliceOptions& options) {
  fraction_ = static_cast<unsigned>(random_.between(config_.score_fraction, kLargestFraction));
  pool_.clear();
  for (int i = 0; i < 3; ++i) pool_.push_back(raw_tokens(1, options));
  zero_.clear();
  for (unsigned i = 0; i < config_.slice_channels(); ++i) zero_.push_back(random_.chance(1, 2));

  Sequence sequence;
  sequence.push_back(
      {Write{control(fraction_, 0, options.bfloat16, random_.chance(3, 4))}, When::idle()});
  // Zero for most sub-spaces, or the tokens would all saturate.
  std::vector<std::uint8_t> shifts(config_.subspaces());
  for (std::uint8_t& shift : shifts) {
    shift = static_cast<std::uint8_t>(random_.chance(1, 8) ? random_.below(3) : 0);
  }
  for (unsigned i = 0; i * config_.word_bytes() < shifts.size(); ++i) {
    sequence.push_back({Write{bytes_write(RegisterSelect::kShift, i, shifts)}, When::now()});
  }
  add_command(sequence, load(options), options);
  for (const unsigned tokens : options.passes) {
    add_command(sequence, cluster(tokens, options), options);
  }
  for (unsigned i = 0; i < options.unloads; ++i) add_command(sequence, unload(), options);
  // What the query registers hold now is no query.
  prepared_ = false;
  return sequence;
}

Sequence Stimulus::encoding(Pace pace, unsigned delay, bool eager) {
  return {{Start{encode(), pace, delay, std::nullopt}, eager ? When::now() : When::idle()},
          {ReadCodeWords{}, When::idle()}};
}

Item Stimulus::disturbance(unsigned operation_words) {
  const auto words = random_.below(operation_words + 1);
  const When when = random_.pick({When::idle(), When::now(), When::in(Phase::kFill),
                                  When::in(Phase::kStream, words), When::in(Phase::kDrain)});
  switch (random_.below(4)) {
    case 0:
      // In an open stream it would be one of the words.
      return {StrayWord{word()}, random_.pick({When::idle(), When::in(Phase::kDrain)})};
    case 1: {
      // The status word is not stable while an operation runs.
      const unsigned status = config_.output_words();
      const auto index = static_cast<unsigned>(
          random_.chance(1, 2) ? random_.below(status)
                               : status + 1 + random_.below(config_.token_words() + 1));
      return {Read{index, 1}, when};
    }
    case 2:
      return {Wait{static_cast<unsigned>(random_.below(20))}, When::now()};
    default:
      return {Write{any_write()}, when};
  }
}

Sequence Stimulus::episode(unsigned most_tokens) {
  Sequence items;
  const bool clusters = config_.quantize != 0 && random_.chance(1, 3);
  const bool encodes = config_.quantize != 0 && random_.chance(1, 3);
  if (clusters) {
    items = slice(random_slice(most_tokens));
  } else {
    if (!prepared_ || random_.chance(1, 2)) items = all_registers(random_query());
    if (encodes) {
      const Sequence encoded = encoding(random_pace(), 0, random_.chance(1, 2));
      items.insert(items.end(), encoded.begin(), encoded.end());
    }
    const Sequence scored = tile(random_tile(most_tokens));
    items.insert(items.end(), scored.begin(), scored.end());
  }
  const bool disturbed = random_.chance(1, 3);
  Sequence sequence;
  for (Item& item : items) {
    const bool starts = std::holds_alternative<Start>(item.what);
    sequence.push_back(std::move(item));
    if (starts && disturbed && random_.chance(1, 4)) sequence.push_back(disturbance(64));
  }
  if (random_.chance(1, 8)) sequence.push_back({Read{}, When::idle()});
  return sequence;
}

Sequence Stimulus::chaos(unsigned steps) {
  Sequence sequence;
  for (unsigned step = 0; step < steps; ++step) {
    if (random_.chance(1, 2)) {
      Start start{any_command(12), random_pace(), static_cast<unsigned>(random_.below(4)),
                  std::nullopt};
      if (random_.chance(1, 3)) start.write = any_write();
      sequence.push_back({std::move(start), random_.pick({When::idle(), When::now()})});
    } else {
      sequence.push_back(disturbance(16));
    }
  }
  sequence.push_back({Read{}, When::idle()});
  return sequence;
}

}  // namespace aqpim::tb
