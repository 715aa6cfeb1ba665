// SPDX-License-Identifier: Apache-2.0
#include "tb/unit/models/bus_data.h"

#include <doctest/doctest.h>

#include <array>
#include <vector>

#include "tb/unit/bench.h"
#include "tb/unit/header.h"

using namespace aqpim::tb;
using namespace aqpim::tb::unit;
using aqpim::pq_pkg::BusKind;
using aqpim::pq_pkg::ColumnKind;
using aqpim::pq_pkg::ReadKind;
namespace request = aqpim::pq_pkg::bus_request;

namespace {

using Data = std::array<std::uint64_t, 4>;

template <typename Port>
Data data_of(const Port& port) {
  Data data;
  for (unsigned i = 0; i < 4; ++i) data[i] = get(port, 64 * i, 64);
  return data;
}

}  // namespace

// Many commands at once are the matter of bus_test.cpp.
TEST_CASE_TEMPLATE_DEFINE(
    "pq_bus_data: the data of a command go where they belong, in their cycle and in no other one",
    Dut, bus_data_single) {
  INFO(Dut::parameters);
  REQUIRE(stated_latency("bus_data") ==
          "From the cycle n of a command on the pins, one after won_i: read data are taken in "
          "n + ReadCycles, and go on in the next cycle; payload_take_o in n, payload_i in n + 1, "
          "bus_wdata_o in n + WriteCycles, at the engines in n + WriteCycles + 2");
  constexpr unsigned kEngines = Dut::BankGroups * Dut::BanksPerGroup / Dut::BanksPerEngine;
  constexpr unsigned kReadCycles = 11, kWriteCycles = 3;  // of this table
  constexpr unsigned kEngineRead = 6 + Dut::WordsPerBeat;
  Bench<typename Dut::Model> bench;
  Random random(test_seed(), "pq_bus_data");
  for (unsigned i = 0; i < 300; ++i) {
    CAPTURE(i);
    const auto kind =
        random.pick({ColumnKind::kRd, ColumnKind::kWr, ColumnKind::kBroadcast,
                     ColumnKind::kEngineRd, ColumnKind::kEngineWr, ColumnKind::kEngineWrAll});
    const auto rank = static_cast<unsigned>(random.below(Dut::Ranks));
    const auto engine = static_cast<unsigned>(random.below(kEngines));
    const auto whose = static_cast<unsigned>(random.bits(24));  // tag and beat
    const bool record = random.chance(1, 2), buffered = random.chance(1, 2);
    const auto to = static_cast<unsigned>(random.below(aqpim::pq_pkg::kBusKinds));
    const auto index = static_cast<unsigned>(random.below(32));
    put(bench->request_i, request::kind, number(kind));
    put(bench->request_i, request::engine, engine);
    put(bench->request_i, request::tag, whose >> 16);
    put(bench->request_i, request::beat, whose & 0xffff);
    put(bench->request_i, request::to, to);
    put(bench->request_i, request::index, index);
    put(bench->request_i, request::record, record);
    put(bench->request_i, request::buffered, buffered);
    bench->rank_i = rank & 1;

    const bool reads =
        kind == ColumnKind::kRd || kind == ColumnKind::kBroadcast || kind == ColumnKind::kEngineRd;
    const std::uint64_t all = ((std::uint64_t{1} << kEngines) - 1) << rank * kEngines;
    const std::uint64_t one = std::uint64_t{1} << (rank * kEngines + engine);
    const bool to_engines = kind == ColumnKind::kBroadcast || kind >= ColumnKind::kEngineWr;
    const unsigned arrives = reads ? 1 + kReadCycles + 2 : 1 + kWriteCycles + 2;
    std::vector<Data> rdata, engine_data, payload, buffer;
    for (unsigned c = 0; c < 20; ++c) {
      CAPTURE(c);
      bench->won_i = c == 0;
      const auto drive = [&](auto& port, std::vector<Data>& kept) {
        kept.push_back({random.bits(), random.bits(), random.bits(), random.bits()});
        for (unsigned part = 0; part < 4; ++part) put(port, 64 * part, 64, kept.back()[part]);
      };
      drive(bench->bus_rdata_i, rdata);
      drive(bench->engine_data_i, engine_data);
      drive(bench->payload_i, payload);
      drive(bench->buffer_i, buffer);
      bench.settle();

      // Reads
      const bool asks = kind == ColumnKind::kEngineRd && c == 1 + kReadCycles - kEngineRead;
      REQUIRE(get(bench->read_valid_o, 0, Dut::Ranks * kEngines) == (asks ? one : 0));
      if (asks) {
        namespace beat = aqpim::pq_pkg::engine_read;
        REQUIRE(get(bench->read_beat_o, beat::index) == index);
        REQUIRE(get(bench->read_beat_o, beat::kind) ==
                number(record ? ReadKind::kRecord : ReadKind::kResult));
      }
      const bool leaves = reads && kind != ColumnKind::kBroadcast && c == 1 + kReadCycles + 1;
      const bool to_reducer = kind == ColumnKind::kEngineRd && record;
      REQUIRE((bench->data_valid_o != 0) == (leaves && !to_reducer));
      REQUIRE((bench->record_valid_o != 0) == (leaves && to_reducer));
      if (leaves) {
        if (!to_reducer) REQUIRE(bench->data_beat_o == whose);
        REQUIRE(data_of(bench->data_o) ==
                (kind == ColumnKind::kEngineRd ? engine_data : rdata)[c - 1]);
      }
      // Writes
      REQUIRE((bench->payload_take_o != 0) == (!reads && !buffered && c == 1));
      REQUIRE((bench->buffer_read_o != 0) == (!reads && buffered && c == 1));
      if (!reads && c == 1) {
        if (buffered) REQUIRE(bench->buffer_address_o == (whose & 0xff));
        if (!buffered) REQUIRE(bench->payload_beat_o == whose);
      }
      const std::vector<Data>& source = reads ? rdata : buffered ? buffer : payload;
      if (!reads && c == 1 + kWriteCycles) REQUIRE(data_of(bench->bus_wdata_o) == source[2]);
      // Engines
      const bool here = to_engines && c == arrives;
      const bool everyone = kind == ColumnKind::kBroadcast || kind == ColumnKind::kEngineWrAll;
      REQUIRE(get(bench->bus_valid_o, 0, Dut::Ranks * kEngines) == (!here      ? 0
                                                                    : everyone ? all
                                                                               : one));
      if (here) {
        namespace beat = aqpim::pq_pkg::engine_write;
        REQUIRE(get(bench->bus_beat_o, beat::kind) == (reads ? number(BusKind::kStream) : to));
        if (!reads) REQUIRE(get(bench->bus_beat_o, beat::index) == index);
        REQUIRE(data_of(bench->bus_data_o) == source[reads ? c - 2 : 2]);
      }
      bench.clock();
    }
  }
}
TEST_CASE_TEMPLATE_APPLY(bus_data_single, bus_data_models);

TEST_CASE_TEMPLATE_DEFINE("pq_bus_data: columns of all banks are taken when their data are there",
                          Dut, bus_data_local) {
  INFO(Dut::parameters);
  Bench<typename Dut::Model> bench;
  bench->won_i = 0;
  bench->local_valid_i = 3;
  bench->local_write_i = 1;  // of rank 0: nothing to take
  bench->local_odd_i = 2;
  for (unsigned c = 0; c < 20; ++c) {
    CAPTURE(c);
    bench.settle();
    REQUIRE(bench->bank_take_o == (c == 12 ? 2 : 0));
    if (c == 12) REQUIRE(bench->bank_odd_o == 2);
    bench.clock();
    bench->local_valid_i = 0;
    bench->local_odd_i = 0;
  }
}
TEST_CASE_TEMPLATE_APPLY(bus_data_local, bus_data_models);
