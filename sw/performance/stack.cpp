// SPDX-License-Identifier: Apache-2.0
#include "sw/performance/stack.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "sw/config/error.h"

namespace aqpim::performance {

namespace {

unsigned parts(unsigned whole, unsigned part) { return (whole + part - 1) / part; }

ChannelCost times(ChannelCost cost, double factor) {
  cost.cycles *= factor;
  for (double& spent : cost.spent) spent *= factor;
  CommandCounts& commands = cost.commands;
  for (double* count :
       {&commands.refreshes, &commands.writes_all, &commands.writes, &commands.reads}) {
    *count *= factor;
  }
  for (std::size_t i = 0; i < kPhases; ++i) {
    commands.activates[i] *= factor;
    commands.local[i] *= factor;
    commands.broadcast[i] *= factor;
  }
  return cost;
}

// Of a bank, for the codes and codebooks of all heads that a rank has parts of.
std::uint64_t rows_of(const config::ChannelShape& shape, const Placement& placement) {
  std::uint64_t rows = 0;
  for (const Attend& tile : placement.query) {
    rows += shape.code_rows(tile.tokens);
    if (tile.window != 0) rows += parts(tile.tokens, tile.window) * shape.local_codebook_rows();
  }
  if (placement.query.front().window == 0) rows += shape.striped_codebook_rows();
  return rows * placement.caches * 2;
}

}  // namespace

unsigned usual_window(unsigned tokens) {
  constexpr unsigned kLargest = 1024;
  return std::clamp(tokens / 16, 1u, kLargest);
}

std::vector<Placement> placements(const config::ChannelShape& shape, const Stack& stack,
                                  const Workload& workload, unsigned window) {
  if (workload.tokens == 0 || workload.heads == 0) {
    throw InputError("there must be at least one token and one head");
  }
  if (workload.group == 0 || workload.heads % workload.group != 0) {
    throw InputError(
        fmt::format("{} query heads cannot be groups of {}", workload.heads, workload.group));
  }
  const unsigned of_channel = stack.pseudo_channels * shape.memory.ranks;
  const unsigned of_stack = stack.channels * of_channel;
  const unsigned caches = workload.heads / workload.group;
  const unsigned row = shape.tokens_per_row();
  std::vector<Placement> found;
  std::uint64_t fewest_rows = std::numeric_limits<std::uint64_t>::max();
  for (unsigned ranks = 1; ranks <= of_channel * workload.group && ranks <= of_stack; ranks *= 2) {
    // With more ranks than there are free ones, a rank would have parts of several heads.
    if (ranks > 1 && caches * ranks > of_stack) break;
    const unsigned tokens = parts(workload.tokens, ranks * shape.engines());
    Placement placement{.ranks = ranks, .caches = parts(caches * ranks, of_stack), .query = {}};
    // A codebook for more tokens than the engine has is a copy of its neighbours'.
    const unsigned rows = window == 0 ? 0 : parts(std::min(window, tokens), row);
    const unsigned depth = shape.engine.score_depth;
    const unsigned tile =
        window == 0 || rows * row > depth ? depth : depth / (rows * row) * rows * row;
    for (unsigned first = 0; first < tokens; first += tile) {
      placement.query.push_back(
          {.tokens = std::min(tile, tokens - first), .window = std::min(rows * row, tile)});
    }
    const std::uint64_t taken = rows_of(shape, placement);
    fewest_rows = std::min(fewest_rows, taken);
    if (taken <= shape.memory.rows) found.push_back(std::move(placement));
  }
  if (found.empty()) {
    throw InputError(fmt::format(
        "a context of {} tokens takes {} rows of a bank, which has {} (heads of keys and values: "
        "{})",
        workload.tokens, fewest_rows, shape.memory.rows, caches));
  }
  return found;
}

ChannelCost& StackModel::channel(const std::vector<Attend>& query) {
  const auto [entry, fresh] = channels_.try_emplace(query);
  if (fresh) entry->second = steady_state(setup_, query);
  return entry->second;
}

void StackModel::measured(const std::vector<Attend>& set, double cycles, std::uint64_t latency) {
  channel(set).cycles = cycles;
  latencies_[set] = latency;
}

StackCost StackModel::cost(const Workload& workload, unsigned window) {
  StackCost best;
  for (Placement& placement : placements(setup_.shape, stack_, workload, window)) {
    const unsigned queries = placement.caches * workload.group;
    ChannelCost cost = times(channel(placement.query), queries);
    if (best.channel.cycles > 0.0 && cost.cycles >= best.channel.cycles) continue;
    best.placement = std::move(placement);
    best.channel = cost;
  }
  std::vector<Attend> set;
  for (unsigned i = 0; i < best.placement.caches * workload.group; ++i) {
    set.insert(set.end(), best.placement.query.begin(), best.placement.query.end());
  }
  const auto [entry, fresh] = latencies_.try_emplace(set);
  if (fresh) entry->second = latency(setup_, set);
  best.latency = entry->second;
  return best;
}

}  // namespace aqpim::performance
