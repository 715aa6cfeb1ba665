// SPDX-License-Identifier: Apache-2.0
//
// The pseudo-channel in RTL against golden model and timing checker.
//
// AQPIM_SEED and AQPIM_ITERATIONS (programs per pseudo-channel) steer the random tests.
#include "sw/config/channel.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "sw/config/memory.h"
#include "sw/golden/channel.h"
#include "sw/golden/host_command.h"
#include "sw/seed/replay_listener.h"
#include "tb/channel/channel_env.h"
#include "tb/channel/host_stimulus.h"
#include "tb/channel/test_channels.h"
#include "tb/common/random.h"
#include "tb/memory/trace.h"

namespace {

using namespace aqpim::tb;
using aqpim::config::ChannelShape;
using aqpim::config::Memory;
using aqpim::golden::AnswerCode;
using aqpim::golden::HostAnswer;
using aqpim::golden::HostCommand;
using aqpim::golden::HostOpcode;

constexpr std::size_t kProgramCommands = 60;

using Fields = std::array<std::uint16_t, aqpim::golden::kHostFields>;

HostCommand command(HostOpcode opcode, unsigned rank, const Fields& fields = {}) {
  return {.opcode = opcode, .rank = rank, .context = 0, .fields = fields, .payload = {}};
}

// A context whose regions have room for a codebook of the rank, and for `rows` rows of codes.
constexpr std::uint16_t kKeyCodes = 100, kValueCodes = 1000;
HostCommand set_config(const ChannelShape& shape, unsigned rank, std::uint16_t rows) {
  const auto books = static_cast<std::uint16_t>(shape.striped_codebook_rows());
  return command(HostOpcode::kSetConfig, rank,
                 {0, books, books, kKeyCodes, kValueCodes, rows, 0, 0, 0});
}

// For all tokens of all engines, without biases.
HostCommand set_query(const ChannelShape& shape, unsigned rank) {
  HostCommand query = command(HostOpcode::kSetQuery, rank);
  query.payload.resize(2 + shape.shift_beats() + shape.query_beats());
  query.payload[0].fill(0xff);
  query.payload[1][0] = 0x28;  // table fraction 8, flags cleared
  for (std::size_t i = 2 + shape.shift_beats(); i < query.payload.size(); ++i) {
    query.payload[i].fill(static_cast<std::uint8_t>(0x30 + i));
  }
  return query;
}

HostCommand attend(const ChannelShape& shape, unsigned rank, unsigned rows) {
  return command(HostOpcode::kAttend, rank,
                 {static_cast<std::uint16_t>(rows * shape.tokens_per_row()), 0, 0, 1});
}

// Reads `beats` beats of bank 0 from row 0, a region of codebooks, on.
HostCommand read(unsigned rank, std::uint16_t beats) {
  return command(HostOpcode::kRead, rank, {0, 0, 0, beats});
}

std::vector<HostCommand> random_program(const ChannelShape& shape, const HostOptions& options,
                                        std::uint64_t seed) {
  std::vector<HostCommand> program;
  for (HostStep& step :
       HostStimulus(shape, options, Random(seed, "program")).program(kProgramCommands)) {
    program.push_back(std::move(step.command));
  }
  return program;
}

// How hard the host presses.
HostAgentOptions host_options(std::uint64_t i) {
  HostAgentOptions options;
  options.pace = i % 2 == 0 ? Pace::back_to_back() : Pace::random();
  options.when_full = i % 3 == 0 ? WhenFull::kWait : WhenFull::kRetry;
  return options;
}

std::vector<AnswerCode> codes_of(const std::vector<HostAnswer>& answers) {
  std::vector<AnswerCode> codes;
  for (const HostAnswer& answer : answers) codes.push_back(answer.code);
  return codes;
}

// Both models of one pseudo-channel, side by side; pins that mean nothing may differ.
class Lockstep final : public ChannelModel {
 public:
  Lockstep(std::unique_ptr<ChannelModel> one, std::unique_ptr<ChannelModel> other)
      : one_(std::move(one)), other_(std::move(other)) {}

