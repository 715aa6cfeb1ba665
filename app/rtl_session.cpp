// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "app/channel_session.h"
#include "sw/config/error.h"
#include "sw/report/timeline.h"
#include "tb/channel/channel_env.h"
#include "tb/channel/channel_models.h"

namespace aqpim::app {

namespace {

using golden::HostOpcode;
using tb::CommandKind;

// Waves begin with the first query and end when a rank has given so many results; the picture
// begins a little before its first ATTEND.
constexpr unsigned kShownResults = 2;
constexpr std::uint64_t kShownBefore = 400;  // memory cycles

// ---- Picture ------------------------------------------------------------------------------------

struct Shown {
  const char* name;
  const char* colour;
};

// Kinds of bars: phases as tb::ChannelPhase, then commands.
constexpr std::array<const char*, tb::kChannelPhases> kPhaseColours = {
    "#1d4ed8", "#0f766e", "#b45309", "#7c3aed", "#be123c", "#831843", "#475569",
    "#4d7c0f", "#a16207", "#94a3b8", "#38bdf8", "#64748b", "#64748b"};
enum Bar : std::size_t { kActivate, kPrecharge, kRefresh, kOwnBanks, kBroadcast, kIn, kOut, kBars };
constexpr std::array<Shown, kBars> kBarStyles = {{{"activate", "#f59e0b"},
                                                  {"precharge", "#fcd34d"},
                                                  {"refresh", "#dc2626"},
                                                  {"banks-to-engines", "#059669"},
                                                  {"broadcast", "#2563eb"},
                                                  {"from-host", "#9333ea"},
                                                  {"to-host", "#db2777"}}};

std::vector<report::Timeline::Kind> kinds() {
  std::vector<report::Timeline::Kind> kinds;
  for (std::size_t i = 0; i < tb::kChannelPhases; ++i) {
    kinds.push_back({std::string(name_of(static_cast<tb::ChannelPhase>(i))), kPhaseColours[i]});
  }
  for (const Shown& shown : kBarStyles) kinds.push_back({shown.name, shown.colour});
  return kinds;
}

// Lanes of a rank.
enum Lane : std::size_t { kPhaseLane, kTransferLane, kRowLane, kColumnLane, kRankLanes };

// What the picture may show: all that happens.
class History {
 public:
  void command(const tb::DramCommand& command) { commands_.push_back(command); }
  void run(const tb::ChannelRun& run) { runs_.push_back(run); }

  // Memory cycle in which the first ATTEND starts; 0 if there was none.
  std::uint64_t first_attend() const {
    const auto found = std::ranges::find(runs_, tb::ChannelPhase::kTable, &tb::ChannelRun::phase);
    return found == runs_.end() ? 0 : found->first;
  }

  report::Timeline timeline(const config::Memory& memory, unsigned ranks, std::uint64_t first,
                            std::uint64_t last) const {
    std::vector<std::string> lanes;
    for (unsigned rank = 0; rank < ranks; ++rank) {
      for (const char* lane : {"phase", "registers, results", "rows", "own banks"}) {
        lanes.push_back(fmt::format("rank {} {}", rank, lane));
      }
    }
    lanes.emplace_back("data bus");
    report::Timeline timeline(lanes, kinds(), first, last);
    for (const tb::ChannelRun& run : runs_) {
      // Registers and results are shown beat by beat.
      const bool transfer =
          run.phase == tb::ChannelPhase::kRegisters || run.phase == tb::ChannelPhase::kResults;
      if (run.rank >= ranks || transfer) continue;
      timeline.add(run.rank * kRankLanes + kPhaseLane, static_cast<std::size_t>(run.phase),
                   run.first, run.last + memory.timing.burst);
    }
    for (const tb::DramCommand& command : commands_) {
      if (command.rank < ranks) add(timeline, command, memory.timing, ranks * kRankLanes);
    }
    return timeline;
  }

 private:
  static void add(report::Timeline& timeline, const tb::DramCommand& command,
                  const config::MemoryTiming& timing, std::size_t bus_lane) {
    const std::size_t first_lane = command.rank * kRankLanes;
    const auto bar = [&](std::size_t lane, Bar kind, std::uint64_t delay, std::uint64_t length) {
      timeline.add(lane, tb::kChannelPhases + kind, command.cycle + delay,
                   command.cycle + delay + length);
    };
    switch (command.kind) {
      case CommandKind::kActAll:
        return bar(first_lane + kRowLane, kActivate, 0, timing.activate_to_column);
      case CommandKind::kPreAll:
        return bar(first_lane + kRowLane, kPrecharge, 0, timing.precharge);
      case CommandKind::kRef:
        return bar(first_lane + kRowLane, kRefresh, 0, timing.refresh);
      case CommandKind::kRdAll:
        return bar(first_lane + kColumnLane, kOwnBanks, timing.read_latency, timing.burst);
      case CommandKind::kWrAll:
        return bar(first_lane + kColumnLane, kOwnBanks, timing.write_latency, timing.burst);
      case CommandKind::kBroadcast:
        return bar(bus_lane, kBroadcast, timing.read_latency, timing.burst);
      case CommandKind::kEngineRd:
        bar(first_lane + kTransferLane, kOut, timing.read_latency, timing.burst);
        return bar(bus_lane, kOut, timing.read_latency, timing.burst);
      case CommandKind::kRd:
        return bar(bus_lane, kOut, timing.read_latency, timing.burst);
      case CommandKind::kEngineWr:
      case CommandKind::kEngineWrAll:
        bar(first_lane + kTransferLane, kIn, timing.write_latency, timing.burst);
        return bar(bus_lane, kIn, timing.write_latency, timing.burst);
      case CommandKind::kWr:
        return bar(bus_lane, kIn, timing.write_latency, timing.burst);
      default:
        return;
    }
  }

