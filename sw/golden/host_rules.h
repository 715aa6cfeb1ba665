// SPDX-License-Identifier: Apache-2.0
//
// Which host commands a pseudo-channel takes, and with which code it refuses the others: all
// answers but QUEUE_FULL, which depends on time. The history of accepted commands decides alone.
// Twin of the checks in rtl/channel/pq_host_commands.sv; docs/channel.md.
//
// Rules that apply to a command are tried in this order, the first that is broken is the answer:
// opcode, rank and context exist (ILLEGAL); the context was set (NOT_READY); counts (SHAPE); rows
// (CODE_FULL, ADDRESS); what must have come before (NOT_READY); what must not be open (PENDING).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "sw/config/channel.h"
#include "sw/golden/host_command.h"

namespace aqpim::golden {

// Rows of a rank: first … first + rows − 1 of each bank.
struct Region {
  unsigned first = 0;
  unsigned rows = 0;

  bool operator==(const Region&) const = default;

  bool holds(std::uint64_t from, std::uint64_t to) const {
    return from >= first && to < std::uint64_t{first} + rows;
  }
};

// What SET_CONFIG tells. Sides: 0 keys, 1 values.
struct Context {
  std::array<Region, 2> codebooks;
  std::array<Region, 2> codes;
  Region raw;
  // Rows of the codes of one window; 0: scope rank, a codebook is striped over the banks and serves
  // all engines and tokens.
  unsigned window_rows = 0;

  bool operator==(const Context&) const = default;

  bool scope_rank() const { return window_rows == 0; }
};

// The fields of each opcode by name.
Context context_of(const HostCommand& set_config);

struct AccessFields {  // of WR and RD
  explicit AccessFields(const HostCommand& command);
  unsigned bank;                    // as many as a rank has: striped
  unsigned row, first_beat, beats;  // the first beat is in this row
};

struct SetQueryFields {
  explicit SetQueryFields(const HostCommand& command);
  unsigned bias_beats;
  unsigned each;  // 1: engines have biases of their own
};

struct SetVectorsFields {
  explicit SetVectorsFields(const HostCommand& command);
  unsigned vectors;  // 1: each engine's follows
};

struct AttendFields {
  explicit AttendFields(const HostCommand& command);
  unsigned tokens;     // of the engine with most
  unsigned first_row;  // in the regions of codes
  unsigned first_window, windows;
};

struct EncodeFields {
  explicit EncodeFields(const HostCommand& command);
  unsigned side, window;
  unsigned row;   // in the region of codes
  unsigned slot;  // of a token in its row
};

struct ClusterFields {
  explicit ClusterFields(const HostCommand& command);
  unsigned side, tokens;
  unsigned first_row;  // in the raw region
};

class HostRules {
 public:
  explicit HostRules(const config::ChannelShape& shape);

  // kOk or the code of the refusal. The payload is not looked at.
  AnswerCode check(const HostCommand& command) const;

  // Takes a command that check() answers with kOk into the history.
  void accept(const HostCommand& command);

  // Beats that such a command takes and gives.
  std::size_t payload_beats(const HostCommand& command) const;
  std::size_t data_beats(const HostCommand& command) const;
  std::size_t element_beats(const HostCommand& command) const;

  // Of a context that was set.
  const Context& context(unsigned rank, unsigned index) const;

  // Rows of a codebook in the regions of this context.
  unsigned codebook_rows(const Context& context) const;
  // Tokens of a window in one engine's codes; ScoreDepth at scope rank.
  unsigned window_tokens(const Context& context) const;

 private:
  enum class Waiting : std::uint8_t { kNothing, kQuery, kSetup, kVectors };

  struct Rank {
    std::array<Context, kContexts> contexts;
    std::array<bool, kContexts> set = {};
    Waiting waiting = Waiting::kNothing;  // the SET_ command without a consumer
    unsigned unread = 0;                  // ATTENDs without a RESULT
  };

  AnswerCode check_set_config(const Context& next) const;
  AnswerCode check_access(const AccessFields& access, const Context& context) const;
  AnswerCode check_attend(const AttendFields& attend, const Context& context) const;
  AnswerCode check_encode(const EncodeFields& encode, const Context& context) const;
  AnswerCode check_cluster(const ClusterFields& cluster, const Context& context) const;
  AnswerCode check_fields(const HostCommand& command) const;
  AnswerCode check_order(HostOpcode opcode, const Rank& rank) const;

  config::ChannelShape shape_;
  std::vector<Rank> ranks_;
};

}  // namespace aqpim::golden
