// SPDX-License-Identifier: Apache-2.0
#include "tb/unit/models/rank.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <vector>

#include "tb/unit/bench.h"
#include "tb/unit/header.h"

using namespace aqpim::tb;
using namespace aqpim::tb::unit;
using aqpim::pq_pkg::BusKind;
using aqpim::pq_pkg::ColumnKind;
using aqpim::pq_pkg::RowKind;
using aqpim::pq_pkg::TransferKind;
using aqpim::pq_pkg::WorkKind;
namespace address = aqpim::pq_pkg::bus_address;
namespace request = aqpim::pq_pkg::bus_request;
namespace row_command = aqpim::pq_pkg::row_command;

namespace {

// Grants what is asked for, and keeps it.
template <class Dut>
class Rank {
 public:
  static constexpr unsigned kEngines = Dut::BankGroups * Dut::BanksPerGroup / Dut::BanksPerEngine;
  static constexpr unsigned kWorkTag = 0xa5, kTransferTag = 0x3c;

  struct Beat {
    ColumnKind kind = ColumnKind::kRd;
    unsigned tag = 0, beat = 0, bank = 0, row = 0, column = 0;
    bool urgent = false;

    bool operator==(const Beat&) const = default;
  };

  Rank() {
    REQUIRE(stated_latency("rank") == "as of the modules in it");
    bench->engine_ready_i = 1;
    bench->slot_i = 0;
    bench->reducer_have_i = 0;
    bench->reducer_done_i = 1;
    bench->work_done_taken_i = 0;
    bench->transfer_done_taken_i = 0;
    bench->bus_read_i = 0;
    bench->work_valid_i = 0;
    bench->transfer_valid_i = 0;
  }

  // WRITE or READ of beats from the beginning of a row of a bank on.
  void work(WorkKind kind, unsigned bank, unsigned row, unsigned beats) {
    namespace cmd = aqpim::pq_pkg::work;
    bench->work_valid_i = 1;
    put(bench->work_i, cmd::tag, kWorkTag);
    put(bench->work_i, cmd::kind, number(kind));
    put(bench->work_i, cmd::row0, row);
    put(bench->work_i, cmd::first, 0);
    put(bench->work_i, cmd::bank, bank);
    put(bench->work_i, cmd::count, beats);
  }

  void transfer(TransferKind kind, unsigned beats) {
    namespace cmd = aqpim::pq_pkg::transfer;
    bench->transfer_valid_i = 1;
    put(bench->transfer_i, cmd::tag, kTransferTag);
    put(bench->transfer_i, cmd::kind, number(kind));
    put(bench->transfer_i, cmd::beats, beats);
    put(bench->transfer_i, cmd::each, 0);
  }

  // Ends the cycle.
  void step() {
    bench.settle();
    bench->row_grant_i = bench->row_valid_o;
    bench->grant_i = (bench->request_valid_o & 1) != 0 || bench->urgent_o != 0;
    bench.settle();
    if (bench->row_grant_i != 0 && get(bench->row_o, row_command::kind) == number(RowKind::kActAll))
      activates.push_back(get(bench->row_o, row_command::row));
    if (bench->grant_i != 0) {
      const auto& asked = bench->request_o;
      beats.push_back({.kind = ColumnKind{static_cast<std::uint8_t>(get(asked, request::kind))},
                       .tag = get(asked, request::tag),
                       .beat = get(asked, request::beat),
                       .bank = get(bench->address_o, address::bank),
                       .row = get(bench->address_o, address::row),
                       .column = get(bench->address_o, address::column),
                       .urgent = bench->urgent_o != 0});
      kinds.push_back(get(asked, request::to));
    }
    const bool work = bench->work_take_o != 0, transfer = bench->transfer_take_o != 0;
    bench.clock();
    if (work) bench->work_valid_i = 0;
    if (transfer) bench->transfer_valid_i = 0;
    bench.settle();
  }

  Bench<typename Dut::Model> bench;
  std::vector<unsigned> activates, kinds;
  std::vector<Beat> beats;
};

}  // namespace

