// SPDX-License-Identifier: Apache-2.0
#include "sw/performance/channel_model.h"

#include <doctest/doctest.h>

#include <numeric>
#include <vector>

#include "sw/config/error.h"
#include "sw/performance/test_channel.h"

namespace {

using aqpim::config::EngineConfig;
using aqpim::config::Memory;
using aqpim::performance::Attend;
using aqpim::performance::ChannelCost;
using aqpim::performance::ChannelSetup;
using aqpim::performance::Delays;
using aqpim::performance::latency;
using aqpim::performance::make_setup;
using aqpim::performance::Phase;
using aqpim::performance::Spent;
using aqpim::performance::steady_state;
using aqpim::test::eight_bit_engine;
using aqpim::test::four_bit_engine;
using aqpim::test::memory_without_refresh;

constexpr unsigned kSwitch = 8 + 19 + 19;  // nRTPL + nRP + nRCD

std::size_t at(Phase phase) { return static_cast<std::size_t>(phase); }
double spent(const ChannelCost& cost, Spent what) {
  return cost.spent[static_cast<std::size_t>(what)];
}

// Engines that are ready at once, and no refresh: what is left is the memory's.
ChannelSetup bare(const EngineConfig& engine, unsigned banks_per_engine, bool power_limited) {
  ChannelSetup setup =
      make_setup(engine, memory_without_refresh(), banks_per_engine, power_limited);
  setup.delays = {};
  return setup;
}

ChannelCost steady(const ChannelSetup& setup, std::vector<Attend> set) {
  return steady_state(setup, set, 8, 0);
}

}  // namespace

TEST_CASE("channel model: with one bank per engine a row takes 31 gaps and a row switch") {
  // 256 tokens are 8 rows of codes, a codebook of 64 beats is 2.
  for (const auto& [limited, gap] : {std::pair{true, 6u}, std::pair{false, 4u}}) {
    const ChannelCost cost = steady(bare(four_bit_engine(), 1, limited), {{256, 256}});
    CHECK(cost.cycles == 20.0 * (31 * gap + kSwitch));
    CHECK(spent(cost, Spent::kRows) == 20.0 * kSwitch);
    CHECK(spent(cost, Spent::kTokens) == 16.0 * 31 * gap);
    CHECK(spent(cost, Spent::kCodebooks) == 4.0 * 31 * gap);
  }
}

TEST_CASE(
    "channel model: with two banks per engine the power limit, or the row switch, is hidden") {
  // 512 tokens are 8 rows of a pair, a codebook is one.
  const EngineConfig engine = four_bit_engine(256);
  const ChannelCost limited = steady(bare(engine, 2, true), {{512, 512}});
  CHECK(limited.cycles == 18.0 * 192);
  CHECK(spent(limited, Spent::kPower) == 18.0 * (192 - 63 * 2 - kSwitch));
  CHECK(steady(bare(engine, 2, false), {{512, 512}}).cycles == 18.0 * (63 * 2 + kSwitch));
}

TEST_CASE("channel model: a phase begins when the engines have turned around") {
  ChannelSetup setup = bare(four_bit_engine(), 1, true);
  setup.delays.turn = 40;
  const ChannelCost cost = steady(setup, {{256, 256}});
  CHECK(cost.cycles == 20.0 * 232 + 4.0 * (2 * 40 - kSwitch));
  CHECK(spent(cost, Spent::kEngines) == 4.0 * (2 * 40 - kSwitch));
}

TEST_CASE("channel model: every window has a codebook of its own, the last one may be short") {
  const ChannelCost cost = steady(bare(four_bit_engine(), 1, true), {{96, 64}});
  // Rows: two windows' codebooks, 2 + 1 rows of codes, both twice.
  CHECK(cost.cycles == 2.0 * (2 * 2 + 3) * 232);
  CHECK(cost.commands.local[at(Phase::kTable)] == 128.0);
  CHECK(cost.commands.local[at(Phase::kScore)] == 96.0);
  CHECK(cost.commands.activates[at(Phase::kCombine)] == 4.0);
}

TEST_CASE("channel model: one rank broadcasts a beat every second cycle") {
  ChannelSetup setup = bare(eight_bit_engine(), 1, true);
  setup.shape.memory.ranks = 1;
  // A codebook of 1,024 beats is two rows of all banks, which the results of the ATTEND before
  // interrupt: 336 beats, a query of 11 and a beat of biases to all.
  const ChannelCost cost = steady(setup, {{32, 0}});
  const double alone = 2.0 * (31 * 6 + kSwitch) + 2.0 * (2 * 511 * 2 + 2 * kSwitch);
  CHECK(cost.cycles >= alone);
  CHECK(cost.cycles <= alone + 2 * (336 + 12) + 4 * 18);
  CHECK(cost.commands.broadcast[at(Phase::kTable)] == 1024.0);
  CHECK(cost.commands.reads == 336.0);
  CHECK(cost.commands.writes_all == 12.0);
  CHECK(cost.commands.writes == 0.0);
}

TEST_CASE("channel model: two ranks share the bus, and broadcasts of one hide behind the other") {
  const ChannelSetup setup = bare(eight_bit_engine(), 1, true);
  const double beats = 2.0 * (2 * 1024 + 336 + 12);
  // The bus is what short contexts wait for.
  const ChannelCost few = steady(setup, {{32, 0}});
  CHECK(few.cycles >= 2.0 * beats);
  CHECK(few.cycles <= 2.2 * beats);
  CHECK(few.bus_share > 0.9);
  // In long contexts only transfers get in the way.
  const ChannelCost many = steady(setup, {{2048, 0}});
  CHECK(many.cycles <= 2.0 * 64 * 232 + 4.0 * 1024 + 4 * kSwitch + 1000);
}

