// SPDX-License-Identifier: Apache-2.0
#include "tb/unit/models/bus.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <vector>

#include "tb/memory/timing_checker.h"
#include "tb/unit/bench.h"
#include "tb/unit/header.h"

namespace {

using namespace aqpim::tb;
using namespace aqpim::tb::unit;

using Data = std::array<std::uint64_t, 4>;

namespace address = aqpim::pq_pkg::bus_address;
namespace request = aqpim::pq_pkg::bus_request;
using aqpim::pq_pkg::BusKind;
using aqpim::pq_pkg::ColumnKind;
using aqpim::pq_pkg::ReadKind;
using Source = aqpim::pq_pkg::PhaseSource;
using enum aqpim::pq_pkg::PhaseSource;

// By ColumnKind.
constexpr CommandKind kKinds[] = {CommandKind::kRd,        CommandKind::kWr,
                                  CommandKind::kBroadcast, CommandKind::kRdAll,
                                  CommandKind::kWrAll,     CommandKind::kEngineRd,
                                  CommandKind::kEngineWr,  CommandKind::kEngineWrAll};
static_assert(std::size(kKinds) == aqpim::pq_pkg::kColumnKinds);

struct Column {
  ColumnKind kind = ColumnKind::kRd;
  unsigned rank = 0, set = 0, bank = 0, row = 0, column = 0;

  bool operator==(const Column&) const = default;
};

struct Tagged {
  unsigned tag = 0, beat = 0;

  bool operator==(const Tagged&) const = default;
};

struct ToEngines {
  std::uint64_t engines = 0;  // a bit each
  unsigned kind = 0;
  std::optional<unsigned> index = {};
  std::uint64_t from = 0;  // the cycle whose data it is
  const std::vector<Data>* data = nullptr;
};

struct ToHost {
  Tagged whose;
  bool record = false;
  Data data{};
};

template <class Dut>
class Bus {
 public:
  static constexpr unsigned kRanks = Dut::Ranks;
  static constexpr unsigned kEngines = Dut::BankGroups * Dut::BanksPerGroup / Dut::BanksPerEngine;
  static constexpr unsigned kReadCycles = 11, kWriteCycles = 3;  // of this table
  static constexpr unsigned kEngineRead = 6 + Dut::WordsPerBeat;
  // The open row of a rank
  static constexpr unsigned row_of(unsigned rank) { return 77 + rank; }

  static aqpim::config::Memory make_memory() {
    aqpim::config::Memory made = aqpim::config::find_memory("hbm3-5200");
    made.organization.ranks = kRanks;
    return made;
  }

  struct Stream {
    Source source = kLocal;
    unsigned left = 0;   // beats until the source changes
    unsigned pause = 0;  // cycles
    bool wants = false, all = false, odd = false;
    unsigned bank = 0, engine = 0, beat = 0, column = 0, tag = 0, slots = 3;
  };

  struct Transfer {
    unsigned left = 0, pause = 0;
    bool read = false, all = false;
    BusKind kind = BusKind::kTokens;
    unsigned index = 0, engine = 0, beat = 0, tag = 0;
  };

  Bus() {
    REQUIRE(
        stated_latency("bus") ==
        "request to grant of a write, or of a read behind the other rank's writes: at most 1033 "
        "cycles with HBM3 at 5.2 Gb/s, FairCycles + (nCL + nBL + nRTW - nCWL) / 2, beside those "
        "in which columns of all banks take its slots. A request that a stream withdraws for "
        "refreshes counts anew when it comes back: up to FairCycles before them and as many cycles "
        "as above after them. Grant to pins: 1 cycle. From the cycle n of a command on the pins: "
        "read data are taken in n + ReadCycles, and go on in the next cycle; payload_take_o in n, "
        "payload_i in n + 1, bus_wdata_o in n + WriteCycles, at the engines in n + WriteCycles + "
        "2");
    checker.violations().subscribe([](const Violation& found) { FAIL(found.sentence); });
    for (unsigned r = 0; r < kRanks; ++r) {
      checker.check({.cycle = r, .kind = CommandKind::kActAll, .rank = r, .row = row_of(r)});
    }
    while (cycle < 40) step();
  }

