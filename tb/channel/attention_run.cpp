// SPDX-License-Identifier: Apache-2.0
#include "tb/channel/attention_run.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <vector>

#include "sw/cache/half.h"
#include "tb/channel/channel_env.h"
#include "tb/channel/channel_statistics.h"
#include "tb/common/random.h"

namespace aqpim::tb {

namespace {

using golden::HostCommand;
using golden::HostOpcode;
using performance::Attend;

// Rounds before the steady state, and those at the end in which ranks may be alone.
constexpr std::size_t kWarmUp = 3;
constexpr std::size_t kCoolDown = 1;

std::uint16_t field(std::size_t value) { return static_cast<std::uint16_t>(value); }

Beat beat_of(std::span<const std::uint16_t> halves) {
  Beat beat = {};
  for (std::size_t i = 0; i < halves.size() && 2 * i < beat.size(); ++i) {
    beat[2 * i] = static_cast<std::uint8_t>(halves[i]);
    beat[2 * i + 1] = static_cast<std::uint8_t>(halves[i] >> 8);
  }
  return beat;
}

// The host commands of one rank.
class Commands {
 public:
  Commands(const config::ChannelShape& shape, std::span<const Attend> set, unsigned rank,
           std::uint64_t seed)
      : shape_(shape), set_(set), rank_(rank), random_(seed, "queries") {
    for (const Attend& attend : set) {
      first_rows_.push_back(rows_);
      first_windows_.push_back(windows_);
      rows_ += shape.code_rows(attend.tokens);
      // One codebook serves all tiles.
      if (attend.window != 0) windows_ += windows_of(attend);
    }
  }

  HostCommand set_config() const {
    const bool striped = set_.front().window == 0;
    const std::size_t codebooks =
        striped ? shape_.striped_codebook_rows() : windows_ * shape_.local_codebook_rows();
    const std::size_t codes = 2 * codebooks;
    return command(
        HostOpcode::kSetConfig,
        {0, codebooks, codebooks, codes, codes + rows_, rows_,
         striped ? 0 : set_.front().window / shape_.tokens_per_row(), codes + 2 * rows_, 0});
  }

  HostCommand set_query(std::size_t number) {
    const Attend& attend = set_[number % set_.size()];
    const unsigned run = performance::tokens_per_bias(shape_, attend);
    const unsigned beats = performance::bias_beats(shape_, attend);
    const bool each = attend.window != 0;
    HostCommand made = command(HostOpcode::kSetQuery, {beats, each ? 1u : 0u});
    made.payload.push_back(beat_of(std::vector<std::uint16_t>(16, field(attend.tokens))));
    // Table fraction 12, binary16, flags cleared.
    made.payload.push_back(beat_of(std::array{field(12u | 1u << 5 | run << 8)}));
    for (unsigned i = 0; i < shape_.shift_beats(); ++i) made.payload.push_back({});
    for (unsigned i = 0; i < shape_.query_beats(); ++i) {
      std::vector<std::uint16_t> elements;
      for (unsigned k = 0; k < config::kBeatBytes / 2; ++k) {
        const double element = static_cast<double>(random_.below(2001)) - 1000.0;
        elements.push_back(cache::to_half(std::ldexp(element, -20)));
      }
      made.payload.push_back(beat_of(elements));
    }
    for (unsigned i = 0; i < beats * (each ? shape_.engines() : 1); ++i) {
      std::vector<std::uint16_t> biases;
      for (unsigned k = 0; k < config::kBeatBytes / 2; ++k) {
        biases.push_back(field(random_.below(2048)));
      }
      made.payload.push_back(beat_of(biases));
    }
    return made;
  }

  HostCommand attend(std::size_t number) const {
    const std::size_t i = number % set_.size();
    return command(HostOpcode::kAttend,
                   {set_[i].tokens, first_rows_[i], first_windows_[i], windows_of(set_[i])});
  }

  HostCommand result() const { return command(HostOpcode::kResult, {}); }

 private:
  static std::size_t windows_of(const Attend& attend) {
    return attend.window == 0 ? 1 : (attend.tokens + attend.window - 1) / attend.window;
  }

  HostCommand command(HostOpcode opcode, std::initializer_list<std::size_t> fields) const {
    HostCommand made{.opcode = opcode, .rank = rank_, .context = 0, .fields = {}, .payload = {}};
    std::ranges::transform(fields, made.fields.begin(), field);
    return made;
  }