  void power_up(std::uint64_t seed) override {
    one_->power_up(seed);
    other_->power_up(seed + 1);
  }
  void use_threads(unsigned threads) override {
    one_->use_threads(threads);
    other_->use_threads(threads);
  }
  void open_waves(const std::filesystem::path& folder) override { one_->open_waves(folder); }
  void close_waves() override { one_->close_waves(); }
  const ChannelOutputs& outputs() const override { return one_->outputs(); }
  Beat write_data(unsigned rank, unsigned engine) const override {
    const Beat data = one_->write_data(rank, engine);
    CHECK(other_->write_data(rank, engine) == data);
    return data;
  }
  bool write_enable(unsigned rank, unsigned engine) const override {
    const bool enable = one_->write_enable(rank, engine);
    CHECK(other_->write_enable(rank, engine) == enable);
    return enable;
  }
  void drive_bank(unsigned rank, unsigned bank, const Beat& data) override {
    one_->drive_bank(rank, bank, data);
    other_->drive_bank(rank, bank, data);
  }
  void cycle(const ChannelInputs& inputs) override {
    one_->cycle(inputs);
    other_->cycle(inputs);
    if (inputs.reset) return;
    const bool same = meaning(one_->outputs()) == meaning(other_->outputs());
    if (!same) throw RunFailed("the flat and the composed model differ");
  }
  unsigned failed_assertions() const override {
    return one_->failed_assertions() + other_->failed_assertions();
  }

 private:
  static ChannelOutputs meaning(ChannelOutputs outputs) {
    if (!outputs.answer_valid) outputs.answer_tag = outputs.answer_code = 0;
    for (BeatPins* pins : {&outputs.payload, &outputs.data, &outputs.elements}) {
      if (!pins->valid) *pins = {};
    }
    for (RowPins& pins : outputs.rows) {
      if (!pins.valid) pins = {};
    }
    for (ColumnPins& pins : outputs.columns) {
      if (!pins.valid) {
        pins = {};
      } else if (pins.kind >= 5) {
        pins.row = pins.column = 0;  // of a command to engines
      }
    }
    outputs.bus_wdata = {};  // is judged when a bank takes it
    return outputs;
  }

  std::unique_ptr<ChannelModel> one_, other_;
};

std::unique_ptr<ChannelModel> make_lockstep(const ChannelShape& shape, const char* one,
                                            const char* other) {
  return std::make_unique<Lockstep>(test_channel(one).make(shape), test_channel(other).make(shape));
}

}  // namespace

TEST_CASE("channel: constrained-random programs") {
  // Over all of them.
  std::map<CommandKind, std::uint64_t> commands;
  std::array<std::array<std::uint64_t, kChannelPhases>, 2> columns = {};
  std::set<AnswerCode> codes;
  std::uint64_t programs = 0, cycles = 0, compared = 0;
  for (const char* name : {"one-bank", "bank-pair", "unlimited", "limited", "small", "one-rank",
                           "long-tokens", "long-tokens-pair"}) {
    const ChannelBuild& build = test_channel(name);
    CAPTURE(name);
    for (std::uint64_t i = 0; i < test_iterations(5); ++i) {
      const std::uint64_t seed = test_seed() + i;
      CAPTURE(seed);
      ChannelEnv env(build, {.seed = seed, .host = host_options(i)});
      const std::vector<HostCommand> program = random_program(env.shape(), {}, seed);
      for (const AnswerCode code : codes_of(env.play(program))) codes.insert(code);
      CHECK(env.verdict(program.size()) == "");
      const ChannelStatistics statistics = env.statistics();
      for (std::size_t kind = 0; kind < kCommandKinds; ++kind) {
        commands[static_cast<CommandKind>(kind)] +=
            statistics.count(static_cast<CommandKind>(kind));
      }
      for (unsigned rank = 0; rank < 2; ++rank) {
        for (std::size_t phase = 0; phase < kChannelPhases; ++phase) {
          columns[rank][phase] += statistics.phases[rank][phase].columns;
        }
      }
      ++programs;
      cycles += statistics.cycles;
      compared += env.compared();
    }
  }
  fmt::print("{} programs, {} clock cycles, {} values equal, {} refreshes\n", programs, cycles,
             compared, commands[CommandKind::kRef]);

  for (const auto& [kind, count] : commands) {
    CAPTURE(format_of(kind).name);
    // Rows are those of all banks.
    const bool single = kind == CommandKind::kAct || kind == CommandKind::kPre;
    CHECK((count > 0) == !single);
  }
  for (unsigned rank = 0; rank < 2; ++rank) {
    for (std::size_t phase = 0; phase < kChannelPhases; ++phase) {
      CAPTURE(rank);
      CAPTURE(name_of(static_cast<ChannelPhase>(phase)));
      CHECK(columns[rank][phase] > 0);
    }
  }
  CHECK(codes.size() == aqpim::golden::kAnswerCodes);
}