  void new_stream(unsigned r) {
    Stream& s = streams[r];
    s.source = static_cast<Source>(random.below(8));
    s.left = 1 + below(40);
    // Accesses of a rank's banks that have not ended are not followed by others.
    s.pause = 24 + below(40);
    s.all = random.chance(1, 2);
    s.wants = false;
    next_beat(s);
  }

  void new_transfer(unsigned r) {
    Transfer& t = transfers[r];
    t.left = 1 + below(30);
    t.pause = random.chance(1, 2) ? below(8) : below(100);
    t.read = random.chance(1, 3);
    t.all = !t.read && random.chance(1, 2);
    next_beat(t);
  }

  // Ends the cycle: what is asked for, what is granted, what is due.
  void step() {
    for (unsigned r = 0; r < kRanks; ++r) drive(r);
    for (auto* port : {&payload, &buffer, &rdata, &engine_data}) {
      Data word;
      for (std::uint64_t& part : word) part = random.bits();
      port->resize(cycle + 1);
      (*port)[cycle] = word;
    }
    put_data(bench->payload_i, payload[cycle]);
    put_data(bench->buffer_i, buffer[cycle]);
    put_data(bench->bus_rdata_i, rdata[cycle]);
    put_data(bench->engine_data_i, engine_data[cycle]);
    bench.settle();
    check_outputs();

    unsigned grants = 0;
    for (unsigned r = 0; r < kRanks; ++r) {
      const bool granted = get(bench->grant_o, r, 1) != 0;
      const bool transfer = granted && asks(transfers[r]);
      const bool stream = granted && !transfer;
      grants += granted;
      if (stream) REQUIRE(get(bench->request_valid_i, 2 * r + slot(), 1) != 0);
      if (granted) REQUIRE((asks(transfers[r]) || asks(streams[r])));
      if (!asks(transfers[r]) && !asks(streams[r])) {
        waited[r] = 0;
      } else if (granted) {
        longest[r] = std::max(longest[r], waited[r]);
        waited[r] = 0;
      } else if (finds_slot(r) && (asks_write(r) || asks_write((r + 1) % kRanks))) {
        REQUIRE(++waited[r] <= kMostWaited);
      }
      if (transfer) grant(r, transfers[r]);
      if (stream) grant(r, streams[r]);
      if (get(bench->local_valid_i, r, 1) != 0) local(r);
      granted_streams[r] += stream;
      granted_transfers[r] += transfer;
    }
    REQUIRE(grants <= 1);
    for (const auto& [at, column] : coming_columns) {
      const auto kind = kKinds[number(column.kind)];
      const CommandFormat& format = format_of(kind);
      checker.check({.cycle = 40 + at,
                     .kind = kind,
                     .set = static_cast<BankSet>(column.set),
                     .rank = column.rank,
                     .bank = column.bank,
                     .row = format.has_row || format.has_column ? row_of(column.rank) : 0,
                     .column = column.column});
      columns[at + 2] = column;  // on the pins in the next clock cycle
    }
    coming_columns.clear();
    bench.clock();
    ++cycle;
  }

  unsigned below(std::uint64_t bound) { return static_cast<unsigned>(random.below(bound)); }

  Bench<typename Dut::Model> bench;
  Random random{test_seed(), "pq_bus"};
  TimingChecker checker{make_memory(),
                        {.banks_per_engine = Dut::BanksPerEngine, .power_limited = false}};
  std::uint64_t cycle = 0;
  std::array<Stream, kRanks> streams = {};
  std::array<Transfer, kRanks> transfers = {};
  std::array<std::uint64_t, kRanks> granted_streams = {}, granted_transfers = {};
  std::array<unsigned, kRanks> waited = {}, longest = {};  // cycles
  std::array<std::uint64_t, aqpim::pq_pkg::kColumnKinds> kinds = {};

