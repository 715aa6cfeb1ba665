// SPDX-License-Identifier: Apache-2.0
#include "tb/unit/models/bus_arbiter.h"

#include <doctest/doctest.h>

#include <array>
#include <optional>

#include "tb/unit/bench.h"
#include "tb/unit/header.h"

using namespace aqpim::tb;
using namespace aqpim::tb::unit;
using aqpim::pq_pkg::ColumnKind;
namespace address = aqpim::pq_pkg::bus_address;
namespace request = aqpim::pq_pkg::bus_request;

namespace {

struct Column {
  ColumnKind kind = ColumnKind::kRd;
  unsigned rank = 0, bank = 0, row = 0, column = 0;
};

}  // namespace

// When requests may go is the matter of bus_test.cpp.
TEST_CASE_TEMPLATE_DEFINE(
    "pq_bus_arbiter: who has asked is granted, and what is granted comes to the pins of its slot",
    Dut, bus_arbiter_random) {
  INFO(Dut::parameters);
  REQUIRE(stated_latency("bus_arbiter") ==
          "request to grant: as in pq_bus. Grant to pins: 1 cycle");
  Bench<typename Dut::Model> bench;
  Random random(test_seed(), "pq_bus_arbiter");
  const auto below = [&](unsigned bound) { return static_cast<unsigned>(random.below(bound)); };
  std::array<std::optional<Column>, 2> due;  // by slot
  std::array<unsigned, 2> granted_to = {};
  for (unsigned cycle = 0; cycle < 4000; ++cycle) {
    CAPTURE(cycle);
    std::array<std::optional<Column>, 2> next;
    std::array<Column, Dut::Ranks> asked;
    for (unsigned r = 0; r < Dut::Ranks; ++r) {
      Column& ask = asked[r];
      ask = {ColumnKind{static_cast<std::uint8_t>(below(aqpim::pq_pkg::kColumnKinds))}, r,
             below(16), below(Dut::Rows), below(Dut::Columns)};
      // Columns of all banks are no requests.
      if (ask.kind == ColumnKind::kRdAll || ask.kind == ColumnKind::kWrAll) {
        ask.kind = ColumnKind::kEngineWrAll;
      }
      const auto put_address = [&](aqpim::pq_pkg::Field member, unsigned value) {
        put(bench->address_i, member, value, r * aqpim::pq_pkg::kBusAddressBits);
      };
      const auto put_request = [&](aqpim::pq_pkg::Field member, unsigned value) {
        put(bench->request_i, member, value, r * aqpim::pq_pkg::kBusRequestBits);
      };
      put_address(address::bank, ask.bank);
      put_address(address::row, ask.row);
      put_address(address::column, ask.column);
      put_request(request::kind, number(ask.kind));
      put_request(request::tag, r);
      put_request(request::beat, cycle);
      put(bench->request_valid_i, 2 * r, 2, random.bits(2));
      put(bench->urgent_i, r, 1, random.bits(1));
      const bool local = random.chance(1, 4), write = random.chance(1, 2);
      put(bench->local_valid_i, r, 1, local);
      put(bench->local_write_i, r, 1, write);
      if (local) {
        next[r] = {write ? ColumnKind::kWrAll : ColumnKind::kRdAll, r, 0, ask.row, ask.column};
      }
    }
    bench.settle();
    REQUIRE((bench->won_o != 0) == (bench->grant_o != 0));
    if (bench->won_o != 0) {
      const unsigned rank = bench->rank_o;
      REQUIRE(bench->grant_o == 1u << rank);
      REQUIRE((get(bench->urgent_i, rank, 1) != 0 ||
               get(bench->request_valid_i, 2 * rank + bench->slot_o, 1) != 0));
      REQUIRE(!next[bench->slot_o]);
      REQUIRE(get(bench->request_o, request::tag) == rank);
      REQUIRE(get(bench->request_o, request::beat) == cycle);
      REQUIRE(get(bench->request_o, request::kind) == number(asked[rank].kind));
      next[bench->slot_o] = asked[rank];
      ++granted_to[rank];
    }
    for (unsigned s = 0; s < 2; ++s) {
      REQUIRE((get(bench->col_valid_o, s, 1) != 0) == due[s].has_value());
      if (!due[s]) continue;
      REQUIRE(get(bench->col_kind_o, 3 * s, 3) == number(due[s]->kind));
      REQUIRE(get(bench->col_rank_o, s, 1) == due[s]->rank);
      REQUIRE(get(bench->col_bank_o, 4 * s, 4) == due[s]->bank);
      REQUIRE(get(bench->col_row_o, 14 * s, 14) == due[s]->row);
      REQUIRE(get(bench->col_column_o, 5 * s, 5) == due[s]->column);
    }
    due = next;
    bench.clock();
  }
  for (const unsigned granted : granted_to) CHECK(granted > 100);
}
TEST_CASE_TEMPLATE_APPLY(bus_arbiter_random, bus_arbiter_models);