TEST_CASE("channel: registers that do not fit change what the golden model says, and no more") {
  std::uint64_t refusals = 0;
  for (const char* name : {"long-tokens", "long-tokens-pair", "small"}) {
    CAPTURE(name);
    for (std::uint64_t i = 0; i < test_iterations(5); ++i) {
      const std::uint64_t seed = test_seed() + 2000 + i;
      CAPTURE(seed);
      ChannelEnv env(test_channel(name), {.seed = seed, .host = host_options(i), .refusals = true});
      const std::vector<HostCommand> program =
          random_program(env.shape(), {.unfit_percent = 50}, seed);
      env.play(program);
      CHECK(env.verdict(program.size()) == "");
      refusals += env.refusals();
    }
  }
  CHECK(refusals > 0);
}

TEST_CASE(
    "channel: an odd number of tokens where two are clustered at once leaves out its engine") {
  constexpr std::uint16_t kRaw = 2000, kTokens = 4;
  constexpr std::uint16_t kProtocol = aqpim::golden::kFlagProtocol;
  struct Outcome {
    std::vector<Beat> elements;
    std::vector<aqpim::golden::Result> before, after, cleared;
  };
  const auto play = [&](unsigned first_tokens, bool refusals) {
    ChannelEnv env(test_channel("long-tokens"), {.seed = test_seed(), .refusals = refusals});
    const ChannelShape& shape = env.shape();
    REQUIRE(shape.engine.token_slots() == 2);
    HostCommand config = set_config(shape, 0, 1);
    config.fields[7] = kRaw;
    config.fields[8] = static_cast<std::uint16_t>(shape.raw_rows(kTokens));
    HostCommand setup = command(HostOpcode::kSetVectors, 0);
    setup.payload.resize(2 + shape.shift_beats());
    setup.payload[0].fill(0);
    for (unsigned e = 0; e < shape.engines(); ++e) {
      setup.payload[0][2 * e] = static_cast<std::uint8_t>(e == 0 ? first_tokens : kTokens);
    }
    setup.payload[1][0] = 0x28;
    HostCommand cluster = command(HostOpcode::kCluster, 0, {0, kTokens, 0});
    cluster.payload.resize(shape.slice_beats());
    for (std::size_t i = 0; i < cluster.payload.size(); ++i) {
      cluster.payload[i].fill(static_cast<std::uint8_t>(0x30 + i % 8));
    }
    HostCommand sticky = set_query(shape, 0);
    sticky.payload[1][0] &= 0xdf;  // flags are not cleared
    const HostCommand tile = attend(shape, 0, 1), result = command(HostOpcode::kResult, 0);
    const auto answers =
        env.play(std::vector{config, set_query(shape, 0), tile, result, setup, cluster, sticky,
                             tile, result, set_query(shape, 0), tile, result});
    CHECK(env.verdict(answers.size()) == "");
    // One in each pass.
    CHECK(env.refusals() == (refusals ? 4 : 0));
    for (const HostAnswer& answer : answers) REQUIRE(answer.code == AnswerCode::kOk);
    const auto results = [&](std::size_t of) {
      std::vector<aqpim::golden::Result> unpacked(shape.engines());
      for (unsigned i = 0; i < shape.engines(); ++i) {
        std::vector<Beat> own;
        for (std::size_t b = 0; b < shape.result_beats(); ++b) {
          own.push_back(answers[of].data[b * shape.engines() + i]);
        }
        unpacked[shape.engine_in_turn(i)] = aqpim::golden::unpack_result(own, shape.engine);
      }
      return unpacked;
    };
    return Outcome{answers[5].elements, results(3), results(8), results(11)};
  };
  const Outcome odd = play(3, true);
  const Outcome none = play(0, false);
  CHECK(odd.elements == none.elements);
  CHECK(odd.elements != play(kTokens, false).elements);
  for (std::size_t e = 0; e < odd.after.size(); ++e) {
    CAPTURE(e);
    CHECK((odd.after[e].flags & kProtocol) == (e == 0 ? kProtocol : 0));
    CHECK(odd.after[e].outputs == odd.before[e].outputs);
    CHECK(odd.after[e].weight_sum == odd.before[e].weight_sum);
    CHECK(odd.cleared[e] == odd.before[e]);
  }
}