  const unsigned kMostWaited = stated_cycles("bus", "at most");

  // A slot that the rank asks for is not taken by a column of all banks.
  bool finds_slot(unsigned r) {
    unsigned slots = asks(transfers[r]) ? 3 : streams[r].slots;
    for (unsigned s = 0; s < kRanks; ++s) {
      if (get(bench->local_valid_i, s, 1) != 0) slots &= ~(1u << s);
    }
    return slots != 0;
  }

  bool asks_write(unsigned r) const {
    if (asks(transfers[r])) return !transfers[r].read;
    const Source source = streams[r].source;
    return asks(streams[r]) && (source == kWrite || source >= kStart);
  }

  static bool asks(const Stream& s) { return s.wants && s.source >= kBroadcast && s.left > 0; }
  static bool asks(const Transfer& t) { return t.left > 0 && t.pause == 0; }

  void next_beat(Stream& s) {
    s.bank = below(16);
    s.engine = below(kEngines);
    s.beat = below(200);
    s.column = below(32);
    s.tag = below(256);
    s.odd = !s.odd;
    s.slots = random.pick({3u, 3u, 2u, 1u});
  }

  void next_beat(Transfer& t) {
    t.kind = BusKind{static_cast<std::uint8_t>(1 + below(5))};
    t.index = below(t.read ? 64 : 32);
    t.engine = below(kEngines);
    t.beat = below(2000);
    t.tag = below(256);
  }

 private:
  unsigned slot() { return bench->slot_o; }

  void drive(unsigned r) {
    Stream& s = streams[r];
    if (s.pause > 0) --s.pause;
    if (!s.wants) s.wants = s.left > 0 && s.pause == 0 && random.chance(3, 4);
    Transfer& t = transfers[r];
    if (t.pause > 0) --t.pause;
    // Columns of all banks come when they may, two banks of an engine in turn.
    const unsigned gap = Dut::BanksPerEngine == 1 ? 2 : 1;
    const bool local = s.wants && s.source <= kLocalWrite && cycle >= last_local[r] + gap;
    put(bench->local_valid_i, r, 1, local);
    put(bench->local_write_i, r, 1, s.source == kLocalWrite);
    put(bench->local_odd_i, r, 1, s.odd);
    const bool transfer = asks(t);
    const ColumnKind kind = transfer ? kind_of(t) : kind_of(s);
    const bool at_engine = kind == ColumnKind::kEngineRd || kind == ColumnKind::kEngineWr ||
                           kind == ColumnKind::kEngineWrAll;
    const unsigned engine = transfer ? t.engine : s.engine;
    put(bench->request_valid_i, 2 * r, 2, asks(s) ? s.slots : 0);
    put(bench->urgent_i, r, 1, transfer);
    const auto put_address = [&](aqpim::pq_pkg::Field member, unsigned value) {
      put(bench->address_i, member, value, r * aqpim::pq_pkg::kBusAddressBits);
    };
    put_address(address::bank, at_engine ? engine * Dut::BanksPerEngine : s.bank);
    put_address(address::row, row_of(r));
    put_address(address::column, s.column);
    const auto put_request = [&](aqpim::pq_pkg::Field member, unsigned value) {
      put(bench->request_i, member, value, r * aqpim::pq_pkg::kBusRequestBits);
    };
    put_request(request::kind, number(kind));
    put_request(request::engine, engine);
    put_request(request::tag, transfer ? t.tag : s.tag);
    put_request(request::beat, transfer ? t.beat : s.beat);
    put_request(request::to, transfer && !t.read ? number(t.kind) : 0);
    put_request(request::index, t.index);
    put_request(request::record, !transfer);
    put_request(request::buffered, !transfer && s.source == kCentroids);
  }

