// SPDX-License-Identifier: Apache-2.0
#include "sw/golden/channel.h"

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>
#include <string>
#include <utility>

#include "sw/golden/reducer.h"

namespace aqpim::golden {
namespace {

using config::kBeatBytes;
using Bytes = std::vector<std::uint8_t>;

// Assignment and update of a slice.
constexpr unsigned kPasses = 4;

// Bytes of an output in a result: those of bits 31:0, and the one of bits 39:32.
constexpr std::size_t kLowBytes = 4;
constexpr unsigned kHighShift = 8 * kLowBytes;

// Places in a beat of tokens, and in the status beat.
constexpr std::size_t kTokensBytes = 2;
constexpr std::size_t kMaximumAt = 4;
constexpr std::size_t kFlagsAt = 6;

std::uint64_t number(std::span<const std::uint8_t> bytes) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < bytes.size(); ++i) value |= std::uint64_t{bytes[i]} << 8 * i;
  return value;
}

void append(Bytes& bytes, std::uint64_t value, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i)
    bytes.push_back(static_cast<std::uint8_t>(value >> 8 * i));
}

// `bytes` fill whole beats.
std::vector<Beat> beats_of(std::span<const std::uint8_t> bytes) {
  std::vector<Beat> beats(bytes.size() / kBeatBytes);
  for (std::size_t i = 0; i < beats.size(); ++i) {
    std::ranges::copy(bytes.subspan(i * kBeatBytes, kBeatBytes), beats[i].begin());
  }
  return beats;
}

Bytes bytes_of(std::span<const Beat> beats) {
  Bytes bytes;
  bytes.reserve(beats.size() * kBeatBytes);
  for (const Beat& beat : beats) bytes.insert(bytes.end(), beat.begin(), beat.end());
  return bytes;
}

Command whole(Operation operation, bool first, unsigned tokens,
              const std::shared_ptr<const Bytes>& stream, std::size_t bytes) {
  return {operation, first, tokens, stream, 0, bytes};
}

// Words of registers from the first one on.
void write_registers(Engine& engine, RegisterSelect select, std::span<const Beat> beats,
                     std::size_t word_bytes) {
  const Bytes bytes = bytes_of(beats);
  for (std::size_t at = 0; at < bytes.size(); at += word_bytes) {
    const auto word = std::span(bytes).subspan(at, word_bytes);
    engine.write({select, static_cast<unsigned>(at / word_bytes), Bytes(word.begin(), word.end())});
  }
}

}  // namespace

// ---- Results ------------------------------------------------------------------------------------

std::vector<Beat> pack_result(const Result& result) {
  Bytes bytes;
  for (const std::int64_t output : result.outputs) {
    append(bytes, static_cast<std::uint64_t>(output), kLowBytes);
  }
  for (const std::int64_t output : result.outputs) {
    append(bytes, static_cast<std::uint64_t>(output) >> kHighShift, 1);
  }
  append(bytes, result.weight_sum, kMaximumAt);
  append(bytes, static_cast<std::uint64_t>(result.maximum), kFlagsAt - kMaximumAt);
  append(bytes, result.flags, sizeof result.flags);
  bytes.resize((bytes.size() + kBeatBytes - 1) / kBeatBytes * kBeatBytes);
  return beats_of(bytes);
}

Result unpack_result(std::span<const Beat> beats, const config::EngineConfig& engine) {
  const Bytes bytes = bytes_of(beats);
  const std::size_t outputs = engine.head_dim;
  Result result;
  for (std::size_t i = 0; i < outputs; ++i) {
    const std::uint64_t low = number(std::span(bytes).subspan(i * kLowBytes, kLowBytes));
    const auto high = static_cast<std::int8_t>(bytes[outputs * kLowBytes + i]);
    result.outputs.push_back(static_cast<std::int64_t>(
        static_cast<std::uint64_t>(std::int64_t{high}) << kHighShift | low));
  }
  const auto status = std::span(bytes).subspan(outputs * (kLowBytes + 1));
  result.weight_sum = static_cast<std::uint32_t>(number(status.first(kMaximumAt)));
  result.maximum = static_cast<std::int16_t>(number(status.subspan(kMaximumAt, 2)));
  result.flags = static_cast<std::uint16_t>(number(status.subspan(kFlagsAt, 2)));
  return result;
}

// ---- Memory -------------------------------------------------------------------------------------

Channel::Channel(const config::ChannelShape& shape, Untouched untouched)
    : shape_(shape), untouched_(std::move(untouched)), rules_(shape) {
  const std::string obstacle = config::obstacle_of(shape);
  if (!obstacle.empty()) throw std::invalid_argument(obstacle);
  for (unsigned rank = 0; rank < shape.memory.ranks; ++rank) {
    ranks_.push_back({.engines = std::vector<Engine>(shape.engines(), Engine(shape.engine)),
                      .tokens = std::vector<unsigned>(shape.engines()),
                      .results = {}});
  }
}