  const config::ChannelShape& shape_;
  std::span<const Attend> set_;
  unsigned rank_;
  Random random_;
  std::vector<std::size_t> first_rows_, first_windows_;
  std::size_t rows_ = 0;
  std::size_t windows_ = 0;
};

// `attends` of each rank: the query of the next one goes before the result of the one that runs.
std::vector<HostCommand> program_of(const config::ChannelShape& shape, std::span<const Attend> set,
                                    std::size_t attends, std::uint64_t seed) {
  std::vector<Commands> ranks;
  for (unsigned rank = 0; rank < shape.memory.ranks; ++rank) {
    ranks.emplace_back(shape, set, rank, seed + rank);
  }
  std::vector<HostCommand> program;
  for (Commands& rank : ranks) program.push_back(rank.set_config());
  for (std::size_t number = 0; number <= attends; ++number) {
    for (Commands& rank : ranks) {
      if (number < attends) {
        program.push_back(rank.set_query(number));
        program.push_back(rank.attend(number));
      }
      if (number > 0) program.push_back(rank.result());
    }
  }
  return program;
}

// First beat of a query and last beat of a result.
struct BusSpan {
  std::uint64_t first = std::numeric_limits<std::uint64_t>::max();
  std::uint64_t last = 0;

  void watch(const DramCommand& command) {
    if (command.kind == CommandKind::kEngineRd) last = std::max(last, command.cycle);
    if (command.kind == CommandKind::kEngineWr || command.kind == CommandKind::kEngineWrAll) {
      first = std::min(first, command.cycle);
    }
  }
};

class Runner {
 public:
  Runner(const ChannelBuild& build, std::span<const Attend> set, const AttentionRunOptions& options)
      : build_(build), set_(set), options_(options) {}

  AttentionRun run() {
    measure_latency();
    measure_rounds();
    return result_;
  }

 private:
  void measure_latency() {
    ChannelEnv env(build_, {.seed = options_.seed});
    BusSpan bus;
    env.dram().commands().subscribe([&](const DramCommand& command) { bus.watch(command); });
    play(env, set_.size());
    const config::MemoryTiming& timing = env.memory().timing;
    result_.latency = bus.last - bus.first + timing.read_latency + timing.burst;
    lone_round_ = result_.latency;
  }

  void measure_rounds() {
    ChannelEnv env(build_, {.seed = options_.seed});
    const std::uint64_t shortest =
        std::uint64_t{options_.intervals} * env.memory().timing.refresh_interval;
    // A round of the steady state takes at least half as long as one alone.
    const std::size_t rounds = std::max<std::size_t>(
        (options_.attends + set_.size() - 1) / set_.size(), 2 * shortest / lone_round_ + 1);
    play(env, (kWarmUp + rounds + kCoolDown) * set_.size());
    result_.attends = rounds * set_.size();
    result_.span = std::numeric_limits<std::uint64_t>::max();
    const ChannelStatistics statistics = env.statistics();
    for (unsigned rank = 0; rank < env.shape().memory.ranks; ++rank) {
      std::vector<std::uint64_t> answered;
      for (const CommandTimes& times : statistics.times) {
        if (times.rank == rank && times.opcode == HostOpcode::kAttend) {
          answered.push_back(times.answered);
        }
      }
      const std::uint64_t first = answered.at(kWarmUp * set_.size() - 1);
      const std::uint64_t last = answered.at((kWarmUp + rounds) * set_.size() - 1);
      const std::uint64_t cycles = kSlots * (last - first);
      result_.cycles =
          std::max(result_.cycles, static_cast<double>(cycles) / static_cast<double>(rounds));
      result_.span = std::min(result_.span, cycles);
      const auto lower = [&](double& delivered, ChannelPhase phase) {
        const PhaseStatistics& loop = statistics.phase(rank, phase);
        delivered = std::min(delivered, static_cast<double>(loop.allowed + loop.allowed_refresh) /
                                            static_cast<double>(loop.cycles));
      };
      lower(result_.score_delivered, ChannelPhase::kScore);
      lower(result_.accumulate_delivered, ChannelPhase::kAccumulate);
    }
  }

  void play(ChannelEnv& env, std::size_t attends) {
    const std::vector<HostCommand> program = program_of(env.shape(), set_, attends, options_.seed);
    const std::vector<golden::HostAnswer> answers = env.play(program);
    const auto refused = std::ranges::find_if(answers, [](const golden::HostAnswer& answer) {
      return answer.code != golden::AnswerCode::kOk;
    });
    if (refused != answers.end()) {
      const auto number = static_cast<std::size_t>(refused - answers.begin());
      result_.failure += fmt::format("{}: {}, command {} of {}, is answered {}\n", build_.name,
                                     name_of(program.at(number).opcode), number, program.size(),
                                     name_of(refused->code));
    }
    result_.failure += env.verdict(program.size());
    result_.compared += env.compared();
  }

  const ChannelBuild& build_;
  std::span<const Attend> set_;
  AttentionRunOptions options_;
  AttentionRun result_;
  std::uint64_t lone_round_ = 0;
};

}  // namespace

AttentionRun run_attention(const ChannelBuild& build, std::span<const Attend> set,
                           const AttentionRunOptions& options) {
  return Runner(build, set, options).run();
}

}  // namespace aqpim::tb