  std::vector<tb::DramCommand> commands_;
  std::vector<tb::ChannelRun> runs_;
};

// ---- Session ------------------------------------------------------------------------------------

class RtlSession : public ChannelSession, private system::HostPort {
 public:
  RtlSession(const SessionOptions& options, const tb::ChannelBuild& build)
      : options_(options), env_(build, {.seed = options.seed, .threads = options.threads}) {
    if (options.trace) {
      trace_.open(*options.trace);
      env_.write_trace(trace_);
    }
    env_.dram().commands().subscribe(
        [this](const tb::DramCommand& command) { history_.command(command); });
    env_.counter().runs().subscribe([this](const tb::ChannelRun& run) { history_.run(run); });
    env_.dram().checker().violations().subscribe(
        [this](const tb::Violation& violation) { ++violations_[violation.rule]; });
  }

  system::HostPort& port() override { return *this; }

  std::string finish(report::ChannelReport& report) override {
    env_.model().close_waves();
    // Each command has an answer at least.
    std::string verdict = env_.verdict(tickets_.size());
    const tb::ChannelStatistics statistics = env_.statistics();
    report.cycles = env_.cycle();
    report.compared = env_.compared();
    report.violations = violations_;
    for (std::size_t kind = 0; kind < tb::kCommandKinds; ++kind) {
      const auto command = static_cast<CommandKind>(kind);
      if (const std::uint64_t count = statistics.count(command); count != 0) {
        report.commands[std::string(tb::format_of(command).name)] = count;
      }
    }
    for (unsigned rank = 0; rank < options_.ranks; ++rank) {
      std::vector<report::ColumnFigures>& columns = report.columns.emplace_back();
      for (std::size_t i = 0; i < tb::kChannelPhases; ++i) {
        const auto phase = static_cast<tb::ChannelPhase>(i);
        const tb::PhaseStatistics& figures = statistics.phase(rank, phase);
        columns.push_back({.name = std::string(name_of(phase)),
                           .columns = figures.columns,
                           .cycles = figures.cycles,
                           .least = figures.allowed,
                           .refreshes = figures.refreshes,
                           .least_refresh = figures.allowed_refresh});
      }
    }
    report.timeline = timeline();
    trace_.close();
    return verdict;
  }

 private:
  // Of the first queries.
  nlohmann::ordered_json timeline() const {
    const std::uint64_t last = tb::kSlots * (shown_last_ == 0 ? env_.cycle() : shown_last_);
    const std::uint64_t attend = history_.first_attend();
    const std::uint64_t first = attend - std::min(attend, kShownBefore);
    return history_.timeline(env_.memory(), options_.ranks, first, last)
        .json(fmt::format("{}, {} per engine, power {}: the first queries",
                          options_.configuration->name,
                          options_.banks_per_engine == 1 ? "one bank" : "two banks",
                          options_.power_limited ? "limited" : "not limited"));
  }

  void submit(std::size_t ticket, const golden::HostCommand& command) override {
    if (command.opcode == HostOpcode::kSetQuery && !std::exchange(asked_, true)) {
      if (options_.waves) env_.model().open_waves(*options_.waves);
    }
    tickets_.push_back(ticket);
    env_.host().start(command);
  }

  std::vector<system::FinishedCommand> wait() override {
    std::vector<system::FinishedCommand> finished;
    for (const tb::HostExchange& exchange : env_.wait_for_answer()) {
      finished.push_back({.ticket = tickets_.at(exchange.number),
                          .answer = tb::answer_of(exchange),
                          .answered = exchange.answered});
      if (exchange.command.opcode != HostOpcode::kResult) continue;
      if (++results_.at(exchange.command.rank) == kShownResults && shown_last_ == 0) {
        shown_last_ = env_.cycle();
        env_.model().close_waves();
      }
    }
    return finished;
  }

  SessionOptions options_;
  std::ofstream trace_;
  tb::ChannelEnv env_;
  History history_;
  std::map<std::string, std::uint64_t> violations_;  // by rule
  std::vector<std::size_t> tickets_;                 // by the exchanges' numbers
  bool asked_ = false;                               // a first query
  std::array<unsigned, 2> results_ = {};             // by rank
  std::uint64_t shown_last_ = 0;                     // clock cycle that ends waves and picture
};

}  // namespace

std::unique_ptr<ChannelSession> rtl_session(const SessionOptions& options) {
  return std::make_unique<RtlSession>(
      options, tb::find_channel(options.configuration->name, options.memory->name,
                                options.banks_per_engine, options.power_limited));
}

}  // namespace aqpim::app