TEST_CASE("channel: flat pq_channel and its composed model agree in all cycles, on any threads") {
  ChannelBuild one_bank = test_channel("small-flat");
  one_bank.make = [](const ChannelShape& shape) {
    return make_lockstep(shape, "small", "small-flat");
  };
  ChannelBuild pair = test_channel("long-tokens-pair-flat");
  pair.make = [](const ChannelShape& shape) {
    return make_lockstep(shape, "long-tokens-pair", "long-tokens-pair-flat");
  };
  for (const ChannelBuild& build : {one_bank, pair}) {
    for (std::uint64_t i = 0; i < test_iterations(3); ++i) {
      const std::uint64_t seed = test_seed() + 1000 + i;
      CAPTURE(seed);
      const auto threads = static_cast<unsigned>(1 + i % 3);
      ChannelEnv env(build, {.seed = seed, .host = host_options(i), .threads = threads});
      const std::vector<HostCommand> program = random_program(env.shape(), {}, seed);
      env.play(program);
      CHECK(env.verdict(program.size()) == "");
    }
  }
}

TEST_CASE("channel: the number of threads changes neither answers nor DRAM commands") {
  const auto played = [](unsigned threads) {
    ChannelEnv env(test_channel("bank-pair"), {.seed = test_seed(), .threads = threads});
    std::stringstream trace;
    env.write_trace(trace);
    const std::vector<HostCommand> program = random_program(env.shape(), {}, test_seed());
    const std::vector<HostAnswer> answers = env.play(program);
    CHECK(env.verdict(program.size()) == "");
    return std::pair(answers, trace.str());
  };
  const auto alone = played(1);
  CHECK(played(2) == alone);
  CHECK(played(5) == alone);
}

TEST_CASE("channel: each command has its answer, if two have ended while a third one had its own") {
  HostAgentOptions host;
  host.pace = Pace::random();
  ChannelEnv env(test_channel("calm"), {.seed = test_seed(), .host = host});
  const ChannelShape& shape = env.shape();
  env.play(std::vector{set_config(shape, 0, 1), set_config(shape, 1, 1)});
  // Registers of both ranks, which have the bus in turns, and commands that are refused.
  Random random(test_seed(), "answers");
  const std::uint64_t rounds = test_iterations(200);
  for (std::uint64_t i = 0; i < rounds; ++i) {
    CAPTURE(i);
    HostCommand longer = set_query(shape, 0);
    longer.fields[0] = static_cast<std::uint16_t>(random.below(6));
    longer.payload.resize(longer.payload.size() + longer.fields[0]);
    std::vector<HostCommand> program = {longer, set_query(shape, 1)};
    for (unsigned n = 0; n < 8; ++n) program.push_back(command(HostOpcode::kResult, n % 2));
    for (unsigned rank = 0; rank < 2; ++rank) program.push_back(attend(shape, rank, 1));
    for (unsigned rank = 0; rank < 2; ++rank) program.push_back(command(HostOpcode::kResult, rank));
    REQUIRE(env.play(program).size() == program.size());
  }
  CHECK(env.verdict(rounds) == "");

  std::map<std::uint64_t, CommandTimes> answers;
  for (const CommandTimes& times : env.statistics().times) answers[times.answered] = times;
  unsigned two_waited = 0;
  for (const auto& [cycle, refused] : answers) {
    const auto ended = [&](std::uint64_t at) {
      const auto found = answers.find(at);
      return found != answers.end() && found->second.opcode == HostOpcode::kSetQuery;
    };
    two_waited += refused.code != AnswerCode::kOk && ended(cycle + 1) && ended(cycle + 2);
  }
  if (rounds >= 200) CHECK(two_waited > 0);
}