const Engine& Channel::engine(unsigned rank, unsigned index) const {
  return ranks_.at(rank).engines.at(index);
}

std::size_t Channel::key(unsigned rank, unsigned bank, unsigned row, unsigned column) const {
  const config::MemoryOrganization& memory = shape_.memory;
  if (rank >= memory.ranks || bank >= memory.banks() || row >= memory.rows ||
      column >= memory.columns) {
    throw std::out_of_range(
        fmt::format("no beat at rank {}, bank {}, row {}, column {}", rank, bank, row, column));
  }
  return ((std::size_t{rank} * memory.banks() + bank) * memory.rows + row) * memory.columns +
         column;
}

std::size_t Channel::striped_key(unsigned rank, unsigned row, std::size_t i) const {
  const std::size_t turn = i / shape_.memory.banks();
  return key(rank, shape_.bank_in_turn(static_cast<unsigned>(i)),
             row + static_cast<unsigned>(turn / shape_.memory.columns),
             static_cast<unsigned>(turn % shape_.memory.columns));
}

std::size_t Channel::local_key(unsigned rank, unsigned engine, unsigned row, std::size_t i) const {
  const std::size_t turn = i / shape_.banks_per_engine;
  return key(rank,
             engine * shape_.banks_per_engine + static_cast<unsigned>(i % shape_.banks_per_engine),
             row + static_cast<unsigned>(turn / shape_.memory.columns),
             static_cast<unsigned>(turn % shape_.memory.columns));
}

Beat Channel::at(std::size_t key) const {
  const auto written = beats_.find(key);
  if (written != beats_.end()) return written->second;
  if (!untouched_) return {};
  const config::MemoryOrganization& memory = shape_.memory;
  const std::size_t row = key / memory.columns;
  const std::size_t bank = row / memory.rows;
  return untouched_(
      static_cast<unsigned>(bank / memory.banks()), static_cast<unsigned>(bank % memory.banks()),
      static_cast<unsigned>(row % memory.rows), static_cast<unsigned>(key % memory.columns));
}

void Channel::store(unsigned rank, unsigned bank, unsigned row, unsigned column, const Beat& beat) {
  beats_[key(rank, bank, row, column)] = beat;
}

Beat Channel::stored(unsigned rank, unsigned bank, unsigned row, unsigned column) const {
  return at(key(rank, bank, row, column));
}

// ---- Streams ------------------------------------------------------------------------------------

Channel::Stream Channel::local_stream(unsigned rank, unsigned engine, unsigned row,
                                      std::size_t bytes) const {
  Bytes stream;
  for (std::size_t i = 0; i * kBeatBytes < bytes; ++i) {
    const Beat beat = at(local_key(rank, engine, row, i));
    stream.insert(stream.end(), beat.begin(), beat.end());
  }
  return std::make_shared<const Bytes>(std::move(stream));
}

std::vector<Channel::Stream> Channel::codebooks(const HostCommand& command, unsigned side,
                                                unsigned window) const {
  const Context& context = rules_.context(command.rank, command.context);
  const unsigned row = context.codebooks[side].first + window * rules_.codebook_rows(context);
  const std::size_t beats = shape_.codebook_beats();
  if (context.scope_rank()) {
    Bytes stream;
    for (std::size_t i = 0; i < beats; ++i) {
      const Beat beat = at(striped_key(command.rank, row, i));
      stream.insert(stream.end(), beat.begin(), beat.end());
    }
    return std::vector<Stream>(shape_.engines(), std::make_shared<const Bytes>(std::move(stream)));
  }
  std::vector<Stream> streams;
  for (unsigned e = 0; e < shape_.engines(); ++e) {
    streams.push_back(local_stream(command.rank, e, row, beats * kBeatBytes));
  }
  return streams;
}

// ---- Commands -----------------------------------------------------------------------------------

HostAnswer Channel::execute(const HostCommand& command) {
  HostAnswer answer{.code = check(command), .data = {}, .elements = {}};
  if (answer.code != AnswerCode::kOk) return answer;
  if (const std::size_t beats = rules_.payload_beats(command); command.payload.size() != beats) {
    throw std::invalid_argument(fmt::format("command {} takes {} beats of payload, not {}",
                                            static_cast<int>(command.opcode), beats,
                                            command.payload.size()));
  }
  rules_.accept(command);
  switch (command.opcode) {
    case HostOpcode::kSetConfig:
      break;
    case HostOpcode::kWrite:
      for (std::size_t i = 0; i < command.payload.size(); ++i) {
        beats_[access_key(command, i)] = command.payload[i];
      }
      break;
    case HostOpcode::kRead:
      for (std::size_t i = 0; i < AccessFields(command).beats; ++i) {
        answer.data.push_back(at(access_key(command, i)));
      }
      break;
    case HostOpcode::kSetQuery:
    case HostOpcode::kSetVectors:
      set_registers(command);
      break;
    case HostOpcode::kAttend:
      attend(command);
      break;
    case HostOpcode::kResult:
      answer.data = results(command);
      break;
    case HostOpcode::kEncode:
      encode(command);
      break;
    case HostOpcode::kCluster:
      answer.elements = cluster(command);
      break;
  }
  return answer;
}

