// SPDX-License-Identifier: Apache-2.0
#include "tb/channel/host_stimulus.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace aqpim::tb {
namespace {

using golden::AnswerCode;
using golden::Beat;
using golden::HostCommand;
using golden::HostOpcode;

// Accesses while a second ATTEND may have to wait for a RESULT.
constexpr unsigned kMostAccesses = 2;
constexpr unsigned kMostUnread = 2;

constexpr unsigned kLargestField = 0xffff;
constexpr unsigned kShortestRun = 8;
constexpr unsigned kLongestRun = 128;
constexpr unsigned kBiasesOfBeat = 16;

// Of raw vectors and centroids.
constexpr unsigned kRawFraction = 8;

}  // namespace

HostStimulus::HostStimulus(const config::ChannelShape& shape, const HostOptions& options,
                           Random random)
    : shape_(shape),
      options_(options),
      random_(std::move(random)),
      payloads_(shape_, random_),
      ranks_(shape.memory.ranks) {
  for (Rank& rank : ranks_) rank.unknown = below(golden::kContexts);
}

std::vector<HostStep> HostStimulus::program(std::size_t commands) {
  std::vector<HostStep> steps;
  while (steps.size() < commands) steps.push_back(next());
  for (rank_ = 0; rank_ < ranks_.size(); ++rank_) {
    while (state().unread != 0) {
      steps.push_back({command(HostOpcode::kResult, 0, {}), AnswerCode::kOk});
      accept(steps.back().command);
    }
  }
  return steps;
}

HostStep HostStimulus::next() {
  rank_ = below(ranks_.size());
  if (random_.chance(options_.bad_percent, 100)) {
    if (std::optional<HostStep> step = bad()) return *step;
  }
  HostStep step{good(), AnswerCode::kOk};
  accept(step.command);
  return step;
}

HostCommand HostStimulus::command(HostOpcode opcode, unsigned context,
                                  std::initializer_list<unsigned> fields) const {
  HostCommand command{
      .opcode = opcode, .rank = rank_, .context = context, .fields = {}, .payload = {}};
  std::ranges::transform(fields, command.fields.begin(),
                         [](unsigned field) { return static_cast<std::uint16_t>(field); });
  return command;
}

void HostStimulus::accept(const HostCommand& command) {
  Rank& rank = state();
  switch (command.opcode) {
    case HostOpcode::kSetConfig: {
      const auto& f = command.fields;
      rank.contexts[command.context] = Context{.codebooks = {{f[0], f[2]}, {f[1], f[2]}},
                                               .codes = {{f[3], f[5]}, {f[4], f[5]}},
                                               .raw = {f[7], f[8]},
                                               .window_rows = f[6]};
      break;
    }
    case HostOpcode::kSetQuery:
      rank.setup = Setup::kQuery;
      break;
    case HostOpcode::kSetVectors:
      rank.setup = command.fields[0] == 0 ? Setup::kControl : Setup::kVectors;
      break;
    case HostOpcode::kAttend:
      rank.setup = Setup::kNone;
      ++rank.unread;
      rank.accesses = 0;
      break;
    case HostOpcode::kResult:
      --rank.unread;
      break;
    case HostOpcode::kEncode:
    case HostOpcode::kCluster:
      rank.setup = Setup::kNone;
      break;
    case HostOpcode::kWrite:
    case HostOpcode::kRead:
      ++rank.accesses;
      break;
  }
}

// ---- Good commands ------------------------------------------------------------------------------

HostCommand HostStimulus::good() {
  Rank& rank = state();
  if (rank.planned) return *std::exchange(rank.planned, std::nullopt);
  if (!any_context() || random_.chance(1, 25)) return set_config();
  const bool blocked = rank.unread == kMostUnread;
  if (rank.unread != 0 && random_.chance(1, blocked ? 3 : 6)) {
    return command(HostOpcode::kResult, below(golden::kContexts), {});
  }
  if (random_.chance(1, blocked ? 2 : 4) && !(blocked && rank.accesses >= kMostAccesses)) {
    return access();
  }
  switch (rank.setup) {
    case Setup::kNone:
      if (random_.chance(1, 2)) return set_query();
      return set_vectors(options_.cluster && random_.chance(1, shape_.engine.code_bits));
    case Setup::kQuery:
      if (!blocked) return attend(*any_context(), rank.tile);
      break;
    case Setup::kControl:
    case Setup::kVectors:
      if (rank.unread != 0) break;
      if (!rank.for_cluster) return encode(*any_context());
      if (Maybe made = cluster(*any_context(), rank.tile)) {
        const bool one = context_of(*made).window_rows == 0;
        made->payload = payloads_.raw_elements(shape_.slice_beats() * (one ? 1 : shape_.engines()));
        // Tokens first, and then their clusters.
        const HostCommand tokens = raw_tokens(*made);
        rank.planned = std::move(made);
        return tokens;
      }
      return set_config();
  }
  return command(HostOpcode::kResult, below(golden::kContexts), {});
}