TEST_CASE("channel: no more commands than a queue and the one that runs are taken") {
  const ChannelBuild& build = test_channel("calm");
  HostAgentOptions host;
  host.when_full = WhenFull::kAccept;
  ChannelEnv env(build, {.seed = test_seed(), .host = host});
  const ChannelShape& shape = env.shape();
  env.play(std::vector{set_config(shape, 0, 2), set_config(shape, 1, 2)});

  std::vector<HostCommand> work(7, read(0, 32));
  work.push_back(read(1, 1));
  using enum AnswerCode;
  CHECK(codes_of(env.play(work)) ==
        std::vector{kOk, kOk, kOk, kOk, kOk, kQueueFull, kQueueFull, kOk});

  // The second query waits for its registers, and with it all that is behind it.
  const HostCommand result = command(HostOpcode::kResult, 0);
  const HostCommand query = set_query(shape, 0);
  const HostCommand tile = attend(shape, 0, 2);
  CHECK(codes_of(env.play(
            std::vector{query, tile, query, tile, result, result, query, tile, result, query})) ==
        std::vector{kOk, kOk, kOk, kOk, kOk, kOk, kOk, kOk, kQueueFull, kQueueFull});
  CHECK(codes_of(env.play(std::vector{result})) == std::vector{kOk});
  CHECK(env.verdict(10) == "");
}

TEST_CASE("channel: token loops take the row period that the sequencer states, in both ranks") {
  const auto row_period = [](const char* name, std::size_t rows) {
    ChannelEnv env(test_channel(name), {.seed = test_seed()});
    const ChannelShape& shape = env.shape();
    std::array<std::vector<std::uint64_t>, 2> activates;
    env.dram().commands().subscribe([&](const DramCommand& command) {
      const bool codes = command.row >= kKeyCodes && command.row < kKeyCodes + rows;
      if (command.kind == CommandKind::kActAll && codes) {
        activates[command.rank].push_back(command.cycle);
      }
    });
    std::vector<HostCommand> program;
    for (unsigned rank = 0; rank < 2; ++rank) {
      program.push_back(set_config(shape, rank, static_cast<std::uint16_t>(rows)));
      program.push_back(set_query(shape, rank));
      program.push_back(attend(shape, rank, static_cast<unsigned>(rows)));
    }
    for (unsigned rank = 0; rank < 2; ++rank) {
      program.push_back(command(HostOpcode::kResult, rank));
    }
    env.play(program);
    CHECK(env.verdict(program.size()) == "");
    std::set<std::uint64_t> periods;
    for (unsigned rank = 0; rank < 2; ++rank) {
      REQUIRE(activates[rank].size() == rows);
      // The first row is opened while the engines still finish TABLE.
      for (std::size_t i = 2; i < rows; ++i) {
        periods.insert(activates[rank][i] - activates[rank][i - 1]);
      }
      const ChannelStatistics statistics = env.statistics();
      for (const ChannelPhase phase : {ChannelPhase::kScore, ChannelPhase::kAccumulate}) {
        const PhaseStatistics& loop = statistics.phase(rank, phase);
        CHECK(loop.columns == rows * shape.memory.columns * shape.banks_per_engine);
        // The power limit remembers the phase before, if columns come faster than it allows.
        const std::uint64_t before =
            shape.banks_per_engine == 2 ? env.memory().power_limit.window : 0u;
        CHECK(loop.cycles >= loop.allowed);
        CHECK(loop.cycles <= loop.allowed + before);
      }
    }
    return periods;
  };
  CHECK(row_period("calm", 5) == std::set<std::uint64_t>{232});
  CHECK(row_period("calm-pair", 5) == std::set<std::uint64_t>{192});
}