  static ColumnKind kind_of(const Transfer& t) {
    return t.read  ? ColumnKind::kEngineRd
           : t.all ? ColumnKind::kEngineWrAll
                   : ColumnKind::kEngineWr;
  }

  static ColumnKind kind_of(const Stream& s) {
    return s.source == kBroadcast ? ColumnKind::kBroadcast
           : s.source == kRead    ? ColumnKind::kRd
           : s.source == kWrite   ? ColumnKind::kWr
           : s.source == kRecords ? ColumnKind::kEngineRd
           : s.all                ? ColumnKind::kEngineWrAll
                                  : ColumnKind::kEngineWr;
  }

  void local(unsigned r) {
    Stream& s = streams[r];
    last_local[r] = cycle;
    const bool write = s.source == kLocalWrite;
    const unsigned set = number(Dut::BanksPerEngine == 1 ? BankSet::kAll
                                : s.odd                  ? BankSet::kOdd
                                                         : BankSet::kEven);
    const ColumnKind kind = write ? ColumnKind::kWrAll : ColumnKind::kRdAll;
    coming_columns[2 * cycle + r] = {
        .kind = kind, .rank = r, .set = set, .row = row_of(r), .column = s.column};
    if (!write) takes[cycle + 1 + kReadCycles][r] = s.odd ? 2 : 1;
    ++kinds[number(kind)];
    finish(s);
  }

  template <class Request>
  void finish(Request& request) {
    if (--request.left > 0) next_beat(request);
    if constexpr (requires { request.wants; }) request.wants = false;
  }

  void grant(unsigned r, Stream& s) {
    const bool engine = s.source >= kRecords;
    command(r, kind_of(s), engine ? s.engine * Dut::BanksPerEngine : s.bank, s.engine,
            {s.tag, s.beat}, BusKind::kStream, {}, s.source == kRecords, s.source == kCentroids,
            s.column);
    finish(s);
  }

  void grant(unsigned r, Transfer& t) {
    command(r, kind_of(t), t.engine * Dut::BanksPerEngine, t.engine, {t.tag, t.beat}, t.kind,
            t.index, false, false, streams[r].column);
    finish(t);
  }

  // What follows from a command of the data bus.
  void command(unsigned r, ColumnKind kind, unsigned bank, unsigned engine, Tagged whose,
               BusKind select, std::optional<unsigned> index, bool record, bool buffered,
               unsigned column) {
    ++kinds[number(kind)];
    const bool at_bank = kind <= ColumnKind::kBroadcast;
    coming_columns[2 * cycle + slot()] = {.kind = kind,
                                          .rank = r,
                                          .bank = kind == ColumnKind::kEngineWrAll ? 0 : bank,
                                          .row = at_bank ? row_of(r) : 0,
                                          .column = at_bank ? column : 0};
    const std::uint64_t n = cycle + 1;
    const std::uint64_t rank_mask = (std::uint64_t{1} << kEngines) - 1;
    const std::uint64_t all = rank_mask << r * kEngines;
    const std::uint64_t one = std::uint64_t{1} << (r * kEngines + engine);
    if (kind == ColumnKind::kRd || kind == ColumnKind::kBroadcast ||
        kind == ColumnKind::kEngineRd) {
      const std::uint64_t arrives = n + kReadCycles;
      if (kind == ColumnKind::kBroadcast) {
        to_engines[arrives + 2] = {.engines = all, .from = arrives, .data = &rdata};
      } else {
        to_host[arrives + 1] = {whose, record};
        from_engine[arrives + 1] = kind == ColumnKind::kEngineRd;
      }
      if (kind == ColumnKind::kEngineRd) {
        asked[arrives - kEngineRead] = {
            .engines = one,
            .kind = number(record ? ReadKind::kRecord : ReadKind::kResult),
            .index = index};
      }
      return;
    }
    (buffered ? buffer_reads : payload_takes)[n] = whose;
    const std::vector<Data>* data = buffered ? &buffer : &payload;
    written[n + kWriteCycles] = {.from = n + 1, .data = data};
    if (kind != ColumnKind::kWr) {
      to_engines[n + kWriteCycles + 2] = {.engines = kind == ColumnKind::kEngineWrAll ? all : one,
                                          .kind = number(select),
                                          .index = index,
                                          .from = n + 1,
                                          .data = data};
    }
  }

