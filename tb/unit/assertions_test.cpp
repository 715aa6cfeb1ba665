// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>
#include <fmt/format.h>
#include <sys/wait.h>

#include <cstdlib>
#include <deque>
#include <filesystem>
#include <vector>

#include "tb/common/verilated_top.h"
#include "tb/common/workers.h"
#include "tb/unit/bench.h"
#include "tb/unit/models/table_lane.h"

namespace {

using namespace aqpim::tb::unit;

}  // namespace

// Not part of a run; the test below runs it.
TEST_CASE("on purpose: two readers of one memory port" * doctest::skip()) {
  Bench<table_lane_0::Model> bench;
  bench->table_write_i = 0;
  bench->accumulate_i = 0;
  bench->lookup_i = 1;
  bench->combine_i = std::getenv("AQPIM_VIOLATE") != nullptr;
  bench.clock();
}

TEST_CASE("assertions: one that is violated fails the run, and only that does") {
  const std::string binary = std::filesystem::read_symlink("/proc/self/exe");
  const auto exit_code = [&](const char* environment) {
    const std::string command =
        fmt::format("{} {} --no-skip --test-case='on purpose*' > /dev/null", environment, binary);
    return WEXITSTATUS(std::system(command.c_str()));
  };
  CHECK(exit_code("env -u AQPIM_VIOLATE") == 0);
  CHECK(exit_code("env AQPIM_VIOLATE=1") == 1);
}

TEST_CASE("assertions: each model counts those that it violates, on whatever thread it runs") {
  constexpr unsigned kModels = 6, kCycles = 20;
  const auto failed = [](unsigned threads) {
    std::deque<aqpim::tb::VerilatedTop<table_lane_0::Model>> models;
    for (unsigned i = 0; i < kModels; ++i) {
      models.emplace_back("lane").power_up(1);
      models[i]->table_write_i = 0;
      models[i]->accumulate_i = 0;
      models[i]->lookup_i = 1;
    }
    unsigned cycle = 0;
    // The more often, the higher a model's number is.
    aqpim::tb::Workers workers(kModels, threads, [&](std::size_t item) {
      models[item]->rst_ni = 1;
      models[item]->combine_i = cycle < item;
      models[item].fall();
      models[item].rise();
    });
    for (; cycle < kCycles; ++cycle) workers.run();
    std::vector<unsigned> counts;
    for (const auto& model : models) counts.push_back(model.failed_assertions());
    return counts;
  };
  const std::vector<unsigned> alone = failed(1);
  for (unsigned i = 1; i < kModels; ++i) CHECK(alone[i] > alone[i - 1]);
  CHECK(failed(2) == alone);
  CHECK(failed(3) == alone);
}