HostCommand HostStimulus::set_config() {
  Context context;
  const bool rank_scope = random_.chance(1, 2);
  const unsigned most_rows = shape_.code_rows(shape_.engine.score_depth);
  // Windows of few rows, or one to four that are a full tile.
  if (!rank_scope) {
    context.window_rows = random_.chance(2, 3) ? random_.pick({1u, 1u, 2u, 3u})
                                               : std::max(most_rows / from(1, 4), 1u);
  }
  const unsigned codebook_rows = this->codebook_rows(context);
  const unsigned rows[] = {codebook_rows * from(rank_scope ? 1 : 2, 4) + below(codebook_rows),
                           random_.chance(1, 3) ? most_rows + below(8) : from(1, 8),
                           random_.chance(1, 12) ? 0 : from(1, 4)};
  // Two regions of codebooks, two of codes, one of raw tokens, in any order with gaps of any size.
  struct Place {
    Region* region;
    unsigned rows;
  };
  std::array<Place, 5> places = {Place{&context.codebooks[0], rows[0]},
                                 Place{&context.codebooks[1], rows[0]},
                                 Place{&context.codes[0], rows[1]},
                                 Place{&context.codes[1], rows[1]}, Place{&context.raw, rows[2]}};
  for (std::size_t i = places.size() - 1; i > 0; --i) std::swap(places[i], places[below(i + 1)]);
  unsigned left = shape_.memory.rows - 2 * rows[0] - 2 * rows[1] - rows[2];
  unsigned row = 0;
  for (const Place& place : places) {
    const unsigned gap = random_.chance(1, 3) ? 0 : below(left + 1);
    left -= gap;
    *place.region = {row + gap, place.rows};
    row += gap + place.rows;
  }
  // Or raw tokens are where codes will be.
  if (random_.chance(1, 6)) context.raw.first = context.codes[0].first;
  context.raw.first = std::min(context.raw.first, shape_.memory.rows - context.raw.rows);
  const unsigned index = (state().unknown + from(1, golden::kContexts - 1)) % golden::kContexts;
  return command(
      HostOpcode::kSetConfig, index,
      {context.codebooks[0].first, context.codebooks[1].first, rows[0], context.codes[0].first,
       context.codes[1].first, rows[1], context.window_rows, context.raw.first, rows[2]});
}

HostCommand HostStimulus::access() {
  const unsigned index = *any_context();
  const Context& context = *state().contexts[index];
  const auto regions = regions_of(context);
  const Region& region =
      regions[below(context.raw.rows != 0 ? regions.size() : regions.size() - 1)];
  const unsigned bank = random_.chance(1, 2) ? shape_.memory.banks() : below(shape_.memory.banks());
  const unsigned row_beats = beats_of_row(bank);
  const unsigned row = below(region.rows);
  const unsigned first = random_.chance(1, 3)   ? 0
                         : random_.chance(1, 3) ? row_beats - 1
                                                : below(row_beats);
  const unsigned most =
      std::min((region.rows - row) * row_beats - first, options_.large ? 600u : 40u);
  const unsigned beats = random_.chance(1, 5) ? 1 : from(1, most);
  HostCommand made = command(random_.chance(1, 2) ? HostOpcode::kWrite : HostOpcode::kRead, index,
                             {bank, region.first + row, first, beats});
  if (made.opcode == HostOpcode::kWrite) made.payload = contents(made, context.raw.first);
  return made;
}

