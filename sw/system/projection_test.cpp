// SPDX-License-Identifier: Apache-2.0
#include "sw/system/projection.h"

#include <doctest/doctest.h>

#include "sw/quantize/test_heads.h"

namespace {

using aqpim::config::EngineConfig;
using aqpim::system::prefill_cycles;
using aqpim::system::PrefillCosts;
using aqpim::test::make_engine;

constexpr PrefillCosts kCosts{
    .setup = 3, .load = 300, .group = 257, .overhead = 40, .unload = 20, .reduce = 30, .encode = 0};

}  // namespace

TEST_CASE("projection: one codebook takes the longest share, and a reduction over all engines") {
  // 8 slices, 2 tokens at a time, records of 4 words, 16 channels.
  const EngineConfig engine = make_engine(128, 4, 8, 256);
  CHECK(prefill_cycles(kCosts, engine, 32768, 16, 0) ==
        32 * (3 + 300 + 1024 * 257 + 40 + 50 + 256 * 64));
  // 101 tokens are 51 groups; one engine divides longer than it unloads.
  CHECK(prefill_cycles(kCosts, engine, 101, 1, 0) ==
        32 * (3 + 300 + 51 * 257 + 40 + 50 + 256 * 16));
}

TEST_CASE("projection: each engine encodes its share") {
  PrefillCosts costs = kCosts;
  costs.encode = 1050;
  const EngineConfig engine = make_engine(128, 4, 8, 256);
  CHECK(prefill_cycles(costs, engine, 32768, 16, 0) -
            prefill_cycles(kCosts, engine, 32768, 16, 0) ==
        2048 * 1050);
  CHECK(prefill_cycles(costs, engine, 101, 2, 0) - prefill_cycles(kCosts, engine, 101, 2, 0) ==
        51 * 1050);
  // Three windows on two engines are two rounds.
  CHECK(prefill_cycles(costs, engine, 3 * 256, 2, 256) -
            prefill_cycles(kCosts, engine, 3 * 256, 2, 256) ==
        2 * 256 * 1050);
}

TEST_CASE("projection: a share of more tokens than fit goes in chunks") {
  const EngineConfig engine = make_engine(128, 4, 8, 256);
  CHECK(prefill_cycles(kCosts, engine, 16 * 2049, 16, 0) ==
        32 * (3 + 300 + 1025 * 257 + 2 * (40 + 50 + 256 * 64)));
}

TEST_CASE("projection: windows take turns at the reducer, and wait for it if they are short") {
  // 8 slices, 1 token at a time, records of 8 words, 16 channels.
  const EngineConfig engine = make_engine(128, 2, 4, 128);
  constexpr PrefillCosts kSmall{.setup = 3, .load = 50, .group = 17, .overhead = 40, .unload = 20};
  CHECK(prefill_cycles(kSmall, engine, 32768, 16, 1024) ==
        2 * 32 * (3 + 50 + 1024 * 17 + 40 + 20 + 256));
  CHECK(prefill_cycles(kSmall, engine, 32768, 16, 64) == 32 * 32 * 16 * (20 + 256 + 50));
  // The last round is as long as the others.
  CHECK(prefill_cycles(kSmall, engine, 17 * 1024, 16, 1024) ==
        prefill_cycles(kSmall, engine, 32 * 1024, 16, 1024));
}
