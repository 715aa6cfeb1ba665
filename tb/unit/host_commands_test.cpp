// SPDX-License-Identifier: Apache-2.0
#include "tb/unit/models/host_commands.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <deque>
#include <optional>
#include <vector>

#include "sw/golden/channel_test_support.h"
#include "sw/golden/host_rules.h"
#include "tb/channel/host_stimulus.h"
#include "tb/unit/bench.h"
#include "tb/unit/header.h"

namespace {

using namespace aqpim::tb;
using namespace aqpim::tb::unit;
using aqpim::config::ChannelShape;
using aqpim::golden::AnswerCode;
using aqpim::golden::Context;
using aqpim::golden::HostCommand;
using aqpim::golden::HostOpcode;
using aqpim::golden::HostRules;

// An entry of a queue: the meaning of its bits, without those that its kind does not use.
struct Work {
  unsigned tag = 0, kind = 0, joint = 0, values = 0;
  std::array<unsigned, 4> rows = {};
  unsigned count = 0, beats = 0, first = 0, bank = 0, window_rows = 0;

  bool operator==(const Work&) const = default;
};

struct Transfer {
  unsigned tag = 0, kind = 0, beats = 0, each = 0;

  bool operator==(const Transfer&) const = default;
};

namespace pq_pkg = aqpim::pq_pkg;
using pq_pkg::WorkKind;

bool is_transfer(HostOpcode opcode) {
  return opcode == HostOpcode::kSetQuery || opcode == HostOpcode::kSetVectors ||
         opcode == HostOpcode::kResult;
}

template <class Dut>
class HostCommands {
 public:
  static ChannelShape make_shape() {
    ChannelShape made =
        aqpim::test::make_channel(Dut::SubDim, Dut::CodeBits, Dut::WordBits, Dut::BanksPerEngine);
    made.engine.score_depth = Dut::ScoreDepth;
    made.engine.bias_depth = Dut::BiasDepth;
    made.memory.ranks = Dut::Ranks;
    made.memory.rows = Dut::Rows;
    return made;
  }

  HostCommands() {
    REQUIRE(stated_latency("host_commands") ==
            "5 cycles from a command to its answer, if it has one at once, or to its queue");
    idle();
  }

  // Gives the command and waits until the next one may come: its answer, or kOk if it went to a
  // queue. The answer stays `held` cycles before it is taken.
  AnswerCode give(const HostCommand& command, unsigned held) {
    const unsigned rank = command.rank;
    const unsigned tag = static_cast<unsigned>(random.bits(8));
    idle();
    bench.settle();
    REQUIRE(bench->cmd_ready_o == 1);
    put_command(command, tag);
    step();
    // Four cycles of checks, in which nothing else is taken. The last one looks at the queue.
    for (unsigned i = 1; i < 5; ++i) {
      noise();
      bench.settle();
      REQUIRE(bench->cmd_ready_o == 0);
      REQUIRE(bench->answer_valid_o == 0);
      if (i < 4) step();
    }
    AnswerCode code = rules.check(command);
    const bool transfer = is_transfer(command.opcode);
    if (code != AnswerCode::kIllegal && command.opcode != HostOpcode::kSetConfig &&
        (transfer ? transfers[rank].size() : works[rank].size()) == Dut::QueueDepth) {
      code = AnswerCode::kQueueFull;
    }
    const bool answered = code != AnswerCode::kOk || command.opcode == HostOpcode::kSetConfig;
    std::optional<Work> work;
    if (!answered && !transfer) work = work_of(command, tag);
    step();
    if (work) works[rank].push_back(*work);
    if (!answered && transfer) transfers[rank].push_back(transfer_of(command, tag));
    if (code == AnswerCode::kOk) rules.accept(command);
    ++answers[static_cast<std::size_t>(code)];

    for (unsigned i = 0; answered && i <= held; ++i) {
      noise();
      bench->answer_taken_i = i == held;
      bench.settle();
      REQUIRE(bench->answer_valid_o == 1);
      REQUIRE(get(bench->answer_o, pq_pkg::host_answer::tag) == tag);
      REQUIRE(get(bench->answer_o, pq_pkg::host_answer::code) == number(code));
      REQUIRE(bench->cmd_ready_o == 0);
      step();
    }
    bench->answer_taken_i = 0;
    bench.settle();
    REQUIRE(bench->cmd_ready_o == 1);
    return code;
  }

  void idle() {
    noise();
    bench->cmd_valid_i = 0;
    bench->answer_taken_i = 0;
  }