  template <typename T>
  std::optional<T> due(std::map<std::uint64_t, T>& expected, std::uint64_t when) {
    const auto found = expected.find(when);
    if (found == expected.end()) return std::nullopt;
    T value = found->second;
    expected.erase(found);
    return value;
  }

  void check_outputs() {
    CAPTURE(cycle);
    for (unsigned s = 0; s < 2; ++s) {
      const auto column = due(columns, 2 * cycle + s);
      REQUIRE((get(bench->col_valid_o, s, 1) != 0) == column.has_value());
      if (!column) continue;
      Column seen{.kind = ColumnKind{static_cast<std::uint8_t>(get(bench->col_kind_o, 3 * s, 3))},
                  .rank = static_cast<unsigned>(get(bench->col_rank_o, s, 1)),
                  .set = static_cast<unsigned>(get(bench->col_set_o, 2 * s, 2)),
                  .bank = static_cast<unsigned>(get(bench->col_bank_o, 4 * s, 4)),
                  .row = static_cast<unsigned>(get(bench->col_row_o, 14 * s, 14)),
                  .column = static_cast<unsigned>(get(bench->col_column_o, 5 * s, 5))};
      if (seen.kind == ColumnKind::kEngineWrAll) seen.bank = 0;
      if (seen.kind >= ColumnKind::kEngineRd) seen.row = seen.column = 0;
      REQUIRE(seen == *column);
    }

    const auto host = due(to_host, cycle);
    REQUIRE((bench->data_valid_o != 0) == (host && !host->record));
    REQUIRE((bench->record_valid_o != 0) == (host && host->record));
    if (host) {
      if (!host->record) {
        REQUIRE(tagged(bench->data_beat_o) == host->whose);
      }
      check_data(bench->data_o, (*due(from_engine, cycle) ? engine_data : rdata)[cycle - 1]);
    }
    const auto take = due(payload_takes, cycle);
    REQUIRE((bench->payload_take_o != 0) == take.has_value());
    if (take) {
      REQUIRE(tagged(bench->payload_beat_o) == *take);
    }
    const auto read = due(buffer_reads, cycle);
    REQUIRE((bench->buffer_read_o != 0) == read.has_value());
    if (read) REQUIRE(bench->buffer_address_o == read->beat);
    if (const auto data = due(written, cycle)) {
      check_data(bench->bus_wdata_o, (*data->data)[data->from]);
    }
    const auto engines = due(to_engines, cycle);
    REQUIRE(get(bench->bus_valid_o, 0, kRanks * kEngines) == (engines ? engines->engines : 0));
    if (engines) {
      namespace beat = aqpim::pq_pkg::engine_write;
      REQUIRE(get(bench->bus_beat_o, beat::kind) == engines->kind);
      if (engines->index) REQUIRE(get(bench->bus_beat_o, beat::index) == *engines->index);
      check_data(bench->bus_data_o, (*engines->data)[engines->from]);
    }
    const auto question = due(asked, cycle);
    REQUIRE(get(bench->read_valid_o, 0, kRanks * kEngines) == (question ? question->engines : 0));
    if (question) {
      namespace beat = aqpim::pq_pkg::engine_read;
      REQUIRE(get(bench->read_beat_o, beat::kind) == question->kind);
      if (question->index) REQUIRE(get(bench->read_beat_o, beat::index) == *question->index);
    }
    const auto taken = due(takes, cycle);
    for (unsigned r = 0; r < kRanks; ++r) {
      const unsigned which = taken ? (*taken)[r] : 0;
      REQUIRE((get(bench->bank_take_o, r, 1) != 0) == (which != 0));
      if (which != 0) REQUIRE(get(bench->bank_odd_o, r, 1) == which - 1);
    }
  }

