// SPDX-License-Identifier: Apache-2.0
#include "sw/performance/energy.h"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>
#include <string>

#include "sw/config/error.h"
#include "sw/performance/baseline_file.h"
#include "sw/performance/test_channel.h"

namespace {

using namespace aqpim::performance;
using aqpim::test::eight_bit_engine;
using aqpim::test::four_bit_engine;
using doctest::Approx;

const PhaseEnergy& phase(const HeadEnergy& energy, Phase which) {
  return energy.phases[static_cast<std::size_t>(which)];
}

HeadEnergy energy_of(const aqpim::config::EngineConfig& engine, const Workload& workload,
                     unsigned window) {
  StackModel model(make_setup(engine, aqpim::config::find_memory("hbm3-5200"), 1, true));
  return engine_energy(built_energy(), model.setup(), model.cost(workload, window), workload);
}

}  // namespace

TEST_CASE("energy: a head of AttAcc is its rows, bits and multiply-adds") {
  const HeadEnergy energy = attacc_energy(built_energy(), built_attacc(),
                                          {.memory = &aqpim::config::find_memory("hbm3-5200"),
                                           .power_limited = true,
                                           .head_dim = 128,
                                           .tokens = 512,
                                           .heads = 64});
  const double bits = 512.0 * 128 * 16;
  for (const Phase half : {Phase::kScore, Phase::kAccumulate}) {
    // Rows are read whole: together the 4.4 pJ per byte of an access next to a bank.
    CHECK(phase(energy, half).activation + phase(energy, half).columns == Approx(bits / 8.0 * 4.4));
    CHECK(phase(energy, half).arithmetic == Approx(512.0 * 128 * 0.32));
  }
  CHECK(phase(energy, Phase::kTable).total() == 0.0);
  CHECK(energy.transfers == Approx(16.0 * (2 * 512 * (0.5 + 1.23 + 1.01) +
                                           128 * (2 * (0.3 + 0.5 + 1.23) + 65 * 1.01))));
  CHECK(energy.total() == Approx(phase(energy, Phase::kScore).total() +
                                 phase(energy, Phase::kAccumulate).total() + energy.transfers));
}

TEST_CASE("energy: codebooks in each bank are rows, cells and multiplications") {
  const HeadEnergy energy = energy_of(four_bit_engine(), {.tokens = 4096, .heads = 64}, 256);
  const double row = 16.0 * 8192 * 0.11;
  // A refresh may come when a row is open already, which is opened again.
  CHECK(phase(energy, Phase::kTable).activation == Approx(2 * row).epsilon(0.1));
  CHECK(phase(energy, Phase::kTable).columns == Approx(16.0 * 64 * 256 * 0.44));
  CHECK(phase(energy, Phase::kTable).arithmetic == Approx(16.0 * 2048 * 0.32));
  CHECK(phase(energy, Phase::kScore).activation == Approx(8 * row).epsilon(0.1));
  CHECK(phase(energy, Phase::kScore).columns == Approx(4096.0 * 256 * 0.44));
  // A look-up for each of 64 sub-spaces.
  CHECK(phase(energy, Phase::kScore).arithmetic == Approx(4096.0 * 64 * 0.37));
  CHECK(phase(energy, Phase::kAccumulate).arithmetic == Approx(4096.0 * 64 * 0.37));
}

TEST_CASE("energy: a broadcast goes to the logic die and back to all engines") {
  const HeadEnergy energy = energy_of(eight_bit_engine(), {.tokens = 4096, .heads = 64}, 0);
  CHECK(phase(energy, Phase::kCombine).columns ==
        Approx(1024.0 * 256 * (0.44 + 17 * 1.01 + 2 * 1.23 + 2 * 0.5)));
  CHECK(phase(energy, Phase::kCombine).arithmetic == Approx(16.0 * 1024 * 32 * 0.32));
  CHECK(energy.transfers ==
        Approx(256.0 * (13 * (0.3 + 0.5 + 1.23 + 16 * 1.01) + 336 * (0.3 + 0.5 + 1.23 + 1.01))));
}

TEST_CASE("energy: a head costs the same codes wherever it lies") {
  const double one =
      phase(energy_of(four_bit_engine(), {.tokens = 32768, .heads = 64}, 1024), Phase::kScore)
          .columns;
  const double four =
      phase(energy_of(four_bit_engine(), {.tokens = 32768, .heads = 16}, 1024), Phase::kScore)
          .columns;
  const double grouped =
      phase(energy_of(four_bit_engine(), {.tokens = 32768, .heads = 64, .group = 4}, 1024),
            Phase::kScore)
          .columns;
  CHECK(one == Approx(four));
  CHECK(one == Approx(grouped));
}

TEST_CASE("energy: a file of other keys or values is refused with a sentence") {
  nlohmann::json file = nlohmann::json::parse(baseline_text("energy"));
  CHECK(parse_energy(file.dump()) == built_energy());
  const auto refusal = [&] {
    try {
      parse_energy(file.dump());
    } catch (const aqpim::InputError& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  file["pJ_per_bit"]["cell"] = 0;
  CHECK(refusal() == "baseline energy, pJ_per_bit: cell is 0, but must be a number above 0");
  file["pJ_per_bit"]["cell"] = "much";
  CHECK(refusal() == "baseline energy, pJ_per_bit: cell is \"much\", but must be a number above 0");
  file["pJ_per_bit"].erase("cell");
  CHECK(refusal() == "baseline energy, pJ_per_bit lacks the key \"cell\"");
}
