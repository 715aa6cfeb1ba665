// SPDX-License-Identifier: Apache-2.0
#include "sw/cache/timeline.h"

#include <fmt/format.h>

#include <algorithm>

#include "sw/config/error.h"

namespace aqpim::cache {

namespace {

constexpr std::size_t kBlockUnit = 16;
constexpr std::size_t kMostEvaluated = 256;
constexpr std::size_t kDefaultQueries = 16;

std::string smaller_block_advice(const Timeline& timeline) {
  const std::size_t room =
      timeline.tokens > timeline.sinks + kRecentTokens - 1
          ? (timeline.tokens - timeline.sinks - kRecentTokens) / kBlockUnit * kBlockUnit
          : 0;
  if (room == 0) return "the sequence is too short for any append block";
  return fmt::format("an append block of at most {} tokens would", room);
}

}  // namespace

std::size_t Timeline::first_recent(std::size_t t) const {
  const std::size_t exact = kRecentTokens - 1 + sinks;
  if (t < exact) return sinks;
  return sinks + (t - exact) / append_block * append_block;
}

std::size_t default_prefill(std::size_t tokens, std::size_t query_tokens) {
  return tokens - std::min(query_tokens / 2, kMostEvaluated);
}

Timeline make_timeline(std::size_t tokens, std::size_t query_tokens,
                       const TimelineOptions& options) {
  if (options.append_block == 0 || options.append_block % kBlockUnit != 0) {
    throw InputError(
        fmt::format("the append block must be a positive multiple of {} tokens, not {}", kBlockUnit,
                    options.append_block));
  }
  if (query_tokens > tokens) {
    throw InputError(
        fmt::format("there are more queries ({}) than tokens ({})", query_tokens, tokens));
  }
  const Timeline timeline{
      .tokens = tokens,
      .query_tokens = query_tokens,
      .prefill = options.prefill.value_or(default_prefill(tokens, query_tokens)),
      .sinks = options.sinks,
      .append_block = options.append_block};
  if (timeline.prefill >= tokens) {
    throw InputError(
        fmt::format("a prefill of {} of {} tokens leaves no query to evaluate (the file holds "
                    "the queries of the last {} tokens); give at most {} as --prefill",
                    timeline.prefill, tokens, query_tokens, tokens - 1));
  }
  if (timeline.prefill <= timeline.sinks) {
    throw InputError(fmt::format("a prefill of {} tokens with {} sinks leaves no token to cluster",
                                 timeline.prefill, timeline.sinks));
  }
  if (timeline.encoded() == 0) {
    throw InputError(
        fmt::format("{} tokens with {} sinks, {} recent tokens and an append block of {} leave no "
                    "token to quantize; {}",
                    tokens, timeline.sinks, kRecentTokens, timeline.append_block,
                    smaller_block_advice(timeline)));
  }
  return timeline;
}

std::size_t default_query_count(const Timeline& timeline) {
  return std::min(kDefaultQueries, timeline.tokens - timeline.prefill);
}

std::vector<std::size_t> evaluated_queries(const Timeline& timeline, std::size_t count) {
  const std::size_t after = timeline.tokens - timeline.prefill;
  if (count == 0) throw InputError("at least one query must be evaluated");
  if (count > after) {
    throw InputError(
        fmt::format("{} queries were asked for, but only {} tokens follow the prefill "
                    "of {}",
                    count, after, timeline.prefill));
  }
  std::vector<std::size_t> queries(count);
  for (std::size_t i = 0; i < count; ++i) {
    queries[i] = timeline.prefill + (i + 1) * after / count - 1;
  }
  const std::size_t first_held = timeline.tokens - timeline.query_tokens;
  if (queries.front() < first_held) {
    throw InputError(
        fmt::format("the query of token {} is not in the file, which starts at token "
                    "{}; choose a longer prefill or fewer queries",
                    queries.front(), first_held));
  }
  return queries;
}

}  // namespace aqpim::cache