  // Ends the cycle. Queues are compared, and taken from.
  void step() {
    bench->work_take_i = 0;
    bench->transfer_take_i = 0;
    bench.settle();
    for (unsigned r = 0; r < Dut::Ranks; ++r) {
      REQUIRE(get(bench->work_valid_o, r, 1) == !works[r].empty());
      REQUIRE(get(bench->transfer_valid_o, r, 1) == !transfers[r].empty());
      if (!works[r].empty() && random.chance(take_percent, 100)) {
        REQUIRE(first_work(r) == works[r].front());
        works[r].pop_front();
        put(bench->work_take_i, r, 1, 1);
      }
      if (!transfers[r].empty() && random.chance(take_percent, 100)) {
        REQUIRE(first_transfer(r) == transfers[r].front());
        transfers[r].pop_front();
        put(bench->transfer_take_i, r, 1, 1);
      }
    }
    bench.clock();
    ++cycles;
  }

  Bench<typename Dut::Model> bench;
  Random random{test_seed(), "pq_host_commands"};
  ChannelShape shape = make_shape();
  HostRules rules{shape};
  std::array<std::deque<Work>, Dut::Ranks> works;
  std::array<std::deque<Transfer>, Dut::Ranks> transfers;
  std::array<std::uint64_t, aqpim::golden::kAnswerCodes> answers = {};
  unsigned take_percent = 10;
  std::uint64_t cycles = 0;

 private:
  void put_command(const HostCommand& command, unsigned tag) {
    bench->cmd_valid_i = 1;
    namespace cmd = pq_pkg::host_command;
    put(bench->cmd_i, cmd::tag, tag);
    put(bench->cmd_i, cmd::opcode, number(command.opcode));
    put(bench->cmd_i, cmd::rank, command.rank & 1);
    put(bench->cmd_i, cmd::place, command.context & 3);
    for (unsigned i = 0; i < command.fields.size(); ++i) {
      put(bench->cmd_i, 16 * i, 16, command.fields[i]);
    }
  }

  // What is on the port while nothing is taken.
  void noise() {
    HostCommand any{.opcode = static_cast<HostOpcode>(random.below(10)),
                    .rank = static_cast<unsigned>(random.below(2)),
                    .context = static_cast<unsigned>(random.below(4)),
                    .fields = {},
                    .payload = {}};
    for (auto& field : any.fields) field = static_cast<std::uint16_t>(random.bits(16));
    put_command(any, static_cast<unsigned>(random.bits(8)));
  }

  Work work_of(const HostCommand& command, unsigned tag) const {
    const Context& context = rules.context(command.rank, command.context);
    const auto& f = command.fields;
    const unsigned book = rules.codebook_rows(context);
    Work work{.tag = tag};
    switch (command.opcode) {
      case HostOpcode::kWrite:
      case HostOpcode::kRead:
        work.kind =
            number(command.opcode == HostOpcode::kWrite ? WorkKind::kWrite : WorkKind::kRead);
        work.bank = f[0];
        work.rows[0] = f[1];
        work.first = f[2];
        work.count = f[3];
        break;
      case HostOpcode::kAttend:
        work.kind = number(WorkKind::kAttend);
        work.joint = context.scope_rank();
        for (unsigned side = 0; side < 2; ++side) {
          work.rows[side] = context.codebooks[side].first + f[2] * book;
          work.rows[2 + side] = context.codes[side].first + f[1];
        }
        work.count = f[0];
        // More rows than a tile may have are the same.
        work.window_rows = std::min(context.window_rows, shape.code_rows(Dut::ScoreDepth));
        break;
      case HostOpcode::kEncode:
        work.kind = number(WorkKind::kEncode);
        work.joint = context.scope_rank();
        work.values = f[0];
        work.rows[0] = context.codebooks[f[0]].first + f[1] * book;
        work.rows[1] = context.codes[f[0]].first + f[2];
        work.first = f[3];
        break;
      default: {
        work.kind = number(WorkKind::kCluster);
        work.joint = context.scope_rank();
        work.values = f[0];
        work.count = f[1];
        work.rows[0] = context.raw.first + f[2];
        const unsigned bytes = shape.engine.word_bytes();
        const unsigned words = f[1] * shape.engine.slice_words() + (f[1] + bytes - 1) / bytes;
        work.beats = (words + shape.words_per_beat() - 1) / shape.words_per_beat();
      }
    }
    return work;
  }

  static Transfer transfer_of(const HostCommand& command, unsigned tag) {
    switch (command.opcode) {
      case HostOpcode::kSetQuery:
        return {.tag = tag,
                .kind = number(pq_pkg::TransferKind::kQuery),
                .beats = command.fields[0],
                .each = command.fields[1]};
      case HostOpcode::kSetVectors:
        return {.tag = tag,
                .kind = number(pq_pkg::TransferKind::kVectors),
                .beats = command.fields[0],
                .each = 0};
      default:
        return {.tag = tag, .kind = number(pq_pkg::TransferKind::kResult), .beats = 0, .each = 0};
    }
  }

