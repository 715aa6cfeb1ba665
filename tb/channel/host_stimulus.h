// SPDX-License-Identifier: Apache-2.0
//
// Random host commands for a pseudo-channel, those of its ranks mixed: good ones in any order that
// the rules allow, and bad ones that break one rule each. What is expected of them comes from here,
// not from the golden model.
//
// A command that is answered with QUEUE_FULL has to be given again, before any other of its rank.
// There will be room without the help of a later one: while two results are unread, no more work is
// given than waits behind an ATTEND that cannot end. What an engine uses of its registers was
// written before; memory that was not written is used, too.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

#include "sw/config/channel.h"
#include "sw/golden/host_command.h"
#include "tb/channel/host_payloads.h"
#include "tb/channel/host_step.h"
#include "tb/common/random.h"

namespace aqpim::tb {

struct HostOptions {
  bool large = false;         // long accesses, more tiles of many tokens
  unsigned bad_percent = 15;  // of all commands
  bool cluster = true;        // CLUSTER may occur; with 256 centroids it is rare and short
  // Of all SET_ commands: registers that engines do not take, or with which they refuse a command.
  unsigned unfit_percent = 0;
};

class HostStimulus {
 public:
  HostStimulus(const config::ChannelShape& shape, const HostOptions& options, Random random);
  HostStimulus(const HostStimulus&) = delete;
  HostStimulus& operator=(const HostStimulus&) = delete;

  HostStep next();
  // So many commands, and then RESULTs until nothing is unread.
  std::vector<HostStep> program(std::size_t commands);

 private:
  using Maybe = std::optional<golden::HostCommand>;

  struct Region {
    unsigned first = 0;
    unsigned rows = 0;
  };

  struct Context {
    Region codebooks[2], codes[2];  // keys, values
    Region raw;
    unsigned window_rows = 0;
  };

  enum class Setup : std::uint8_t { kNone, kQuery, kControl, kVectors };

  struct Rank {
    std::array<std::optional<Context>, golden::kContexts> contexts;
    unsigned unknown = 0;        // the context that is never set
    Setup setup = Setup::kNone;  // that no command has used yet
    bool for_cluster = false;    // engines have whole groups of tokens
    unsigned tile = 0;           // tokens that it was made for
    unsigned unread = 0;         // results
    unsigned accesses = 0;       // since two results are unread, or since the last ATTEND
    Maybe planned;               // the next command
  };

  // All of these are about `rank_`.
  Rank& state() { return ranks_[rank_]; }
  golden::HostCommand command(golden::HostOpcode opcode, unsigned context,
                              std::initializer_list<unsigned> fields) const;
  void accept(const golden::HostCommand& command);

  golden::HostCommand good();
  golden::HostCommand set_config();
  golden::HostCommand access();
  std::vector<golden::Beat> contents(const golden::HostCommand& access, unsigned raw_row);
  golden::HostCommand set_query();
  golden::HostCommand set_vectors(bool for_cluster);
  // At most so many tokens, as many as the context has room for.
  golden::HostCommand attend(unsigned context, unsigned tokens);
  golden::HostCommand encode(unsigned context);
  // Without its payload; nothing if there is no room for so many tokens.
  Maybe cluster(unsigned context, unsigned tokens);
  golden::HostCommand raw_tokens(const golden::HostCommand& cluster);

  // Nothing if the rank cannot be told such a bad command now.
  std::optional<HostStep> bad();
  unsigned at_least(unsigned first);
  golden::HostCommand illegal();
  Maybe bad_shape();
  Maybe bad_address();
  Maybe outside(unsigned context);
  Maybe code_full();
  Maybe not_ready();
  Maybe pending();

  std::optional<unsigned> any_context();
  const Context& context_of(const golden::HostCommand& command);
  // The raw one last.
  static std::array<Region, 5> regions_of(const Context& context) {
    return {context.codebooks[0], context.codebooks[1], context.codes[0], context.codes[1],
            context.raw};
  }
  unsigned codebook_rows(const Context& context) const;
  unsigned codebooks(const Context& context) const;
  unsigned beats_of_row(unsigned bank) const;
  bool in_one_region(const Context& context, unsigned first, unsigned last) const;
  unsigned below(std::uint64_t bound) { return static_cast<unsigned>(random_.below(bound)); }
  bool unfit() {
    return options_.unfit_percent != 0 && random_.chance(options_.unfit_percent, 100);
  }
  unsigned from(unsigned low, unsigned high) { return low + below(high - low + 1); }

  config::ChannelShape shape_;
  HostOptions options_;
  Random random_;
  HostPayloads payloads_;
  std::vector<Rank> ranks_;
  unsigned rank_ = 0;
};

}  // namespace aqpim::tb
