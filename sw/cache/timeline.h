// SPDX-License-Identifier: Apache-2.0
//
// Which tokens of a sequence are prefill, sinks, encoded or recent, and which queries are
// evaluated.
//
//   0 ........ sinks ............................ first_recent(t) ......... t
//   | sinks     | encoded, in whole append blocks  | recent, at least 32     |
//   | exact     | codes                            | exact                   |
//
// docs/quantization.md §1. All quantities are token counts or token indices.
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

namespace aqpim::cache {

// Tokens that always stay exact at the end of the context, the query's own token included.
inline constexpr std::size_t kRecentTokens = 32;

// What a user may override.
struct TimelineOptions {
  std::size_t sinks = 8;
  std::size_t append_block = 128;           // a positive multiple of 16
  std::optional<std::size_t> prefill = {};  // default_prefill() if absent

  bool operator==(const TimelineOptions&) const = default;
};

// The division of T tokens. Built by make_timeline(), which checks it.
struct Timeline {
  std::size_t tokens = 0;        // T
  std::size_t query_tokens = 0;  // Tq: the file holds the queries of tokens T − Tq … T − 1
  std::size_t prefill = 0;       // P: codebooks, scales, orders and weights use tokens < P only
  std::size_t sinks = 0;
  std::size_t append_block = 0;

  // First token that is still exact when token t attends: sinks + ⌊(t − 31 − sinks)/B⌋·B, at
  // least `sinks`. At most t − 31 unless nothing has been encoded yet.
  std::size_t first_recent(std::size_t t) const;

  // N: tokens encoded by the end of the sequence, first_recent(T − 1) − sinks. A multiple of B.
  std::size_t encoded() const { return first_recent(tokens - 1) - sinks; }

  // N_P: tokens that are clustered, P − sinks.
  std::size_t clustered() const { return prefill - sinks; }

  bool operator==(const Timeline&) const = default;
};

// T − min(Tq/2, 256).
std::size_t default_prefill(std::size_t tokens, std::size_t query_tokens);

// Checks and completes the options for a head of `tokens` tokens and `query_tokens` queries.
// Throws InputError if the append block is not a positive multiple of 16, if the prefill leaves
// nothing to cluster or nothing to evaluate, or if no token would be encoded (N = 0).
Timeline make_timeline(std::size_t tokens, std::size_t query_tokens,
                       const TimelineOptions& options = {});

// min(16, T − P).
std::size_t default_query_count(const Timeline& timeline);

// Tokens whose queries are evaluated: P + ⌊(i + 1)(T − P)/Q⌋ − 1 for i = 0 … Q − 1; the last is
// T − 1. Throws InputError if Q is 0 or exceeds T − P, or if the file lacks one of the queries.
std::vector<std::size_t> evaluated_queries(const Timeline& timeline, std::size_t count);

}  // namespace aqpim::cache