  static Tagged tagged(unsigned port) {
    return {get(port, aqpim::pq_pkg::host_beat::tag), get(port, aqpim::pq_pkg::host_beat::beat)};
  }

  template <typename Port>
  void check_data(const Port& port, const Data& data) {
    for (unsigned i = 0; i < 4; ++i) REQUIRE(get(port, 64 * i, 64) == data[i]);
  }

  template <typename Port>
  void put_data(Port& port, const Data& data) {
    for (unsigned i = 0; i < 4; ++i) put(port, 64 * i, 64, data[i]);
  }

  std::array<std::uint64_t, kRanks> last_local = {};
  std::map<std::uint64_t, Column> coming_columns, columns;  // by memory cycle
  // By clock cycle:
  std::map<std::uint64_t, ToHost> to_host;
  std::map<std::uint64_t, bool> from_engine;
  std::map<std::uint64_t, Tagged> payload_takes, buffer_reads;
  std::map<std::uint64_t, ToEngines> written, to_engines, asked;
  std::map<std::uint64_t, std::array<unsigned, 2>> takes;
  std::vector<Data> payload, buffer, rdata, engine_data;
};

}  // namespace

TEST_CASE_TEMPLATE_DEFINE(
    "pq_bus: whoever asks, commands keep the table's rules, and data go where they belong in time",
    Dut, bus_random) {
  INFO(Dut::parameters);
  Bus<Dut> bus;
  const std::uint64_t cycles = test_iterations(15000);
  for (std::uint64_t i = 0; i < cycles; ++i) {
    for (unsigned r = 0; r < Dut::Ranks; ++r) {
      if (bus.streams[r].left == 0) bus.new_stream(r);
      if (bus.transfers[r].left == 0) bus.new_transfer(r);
    }
    bus.step();
  }
  if (cycles >= 15000) {
    for (const std::uint64_t count : bus.kinds) CHECK(count > 100);
    for (unsigned r = 0; r < Dut::Ranks; ++r) {
      CHECK(bus.granted_streams[r] > 500);
      CHECK(bus.granted_transfers[r] > 500);
    }
  }
}
TEST_CASE_TEMPLATE_APPLY(bus_random, bus_models);

TEST_CASE_TEMPLATE_DEFINE(
    "pq_bus: bank groups in turn have a beat in each cycle, reads to writes the turnaround's gap",
    Dut, bus_throughput) {
  INFO(Dut::parameters);
  Bus<Dut> bus;
  auto& stream = bus.streams[0];
  const auto beats = [&](unsigned count, unsigned group_step) {
    unsigned cycles = 0;
    for (unsigned i = 0; i < count; ++cycles) {
      stream.left = 2;
      stream.wants = true;
      stream.bank = i * group_step * 4 % 16;
      stream.slots = 3;
      const auto before = bus.granted_streams[0];
      bus.step();
      i += bus.granted_streams[0] != before;
    }
    return cycles;
  };
  stream.source = kBroadcast;
  CHECK(beats(50, 1) == 50);
  CHECK(beats(50, 0) >= 99);
  // The last read has the slot that the first write has: 9 cycles are nCL + nBL + nRTW - nCWL.
  stream.source = kStart;
  stream.all = true;
  CHECK(beats(1, 0) == 9);
  CHECK(beats(20, 0) == 20);
  // Writes to one engine, and to all in between, which no bank group waits for.
  const auto writes = [&] {
    stream.all = !stream.all;
    stream.engine = 0;
    return beats(1, 0);
  };
  unsigned cycles = 0;
  for (unsigned i = 0; i < 20; ++i) cycles += writes();
  CHECK(cycles == 20);

  // A bank group is busy for its own rank only: the other one fills the gaps.
  if constexpr (Dut::Ranks == 2) {
    stream.wants = false;
    for (unsigned i = 0; i < 40; ++i) bus.step();
    const auto before = bus.granted_streams;
    for (unsigned i = 0; i < 50; ++i) {
      for (auto& each : bus.streams) {
        each.source = kBroadcast;
        each.left = 2;
        each.wants = true;
        each.bank = 0;
        each.slots = 3;
      }
      bus.step();
    }
    for (unsigned r = 0; r < 2; ++r) CHECK(bus.granted_streams[r] - before[r] == 25);
  }
}
TEST_CASE_TEMPLATE_APPLY(bus_throughput, bus_models);

