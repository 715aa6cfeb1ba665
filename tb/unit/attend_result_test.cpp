// SPDX-License-Identifier: Apache-2.0
#include "tb/unit/models/attend_result.h"

#include <doctest/doctest.h>

#include <optional>
#include <vector>

#include "tb/unit/bench.h"
#include "tb/unit/header.h"

namespace {

using namespace aqpim::tb;
using namespace aqpim::tb::unit;

template <class Dut>
class Result {
 public:
  static constexpr unsigned kRows = Dut::HeadDim / 8;
  static constexpr bool kWide = Dut::OutputWidth > 32;
  static constexpr unsigned kOutputBeats = kWide ? 2 * kRows : kRows;
  static constexpr unsigned kSumWidth = 25;

  Result() {
    idle();
    bench.clock();
  }

  void idle() {
    bench->low_write_i = 0;
    bench->high_write_i = 0;
    bench->capture_i = 0;
    bench->read_i = 0;
    bench->protocol_i = 0;
    bench->readable_i = 1;
    bench->group_i = static_cast<std::uint8_t>(random.below(kRows / 2));
    bench->index_i = static_cast<std::uint8_t>(random.bits(6));
    bench->exponent_i = static_cast<std::uint16_t>(random.bits(9));
    bench->sum_i = static_cast<std::uint32_t>(random.bits(kSumWidth));
    bench->flags_i = static_cast<std::uint8_t>(random.bits(2));
    for (unsigned i = 0; i < 16; ++i) {
      put(bench->outputs_i, i * Dut::OutputWidth, Dut::OutputWidth, random.bits());
    }
  }

  // The status, and both halves of each group, the lower one first.
  void fill() {
    const std::int64_t limit = std::int64_t{1} << (Dut::OutputWidth - 1);
    outputs.clear();
    idle();
    bench->capture_i = 1;
    sum = bench->sum_i;
    exponent = get_signed(bench->exponent_i, 0, 9);
    flags = bench->flags_i;
    bench.clock();
    for (unsigned row = 0; row < kRows; ++row) {
      idle();
      bench->group_i = static_cast<std::uint8_t>(row / 2);
      (row % 2 == 0 ? bench->low_write_i : bench->high_write_i) = 1;
      for (unsigned i = 0; i < 8; ++i) {
        outputs.push_back(random.chance(1, 4) ? random.pick({-limit, limit - 1, std::int64_t{-1}})
                                              : random.between(-limit, limit - 1));
        put(bench->outputs_i, (row % 2 * 8 + i) * Dut::OutputWidth, Dut::OutputWidth,
            static_cast<std::uint64_t>(outputs.back()));
      }
      bench.clock();
    }
    idle();
  }

  std::vector<std::uint8_t> beat(unsigned index, bool protocol) const {
    std::vector<std::uint8_t> bytes;
    const auto append = [&](std::uint64_t value, unsigned count) {
      for (unsigned b = 0; b < count; ++b)
        bytes.push_back(static_cast<std::uint8_t>(value >> 8 * b));
    };
    if (index < kOutputBeats) {
      for (unsigned i = 0; i < 8; ++i) {
        const auto output = static_cast<std::uint64_t>(outputs[index % kRows * 8 + i]);
        if (index < kRows) {
          append(output, 4);
        } else {
          append(output >> 32, 1);
        }
      }
    } else {
      append(sum, 4);
      append(static_cast<std::uint64_t>(exponent), 2);
      // Table, score, protocol.
      append(flags << 2 | (protocol ? 16u : 0u), 2);
    }
    bytes.resize(32);
    return bytes;
  }

  Bench<typename Dut::Model> bench;
  Random random{test_seed(), "pq_attend_result"};
  std::vector<std::int64_t> outputs;
  std::uint64_t sum = 0;
  std::int64_t exponent = 0;
  unsigned flags = 0;
};

}  // namespace

TEST_CASE_TEMPLATE_DEFINE(
    "pq_attend_result: every beat, in any order, and no beat that there is not", Dut,
    attend_result_reads) {
  INFO(Dut::parameters);
  Result<Dut> dut;
  const unsigned latency = stated_cycles("attend_result", "to valid_o:");
  REQUIRE(stated_cycles("attend_result", "to refused_o:") == latency);
  std::uint64_t statuses = 0, refusals = 0;
  for (std::uint64_t window = 0; window < test_iterations(20); ++window) {
    CAPTURE(window);
    dut.fill();
    std::optional<std::vector<std::uint8_t>> due;
    bool refused = false, protocol = false;
    for (int cycle = 0; cycle < 200; ++cycle) {
      CAPTURE(cycle);
      dut.idle();
      // The protocol flag is that of the answer's cycle.
      dut.bench->protocol_i = protocol;
      dut.bench.settle();
      REQUIRE((dut.bench->valid_o != 0) == due.has_value());
      REQUIRE((dut.bench->refused_o != 0) == refused);
      for (unsigned b = 0; b < 32; ++b) {
        CAPTURE(b);
        REQUIRE(get(dut.bench->read_data_o, 8 * b, 8) == (due ? (*due)[b] : 0));
      }
      const bool reads = dut.random.chance(3, 4);
      const auto index = static_cast<unsigned>(
          dut.random.chance(1, 4)
              ? dut.random.pick({0u, dut.kOutputBeats, dut.kOutputBeats + 1, 63u})
              : dut.random.below(dut.kOutputBeats));
      dut.bench->readable_i = dut.random.chance(7, 8);
      dut.bench->read_i = reads;
      dut.bench->index_i = static_cast<std::uint8_t>(index);
      protocol = dut.random.chance(1, 2);
      const bool legal = dut.bench->readable_i != 0 && index <= dut.kOutputBeats;
      refused = reads && !legal;
      refusals += refused ? 1 : 0;
      due = reads && legal ? std::optional(dut.beat(index, protocol)) : std::nullopt;
      statuses += due && index == dut.kOutputBeats ? 1 : 0;
      dut.bench.clock();
    }
  }
  CHECK(statuses > 0);
  CHECK(refusals > 0);
}
TEST_CASE_TEMPLATE_APPLY(attend_result_reads, attend_result_models);

TEST_CASE("pq_attend_result: each of its assertions fails when it is violated") {
  Result<attend_result_0> dut;
  SUBCASE("a read beside a write") {
    dut.bench->low_write_i = 1;
    dut.bench->read_i = 1;
    dut.bench->index_i = 3;
  }
  SUBCASE("both halves at once") {
    dut.bench->low_write_i = 1;
    dut.bench->high_write_i = 1;
  }
  CHECK(dut.bench.take_errors() == 0);
  dut.bench.clock();
  CHECK(dut.bench.take_errors() == 1);
}
