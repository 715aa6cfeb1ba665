// SPDX-License-Identifier: Apache-2.0
#include "tb/unit/models/power_window.h"

#include <doctest/doctest.h>

#include <deque>

#include "tb/unit/bench.h"
#include "tb/unit/header.h"

namespace {

using namespace aqpim::tb;
using namespace aqpim::tb::unit;

template <class Dut>
class PowerWindow {
 public:
  PowerWindow() { REQUIRE(stated_cycles("power_window") == 1); }

  // Whether an access in this memory cycle would be the first too many of some window.
  bool allowed(std::uint64_t memory_cycle) const {
    return accesses.size() < Dut::Columns ||
           memory_cycle - accesses[accesses.size() - Dut::Columns] >= Dut::Window;
  }

  // Ends the cycle; an access, if any, has this slot.
  void clock(bool access, unsigned slot) {
    bench->access_i = access;
    bench.clock();
    if (access) accesses.push_back(2 * cycle + slot);
    ++cycle;
  }

  Bench<typename Dut::Model> bench;
  Random random{test_seed(), "pq_power_window"};
  std::uint64_t cycle = 0;
  std::deque<std::uint64_t> accesses;  // memory cycles
};

}  // namespace

TEST_CASE_TEMPLATE_DEFINE(
    "pq_power_window: as many accesses as the limit has in its window, and none earlier or later",
    Dut, power_window_same_slot) {
  INFO(Dut::parameters);
  PowerWindow<Dut> window;
  std::uint64_t refused = 0;
  for (std::uint64_t i = 0; i < test_iterations(6000); ++i) {
    // As soon as it may be, or with pauses.
    const bool want = i / 512 % 2 == 0 || window.random.chance(1, 3);
    CAPTURE(window.cycle);
    window.bench->access_i = 0;
    window.bench.settle();
    const bool allowed = window.allowed(2 * window.cycle);
    REQUIRE((window.bench->allowed_o != 0) == allowed);
    // Without the oldest of the accesses that fill the window, there is room for one more.
    const auto& accesses = window.accesses;
    const bool spare =
        accesses.size() < Dut::Columns - 1 ||
        2 * window.cycle - accesses[accesses.size() - (Dut::Columns - 1)] >= Dut::Window;
    REQUIRE((window.bench->spare_o != 0) == spare);
    refused += want && !allowed;
    window.clock(want && allowed, 0);
  }
  CHECK(refused > 0);
  window.bench->access_i = 0;
  window.bench.reset();
  window.bench.settle();
  CHECK(window.bench->allowed_o == 1);
  CHECK(window.bench->allowed_late_o == 1);
}
TEST_CASE_TEMPLATE_APPLY(power_window_same_slot, power_window_models);

TEST_CASE_TEMPLATE_DEFINE("pq_power_window: the late output holds whatever the slots are", Dut,
                          power_window_slots) {
  INFO(Dut::parameters);
  PowerWindow<Dut> window;
  // One that leaves had slot 1, and the new one would have slot 0: half a clock cycle is missing.
  std::uint64_t half_missing = 0;
  bool access = false;
  for (std::uint64_t i = 0; i < test_iterations(6000); ++i) {
    CAPTURE(window.cycle);
    window.bench->access_i = 0;
    window.bench.settle();
    // Accesses are two cycles apart at least.
    const bool may = !access;
    const bool late = window.bench->allowed_late_o != 0;
    if (may && late) REQUIRE(window.allowed(2 * window.cycle));
    if (may && window.allowed(2 * window.cycle) && window.cycle > 0) {
      // It is late by no more than the slot, with an odd window by a clock cycle.
      REQUIRE((late || !window.allowed(2 * window.cycle - 1 - Dut::Window % 2)));
    }
    half_missing += may && window.bench->allowed_o != 0 && !window.allowed(2 * window.cycle);
    access = may && late && window.random.chance(7, 8);
    window.clock(access, static_cast<unsigned>(window.random.below(2)));
  }
  if (Dut::Window % 2 == 0) CHECK(half_missing > 0);
}
TEST_CASE_TEMPLATE_APPLY(power_window_slots, power_window_models);