std::size_t Channel::access_key(const HostCommand& command, std::size_t i) const {
  const AccessFields access(command);
  const std::size_t beat = access.first_beat + i;
  if (access.bank == shape_.memory.banks()) return striped_key(command.rank, access.row, beat);
  return key(command.rank, access.bank,
             access.row + static_cast<unsigned>(beat / shape_.memory.columns),
             static_cast<unsigned>(beat % shape_.memory.columns));
}

void Channel::set_registers(const HostCommand& command) {
  Rank& rank = ranks_[command.rank];
  const std::size_t word_bytes = shape_.engine.word_bytes();
  std::span<const Beat> rest = command.payload;
  const auto take = [&rest](std::size_t beats) {
    const auto taken = rest.first(beats);
    rest = rest.subspan(beats);
    return taken;
  };
  const Beat& tokens = take(1)[0];
  const Beat& control = take(1)[0];
  const std::span<const Beat> shifts = take(shape_.shift_beats());
  for (unsigned e = 0; e < shape_.engines(); ++e) {
    rank.tokens[e] =
        static_cast<unsigned>(number(std::span(tokens).subspan(e * kTokensBytes, kTokensBytes)));
    const auto word = std::span(control).first(word_bytes);
    rank.engines[e].write({RegisterSelect::kControl, 0, Bytes(word.begin(), word.end())});
    write_registers(rank.engines[e], RegisterSelect::kShift, shifts, word_bytes);
  }

  const auto write_all = [&](RegisterSelect select, std::span<const Beat> beats) {
    for (Engine& engine : rank.engines) write_registers(engine, select, beats, word_bytes);
  };
  const auto write_each = [&](RegisterSelect select, std::span<const Beat> beats) {
    for (unsigned i = 0; i < shape_.engines(); ++i) {
      std::vector<Beat> own;
      for (std::size_t at = i; at < beats.size(); at += shape_.engines()) own.push_back(beats[at]);
      write_registers(rank.engines[shape_.engine_in_turn(i)], select, own, word_bytes);
    }
  };
  if (command.opcode == HostOpcode::kSetVectors) {
    write_each(RegisterSelect::kQuery, rest);
    return;
  }
  write_all(RegisterSelect::kQuery, take(shape_.query_beats()));
  if (SetQueryFields(command).each == 1) {
    write_each(RegisterSelect::kBias, rest);
  } else {
    write_all(RegisterSelect::kBias, rest);
  }
}

void Channel::attend(const HostCommand& command) {
  const AttendFields fields(command);
  const Context& context = rules_.context(command.rank, command.context);
  const unsigned window_tokens = rules_.window_tokens(context);
  Rank& rank = ranks_[command.rank];
  const std::size_t token_bytes = std::size_t{shape_.beats_per_token()} * kBeatBytes;

  // An engine's tokens of window w of the tile.
  const auto tokens_of = [&](unsigned e, unsigned w) {
    const unsigned tokens = std::min(rank.tokens[e], fields.tokens);
    const unsigned before = w * window_tokens;
    return tokens <= before ? 0 : std::min(tokens - before, window_tokens);
  };
  const auto play_codebook = [&](Operation operation, unsigned side, unsigned w) {
    const std::vector<Stream> streams = codebooks(command, side, fields.first_window + w);
    for (unsigned e = 0; e < shape_.engines(); ++e) {
      rank.engines[e].command(whole(operation, w == 0, 0, streams[e], streams[e]->size()));
    }
  };
  const auto play_codes = [&](Operation operation, unsigned side, unsigned w) {
    const unsigned row = context.codes[side].first + fields.first_row + w * context.window_rows;
    for (unsigned e = 0; e < shape_.engines(); ++e) {
      const unsigned tokens = tokens_of(e, w);
      const std::size_t bytes = tokens * token_bytes;
      rank.engines[e].command(
          whole(operation, w == 0, tokens, local_stream(command.rank, e, row, bytes), bytes));
    }
  };

  for (unsigned w = 0; w < fields.windows; ++w) {
    play_codebook(Operation::kTable, 0, w);
    play_codes(Operation::kScore, 0, w);
  }
  for (unsigned w = 0; w < fields.windows; ++w) {
    play_codes(Operation::kAccumulate, 1, w);
    play_codebook(Operation::kCombine, 1, w);
  }
  std::vector<Result>& results = rank.results.emplace_back();
  for (const Engine& engine : rank.engines) results.push_back(engine.result());
}