// Raw regions hold streams of weights and tokens from `raw_row` on, the others any bytes.
std::vector<Beat> HostStimulus::contents(const HostCommand& access, unsigned raw_row) {
  const unsigned bank = access.fields[0], row = access.fields[1];
  const Region raw = context_of(access).raw;
  if (row < raw.first || row >= raw.first + raw.rows) return payloads_.any_beats(access.fields[3]);
  const unsigned banks = shape_.memory.banks();
  const bool striped = bank == banks;
  std::vector<Beat> beats;
  for (unsigned i = access.fields[2]; beats.size() < access.fields[3]; ++i) {
    const unsigned column = (row - raw_row) * shape_.memory.columns + (striped ? i / banks : i);
    const unsigned turn = (striped ? shape_.bank_in_turn(i) : bank) % shape_.banks_per_engine;
    beats.push_back(payloads_.raw_stream(column * shape_.banks_per_engine + turn));
  }
  return beats;
}

HostCommand HostStimulus::set_query() {
  Rank& rank = state();
  const unsigned depth = shape_.engine.score_depth;
  const unsigned per_row = shape_.tokens_per_row();
  const unsigned rows = from(per_row, 5 * per_row);
  rank.tile = random_.chance(1, options_.large ? 5 : 30)
                  ? depth
                  : random_.pick({1u, from(2, 16), from(2, per_row), per_row - 1, per_row,
                                  per_row + 1, rows, rows, rows, rows});
  rank.tile = std::min(rank.tile, depth);

  unsigned run = random_.chance(1, 2) ? 0 : from(kShortestRun, kLongestRun);
  if (rank.tile > run * shape_.engine.bias_depth) run = 0;
  const unsigned most = shape_.engine.bias_depth / kBiasesOfBeat;
  unsigned bias_beats = random_.chance(1, 3) ? from(0, most) : 0;
  if (run != 0) {
    const unsigned biases = (rank.tile + run - 1) / run;
    bias_beats = std::max(bias_beats, (biases + kBiasesOfBeat - 1) / kBiasesOfBeat);
  }
  const bool each = random_.chance(1, 2);
  const bool bfloat16 = random_.chance(1, 8);
  // Such a CONTROL is ignored.
  if (unfit()) run = random_.pick({from(1, kShortestRun - 1), from(kLongestRun + 1, 255)});
  HostCommand made =
      command(HostOpcode::kSetQuery, below(golden::kContexts), {bias_beats, each ? 1u : 0u});
  made.payload = {payloads_.tokens(rank.tile, false),
                  payloads_.control({.fraction = from(shape_.engine.score_fraction, 12),
                                     .run = run,
                                     .bfloat16 = bfloat16,
                                     .values = random_.chance(1, 2),
                                     .clear = random_.chance(3, 4)})};
  const unsigned engines = each ? shape_.engines() : 1;
  for (const auto& beats : {payloads_.shifts(random_.chance(1, 10) ? 16 : 5),
                            payloads_.query(bfloat16), payloads_.biases(bias_beats * engines)}) {
    made.payload.insert(made.payload.end(), beats.begin(), beats.end());
  }
  return made;
}

HostCommand HostStimulus::set_vectors(bool for_cluster) {
  Rank& rank = state();
  rank.for_cluster = for_cluster;
  const bool vectors = !for_cluster || random_.chance(1, 4);
  HostCommand made =
      command(HostOpcode::kSetVectors, below(golden::kContexts), {vectors ? 1u : 0u});
  // With many centroids each token takes long.
  rank.tile = shape_.engine.code_bits == 8 ? 4 : 2 * from(1, 20);
  const bool even = for_cluster && shape_.engine.token_slots() == 2 && !unfit();
  made.payload = {payloads_.tokens(rank.tile, even),
                  payloads_.control({.fraction = kRawFraction,
                                     .run = 0,
                                     .bfloat16 = random_.chance(1, 8),
                                     .values = random_.chance(1, 2),
                                     .clear = random_.chance(3, 4)})};
  std::size_t elements = vectors ? std::size_t{shape_.query_beats()} * shape_.engines() : 0;
  for (const auto& beats : {payloads_.shifts(1), payloads_.raw_elements(elements)}) {
    made.payload.insert(made.payload.end(), beats.begin(), beats.end());
  }
  return made;
}

