// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>
#include <fmt/format.h>
#include <sys/wait.h>

#include <cstdlib>
#include <filesystem>

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