// What is left: nCL and nCWL are latencies, which are part of nRTW, nWR and nWTR; nRRDS, nRRDL and
// nFAW are of single activates, of which the sequencer has none; nRTPS is of precharges without the
// bank that was read, and it closes all banks.
TEST_CASE("channel: delays longer than the sequencer's are violated, each that it can come near") {
  using Cycles = unsigned aqpim::config::MemoryTiming::*;
  struct Case {
    const char* rule;
    Cycles delay;
    int more;
  };
  using Timing = aqpim::config::MemoryTiming;
  // Slots are two cycles apart, and some delays meet the other slot only.
  const Case cases[] = {
      {"nRAS", &Timing::row_open, 2},
      {"nRP", &Timing::precharge, 2},
      {"nRCD", &Timing::activate_to_column, 2},
      {"nRTPL", &Timing::read_to_precharge_l, 2},
      {"nWR", &Timing::write_recovery, 2},
      {"nCCDL", &Timing::column_l, 1},
      {"nCCDS", &Timing::column_s, 1},
      {"nRTW", &Timing::read_to_write, 1},
      {"nRFC", &Timing::refresh, 2},
      // Rounded: activate, precharge, activate are nRAS + nRP = nRC + 1 apart, and one for the
      // slot.
      {"nRC", &Timing::row_cycle, 4},
      // Phases are further apart than these.
      {"nWTRS", &Timing::write_to_read_s, 200},
      {"nWTRL", &Timing::write_to_read_l, 200},
      {"data bus", &Timing::burst, 1},
      {"nREFI", &Timing::refreshes_postponed, -8},
  };
  const auto broken_rules = [](const Memory& checked, const char* name = "small") {
    const ChannelBuild& build = test_channel(name);
    std::set<std::string> rules;
    for (std::uint64_t seed = 1; seed <= 2; ++seed) {
      ChannelEnv env(build, {.seed = seed, .check = false, .host = {}, .checked = checked});
      env.dram().checker().violations().subscribe(
          [&](const Violation& violation) { rules.insert(violation.rule); });
      env.play(random_program(env.shape(), {.bad_percent = 0}, seed));
      env.verdict(0);
    }
    return rules;
  };
  const Memory memory = memory_of(test_channel("small"));
  CHECK(broken_rules(memory).empty());
  for (const Case& one : cases) {
    CAPTURE(one.rule);
    Memory longer = memory;
    longer.timing.*one.delay += static_cast<unsigned>(one.more);
    CHECK(broken_rules(longer).contains(one.rule));
  }
  Memory weaker = memory;
  ++weaker.power_limit.column_all;
  CHECK(broken_rules(weaker).contains("nCCDAB"));
  // A pair of banks keeps to the window exactly.
  Memory narrower = memory_of(test_channel("calm-pair"));
  CHECK(broken_rules(narrower, "calm-pair").empty());
  ++narrower.power_limit.window;
  CHECK(broken_rules(narrower, "calm-pair").contains("power limit"));
}

TEST_CASE(
    "channel: a sequencer that reads too early is noticed by checker, memory and scoreboard") {
  ChannelEnv env(test_channel("hasty"), {.seed = test_seed()});
  const ChannelShape& shape = env.shape();
  std::vector<std::string> problems;
  env.dram().problems().subscribe([&](const std::string& text) { problems.push_back(text); });
  env.play(std::vector{set_config(shape, 0, 1), read(0, 1)});
  CAPTURE(problems[0]);
  REQUIRE(problems.size() == 2);
  CHECK(problems[0].starts_with("nRCD: RD of rank 0, bank 0, row 0, column 0 in cycle"));
  CHECK(problems[1].starts_with("bank 0: the row is not yet open: RD of rank 0"));
  CHECK(env.verdict(1).find("beat 0 of the data is") != std::string::npos);
}

TEST_CASE("channel: the scoreboard notices what memory and answers should not be") {
  ChannelEnv env(test_channel("calm"), {.seed = test_seed()});
  env.dram().memory().store(1, 0, 0, 3, Beat{});
  env.play(std::vector{set_config(env.shape(), 1, 1), read(1, 4)});
  const std::string verdict = env.verdict(1);
  CHECK(verdict.find("RD of rank 1 (command 1") != std::string::npos);
  CHECK(verdict.find("beat 3 of the data is") != std::string::npos);
  CHECK(verdict.find("rank 1, bank 0, row 0, column 3 holds") != std::string::npos);
  CHECK(verdict.find("2 of ") != std::string::npos);
}

