// SPDX-License-Identifier: Apache-2.0
#include "tb/unit/models/read_bus.h"

#include <doctest/doctest.h>

#include <array>

#include "tb/unit/bench.h"
#include "tb/unit/header.h"

using namespace aqpim::tb;
using namespace aqpim::tb::unit;

TEST_CASE_TEMPLATE_DEFINE("pq_read_bus: the beat of the engine that was asked, or zeros", Dut,
                          read_bus_random) {
  INFO(Dut::parameters);
  REQUIRE(stated_latency("read_bus") == "none: gates only");
  constexpr unsigned kEngines =
      Dut::Ranks * Dut::BankGroups * Dut::BanksPerGroup / Dut::BanksPerEngine;
  Bench<typename Dut::Model> bench;
  Random random(test_seed(), "pq_read_bus");
  const auto put_beat = [&](unsigned engine, const std::array<std::uint64_t, 4>& beat) {
    for (unsigned i = 0; i < 4; ++i) put(bench->data_i, 256 * engine + 64 * i, 64, beat[i]);
  };
  for (unsigned engine = 0; engine < kEngines; ++engine) put_beat(engine, {});
  // Each engine in turn, and nobody after the last.
  for (unsigned engine = 0; engine <= kEngines; ++engine) {
    CAPTURE(engine);
    std::array<std::uint64_t, 4> beat{};
    if (engine < kEngines) {
      for (std::uint64_t& part : beat) part = random.bits();
      put_beat(engine, beat);
    }
    bench.settle();
    for (unsigned i = 0; i < 4; ++i) CHECK(get(bench->data_o, 64 * i, 64) == beat[i]);
    if (engine < kEngines) put_beat(engine, {});
  }
}
TEST_CASE_TEMPLATE_APPLY(read_bus_random, read_bus_models);