  Work first_work(unsigned rank) {
    namespace record = pq_pkg::work;
    const auto part = [&](pq_pkg::Field member) {
      return get(bench->work_o, member, rank * pq_pkg::kWorkBits);
    };
    Work work{
        .tag = part(record::tag),
        .kind = part(record::kind),
        .joint = part(record::joint),
        .values = part(record::values),
        .rows = {part(record::row0), part(record::row1), part(record::row2), part(record::row3)},
        .count = part(record::count),
        .beats = part(record::beats),
        .first = part(record::first),
        .bank = part(record::bank),
        .window_rows = part(record::window_rows)};
    const bool access =
        work.kind == number(WorkKind::kWrite) || work.kind == number(WorkKind::kRead);
    if (access) work.joint = work.values = 0;
    if (work.kind == number(WorkKind::kAttend)) work.values = 0;
    if (!access) work.bank = 0;
    if (!access && work.kind != number(WorkKind::kEncode)) work.first = 0;
    if (work.kind != number(WorkKind::kAttend)) work.window_rows = work.rows[2] = work.rows[3] = 0;
    if (work.kind != number(WorkKind::kAttend) && work.kind != number(WorkKind::kEncode))
      work.rows[1] = 0;
    if (work.kind == number(WorkKind::kEncode)) work.count = 0;
    if (work.kind != number(WorkKind::kCluster)) work.beats = 0;
    return work;
  }

  Transfer first_transfer(unsigned rank) {
    namespace record = pq_pkg::transfer;
    const auto part = [&](pq_pkg::Field member) {
      return get(bench->transfer_o, member, rank * pq_pkg::kTransferBits);
    };
    Transfer transfer{.tag = part(record::tag),
                      .kind = part(record::kind),
                      .beats = part(record::beats),
                      .each = part(record::each)};
    if (transfer.kind != number(pq_pkg::TransferKind::kQuery)) transfer.each = 0;
    if (transfer.kind == number(pq_pkg::TransferKind::kResult)) transfer.beats = 0;
    return transfer;
  }
};

}  // namespace

TEST_CASE_TEMPLATE_DEFINE(
    "pq_host_commands: random commands are answered as expected, and queued as addresses", Dut,
    host_commands_stimulus) {
  INFO(Dut::parameters);
  HostCommands<Dut> dut;
  HostStimulus stimulus(dut.shape, {.large = true, .bad_percent = 25},
                        Random(test_seed(), "pq_host_commands stimulus"));
  for (std::uint64_t i = 0; i < test_iterations(4000); ++i) {
    CAPTURE(i);
    const HostStep wanted = stimulus.next();
    // Queues that are mostly empty, and mostly full.
    dut.take_percent = i / 100 % 2 == 0 ? 40 : 3;
    AnswerCode code;
    do {
      for (auto pause = dut.random.below(3); pause > 0; --pause) {
        dut.idle();
        dut.step();
      }
      code = dut.give(wanted.command, static_cast<unsigned>(dut.random.pick({0, 0, 1, 5})));
    } while (code == AnswerCode::kQueueFull);
    REQUIRE(static_cast<int>(code) == static_cast<int>(wanted.expected));
  }
  for (const std::uint64_t count : dut.answers) CHECK(count > 10);
}
TEST_CASE_TEMPLATE_APPLY(host_commands_stimulus, host_commands_models);