TEST_CASE_TEMPLATE_DEFINE(
    "pq_bus: a rank that uses the bus without gaps does not keep the other one from it", Dut,
    bus_fairness) {
  INFO(Dut::parameters);
  if constexpr (Dut::Ranks == 2) {
    constexpr unsigned kFair = 1024;
    // Cycles until the other rank's first beat, and then until its 32nd.
    const auto waits = [](unsigned busy, Source always, Source wanted, bool as_transfer) {
      Bus<Dut> bus;
      const auto step = [&] {
        auto& stream = bus.streams[busy];
        stream.source = always;
        stream.all = true;
        stream.left = 2;
        stream.wants = true;
        stream.slots = 3;
        // In another bank group than before.
        stream.bank = static_cast<unsigned>(bus.cycle % 4 * 4);
        stream.engine = static_cast<unsigned>(bus.cycle % 4 * (bus.kEngines / 4));
        bus.step();
      };
      // The lead changes after 256 cycles at the latest.
      for (unsigned i = 0; i < 300; ++i) step();
      const unsigned other = 1 - busy;
      const auto beats = [&] { return bus.granted_streams[other] + bus.granted_transfers[other]; };
      const auto until = [&](unsigned count) {
        unsigned cycles = 0;
        for (const auto end = bus.granted_streams[other] + bus.granted_transfers[other] + count;
             beats() < end; ++cycles) {
          REQUIRE(cycles < 40 * kFair);
          if (as_transfer) {
            bus.transfers[other] = {.left = 2, .read = wanted == kRecords, .all = true};
          } else {
            bus.streams[other] = {
                .source = wanted, .left = 2, .wants = true, .all = true, .bank = bus.below(16)};
          }
          step();
        }
        return cycles;
      };
      const unsigned first = until(1);
      const unsigned more = until(31);
      CHECK(first <= 1 + bus.kMostWaited);
      CHECK(bus.longest[busy] <= bus.kMostWaited);
      return std::array{first, more};
    };
    for (const unsigned busy : {0u, 1u}) {
      CAPTURE(busy);
      // Writes behind reads wait for the turnaround. Once they are let in they go on: the reads may
      // have a beat after kFair of them, not before.
      for (const Source reads : {kBroadcast, kRead, kRecords}) {
        for (const bool as_transfer : {false, true}) {
          const auto [first, more] = waits(busy, reads, kStart, as_transfer);
          CHECK(first > kFair);
          CHECK(more == 31);
        }
      }
      // A request that is withdrawn counts anew.
      {
        Bus<Dut> bus;
        const auto step = [&](bool wants) {
          bus.streams[busy] = {.source = kRecords, .left = 2, .wants = true, .all = true};
          bus.streams[1 - busy] = {
              .source = kStart, .left = wants ? 2u : 0u, .wants = wants, .all = true};
          bus.step();
        };
        for (unsigned i = 0; i < 300; ++i) step(false);
        for (unsigned i = 0; i < kFair - 24; ++i) step(true);
        step(false);
        for (unsigned i = 0; i < kFair - 24; ++i) step(true);
        CHECK(bus.granted_streams[1 - busy] == 0);
        for (unsigned i = 0; i < 48; ++i) step(true);
        CHECK(bus.granted_streams[1 - busy] > 0);
      }
      // Reads behind writes wait for as long, and then put the writes off: a beat in two cycles at
      // worst, if they stay in a bank group. As transfers they go first.
      const auto [first, more] = waits(busy, kStart, kBroadcast, false);
      CHECK(first == kFair);
      CHECK(more <= 2 * 31);
      CHECK(waits(busy, kStart, kRecords, true)[0] <= 3);
    }
  }
}
TEST_CASE_TEMPLATE_APPLY(bus_fairness, bus_models);

