// SPDX-License-Identifier: Apache-2.0
#include "tb/channel/host_stimulus.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "sw/golden/channel.h"
#include "sw/golden/channel_test_support.h"
#include "tb/channel/host_coverage.h"
#include "tb/common/random.h"

namespace {

using aqpim::Random;
using aqpim::test_iterations;
using aqpim::test_seed;
using aqpim::config::ChannelShape;
using aqpim::golden::AnswerCode;
using aqpim::golden::Beat;
using aqpim::golden::Channel;
using aqpim::golden::HostAnswer;
using aqpim::golden::HostOpcode;
using aqpim::golden::kFlagProtocol;
using aqpim::tb::HostCoverage;
using aqpim::tb::HostOptions;
using aqpim::tb::HostStep;
using aqpim::tb::HostStimulus;

// Those of the golden model's tests, and one of a single rank.
std::vector<ChannelShape> shapes() {
  std::vector<ChannelShape> all = aqpim::test::channel_shapes();
  for (ChannelShape& shape : all) shape.memory.rows = 8192;
  all.push_back(all[1]);
  all.back().memory.ranks = 1;
  return all;
}

std::vector<HostStep> program(const ChannelShape& shape, const HostOptions& options,
                              std::size_t commands, std::uint64_t seed = test_seed()) {
  return HostStimulus(shape, options, Random(seed, "host")).program(commands);
}

// Bytes that no one wrote.
Beat noise(unsigned rank, unsigned bank, unsigned row, unsigned column) {
  std::uint64_t state = ((rank * 16 + bank) * 8192 + row) * 32 + column;
  Beat beat;
  for (std::uint8_t& byte : beat) {
    state = (state + 1) * 0x9e3779b97f4a7c15u;
    byte = static_cast<std::uint8_t>(state >> 56);
  }
  return beat;
}

}  // namespace

TEST_CASE("host stimulus: answers are as expected, no engine refuses, refusals have no effect") {
  for (const ChannelShape& shape : shapes()) {
    Channel channel(shape, noise), without_bad(shape, noise);
    for (const HostStep& step : program(shape, {}, test_iterations(200))) {
      const HostAnswer answer = channel.execute(step.command);
      CAPTURE(static_cast<int>(step.command.opcode));
      CAPTURE(step.command.fields[0]);
      CAPTURE(step.command.fields[1]);
      CAPTURE(step.command.fields[2]);
      CAPTURE(step.command.fields[3]);
      REQUIRE(static_cast<int>(answer.code) == static_cast<int>(step.expected));
      if (step.expected != AnswerCode::kOk) continue;
      REQUIRE(without_bad.execute(step.command) == answer);
      // Nor is an engine told what it refuses.
      for (unsigned e = 0; e < shape.engines(); ++e) {
        REQUIRE((channel.engine(step.command.rank, e).flags() & kFlagProtocol) == 0);
      }
    }
  }
}

TEST_CASE("host stimulus: some thousand commands exercise all that there is") {
  for (const ChannelShape& shape : shapes()) {
    HostCoverage coverage(shape);
    for (const HostStep& step : program(shape, {.large = true, .bad_percent = 30}, 12000))
      coverage.seen(step);
    CHECK(coverage.coverage().missing() == "");
  }
}

TEST_CASE("host stimulus: bad commands and CLUSTER can be left out") {
  const ChannelShape shape = shapes()[1];
  HostCoverage coverage(shape);
  coverage.ignore_refusals();
  coverage.ignore_clustering();
  for (const HostStep& step : program(shape, {.bad_percent = 0, .cluster = false}, 6000)) {
    CHECK(step.expected == AnswerCode::kOk);
    CHECK(step.command.opcode != HostOpcode::kCluster);
    coverage.seen(step);
  }
  CHECK(coverage.coverage().missing() == "");
}

TEST_CASE("host stimulus: the seed makes the program, and all results are read at its end") {
  const ChannelShape shape = shapes()[0];
  const auto commands_of = [&](std::uint64_t seed) {
    std::vector<aqpim::golden::HostCommand> commands;
    for (const HostStep& step : program(shape, {}, 300, seed)) commands.push_back(step.command);
    return commands;
  };
  CHECK(commands_of(7) == commands_of(7));
  CHECK(commands_of(7) != commands_of(8));
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    int unread = 0;
    for (const HostStep& step : program(shape, {}, 30, seed)) {
      if (step.expected != AnswerCode::kOk) continue;
      unread += step.command.opcode == HostOpcode::kAttend;
      unread -= step.command.opcode == HostOpcode::kResult;
    }
    CHECK(unread == 0);
  }
}

TEST_CASE("host stimulus: work that waits for a RESULT leaves room in the queue") {
  // The work that waits beside the ATTEND that runs.
  constexpr int kQueueDepth = 4;
  const ChannelShape shape = shapes()[0];
  std::vector<int> unread(2), waiting(2);
  int most = 0;
  for (const HostStep& step : program(shape, {}, 10000)) {
    if (step.expected != AnswerCode::kOk) continue;
    const unsigned rank = step.command.rank;
    switch (step.command.opcode) {
      case HostOpcode::kAttend:
        ++unread[rank];
        waiting[rank] = 0;
        break;
      case HostOpcode::kResult:
        --unread[rank];
        break;
      case HostOpcode::kWrite:
      case HostOpcode::kRead:
        if (unread[rank] == 2) most = std::max(most, ++waiting[rank]);
        break;
      default:
        break;
    }
  }
  CHECK(most > 0);
  CHECK(most < kQueueDepth);
}

TEST_CASE("host stimulus: all biases that a tile uses come with its query") {
  for (const ChannelShape& shape : shapes()) {
    std::vector<unsigned> held(2);
    for (const HostStep& step : program(shape, {.large = true}, 3000)) {
      if (step.expected != AnswerCode::kOk) continue;
      const auto& command = step.command;
      if (command.opcode == HostOpcode::kSetQuery) {
        const unsigned run = command.payload[1][1];
        held[command.rank] = run == 0 ? ~0u : run * 16u * command.fields[0];
      } else if (command.opcode == HostOpcode::kAttend) {
        CHECK(command.fields[0] <= held[command.rank]);
      }
    }
  }
}