HostCommand HostStimulus::attend(unsigned index, unsigned tokens) {
  const Context& context = *state().contexts[index];
  const unsigned per_row = shape_.tokens_per_row();
  const unsigned books = codebooks(context);
  const unsigned first_window = random_.chance(2, 3) ? 0 : below(books);
  const unsigned rows = context.codes[0].rows;
  tokens = std::min(tokens, rows * per_row);
  if (context.window_rows != 0) {
    tokens = std::min(tokens, (books - first_window) * context.window_rows * per_row);
  }
  const unsigned needed = shape_.code_rows(tokens);
  const unsigned windows =
      context.window_rows == 0 ? 1 : (needed + context.window_rows - 1) / context.window_rows;
  return command(HostOpcode::kAttend, index,
                 {tokens, below(rows - needed + 1), first_window, windows});
}

HostCommand HostStimulus::encode(unsigned index) {
  const Context& context = *state().contexts[index];
  const unsigned last = shape_.tokens_per_row() - 1;
  return command(HostOpcode::kEncode, index,
                 {below(2), below(codebooks(context)), below(context.codes[0].rows),
                  random_.pick({0u, last, from(0, last)})});
}

HostStimulus::Maybe HostStimulus::cluster(unsigned index, unsigned tokens) {
  const Region& raw = state().contexts[index]->raw;
  const unsigned rows = shape_.raw_rows(tokens);
  if (rows > raw.rows) return std::nullopt;
  const unsigned row = random_.chance(1, 2) ? 0 : from(0, raw.rows - rows);
  return command(HostOpcode::kCluster, index, {below(2), tokens, row});
}

// The beats of all banks that a CLUSTER reads.
HostCommand HostStimulus::raw_tokens(const HostCommand& cluster) {
  const config::EngineConfig& engine = shape_.engine;
  const unsigned tokens = cluster.fields[1];
  const unsigned words = tokens * engine.slice_words() + tokens / engine.word_bytes() + 1;
  const unsigned columns = words / (shape_.words_per_beat() * shape_.banks_per_engine) + 1;
  const unsigned most = shape_.raw_rows(tokens) * shape_.memory.columns;
  HostCommand made =
      command(HostOpcode::kWrite, cluster.context,
              {shape_.memory.banks(), context_of(cluster).raw.first + cluster.fields[2], 0,
               std::min(columns, most) * shape_.memory.banks()});
  made.payload = contents(made, made.fields[1]);
  return made;
}

// ---- Bad commands -------------------------------------------------------------------------------

// The first number that is too large, or any after it.
unsigned HostStimulus::at_least(unsigned first) {
  return random_.pick({first, from(first, kLargestField), kLargestField});
}

std::optional<HostStep> HostStimulus::bad() {
  std::vector<AnswerCode> codes = {
      AnswerCode::kIllegal, AnswerCode::kCodeFull, AnswerCode::kShape,    AnswerCode::kShape,
      AnswerCode::kAddress, AnswerCode::kAddress,  AnswerCode::kNotReady, AnswerCode::kNotReady,
      AnswerCode::kPending, AnswerCode::kPending};
  // What only few states allow.
  if (state().setup != Setup::kNone && state().unread != 0) {
    codes.insert(codes.end(), codes.size(), AnswerCode::kPending);
  }
  for (unsigned attempt = 0; attempt < 4; ++attempt) {
    Maybe made;
    const AnswerCode code = random_.pick(codes);
    switch (code) {
      case AnswerCode::kIllegal:
        made = illegal();
        break;
      case AnswerCode::kShape:
        made = bad_shape();
        break;
      case AnswerCode::kAddress:
        made = bad_address();
        break;
      case AnswerCode::kCodeFull:
        made = code_full();
        break;
      case AnswerCode::kNotReady:
        made = not_ready();
        break;
      default:
        made = pending();
        break;
    }
    if (made) return HostStep{*std::move(made), code};
  }
  return std::nullopt;
}

HostCommand HostStimulus::illegal() {
  const auto opcode =
      static_cast<HostOpcode>(golden::kHostOpcodes + below(16 - golden::kHostOpcodes));
  if (ranks_.size() == 2 || random_.chance(1, 2)) {
    return command(opcode, below(golden::kContexts), {below(100), below(100)});
  }
  HostCommand made = set_config();
  made.rank = 1;
  return made;
}