TEST_CASE_TEMPLATE_DEFINE(
    "pq_host_commands: commands with any number in any field are answered as by the golden rules",
    Dut, host_commands_fields) {
  INFO(Dut::parameters);
  HostCommands<Dut> dut;
  HostStimulus stimulus(dut.shape, {.large = true, .bad_percent = 5},
                        Random(test_seed(), "pq_host_commands fields"));
  dut.take_percent = 50;
  for (std::uint64_t i = 0; i < test_iterations(6000); ++i) {
    HostCommand command = stimulus.next().command;
    if (dut.random.chance(1, 2)) {
      auto& field = command.fields[dut.random.below(9)];
      field = static_cast<std::uint16_t>(
          dut.random.pick({dut.random.bits(16), dut.random.bits(5), field + dut.random.bits(2),
                           field - dut.random.bits(2), std::uint64_t{0}, std::uint64_t{0xffff}}));
    }
    if (dut.random.chance(1, 20)) command.context = static_cast<unsigned>(dut.random.below(4));
    if (dut.random.chance(1, 20)) command.rank = static_cast<unsigned>(dut.random.below(2));
    if (dut.random.chance(1, 20)) command.opcode = static_cast<HostOpcode>(dut.random.below(16));
    CAPTURE(i);
    CAPTURE(static_cast<int>(command.opcode));
    CAPTURE(command.fields[0]);
    CAPTURE(command.fields[1]);
    CAPTURE(command.fields[2]);
    CAPTURE(command.fields[3]);
    dut.give(command, 0);
    // What the stimulus does not know of must not stay for ever.
    if (dut.random.chance(1, 10)) {
      dut.give(
          aqpim::test::command(HostOpcode::kResult, {}, {}, {.rank = command.rank % Dut::Ranks}),
          0);
    }
  }
  for (std::size_t code = 0; code < dut.answers.size(); ++code) {
    CAPTURE(code);
    CHECK((dut.answers[code] > 20 || code == static_cast<std::size_t>(AnswerCode::kQueueFull)));
  }
}
TEST_CASE_TEMPLATE_APPLY(host_commands_fields, host_commands_models);

TEST_CASE_TEMPLATE_DEFINE(
    "pq_host_commands: CLUSTER takes any number of tokens that there is room for, and none more",
    Dut, host_commands_cluster) {
  INFO(Dut::parameters);
  HostCommands<Dut> dut;
  dut.take_percent = 100;
  const auto give = [&](HostOpcode opcode, std::vector<unsigned> fields) {
    return dut.give(aqpim::test::command(opcode, std::move(fields), {}, {.rank = 0}), 0);
  };
  const unsigned slots = dut.shape.engine.token_slots();
  for (unsigned tokens = slots; tokens <= Dut::ScoreDepth; tokens += slots) {
    CAPTURE(tokens);
    const unsigned rows = dut.shape.raw_rows(tokens);
    REQUIRE(give(HostOpcode::kSetConfig, {0, 8, 8, 16, 32, 16, 0, 48, rows}) == AnswerCode::kOk);
    REQUIRE(give(HostOpcode::kSetVectors, {0}) == AnswerCode::kOk);
    CHECK(give(HostOpcode::kCluster, {0, tokens, 1}) == AnswerCode::kAddress);
    CHECK(give(HostOpcode::kCluster, {0, tokens, 0}) == AnswerCode::kOk);
  }
}
TEST_CASE_TEMPLATE_APPLY(host_commands_cluster, host_commands_models);

TEST_CASE("pq_host_commands: queues that nobody takes from fill up, each by itself") {
  using Dut = host_commands_0;
  HostCommands<Dut> dut;
  dut.take_percent = 0;
  const auto give = [&](HostOpcode opcode, std::vector<unsigned> fields, unsigned rank) {
    return static_cast<int>(
        dut.give(aqpim::test::command(opcode, std::move(fields), {}, {.rank = rank}), 0));
  };
  const int ok = static_cast<int>(AnswerCode::kOk);
  const int full = static_cast<int>(AnswerCode::kQueueFull);
  for (unsigned rank = 0; rank < Dut::Ranks; ++rank) {
    REQUIRE(give(HostOpcode::kSetConfig, {0, 8, 8, 16, 32, 16, 0, 48, 16}, rank) == ok);
    const std::uint64_t start = dut.cycles;
    for (unsigned i = 0; i < Dut::QueueDepth; ++i) {
      REQUIRE(give(HostOpcode::kRead, {0, 0, i, 1}, rank) == ok);
    }
    // Five cycles each, and one more for those that have an answer at once.
    CHECK(dut.cycles - start == 5 * Dut::QueueDepth);
    REQUIRE(give(HostOpcode::kRead, {0, 0, 9, 1}, rank) == full);
    CHECK(dut.cycles - start == 5 * Dut::QueueDepth + 6);
    // A context may change, and transfers have a queue of their own.
    REQUIRE(give(HostOpcode::kSetConfig, {0, 8, 8, 16, 32, 16, 0, 48, 16}, rank) == ok);
    REQUIRE(give(HostOpcode::kSetVectors, {1}, rank) == ok);
    // Full comes before everything that is wrong with it.
    REQUIRE(give(HostOpcode::kRead, {0, 0, 0, 0}, rank) == full);
  }
  // What was refused has not changed the order: ENCODE has its vectors when there is room.
  dut.take_percent = 100;
  for (unsigned i = 0; i < 10; ++i) {
    dut.idle();
    dut.step();
  }
  CHECK(give(HostOpcode::kEncode, {0, 0, 0, 0}, 0) == ok);
}
