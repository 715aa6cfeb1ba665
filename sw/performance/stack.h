// SPDX-License-Identifier: Apache-2.0
//
// From a pseudo-channel to a stack: where the heads of a layer lie, and how long their attention
// takes.
#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "sw/performance/channel_model.h"

namespace aqpim::performance {

struct Stack {
  unsigned channels = 16;
  unsigned pseudo_channels = 2;  // of a channel
};

// Attention of one layer for one new token.
struct Workload {
  unsigned tokens = 0;  // L
  unsigned heads = 0;   // of queries
  unsigned group = 1;   // query heads that share keys and values; divides heads

  bool operator==(const Workload&) const = default;
};

// Tokens of a codebook: 1,024, or one sixteenth of the context if that is less.
unsigned usual_window(unsigned tokens);

// Where the cache lies. `ranks` ranks share the tokens of a head of keys and values, each bank or
// pair of banks an equal part. A rank has parts of `caches` such heads, and `group` queries for
// each.
struct Placement {
  unsigned ranks = 1;
  unsigned caches = 1;
  std::vector<Attend> query;  // ATTENDs for one query on one rank: tiles of ScoreDepth tokens

  bool operator==(const Placement&) const = default;
};

// All placements worth trying whose codes and codebooks fit the rows of a bank. A head of keys and
// values has at most as many ranks as its query heads would have with a channel each. `window` is 0
// for one codebook, or the tokens of a codebook, which are made whole rows. Throws InputError if
// there are no tokens or heads, heads that are not whole groups, or more than the rows of the banks
// hold.
std::vector<Placement> placements(const config::ChannelShape& shape, const Stack& stack,
                                  const Workload& workload, unsigned window);

struct StackCost {
  Placement placement;
  ChannelCost channel;        // of a rank, for all its queries
  std::uint64_t latency = 0;  // of all its queries, from an idle channel
};

// Remembers what it has computed.
class StackModel {
 public:
  explicit StackModel(const ChannelSetup& setup, const Stack& stack = {})
      : setup_(setup), stack_(stack) {}

  // From now on a rank takes so long for `set`, and alone for it so long, whatever the model says.
  void measured(const std::vector<Attend>& set, double cycles, std::uint64_t latency);

  // The fastest placement. Throws as placements().
  StackCost cost(const Workload& workload, unsigned window);

  const ChannelSetup& setup() const { return setup_; }
  const Stack& stack() const { return stack_; }

 private:
  ChannelCost& channel(const std::vector<Attend>& query);

  ChannelSetup setup_;
  Stack stack_;
  std::map<std::vector<Attend>, ChannelCost> channels_;
  std::map<std::vector<Attend>, std::uint64_t> latencies_;
};

}  // namespace aqpim::performance