HostStimulus::Maybe HostStimulus::bad_shape() {
  const std::optional<unsigned> index = any_context();
  if (!index) return std::nullopt;
  const unsigned banks = shape_.memory.banks();
  const unsigned depth = shape_.engine.score_depth;
  switch (below(7)) {
    case 0: {
      HostCommand made = set_config();
      made.fields[random_.pick({2u, 5u})] = 0;
      return made;
    }
    case 1: {
      const HostOpcode opcode = random_.pick({HostOpcode::kWrite, HostOpcode::kRead});
      const unsigned bank = from(0, banks);
      const unsigned row = state().contexts[*index]->codes[0].first;
      switch (below(3)) {
        case 0:
          return command(opcode, *index, {bank, row, 0, 0});
        case 1:
          return command(opcode, *index, {at_least(banks + 1), row, 0, 1});
        default:
          return command(opcode, *index, {bank, row, at_least(beats_of_row(bank)), 1});
      }
    }
    case 2: {
      const unsigned most = shape_.engine.bias_depth / kBiasesOfBeat;
      return random_.chance(1, 2)
                 ? command(HostOpcode::kSetQuery, *index, {at_least(most + 1), below(2)})
                 : command(HostOpcode::kSetQuery, *index, {0, at_least(2)});
    }
    case 3:
      return command(HostOpcode::kSetVectors, *index, {at_least(2)});
    case 4: {
      HostCommand made = attend(*index, from(1, depth));
      switch (below(4)) {
        case 0:
          made.fields[0] = 0;
          break;
        case 1:
          made.fields[0] = static_cast<std::uint16_t>(at_least(depth + 1));
          break;
        case 2:
          ++made.fields[3];
          break;
        default:
          --made.fields[3];
          break;
      }
      return made;
    }
    case 5: {
      HostCommand made = encode(*index);
      if (random_.chance(1, 2)) {
        made.fields[0] = static_cast<std::uint16_t>(at_least(2));
      } else {
        made.fields[3] = static_cast<std::uint16_t>(at_least(shape_.tokens_per_row()));
      }
      return made;
    }
    default:
      switch (below(shape_.engine.token_slots() == 2 ? 4 : 3)) {
        case 0:
          return command(HostOpcode::kCluster, *index, {at_least(2), 2, 0});
        case 1:
          return command(HostOpcode::kCluster, *index, {below(2), 0, 0});
        case 2:
          return command(HostOpcode::kCluster, *index, {below(2), at_least(depth + 2) / 2 * 2, 0});
        default:
          return command(HostOpcode::kCluster, *index, {below(2), 2 * below(depth / 2) + 1, 0});
      }
  }
}

HostStimulus::Maybe HostStimulus::bad_address() {
  const std::optional<unsigned> index = any_context();
  if (!index) return std::nullopt;
  const Context& context = *state().contexts[*index];
  const auto too_large = [&](HostCommand made, std::size_t field, unsigned first) {
    made.fields[field] = static_cast<std::uint16_t>(at_least(first));
    return made;
  };
  switch (below(5)) {
    case 0: {
      const HostCommand made = set_config();
      const std::size_t field = random_.pick({0u, 1u, 3u, 4u, 7u});
      const std::size_t rows = field < 2 ? 2 : field == 7 ? 8 : 5;
      return too_large(made, field, shape_.memory.rows - made.fields[rows] + 1);
    }
    case 1:
      return outside(*index);
    case 2: {
      const HostCommand made = attend(*index, from(1, shape_.engine.score_depth));
      const unsigned needed = shape_.code_rows(made.fields[0]);
      return random_.chance(1, 2) ? too_large(made, 1, context.codes[0].rows - needed + 1)
                                  : too_large(made, 2, codebooks(context) - made.fields[3] + 1);
    }
    case 3:
      return too_large(encode(*index), 1, codebooks(context));
    default: {
      const unsigned tokens = 2 * from(1, shape_.engine.score_depth / 2);
      const unsigned rows = shape_.raw_rows(tokens);
      return too_large(command(HostOpcode::kCluster, *index, {below(2), tokens, 0}), 2,
                       rows > context.raw.rows ? 0 : context.raw.rows - rows + 1);
    }
  }
}

