// SPDX-License-Identifier: Apache-2.0
#include "tb/unit/models/row_commands.h"

#include <doctest/doctest.h>

#include <array>
#include <optional>

#include "tb/unit/bench.h"
#include "tb/unit/header.h"

using namespace aqpim::tb;
using namespace aqpim::tb::unit;
namespace row_command = aqpim::pq_pkg::row_command;

namespace {

struct Row {
  unsigned rank = 0, kind = 0, row = 0;
};

}  // namespace

TEST_CASE_TEMPLATE_DEFINE(
    "pq_row_commands: rank 0 goes first, and two commands of one cycle have different slots", Dut,
    row_commands_random) {
  INFO(Dut::parameters);
  REQUIRE(stated_latency("row_commands") == "1 cycle to the pins");
  const unsigned row_bits = Dut::Rows == 8192 ? 13 : 14;
  Bench<typename Dut::Model> bench;
  Random random(test_seed(), "pq_row_commands");
  std::array<std::optional<Row>, 2> due;  // by slot
  unsigned refused = 0, both = 0;
  for (unsigned cycle = 0; cycle < 2000; ++cycle) {
    CAPTURE(cycle);
    std::array<std::optional<Row>, 2> next;
    for (unsigned r = 0; r < Dut::Ranks; ++r) {
      const Row row{r, static_cast<unsigned>(random.below(aqpim::pq_pkg::kRowKinds)),
                    static_cast<unsigned>(random.below(Dut::Rows))};
      const auto slot = static_cast<unsigned>(random.below(2));
      const bool valid = random.chance(1, 2);
      const auto put_member = [&](aqpim::pq_pkg::Field member, unsigned value) {
        put(bench->command_i, member, value, r * aqpim::pq_pkg::kRowCommandBits);
      };
      put(bench->valid_i, r, 1, valid);
      put_member(row_command::kind, row.kind);
      put_member(row_command::slot, slot);
      put_member(row_command::row, row.row);
      bench.settle();
      const bool granted = valid && !next[slot];
      REQUIRE((get(bench->grant_o, r, 1) != 0) == granted);
      if (granted) next[slot] = row;
      refused += valid && !granted;
    }
    for (unsigned s = 0; s < 2; ++s) {
      REQUIRE((get(bench->row_valid_o, s, 1) != 0) == due[s].has_value());
      if (!due[s]) continue;
      REQUIRE(get(bench->row_rank_o, s, 1) == due[s]->rank);
      REQUIRE(get(bench->row_kind_o, 2 * s, 2) == due[s]->kind);
      REQUIRE(get(bench->row_row_o, row_bits * s, row_bits) == due[s]->row);
    }
    both += due[0] && due[1];
    due = next;
    bench.clock();
  }
  CHECK((Dut::Ranks == 1 || (refused > 100 && both > 100)));
}
TEST_CASE_TEMPLATE_APPLY(row_commands_random, row_commands_models);