std::vector<Beat> Channel::results(const HostCommand& command) {
  std::deque<std::vector<Result>>& unread = ranks_[command.rank].results;
  std::vector<std::vector<Beat>> packed;
  for (const Result& result : unread.front()) packed.push_back(pack_result(result));
  unread.pop_front();
  std::vector<Beat> beats;
  for (unsigned b = 0; b < shape_.result_beats(); ++b) {
    for (unsigned i = 0; i < shape_.engines(); ++i) {
      beats.push_back(packed[shape_.engine_in_turn(i)][b]);
    }
  }
  return beats;
}

void Channel::encode(const HostCommand& command) {
  const EncodeFields fields(command);
  const Context& context = rules_.context(command.rank, command.context);
  Rank& rank = ranks_[command.rank];
  const std::vector<Stream> streams = codebooks(command, fields.side, fields.window);
  for (unsigned e = 0; e < shape_.engines(); ++e) {
    Engine& engine = rank.engines[e];
    engine.command(whole(Operation::kEncode, false, 0, streams[e], streams[e]->size()));
    if (rank.tokens[e] == 0) continue;
    const std::vector<Beat> codes = beats_of(engine.run({ReadCodes{}}).codes.at(0));
    for (std::size_t i = 0; i < codes.size(); ++i) {
      const std::size_t beat = std::size_t{fields.slot} * shape_.beats_per_token() + i;
      const unsigned row = context.codes[fields.side].first + fields.row;
      beats_[local_key(command.rank, e, row, beat)] = codes[i];
    }
  }
}

std::vector<Beat> Channel::cluster(const HostCommand& command) {
  const ClusterFields fields(command);
  const Context& context = rules_.context(command.rank, command.context);
  Rank& rank = ranks_[command.rank];
  const unsigned engines = shape_.engines();
  const bool values = fields.side == 1;

  std::vector<Stream> loads(engines);
  if (context.scope_rank()) {
    std::ranges::fill(loads, std::make_shared<const Bytes>(bytes_of(command.payload)));
  } else {
    for (unsigned i = 0; i < engines; ++i) {
      Bytes start;
      for (std::size_t at = i; at < command.payload.size(); at += engines) {
        start.insert(start.end(), command.payload[at].begin(), command.payload[at].end());
      }
      loads[shape_.engine_in_turn(i)] = std::make_shared<const Bytes>(std::move(start));
    }
  }

  std::vector<unsigned> tokens(engines);
  std::vector<Stream> raw(engines);
  for (unsigned e = 0; e < engines; ++e) {
    tokens[e] = std::min(rank.tokens[e], fields.tokens);
    const std::size_t words = rank.engines[e].words(Operation::kCluster, tokens[e]);
    raw[e] = local_stream(command.rank, e, context.raw.first + fields.first_row,
                          words * shape_.engine.word_bytes());
  }

  std::vector<Bytes> elements(context.scope_rank() ? 1 : engines);
  for (unsigned pass = 0; pass < kPasses; ++pass) {
    std::vector<Bytes> partials;
    for (unsigned e = 0; e < engines; ++e) {
      Engine& engine = rank.engines[e];
      const std::size_t words = engine.words(Operation::kCluster, tokens[e]);
      const std::size_t unload = engine.words(Operation::kUnload, 0);
      engine.command(whole(Operation::kLoad, pass == 0, 0, loads[e], loads[e]->size()));
      engine.command(
          whole(Operation::kCluster, false, tokens[e], raw[e], words * shape_.engine.word_bytes()));
      // UNLOAD answers each word of a stream, whatever it holds.
      const auto any = std::make_shared<const Bytes>(unload * shape_.engine.word_bytes());
      engine.command(whole(Operation::kUnload, false, 0, any, any->size()));
      partials.push_back(engine.unloaded());
    }
    if (context.scope_rank()) {
      Reduced reduced = reduce(partials, shape_.engine, values);
      std::ranges::fill(loads, std::make_shared<const Bytes>(std::move(reduced.centroids)));
      elements[0] = std::move(reduced.codebook);
      continue;
    }
    for (unsigned e = 0; e < engines; ++e) {
      Reduced reduced = reduce(std::span(partials).subspan(e, 1), shape_.engine, values);
      loads[e] = std::make_shared<const Bytes>(std::move(reduced.centroids));
      elements[e] = std::move(reduced.codebook);
    }
  }
  std::vector<Beat> beats;
  for (const Bytes& part : elements) {
    const std::vector<Beat> own = beats_of(part);
    beats.insert(beats.end(), own.begin(), own.end());
  }
  return beats;
}

}  // namespace aqpim::golden
