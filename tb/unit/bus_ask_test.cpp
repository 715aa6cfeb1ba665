// SPDX-License-Identifier: Apache-2.0
#include "tb/unit/models/bus_ask.h"

#include <doctest/doctest.h>

#include "tb/unit/bench.h"
#include "tb/unit/header.h"

using namespace aqpim::tb;
using namespace aqpim::tb::unit;
using aqpim::pq_pkg::ColumnKind;

TEST_CASE_TEMPLATE_DEFINE(
    "pq_bus_ask: a request has the first slot that is free and that bus and bank group allow", Dut,
    bus_ask_random) {
  INFO(Dut::parameters);
  REQUIRE(stated_latency("bus_ask") == "combinational");
  Bench<typename Dut::Model> bench;
  Random random(test_seed(), "pq_bus_ask");
  unsigned won[2] = {}, waits_for_group = 0;
  for (unsigned i = 0; i < 20000; ++i) {
    CAPTURE(i);
    const auto two = [&] { return static_cast<std::uint8_t>(random.bits(2)); };
    const ColumnKind kind{static_cast<std::uint8_t>(random.below(aqpim::pq_pkg::kColumnKinds))};
    const auto group = static_cast<unsigned>(random.below(Dut::BankGroups));
    const auto last = static_cast<unsigned>(random.below(2 * Dut::BankGroups));
    bench->kind_i = static_cast<std::uint8_t>(kind);
    bench->group_i = static_cast<std::uint8_t>(group);
    bench->last_i = static_cast<std::uint8_t>(last);
    bench->valid_i = two();
    bench->held_off_i = random.chance(1, 4);
    bench->slot_free_i = two();
    bench->read_allowed_i = two();
    bench->write_allowed_i = two();
    bench->group_allowed_i = two();
    bench.settle();

    const bool reads =
        kind == ColumnKind::kRd || kind == ColumnKind::kBroadcast || kind == ColumnKind::kEngineRd;
    const bool same_group =
        kind != ColumnKind::kEngineWrAll && last == Dut::Rank * Dut::BankGroups + group;
    unsigned allowed = bench->valid_i & bench->slot_free_i &
                       (reads ? bench->read_allowed_i : bench->write_allowed_i);
    if (same_group) {
      waits_for_group += (allowed & ~unsigned{bench->group_allowed_i}) != 0;
      allowed &= bench->group_allowed_i;
    }
    const bool wins = allowed != 0 && bench->held_off_i == 0;
    REQUIRE(bench->writes_o == !reads);
    REQUIRE(bench->wins_o == wins);
    if (!wins) continue;
    REQUIRE(bench->slot_o == (allowed & 1 ? 0 : 1));
    ++won[bench->slot_o];
  }
  CHECK(won[0] > 1000);
  CHECK(won[1] > 500);
  CHECK(waits_for_group > 100);
}
TEST_CASE_TEMPLATE_APPLY(bus_ask_random, bus_ask_models);