TEST_CASE("channel model: refreshes take their share of the time") {
  Memory memory = aqpim::config::find_memory("hbm3-5200");
  ChannelSetup setup = make_setup(four_bit_engine(), memory, 1, true);
  const double with = steady_state(setup, std::vector<Attend>{{2048, 1024}}, 8, 200).cycles;
  setup.timing.refresh_interval = 1u << 30;
  const double without = steady(setup, {{2048, 1024}}).cycles;
  CHECK(with / without == doctest::Approx(5070.0 / (5070 - 456)).epsilon(0.002));
}

TEST_CASE("channel model: the parts are the whole, and more tokens take longer") {
  const Memory& memory = aqpim::config::find_memory("hbm3-5200");
  for (const unsigned banks : {1u, 2u}) {
    for (const bool limited : {false, true}) {
      const ChannelSetup setup = make_setup(eight_bit_engine(), memory, banks, limited);
      double before = 0.0;
      std::uint64_t latency_before = 0;
      for (const unsigned tokens : {512u, 1024u, 2048u}) {
        const std::vector<Attend> set = {{tokens, 0}};
        const ChannelCost cost = steady_state(setup, set);
        // Cycles are those of the slower rank.
        CHECK(std::accumulate(cost.spent.begin(), cost.spent.end(), 0.0) ==
              doctest::Approx(cost.cycles).epsilon(0.02));
        CHECK(cost.cycles > before);
        CHECK(latency(setup, set) > latency_before);
        CHECK(static_cast<double>(latency(setup, set)) > 0.9 * cost.cycles);
        before = cost.cycles;
        latency_before = latency(setup, set);
      }
    }
  }
}

TEST_CASE("channel model: the latency of one ATTEND is its query, phases and result") {
  ChannelSetup setup = bare(four_bit_engine(), 1, true);
  setup.shape.memory.ranks = 1;
  const std::vector<Attend> set = {{256, 256}};
  // 12 beats of a query at two clock cycles each and 16 of biases; 20 rows, of which the
  // first one is opened then; 336 beats of results, the last one's data after nCL and nBL.
  const unsigned query = 2 * (2 * 12 + 16);
  const unsigned phases = 19 + 20 * 232 - kSwitch;
  CHECK(latency(setup, set) == doctest::Approx(query + phases + 2 * 336 + 21).epsilon(0.001));
}

TEST_CASE(
    "channel model: biases are shared with one codebook, and each engine's own with windows") {
  const ChannelSetup one = bare(eight_bit_engine(), 1, true);
  // 128 tokens of a block on 16 engines are runs of 8, on 8 engines of 16.
  CHECK(aqpim::performance::tokens_per_bias(one.shape, {2048, 0}) == 8);
  CHECK(aqpim::performance::tokens_per_bias(bare(eight_bit_engine(), 2, true).shape, {2048, 0}) ==
        16);
  CHECK(aqpim::performance::bias_beats(one.shape, {2048, 0}) == 16);
  const ChannelSetup windows = bare(four_bit_engine(), 1, true);
  CHECK(aqpim::performance::tokens_per_bias(windows.shape, {2048, 1024}) == 128);
  CHECK(aqpim::performance::tokens_per_bias(windows.shape, {64, 64}) == 64);
  CHECK(aqpim::performance::bias_beats(windows.shape, {2048, 1024}) == 1);
  CHECK(steady(windows, {{256, 256}}).commands.writes == 16.0);
}

TEST_CASE("channel model: the RTL's delays follow the read latency of the memory") {
  Memory memory = aqpim::config::find_memory("hbm3-5200");
  const auto delays = [&] { return make_setup(four_bit_engine(), memory, 1, true).delays; };
  const Delays usual = delays();
  CHECK(usual.turn == 11 + 2 + 9 + 6);
  CHECK(usual.next == usual.turn + 21);
  CHECK(usual.finished == usual.turn + 18);
  CHECK(usual.settle == 26);
  // ReadCycles = floor((nCL + nBL + 2) / 2)
  memory.timing.read_latency += 4;
  for (const unsigned burst : {2u, 3u}) {
    memory.timing.burst = burst;
    const unsigned more = burst == 2 ? 2 : 3;
    CHECK(delays().turn == usual.turn + more);
    CHECK(delays().next == usual.next + more);
    CHECK(delays().finished == usual.finished + more);
    CHECK(delays().settle == usual.settle + more);
  }
}

TEST_CASE("channel model: engines that do not fit next to the banks are refused") {
  const Memory& memory = aqpim::config::find_memory("hbm3-5200");
  CHECK_THROWS_WITH_AS(make_setup(four_bit_engine(), memory, 2, true),
                       "two banks per engine need words of 256 bits, not 128", aqpim::InputError);
  EngineConfig narrow = four_bit_engine();
  narrow.head_dim = 64;
  CHECK_THROWS_WITH_AS(
      make_setup(narrow, memory, 1, true),
      "in a pseudo-channel a token's codes must fill one or two beats of 256 bits, "
      "not 128 bits",
      aqpim::InputError);
  Memory wide = memory;
  wide.organization.ranks = 4;
  CHECK_THROWS_AS(make_setup(four_bit_engine(), wide, 1, true), aqpim::InputError);
}
