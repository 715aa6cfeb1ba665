// SPDX-License-Identifier: Apache-2.0
#include "tb/channel/host_coverage.h"

#include <algorithm>
#include <string>
#include <utility>

namespace aqpim::tb {
namespace {

using golden::AnswerCode;
using golden::HostCommand;
using golden::HostOpcode;

const CoverPoint::Axis kOpcodeNames = {"SET_CONFIG", "WR",     "RD",     "SET_QUERY", "SET_VECTORS",
                                       "ATTEND",     "RESULT", "ENCODE", "CLUSTER",   "none"};
const CoverPoint::Axis kCodeNames = {"OK",      "ILLEGAL",   "QUEUE_FULL", "SHAPE",
                                     "ADDRESS", "CODE_FULL", "NOT_READY",  "PENDING"};
const CoverPoint::Axis kScopes = {"rank", "window"};
const CoverPoint::Axis kSides = {"keys", "values"};

constexpr std::size_t kNoOpcode = golden::kHostOpcodes;

std::size_t index_of(HostOpcode opcode) {
  return std::min(static_cast<std::size_t>(opcode), kNoOpcode);
}

// Which codes an opcode can be refused with, apart from QUEUE_FULL.
bool can_be(HostOpcode opcode, AnswerCode code) {
  const bool work = opcode == HostOpcode::kWrite || opcode == HostOpcode::kRead;
  switch (code) {
    case AnswerCode::kIllegal:
      return index_of(opcode) == kNoOpcode;
    case AnswerCode::kShape:
      return index_of(opcode) != kNoOpcode && opcode != HostOpcode::kResult;
    case AnswerCode::kAddress:
      return work || opcode == HostOpcode::kSetConfig || opcode == HostOpcode::kAttend ||
             opcode == HostOpcode::kEncode || opcode == HostOpcode::kCluster;
    case AnswerCode::kCodeFull:
      return opcode == HostOpcode::kEncode;
    case AnswerCode::kNotReady:
      return work || opcode == HostOpcode::kAttend || opcode == HostOpcode::kResult ||
             opcode == HostOpcode::kEncode || opcode == HostOpcode::kCluster;
    case AnswerCode::kPending:
      return opcode == HostOpcode::kSetQuery || opcode == HostOpcode::kSetVectors ||
             opcode == HostOpcode::kAttend || opcode == HostOpcode::kEncode ||
             opcode == HostOpcode::kCluster;
    case AnswerCode::kOk:
    case AnswerCode::kQueueFull:
      break;
  }
  return false;
}

CoverPoint::Axis rank_names(unsigned ranks) {
  CoverPoint::Axis names;
  for (unsigned rank = 0; rank < ranks; ++rank) names.push_back("rank " + std::to_string(rank));
  return names;
}

}  // namespace

HostCoverage::HostCoverage(const config::ChannelShape& shape)
    : shape_(shape),
      rules_(shape),
      ranks_(shape.memory.ranks, Rank{std::vector<unsigned>(shape.engines()), 0}),
      coverage_("host commands"),
      commands_(coverage_.add("command", {kOpcodeNames, rank_names(shape.memory.ranks)})),
      refusals_(coverage_.add("refusal", {kOpcodeNames, kCodeNames})),
      accesses_(coverage_.add(
          "access", {{"WR", "RD"}, {"one bank", "striped"}, {"one beat", "one row", "more rows"}})),
      regions_(coverage_.add("region", {"key codebooks", "value codebooks", "key codes",
                                        "value codes", "raw tokens"})),
      setups_(coverage_.add(
          "setup", {"no biases", "biases of all", "biases of each", "no vectors", "vectors"})),
      controls_(coverage_.add("control", {"binary16", "bfloat16", "flags cleared", "flags kept"})),
      tiles_(coverage_.add("tile", {kScopes, {"one token", "a row", "more rows", "full"}})),
      windows_(coverage_.add("windows", {"one", "two", "more", "not the first"})),
      tokens_(coverage_.add("engine's tokens", {{"ATTEND", "ENCODE", "CLUSTER"},
                                                {"none", "one", "some", "all", "clamped"}})),
      waiting_(coverage_.add("results that wait", {{"none", "one", "two"}, kOpcodeNames})),
      encodings_(
          coverage_.add("encoding", {kScopes, kSides, {"first slot", "other", "last slot"}})),
      clusterings_(coverage_.add("clustering", {kScopes, kSides})) {
  for (std::size_t rank = 0; rank < shape.memory.ranks; ++rank) {
    commands_.ignore({kNoOpcode, rank});
  }
  for (std::size_t opcode = 0; opcode <= kNoOpcode; ++opcode) {
    for (std::size_t code = 0; code < golden::kAnswerCodes; ++code) {
      if (!can_be(static_cast<HostOpcode>(opcode), static_cast<AnswerCode>(code))) {
        refusals_.ignore({opcode, code});
      }
    }
  }
  // Engines quantize only when all results were read, and two of them wait at most.
  for (const HostOpcode opcode : {HostOpcode::kEncode, HostOpcode::kCluster}) {
    waiting_.ignore({1, index_of(opcode)});
    waiting_.ignore({2, index_of(opcode)});
  }
  waiting_.ignore({2, index_of(HostOpcode::kAttend)});
  waiting_.ignore({0, index_of(HostOpcode::kResult)});
  waiting_.ignore_all(1, kNoOpcode);
  if (shape.code_rows(shape.engine.score_depth) < 3) windows_.ignore({2});
  // Two tokens at a time, and ENCODE only asks whether there are any.
  if (shape.engine.token_slots() == 2) tokens_.ignore({2, 1});
  for (const std::size_t bin : {2, 3, 4}) tokens_.ignore({1, bin});
}

void HostCoverage::ignore_clustering() {
  const std::size_t opcode = index_of(HostOpcode::kCluster);
  commands_.ignore_all(0, opcode);
  waiting_.ignore_all(1, opcode);
  tokens_.ignore_all(0, 2);
  clusterings_.ignore_all();
  setups_.ignore({3});
}

void HostCoverage::seen(const HostStep& step) {
  const HostCommand& command = step.command;
  if (step.expected != AnswerCode::kOk) {
    refusals_.hit({index_of(command.opcode), static_cast<std::size_t>(step.expected)});
    return;
  }
  Rank& rank = ranks_[command.rank];
  commands_.hit({index_of(command.opcode), command.rank});
  waiting_.hit({rank.unread, index_of(command.opcode)});
  rules_.accept(command);
  switch (command.opcode) {
    case HostOpcode::kWrite:
    case HostOpcode::kRead:
      access(command);
      break;
    case HostOpcode::kSetQuery:
    case HostOpcode::kSetVectors:
      setup(command);
      break;
    case HostOpcode::kAttend:
      attend(command);
      ++rank.unread;
      break;
    case HostOpcode::kResult:
      --rank.unread;
      break;
    case HostOpcode::kEncode:
      encode(command);
      break;
    case HostOpcode::kCluster:
      cluster(command);
      break;
    case HostOpcode::kSetConfig:
      break;
  }
}

void HostCoverage::access(const HostCommand& command) {
  const golden::AccessFields fields(command);
  const bool striped = fields.bank == shape_.memory.banks();
  const unsigned row_beats = shape_.memory.columns * (striped ? shape_.memory.banks() : 1);
  const unsigned end = fields.first_beat + fields.beats;
  accesses_.hit({command.opcode == HostOpcode::kRead, striped,
                 fields.beats == 1  ? 0u
                 : end <= row_beats ? 1u
                                    : 2u});
  const golden::Context& context = rules_.context(command.rank, command.context);
  const golden::Region regions[] = {context.codebooks[0], context.codebooks[1], context.codes[0],
                                    context.codes[1], context.raw};
  for (std::size_t i = 0; i < std::size(regions); ++i) {
    if (regions[i].holds(fields.row, fields.row)) regions_.hit(i);
  }
}

void HostCoverage::setup(const HostCommand& command) {
  if (command.opcode == HostOpcode::kSetQuery) {
    const golden::SetQueryFields fields(command);
    setups_.hit(fields.bias_beats == 0 ? 0 : 1 + fields.each);
  } else {
    setups_.hit(3 + golden::SetVectorsFields(command).vectors);
  }
  const golden::Beat& tokens = command.payload[0];
  for (unsigned e = 0; e < shape_.engines(); ++e) {
    ranks_[command.rank].tokens[e] = tokens[2 * e] | tokens[2 * e + 1] << 8;
  }
  const golden::Beat& control = command.payload[1];
  controls_.hit(control[0] >> 4 & 1);
  controls_.hit(2 + (~control[0] >> 5 & 1));
}

void HostCoverage::attend(const HostCommand& command) {
  const golden::AttendFields fields(command);
  const bool rank_scope = rules_.context(command.rank, command.context).scope_rank();
  const std::size_t size = fields.tokens == 1                           ? 0
                           : fields.tokens == shape_.engine.score_depth ? 3
                           : fields.tokens <= shape_.tokens_per_row()   ? 1
                                                                        : 2;
  tiles_.hit({!rank_scope, size});
  windows_.hit(std::min(fields.windows, 3u) - 1);
  if (fields.first_window != 0) windows_.hit(3);
  for (const unsigned tokens : ranks_[command.rank].tokens) {
    tokens_.hit({0, tokens == 0               ? 0u
                    : tokens > fields.tokens  ? 4u
                    : tokens == fields.tokens ? 3u
                    : tokens == 1             ? 1u
                                              : 2u});
  }
}

void HostCoverage::encode(const HostCommand& command) {
  const golden::EncodeFields fields(command);
  const bool rank_scope = rules_.context(command.rank, command.context).scope_rank();
  encodings_.hit({!rank_scope, fields.side,
                  fields.slot == 0                             ? 0u
                  : fields.slot + 1 == shape_.tokens_per_row() ? 2u
                                                               : 1u});
  for (const unsigned tokens : ranks_[command.rank].tokens) tokens_.hit({1, tokens != 0});
}

void HostCoverage::cluster(const HostCommand& command) {
  const golden::ClusterFields fields(command);
  const bool rank_scope = rules_.context(command.rank, command.context).scope_rank();
  clusterings_.hit({!rank_scope, fields.side});
  for (const unsigned tokens : ranks_[command.rank].tokens) {
    tokens_.hit({2, tokens == 0               ? 0u
                    : tokens > fields.tokens  ? 4u
                    : tokens == fields.tokens ? 3u
                    : tokens == 1             ? 1u
                                              : 2u});
  }
}

}  // namespace aqpim::tb
