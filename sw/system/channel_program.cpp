// SPDX-License-Identifier: Apache-2.0
#include "sw/system/channel_program.h"

#include <algorithm>
#include <stdexcept>

#include "sw/golden/channel.h"
#include "sw/system/registers.h"
#include "sw/system/slice.h"

namespace aqpim::system {

namespace {

using config::kBeatBytes;
using golden::Beat;
using golden::HostCommand;
using golden::HostOpcode;

// Rows of one access: a field of 16 bits counts its beats.
constexpr unsigned kMostRows = 64;

}  // namespace

std::vector<Beat> to_beats(std::span<const std::uint8_t> bytes) {
  std::vector<Beat> beats((bytes.size() + kBeatBytes - 1) / kBeatBytes, Beat{});
  for (std::size_t i = 0; i < bytes.size(); ++i) beats[i / kBeatBytes][i % kBeatBytes] = bytes[i];
  return beats;
}

std::vector<std::uint8_t> to_bytes(std::span<const Beat> beats) {
  std::vector<std::uint8_t> bytes;
  bytes.reserve(beats.size() * kBeatBytes);
  for (const Beat& beat : beats) bytes.insert(bytes.end(), beat.begin(), beat.end());
  return bytes;
}

std::vector<Beat> halves_to_beats(std::span<const std::uint16_t> halves) {
  std::vector<std::uint8_t> bytes;
  bytes.reserve(2 * halves.size());
  for (const std::uint16_t half : halves) {
    bytes.push_back(static_cast<std::uint8_t>(half));
    bytes.push_back(static_cast<std::uint8_t>(half >> 8));
  }
  return to_beats(bytes);
}

RankCommands::RankCommands(const config::ChannelShape& shape, const Placement& placement,
                           unsigned rank, unsigned context)
    : shape_(shape), placement_(placement), rank_(rank), context_(context) {}

HostCommand RankCommands::command(HostOpcode opcode,
                                  std::initializer_list<std::size_t> fields) const {
  HostCommand made{
      .opcode = opcode, .rank = rank_, .context = context_, .fields = {}, .payload = {}};
  std::ranges::transform(fields, made.fields.begin(),
                         [](std::size_t field) { return static_cast<std::uint16_t>(field); });
  return made;
}

HostCommand RankCommands::set_config() const {
  const golden::Context& context = placement_.context();
  return command(HostOpcode::kSetConfig,
                 {context.codebooks[0].first, context.codebooks[1].first, context.codebooks[0].rows,
                  context.codes[0].first, context.codes[1].first, context.codes[0].rows,
                  context.window_rows, context.raw.first, context.raw.rows});
}

// ---- Memory -------------------------------------------------------------------------------------

unsigned RankCommands::beats_per_row(unsigned bank) const {
  const bool striped = bank == shape_.memory.banks();
  return shape_.memory.columns * (striped ? shape_.memory.banks() : 1);
}

std::vector<HostCommand> RankCommands::write(unsigned bank, unsigned row,
                                             std::span<const Beat> beats) const {
  const std::size_t most = std::size_t{kMostRows} * beats_per_row(bank);
  std::vector<HostCommand> commands;
  while (!beats.empty()) {
    const std::size_t count = std::min(beats.size(), most);
    HostCommand& made = commands.emplace_back(command(HostOpcode::kWrite, {bank, row, 0, count}));
    made.payload.assign(beats.begin(), beats.begin() + static_cast<std::ptrdiff_t>(count));
    beats = beats.subspan(count);
    row += kMostRows;
  }
  return commands;
}

std::vector<HostCommand> RankCommands::write_striped(unsigned row,
                                                     std::span<const std::uint8_t> stream) const {
  return write(shape_.memory.banks(), row, to_beats(stream));
}

std::vector<HostCommand> RankCommands::write_local(unsigned row,
                                                   std::span<const Bytes> streams) const {
  const unsigned banks = shape_.banks_per_engine;
  std::vector<std::vector<Beat>> beats;
  std::size_t most = 0;
  for (const Bytes& stream : streams) {
    beats.push_back(to_beats(stream));
    most = std::max(most, beats.back().size());
  }
  const auto filled = [](const std::vector<Beat>& list) { return !list.empty(); };
  if (std::ranges::count_if(beats, filled) == 1) {
    const auto alone = std::ranges::find_if(beats, filled);
    const auto engine = static_cast<unsigned>(alone - beats.begin());
    std::vector<HostCommand> commands;
    for (unsigned bank = 0; bank < banks; ++bank) {
      std::vector<Beat> own;
      for (std::size_t i = bank; i < alone->size(); i += banks) own.push_back((*alone)[i]);
      std::ranges::move(write(engine * banks + bank, row, own), std::back_inserter(commands));
    }
    return commands;
  }
  // Beat k of each bank, the banks in turn.
  std::vector<Beat> striped;
  const std::size_t per_bank = (most + banks - 1) / banks;
  for (std::size_t i = 0; i < per_bank * shape_.memory.banks(); ++i) {
    const unsigned bank = shape_.bank_in_turn(static_cast<unsigned>(i % shape_.memory.banks()));
    const std::size_t at = i / shape_.memory.banks() * banks + bank % banks;
    const std::vector<Beat>& own = beats[bank / banks];
    striped.push_back(at < own.size() ? own[at] : Beat{});
  }
  return write(shape_.memory.banks(), row, striped);
}

std::vector<HostCommand> RankCommands::read_local(unsigned row, std::size_t beats) const {
  const unsigned banks = shape_.banks_per_engine;
  std::size_t left = (beats + banks - 1) / banks * shape_.memory.banks();
  const std::size_t most = std::size_t{kMostRows} * beats_per_row(shape_.memory.banks());
  std::vector<HostCommand> commands;
  for (; left != 0; row += kMostRows) {
    const std::size_t count = std::min(left, most);
    commands.push_back(command(HostOpcode::kRead, {shape_.memory.banks(), row, 0, count}));
    left -= count;
  }
  return commands;
}

std::vector<RankCommands::Bytes> RankCommands::local_streams(std::span<const Beat> data) const {
  const unsigned banks = shape_.banks_per_engine;
  std::vector<std::vector<Beat>> beats(
      shape_.engines(), std::vector<Beat>(data.size() / shape_.memory.banks() * banks));
  for (std::size_t i = 0; i < data.size(); ++i) {
    const unsigned bank = shape_.bank_in_turn(static_cast<unsigned>(i % shape_.memory.banks()));
    beats[bank / banks][i / shape_.memory.banks() * banks + bank % banks] = data[i];
  }
  std::vector<Bytes> streams;
  for (const std::vector<Beat>& own : beats) streams.push_back(to_bytes(own));
  return streams;
}

// ---- Engines in turn ----------------------------------------------------------------------------

std::vector<Beat> RankCommands::in_turn(std::span<const std::vector<Beat>> lists) const {
  std::vector<Beat> beats;
  for (std::size_t b = 0; b < lists[0].size(); ++b) {
    for (unsigned i = 0; i < shape_.engines(); ++i) {
      beats.push_back(lists[shape_.engine_in_turn(i)][b]);
    }
  }
  return beats;
}

std::vector<std::vector<Beat>> RankCommands::out_of_turn(std::span<const Beat> beats) const {
  std::vector<std::vector<Beat>> lists(shape_.engines());
  for (std::size_t i = 0; i < beats.size(); ++i) {
    lists[shape_.engine_in_turn(static_cast<unsigned>(i % shape_.engines()))].push_back(beats[i]);
  }
  return lists;
}

std::vector<Beat> RankCommands::registers(std::span<const std::uint16_t> tokens,
                                          std::span<const std::uint8_t> control,
                                          std::span<const std::uint8_t> shifts) const {
  std::vector<Beat> beats = halves_to_beats(tokens);
  beats.resize(1);
  beats.push_back(to_beats(control).at(0));
  std::ranges::move(to_beats(shifts), std::back_inserter(beats));
  beats.resize(2 + shape_.shift_beats());
  return beats;
}

// ---- Clustering and encoding --------------------------------------------------------------------

HostCommand RankCommands::set_cluster(bool values, std::span<const std::uint16_t> tokens) const {
  HostCommand made = command(HostOpcode::kSetVectors, {0});
  const auto control =
      control_write({.table_fraction = kRawFraction, .values = values}, shape_.engine);
  made.payload = registers(tokens, control.data, {});
  return made;
}

HostCommand RankCommands::cluster(bool values, std::size_t tokens,
                                  std::span<const Bytes> starts) const {
  HostCommand made = command(HostOpcode::kCluster, {std::size_t{values}, tokens, 0});
  if (placement_.scope_rank()) {
    made.payload = to_beats(starts[0]);
    return made;
  }
  std::vector<std::vector<Beat>> beats;
  for (const Bytes& start : starts) {
    beats.push_back(to_beats(start));
    beats.back().resize(shape_.slice_beats());
  }
  made.payload = in_turn(beats);
  return made;
}

std::vector<RankCommands::Bytes> RankCommands::elements(const golden::HostAnswer& answer) const {
  std::vector<Bytes> elements;
  const std::size_t beats = shape_.element_beats();
  for (std::size_t at = 0; at < answer.elements.size(); at += beats) {
    elements.push_back(to_bytes(std::span(answer.elements).subspan(at, beats)));
  }
  return elements;
}

HostCommand RankCommands::set_vectors(
    bool values, std::span<const std::span<const std::uint16_t>> vectors) const {
  HostCommand made = command(HostOpcode::kSetVectors, {1});
  std::vector<std::uint16_t> tokens;
  std::vector<std::vector<Beat>> beats;
  for (const std::span<const std::uint16_t> vector : vectors) {
    tokens.push_back(vector.empty() ? 0 : 1);
    beats.push_back(halves_to_beats(vector));
    beats.back().resize(shape_.query_beats());
  }
  const auto control =
      control_write({.table_fraction = kRawFraction, .values = values}, shape_.engine);
  made.payload = registers(tokens, control.data, {});
  std::ranges::move(in_turn(beats), std::back_inserter(made.payload));
  return made;
}

HostCommand RankCommands::encode(bool values, std::size_t place) const {
  const std::size_t row = place / shape_.tokens_per_row();
  return command(HostOpcode::kEncode, {std::size_t{values}, placement_.slot(place), row,
                                       place % shape_.tokens_per_row()});
}

// ---- Attention ----------------------------------------------------------------------------------

HostCommand RankCommands::set_query(const PreparedQuery& query,
                                    std::span<const std::uint16_t> tokens,
                                    std::span<const TileBiases> biases) const {
  std::vector<std::vector<Beat>> beats;
  std::size_t bias_beats = 0;
  for (const TileBiases& own : biases) {
    const std::vector<std::uint16_t> bits(own.biases.begin(), own.biases.end());
    beats.push_back(halves_to_beats(bits));
    bias_beats = std::max(bias_beats, beats.back().size());
  }
  for (std::vector<Beat>& own : beats) own.resize(bias_beats);
  const bool each = biases.size() > 1;

  HostCommand made = command(HostOpcode::kSetQuery, {bias_beats, std::size_t{each}});
  const auto control = control_write({.table_fraction = query.table_fraction,
                                      .bfloat16 = query.format == QueryFormat::kBfloat16,
                                      .values = false,
                                      .run = placement_.bias_run()},
                                     shape_.engine);
  made.payload = registers(tokens, control.data, query.shifts);
  std::ranges::move(halves_to_beats(query.elements), std::back_inserter(made.payload));
  std::ranges::move(each ? in_turn(beats) : beats.at(0), std::back_inserter(made.payload));
  return made;
}

HostCommand RankCommands::attend(std::size_t tokens, std::size_t tile) const {
  const std::size_t first = tile * placement_.tile_tokens();
  const std::size_t slots = placement_.scope_rank()
                                ? 1
                                : placement_.slot(first + tokens - 1) - placement_.slot(first) + 1;
  return command(HostOpcode::kAttend,
                 {tokens, first / shape_.tokens_per_row(), placement_.slot(first), slots});
}

HostCommand RankCommands::result() const { return command(HostOpcode::kResult, {}); }

std::vector<golden::Result> RankCommands::results(const golden::HostAnswer& answer) const {
  std::vector<golden::Result> results;
  for (const std::vector<Beat>& own : out_of_turn(answer.data)) {
    results.push_back(golden::unpack_result(own, shape_.engine));
  }
  return results;
}

}  // namespace aqpim::system