// An access that is in no region, or in none to its end.
HostStimulus::Maybe HostStimulus::outside(unsigned index) {
  const Context& context = *state().contexts[index];
  const HostOpcode opcode = random_.pick({HostOpcode::kWrite, HostOpcode::kRead});
  const unsigned bank = from(0, shape_.memory.banks());
  const unsigned row_beats = beats_of_row(bank);
  const auto regions = regions_of(context);
  const Region& region = random_.pick(regions);
  const unsigned end = region.first + region.rows;
  switch (below(3)) {
    case 0:
      if (region.rows == 0 || in_one_region(context, end - 1, end)) return std::nullopt;
      return command(opcode, index, {bank, end - 1, row_beats - 1, 2});
    case 1:
      if (region.first == 0 || in_one_region(context, region.first - 1, region.first)) {
        return std::nullopt;
      }
      return command(opcode, index, {bank, region.first - 1, 0, row_beats + 1});
    default: {
      const unsigned row = random_.pick({end, below(shape_.memory.rows), kLargestField});
      if (in_one_region(context, row, row)) return std::nullopt;
      return command(opcode, index, {bank, row, below(row_beats), 1});
    }
  }
}

HostStimulus::Maybe HostStimulus::code_full() {
  const std::optional<unsigned> index = any_context();
  if (!index) return std::nullopt;
  HostCommand made = encode(*index);
  const unsigned rows = state().contexts[*index]->codes[0].rows;
  made.fields[2] = static_cast<std::uint16_t>(at_least(rows));
  if (random_.chance(1, 4)) made.fields[1] = kLargestField;
  return made;
}

HostStimulus::Maybe HostStimulus::not_ready() {
  const Rank& rank = state();
  if (random_.chance(1, 2)) {
    const HostOpcode opcode =
        random_.pick({HostOpcode::kWrite, HostOpcode::kRead, HostOpcode::kAttend,
                      HostOpcode::kEncode, HostOpcode::kCluster});
    return command(opcode, rank.unknown, {below(3), below(100), below(3), below(3)});
  }
  if (rank.unread == 0 && random_.chance(1, 2)) {
    return command(HostOpcode::kResult, below(golden::kContexts), {});
  }
  const std::optional<unsigned> index = any_context();
  if (!index) return std::nullopt;
  switch (below(3)) {
    case 0:
      if (rank.setup == Setup::kQuery) return std::nullopt;
      return attend(*index, from(1, shape_.engine.score_depth));
    case 1:
      if (rank.setup == Setup::kVectors) return std::nullopt;
      return encode(*index);
    default:
      if (rank.setup == Setup::kControl || rank.setup == Setup::kVectors) return std::nullopt;
      return cluster(*index, 2);
  }
}

HostStimulus::Maybe HostStimulus::pending() {
  const Rank& rank = state();
  const std::optional<unsigned> index = any_context();
  if (rank.setup == Setup::kNone || !index) return std::nullopt;
  if (random_.chance(1, rank.unread == 0 ? 1 : 3)) {
    const HostOpcode opcode = random_.pick({HostOpcode::kSetQuery, HostOpcode::kSetVectors});
    return command(opcode, *index, {below(2), 0});
  }
  if (rank.setup == Setup::kQuery) {
    if (rank.unread != kMostUnread) return std::nullopt;
    return attend(*index, from(1, shape_.engine.score_depth));
  }
  if (rank.unread == 0) return std::nullopt;
  if (rank.setup == Setup::kVectors && random_.chance(1, 2)) return encode(*index);
  return cluster(*index, 2);
}

// ---- Contexts -----------------------------------------------------------------------------------

std::optional<unsigned> HostStimulus::any_context() {
  std::vector<unsigned> known;
  for (unsigned i = 0; i < golden::kContexts; ++i) {
    if (state().contexts[i]) known.push_back(i);
  }
  if (known.empty()) return std::nullopt;
  return random_.pick(known);
}

const HostStimulus::Context& HostStimulus::context_of(const HostCommand& command) {
  return *state().contexts[command.context];
}

unsigned HostStimulus::codebook_rows(const Context& context) const {
  return context.window_rows == 0 ? shape_.striped_codebook_rows() : shape_.local_codebook_rows();
}

unsigned HostStimulus::codebooks(const Context& context) const {
  return context.codebooks[0].rows / codebook_rows(context);
}

unsigned HostStimulus::beats_of_row(unsigned bank) const {
  return shape_.memory.columns * (bank == shape_.memory.banks() ? bank : 1);
}

bool HostStimulus::in_one_region(const Context& context, unsigned first, unsigned last) const {
  return std::ranges::any_of(regions_of(context), [&](const Region& region) {
    return first >= region.first && last < region.first + region.rows;
  });
}

}  // namespace aqpim::tb