TEST_CASE_TEMPLATE_DEFINE(
    "pq_rank: work opens its row, asks for its beats in order, and is done with its tag", Dut,
    rank_work) {
  INFO(Dut::parameters);
  for (const WorkKind kind : {WorkKind::kWrite, WorkKind::kRead}) {
    Rank<Dut> rank;
    rank.work(kind, 5, 77, 4);
    for (unsigned c = 0; c < 200 && rank.bench->work_done_o == 0; ++c) rank.step();
    REQUIRE(rank.bench->work_done_o == 1);
    CHECK(rank.bench->work_tag_o == rank.kWorkTag);
    CHECK(rank.activates == std::vector<unsigned>{77});
    REQUIRE(rank.beats.size() == 4);
    for (unsigned i = 0; i < 4; ++i) {
      const typename Rank<Dut>::Beat expected{
          .kind = kind == WorkKind::kWrite ? ColumnKind::kWr : ColumnKind::kRd,
          .tag = rank.kWorkTag,
          .beat = i,
          .bank = 5,
          .row = 77,
          .column = i,
          .urgent = false};
      CHECK(rank.beats[i] == expected);
    }
    rank.bench->work_done_taken_i = 1;
    rank.step();
    CHECK(rank.bench->work_done_o == 0);
  }
}
TEST_CASE_TEMPLATE_APPLY(rank_work, rank_models);

TEST_CASE_TEMPLATE_DEFINE("pq_rank: the beats of a transfer go before those of work, with its tag",
                          Dut, rank_transfer) {
  INFO(Dut::parameters);
  Rank<Dut> rank;
  rank.work(WorkKind::kRead, 5, 77, 30);
  while (rank.beats.size() < 3) rank.step();
  rank.transfer(TransferKind::kQuery, 1);
  for (unsigned c = 0; c < 200 && rank.bench->transfer_done_o == 0; ++c) rank.step();
  REQUIRE(rank.bench->transfer_done_o == 1);
  CHECK(rank.bench->transfer_tag_o == rank.kTransferTag);
  // Tokens, control, shifts, query, biases, each to all engines and without a gap.
  std::vector<unsigned> kinds{number(BusKind::kTokens), number(BusKind::kControl),
                              number(BusKind::kShift)};
  kinds.insert(kinds.end(), Dut::HeadDim / 16, number(BusKind::kQuery));
  kinds.push_back(number(BusKind::kBias));
  const auto first = std::find_if(rank.beats.begin(), rank.beats.end(),
                                  [](const auto& beat) { return beat.urgent; }) -
                     rank.beats.begin();
  for (std::size_t i = 0; i < kinds.size(); ++i) {
    CAPTURE(i);
    const auto& beat = rank.beats[static_cast<std::size_t>(first) + i];
    CHECK(beat.urgent);
    CHECK(beat.kind == ColumnKind::kEngineWrAll);
    CHECK(beat.tag == rank.kTransferTag);
    CHECK(beat.beat == i);
    CHECK(rank.kinds[static_cast<std::size_t>(first) + i] == kinds[i]);
  }
  for (unsigned c = 0; c < 200 && rank.bench->work_done_o == 0; ++c) rank.step();
  CHECK(rank.beats.size() == 30 + kinds.size());
}
TEST_CASE_TEMPLATE_APPLY(rank_transfer, rank_models);

TEST_CASE_TEMPLATE_DEFINE("pq_rank: what the bus asks of an engine comes to that engine", Dut,
                          rank_reads) {
  INFO(Dut::parameters);
  Rank<Dut> rank;
  for (unsigned engine = 0; engine < rank.kEngines; ++engine) {
    const unsigned beat = 7 * engine;
    rank.bench->bus_read_i = static_cast<std::uint8_t>(1u << engine);
    rank.bench->bus_read_beat_i = static_cast<std::uint8_t>(beat);
    rank.bench.settle();
    CHECK(rank.bench->read_valid_o == 1u << engine);
    CHECK(rank.bench->read_beat_o == beat);
  }
}
TEST_CASE_TEMPLATE_APPLY(rank_reads, rank_models);
