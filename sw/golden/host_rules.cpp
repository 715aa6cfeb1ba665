// SPDX-License-Identifier: Apache-2.0
#include "sw/golden/host_rules.h"

#include <algorithm>
#include <stdexcept>

namespace aqpim::golden {
namespace {

// Results that a rank keeps until they are read.
constexpr unsigned kMostUnread = 2;

constexpr std::size_t kElementBytes = 2;  // of a query, a vector, a bias

bool has_context(HostOpcode opcode) {
  switch (opcode) {
    case HostOpcode::kWrite:
    case HostOpcode::kRead:
    case HostOpcode::kAttend:
    case HostOpcode::kEncode:
    case HostOpcode::kCluster:
      return true;
    default:
      return false;
  }
}

}  // namespace

// ---- Fields -------------------------------------------------------------------------------------

Context context_of(const HostCommand& set_config) {
  const auto& f = set_config.fields;
  return {.codebooks = {Region{f[0], f[2]}, Region{f[1], f[2]}},
          .codes = {Region{f[3], f[5]}, Region{f[4], f[5]}},
          .raw = {f[7], f[8]},
          .window_rows = f[6]};
}

AccessFields::AccessFields(const HostCommand& command)
    : bank(command.fields[0]),
      row(command.fields[1]),
      first_beat(command.fields[2]),
      beats(command.fields[3]) {}

SetQueryFields::SetQueryFields(const HostCommand& command)
    : bias_beats(command.fields[0]), each(command.fields[1]) {}

SetVectorsFields::SetVectorsFields(const HostCommand& command) : vectors(command.fields[0]) {}

AttendFields::AttendFields(const HostCommand& command)
    : tokens(command.fields[0]),
      first_row(command.fields[1]),
      first_window(command.fields[2]),
      windows(command.fields[3]) {}

EncodeFields::EncodeFields(const HostCommand& command)
    : side(command.fields[0]),
      window(command.fields[1]),
      row(command.fields[2]),
      slot(command.fields[3]) {}

ClusterFields::ClusterFields(const HostCommand& command)
    : side(command.fields[0]), tokens(command.fields[1]), first_row(command.fields[2]) {}

// ---- Checks -------------------------------------------------------------------------------------

HostRules::HostRules(const config::ChannelShape& shape)
    : shape_(shape), ranks_(shape.memory.ranks) {}

unsigned HostRules::codebook_rows(const Context& context) const {
  return context.scope_rank() ? shape_.striped_codebook_rows() : shape_.local_codebook_rows();
}

unsigned HostRules::window_tokens(const Context& context) const {
  return context.scope_rank() ? shape_.engine.score_depth
                              : context.window_rows * shape_.tokens_per_row();
}

const Context& HostRules::context(unsigned rank, unsigned index) const {
  const Rank& known = ranks_.at(rank);
  if (!known.set.at(index)) throw std::out_of_range("a context that was never set");
  return known.contexts[index];
}

AnswerCode HostRules::check(const HostCommand& command) const {
  if (static_cast<std::size_t>(command.opcode) >= kHostOpcodes ||
      command.rank >= shape_.memory.ranks || command.context >= kContexts) {
    return AnswerCode::kIllegal;
  }
  const Rank& rank = ranks_[command.rank];
  if (has_context(command.opcode) && !rank.set[command.context]) return AnswerCode::kNotReady;
  const AnswerCode fields = check_fields(command);
  return fields != AnswerCode::kOk ? fields : check_order(command.opcode, rank);
}

AnswerCode HostRules::check_fields(const HostCommand& command) const {
  const Context& context = ranks_[command.rank].contexts[command.context];
  switch (command.opcode) {
    case HostOpcode::kSetConfig:
      return check_set_config(context_of(command));
    case HostOpcode::kWrite:
    case HostOpcode::kRead:
      return check_access(AccessFields(command), context);
    case HostOpcode::kSetQuery: {
      const std::size_t most = shape_.engine.bias_depth * kElementBytes / config::kBeatBytes;
      const SetQueryFields query(command);
      return query.bias_beats > most || query.each > 1 ? AnswerCode::kShape : AnswerCode::kOk;
    }
    case HostOpcode::kSetVectors:
      return SetVectorsFields(command).vectors > 1 ? AnswerCode::kShape : AnswerCode::kOk;
    case HostOpcode::kAttend:
      return check_attend(AttendFields(command), context);
    case HostOpcode::kEncode:
      return check_encode(EncodeFields(command), context);
    case HostOpcode::kCluster:
      return check_cluster(ClusterFields(command), context);
    case HostOpcode::kResult:
      break;
  }
  return AnswerCode::kOk;
}

AnswerCode HostRules::check_set_config(const Context& next) const {
  if (next.codebooks[0].rows == 0 || next.codes[0].rows == 0) return AnswerCode::kShape;
  for (const Region& region :
       {next.codebooks[0], next.codebooks[1], next.codes[0], next.codes[1], next.raw}) {
    if (region.first + region.rows > shape_.memory.rows) return AnswerCode::kAddress;
  }
  return AnswerCode::kOk;
}

AnswerCode HostRules::check_access(const AccessFields& access, const Context& context) const {
  const bool striped = access.bank == shape_.memory.banks();
  const unsigned beats_per_row = shape_.memory.columns * (striped ? shape_.memory.banks() : 1);
  if (access.beats == 0 || access.bank > shape_.memory.banks() ||
      access.first_beat >= beats_per_row) {
    return AnswerCode::kShape;
  }
  const unsigned last = access.row + (access.first_beat + access.beats - 1) / beats_per_row;
  const auto holds = [&](const Region& region) { return region.holds(access.row, last); };
  const bool inside = std::ranges::any_of(context.codebooks, holds) ||
                      std::ranges::any_of(context.codes, holds) || holds(context.raw);
  return inside ? AnswerCode::kOk : AnswerCode::kAddress;
}

AnswerCode HostRules::check_attend(const AttendFields& attend, const Context& context) const {
  if (attend.tokens == 0 || attend.tokens > shape_.engine.score_depth) return AnswerCode::kShape;
  const std::uint64_t rows = shape_.code_rows(attend.tokens);
  if (context.scope_rank()) {
    if (attend.windows != 1) return AnswerCode::kShape;
  } else {
    const std::uint64_t held = std::uint64_t{attend.windows} * context.window_rows;
    if (held < rows || held - context.window_rows >= rows) return AnswerCode::kShape;
  }
  const std::uint64_t codebooks = std::uint64_t{attend.first_window} + attend.windows;
  if (attend.first_row + rows > context.codes[0].rows ||
      codebooks * codebook_rows(context) > context.codebooks[0].rows) {
    return AnswerCode::kAddress;
  }
  return AnswerCode::kOk;
}

AnswerCode HostRules::check_encode(const EncodeFields& encode, const Context& context) const {
  if (encode.side > 1 || encode.slot >= shape_.tokens_per_row()) return AnswerCode::kShape;
  if (encode.row >= context.codes[0].rows) return AnswerCode::kCodeFull;
  const std::uint64_t codebooks = std::uint64_t{encode.window} + 1;
  return codebooks * codebook_rows(context) > context.codebooks[0].rows ? AnswerCode::kAddress
                                                                        : AnswerCode::kOk;
}

AnswerCode HostRules::check_cluster(const ClusterFields& cluster, const Context& context) const {
  if (cluster.side > 1 || cluster.tokens == 0 || cluster.tokens > shape_.engine.score_depth ||
      cluster.tokens % shape_.engine.token_slots() != 0) {
    return AnswerCode::kShape;
  }
  return cluster.first_row + shape_.raw_rows(cluster.tokens) > context.raw.rows
             ? AnswerCode::kAddress
             : AnswerCode::kOk;
}

AnswerCode HostRules::check_order(HostOpcode opcode, const Rank& rank) const {
  const bool vectors = rank.waiting == Waiting::kVectors;
  switch (opcode) {
    case HostOpcode::kSetQuery:
    case HostOpcode::kSetVectors:
      return rank.waiting == Waiting::kNothing ? AnswerCode::kOk : AnswerCode::kPending;
    case HostOpcode::kAttend:
      if (rank.waiting != Waiting::kQuery) return AnswerCode::kNotReady;
      return rank.unread < kMostUnread ? AnswerCode::kOk : AnswerCode::kPending;
    case HostOpcode::kEncode:
    case HostOpcode::kCluster:
      if (!vectors && (opcode == HostOpcode::kEncode || rank.waiting != Waiting::kSetup)) {
        return AnswerCode::kNotReady;
      }
      return rank.unread == 0 ? AnswerCode::kOk : AnswerCode::kPending;
    case HostOpcode::kResult:
      return rank.unread != 0 ? AnswerCode::kOk : AnswerCode::kNotReady;
    case HostOpcode::kSetConfig:
    case HostOpcode::kWrite:
    case HostOpcode::kRead:
      break;
  }
  return AnswerCode::kOk;
}

// ---- History ------------------------------------------------------------------------------------

void HostRules::accept(const HostCommand& command) {
  Rank& rank = ranks_.at(command.rank);
  switch (command.opcode) {
    case HostOpcode::kSetConfig:
      rank.contexts.at(command.context) = context_of(command);
      rank.set[command.context] = true;
      break;
    case HostOpcode::kSetQuery:
      rank.waiting = Waiting::kQuery;
      break;
    case HostOpcode::kSetVectors:
      rank.waiting = SetVectorsFields(command).vectors == 1 ? Waiting::kVectors : Waiting::kSetup;
      break;
    case HostOpcode::kAttend:
      rank.waiting = Waiting::kNothing;
      ++rank.unread;
      break;
    case HostOpcode::kEncode:
    case HostOpcode::kCluster:
      rank.waiting = Waiting::kNothing;
      break;
    case HostOpcode::kResult:
      --rank.unread;
      break;
    case HostOpcode::kWrite:
    case HostOpcode::kRead:
      break;
  }
}

// ---- Beats --------------------------------------------------------------------------------------

std::size_t HostRules::payload_beats(const HostCommand& command) const {
  // The token and the control beat, and the shifts.
  const std::size_t setup = 2 + shape_.shift_beats();
  switch (command.opcode) {
    case HostOpcode::kWrite:
      return AccessFields(command).beats;
    case HostOpcode::kSetQuery: {
      const SetQueryFields fields(command);
      const std::size_t copies = fields.each == 1 ? shape_.engines() : 1;
      return setup + shape_.query_beats() + fields.bias_beats * copies;
    }
    case HostOpcode::kSetVectors: {
      const bool vectors = SetVectorsFields(command).vectors == 1;
      return setup + (vectors ? std::size_t{shape_.query_beats()} * shape_.engines() : 0);
    }
    case HostOpcode::kCluster: {
      const bool one = context(command.rank, command.context).scope_rank();
      return std::size_t{shape_.slice_beats()} * (one ? 1 : shape_.engines());
    }
    default:
      return 0;
  }
}

std::size_t HostRules::data_beats(const HostCommand& command) const {
  switch (command.opcode) {
    case HostOpcode::kRead:
      return AccessFields(command).beats;
    case HostOpcode::kResult:
      return std::size_t{shape_.result_beats()} * shape_.engines();
    default:
      return 0;
  }
}

std::size_t HostRules::element_beats(const HostCommand& command) const {
  if (command.opcode != HostOpcode::kCluster) return 0;
  const bool one = context(command.rank, command.context).scope_rank();
  return std::size_t{shape_.element_beats()} * (one ? 1 : shape_.engines());
}

}  // namespace aqpim::golden