TEST_CASE("channel: the host notices a queue that is longer or shorter than it is said to be") {
  for (const unsigned depth : {2u, 6u}) {
    HostAgentOptions host;
    host.when_full = WhenFull::kAccept;
    host.queue_depth = depth;
    ChannelEnv env(test_channel("calm"), {.seed = test_seed(), .host = host});
    env.play(std::vector{set_config(env.shape(), 0, 1)});
    env.play(std::vector<HostCommand>(7, read(0, 32)));
    const char* const complaint =
        depth == 2 ? "commands ahead in a queue of 2" : "QUEUE_FULL with only 5 commands ahead";
    CHECK(env.verdict(1).find(complaint) != std::string::npos);
  }
}

TEST_CASE("channel: a program that cannot end is given up with a sentence") {
  ChannelEnv env(test_channel("calm"), {.seed = test_seed()});
  const ChannelShape& shape = env.shape();
  // The second result has no place before the first one is read.
  const std::vector program = {set_config(shape, 0, 1), set_query(shape, 0), attend(shape, 0, 1),
                               set_query(shape, 0), attend(shape, 0, 1)};
  std::string sentence;
  try {
    env.play(program);
  } catch (const RunFailed& failure) {
    sentence = failure.what();
  }
  CHECK(sentence.find("nothing has happened for") != std::string::npos);
  CHECK(sentence.find("outstanding: ATTEND of rank 0 with tag") != std::string::npos);
}

TEST_CASE("channel: statistics, trace and waves of a run") {
  ChannelEnv env(test_channel("calm"), {.seed = test_seed(), .threads = 2});
  const ChannelShape& shape = env.shape();
  std::stringstream trace;
  env.write_trace(trace);
  const auto folder =
      std::filesystem::temp_directory_path() / fmt::format("aqpim-channel-waves-{}", test_seed());
  std::filesystem::create_directories(folder);
  env.model().open_waves(folder);
  env.play(std::vector{set_config(shape, 1, 2), set_query(shape, 1), attend(shape, 1, 2),
                       command(HostOpcode::kResult, 1), read(1, 5)});
  env.model().close_waves();
  CHECK(env.verdict(1) == "");

  const ChannelStatistics statistics = env.statistics();
  REQUIRE(statistics.times.size() == 5);
  for (const CommandTimes& times : statistics.times) {
    CHECK(times.rank == (times.opcode == HostOpcode::kSetConfig ? 1u : times.rank));
    CHECK(times.code == AnswerCode::kOk);
    CHECK(times.taken < times.answered);
    CHECK(times.answered < statistics.cycles);
  }
  const auto columns = [&](ChannelPhase phase) { return statistics.phase(1, phase).columns; };
  CHECK(columns(ChannelPhase::kTable) == shape.codebook_beats());
  CHECK(columns(ChannelPhase::kScore) == 2 * shape.memory.columns);
  CHECK(columns(ChannelPhase::kAccumulate) == 2 * shape.memory.columns);
  CHECK(columns(ChannelPhase::kCombine) == shape.codebook_beats());
  CHECK(columns(ChannelPhase::kRegisters) == 2 + shape.shift_beats() + shape.query_beats());
  CHECK(columns(ChannelPhase::kResults) == shape.result_beats() * shape.engines());
  CHECK(columns(ChannelPhase::kRead) == 5);
  CHECK(statistics.phases[0] == decltype(statistics.phases[0]){});
  CHECK(statistics.count(CommandKind::kRdAll) == 4 * shape.memory.columns);

  TraceReader reader(trace, "trace", shape.memory);
  std::array<std::uint64_t, kCommandKinds> counts = {};
  while (const auto command = reader.next()) ++counts[static_cast<std::size_t>(command->kind)];
  for (std::size_t kind = 0; kind < kCommandKinds; ++kind) {
    CHECK(counts[kind] == statistics.count(static_cast<CommandKind>(kind)));
  }

  for (const char* file : {"sequencer.fst", "engine_of_rank_0.fst", "engine_of_rank_1.fst"}) {
    CHECK(std::filesystem::file_size(folder / file) > 10000);
  }
  std::filesystem::remove_all(folder);
}