TEST_CASE_TEMPLATE_DEFINE(
    "pq_bus: the lead changes to a rank whose streams have had the bus for 256 cycles alone", Dut,
    bus_lead) {
  INFO(Dut::parameters);
  if constexpr (Dut::Ranks == 2) {
    enum class Meanwhile { kStream, kTransfer, kStreamBesideTransfers };
    // The rank whose stream goes first, after rank 0 led and rank 1 had `beats` beats.
    const auto leader_after = [](unsigned beats, Meanwhile what) {
      Bus<Dut> bus;
      const auto ask = [&](unsigned r) {
        const auto bank = static_cast<unsigned>(bus.cycle % 4 * 4);
        bus.streams[r] = {.source = kBroadcast, .left = 2, .wants = true, .bank = bank};
      };
      const auto transfer = [&](unsigned r) { bus.transfers[r] = {.left = 1, .read = true}; };
      ask(0);
      bus.step();
      REQUIRE(bus.granted_streams[0] == 1);
      bus.streams[0] = {};
      const auto granted = [&] { return bus.granted_streams[1] + bus.granted_transfers[1]; };
      while (granted() < beats) {
        what == Meanwhile::kTransfer ? transfer(1) : ask(1);
        if (what == Meanwhile::kStreamBesideTransfers && bus.cycle % 32 == 0) transfer(0);
        bus.step();
      }
      bus.transfers = {};
      // Both find the bus free.
      bus.streams = {};
      for (unsigned i = 0; i < 20; ++i) bus.step();
      const auto before = bus.granted_streams;
      ask(0);
      ask(1);
      bus.step();
      return bus.granted_streams[0] > before[0] ? 0 : 1;
    };
    CHECK(leader_after(200, Meanwhile::kStream) == 0);
    CHECK(leader_after(255, Meanwhile::kStream) == 0);
    CHECK(leader_after(256, Meanwhile::kStream) == 1);
    // Transfers neither take it nor keep it.
    CHECK(leader_after(300, Meanwhile::kTransfer) == 0);
    CHECK(leader_after(256, Meanwhile::kStreamBesideTransfers) == 1);
  }
}
TEST_CASE_TEMPLATE_APPLY(bus_lead, bus_models);

TEST_CASE_TEMPLATE_DEFINE("pq_bus: two ranks that have found no slot for too long both go on", Dut,
                          bus_both_starved) {
  INFO(Dut::parameters);
  if constexpr (Dut::Ranks == 2 && Dut::BanksPerEngine == 2) {
    Bus<Dut> bus;
    const auto step = [&](bool columns) {
      for (unsigned r = 0; r < 2; ++r) {
        auto& stream = bus.streams[r];
        stream.source = kLocal;
        stream.left = columns ? 2 : 0;
        stream.wants = columns;
        bus.transfers[r] = {.left = 2, .all = true};
      }
      bus.step();
    };
    // Columns of all banks have all slots.
    for (unsigned i = 0; i < 1100; ++i) step(true);
    REQUIRE(bus.granted_transfers == std::array<std::uint64_t, 2>{});
    for (unsigned i = 0; i < 100; ++i) step(false);
    for (const std::uint64_t granted : bus.granted_transfers) CHECK(granted > 0);
  }
}
TEST_CASE_TEMPLATE_APPLY(bus_both_starved, bus_models);
