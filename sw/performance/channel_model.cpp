// SPDX-License-Identifier: Apache-2.0
#include "sw/performance/channel_model.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <optional>
#include <stdexcept>
#include <vector>

#include "sw/config/error.h"

namespace aqpim::performance {

namespace {

using Cycle = std::int64_t;

// Tokens that are encoded together, and share a centre.
constexpr unsigned kAppendBlock = 128;

struct Work {
  Phase phase;
  bool broadcast;
  unsigned beats;
};

std::vector<Work> phases_of(const Attend& attend, const config::ChannelShape& shape) {
  const bool broadcast = attend.window == 0;
  const unsigned window = broadcast ? attend.tokens : attend.window;
  const unsigned codebook = shape.codebook_beats();
  std::vector<Work> phases;
  for (const bool second : {false, true}) {
    for (unsigned first = 0; first < attend.tokens; first += window) {
      const unsigned beats = std::min(window, attend.tokens - first) * shape.beats_per_token();
      if (second) {
        phases.push_back({Phase::kAccumulate, false, beats});
        phases.push_back({Phase::kCombine, broadcast, codebook});
      } else {
        phases.push_back({Phase::kTable, broadcast, codebook});
        phases.push_back({Phase::kScore, false, beats});
      }
    }
  }
  return phases;
}

// The row commands and columns of one rank.
class Rank {
 public:
  Rank(const ChannelSetup& setup, unsigned slot) : setup_(setup), slot_(slot) {
    for (std::vector<Cycle>& accesses : accesses_) {
      accesses.assign(setup.power_limit.columns, std::numeric_limits<Cycle>::min() / 2);
    }
  }

  // A phase whose columns may begin at `go`, and whose row may be opened at `open`.
  void begin(const Work& work, Cycle go, Cycle open) {
    const bool idle = open > last_column_;
    work_ = work;
    left_ = work.beats;
    index_ = 0;
    go_ = go;
    first_ = true;
    open_row(last_column_, open, idle);
  }

  bool active() const { return left_ > 0; }
  const Work& work() const { return work_; }
  Cycle last_column() const { return last_column_; }

  // The earliest cycle of the next column.
  Cycle next_column() {
    Cycle earliest = std::max(column_ready_, first_ ? go_ : last_column_ + gap());
    if (first_ && go_ > column_ready_ && owed(go_) > spared()) {
      // A row that waits for the engines makes way for a refresh.
      open_row_at(std::max(activate_ + timing().row_open, refresh_due()), 0, false);
      earliest = std::max(column_ready_, go_);
    }
    if (setup_.power_limited) earliest = std::max(earliest, power_ready());
    return earliest;
  }

  // Issues it.
  void column(Cycle now) {
    account(now);
    const unsigned bank = odd();
    if (setup_.power_limited && counts_for_power()) {
      accesses_[bank][position_[bank]] = now;
      position_[bank] = (position_[bank] + 1) % accesses_[bank].size();
    }
    last_column_ = now;
    first_ = false;
    new_row_ = false;
    --left_;
    ++index_;
    auto& counts = work_.broadcast ? counts_.broadcast : counts_.local;
    counts[static_cast<std::size_t>(work_.phase)] += 1.0;
    if (left_ > 0 && index_ % beats_per_row() == 0) open_row(now, 0, false);
  }

  // Cycles that the next phase waits for queries or results instead of the engines.
  void blame_transfers() { transfers_ = true; }

  CommandCounts counts() const { return counts_; }
  const std::array<double, kSpent>& spent() const { return spent_; }

 private:
  const config::MemoryTiming& timing() const { return setup_.timing; }
  unsigned pair() const { return setup_.shape.banks_per_engine; }
  unsigned odd() const { return !work_.broadcast && pair() == 2 ? index_ % 2 : 0; }

  unsigned beats_per_row() const {
    const config::MemoryOrganization& memory = setup_.shape.memory;
    return memory.columns * (work_.broadcast ? memory.banks() : pair());
  }

  // From one column to the next.
  Cycle gap() const {
    const unsigned port =
        std::max({2 * setup_.shape.words_per_beat(), timing().burst, timing().column_s});
    if (work_.broadcast) return std::max(timing().burst, timing().column_s);
    if (pair() == 2) return std::max(port, (timing().column_l + 1) / 2);
    return std::max(port,
                    setup_.power_limited ? setup_.power_limit.column_all : timing().column_all);
  }

  // Striped beats come to a bank once in so many beats as there are banks.
  bool counts_for_power() const {
    return !work_.broadcast || index_ % setup_.shape.memory.banks() == 0;
  }

  Cycle power_ready() const {
    if (!counts_for_power()) return std::numeric_limits<Cycle>::min();
    const unsigned bank = odd();
    return accesses_[bank][position_[bank]] + setup_.power_limit.window;
  }

  Cycle refresh_due() const {
    return static_cast<Cycle>(refreshes_ + 1) * timing().refresh_interval;
  }
  Cycle owed(Cycle now) const {
    return now / timing().refresh_interval - static_cast<Cycle>(refreshes_);
  }
  // Refreshes that may be owed while a broadcast keeps the other rank from the bus.
  Cycle spared() const { return work_.broadcast ? timing().refreshes_postponed / 2 : 0; }

  static Cycle in_slot(Cycle cycle, unsigned slot) {
    return cycle + ((cycle + static_cast<Cycle>(slot)) & 1);
  }

  // Closes the row after its last column, and opens the next one at `open` at the earliest; a rank
  // that is idle until then has no broadcast yet.
  void open_row(Cycle last, Cycle open, bool idle) {
    open_row_at(std::max(last + timing().read_to_precharge_l, activate_ + timing().row_open), open,
                idle);
  }

  // Precharges at `precharge` at the earliest.
  void open_row_at(Cycle precharge, Cycle open, bool idle) {
    const unsigned slot = slot_ + timing().read_to_precharge_l;
    precharge = in_slot(precharge, slot);
    Cycle next = std::max(precharge + timing().precharge, activate_ + timing().row_cycle);
    while (owed(std::max(next, open)) > (idle ? 0 : spared())) {
      next = std::max(next, refresh_due()) + timing().refresh;
      ++refreshes_;
      pending_refresh_ += timing().refresh;
      counts_.refreshes += 1.0;
    }
    activate_ = in_slot(std::max(next, open), slot + timing().precharge);
    column_ready_ = activate_ + timing().activate_to_column;
    new_row_ = true;
    counts_.activates[static_cast<std::size_t>(work_.phase)] += 1.0;
  }

  // Whose the cycles since the last column were.
  void account(Cycle now) {
    Cycle cycles = now - last_column_;
    const auto spend = [&](Spent what, Cycle count) {
      count = std::clamp<Cycle>(count, 0, cycles);
      spent_[static_cast<std::size_t>(what)] += static_cast<double>(count);
      cycles -= count;
    };
    if (new_row_) {
      spend(Spent::kRefresh, pending_refresh_);
      pending_refresh_ = 0;
      spend(Spent::kRows, static_cast<Cycle>(timing().read_to_precharge_l) + timing().precharge +
                              timing().activate_to_column);
      // The first column of a phase that the memory was not yet asked for, or engines not ready.
      if (first_) {
        const Cycle engines = std::max(go_, column_ready_) - (now - cycles);
        spend(transfers_ ? Spent::kTransfers : Spent::kEngines, engines);
      }
      spend(work_.broadcast ? Spent::kBus : Spent::kPower, cycles);
      transfers_ = false;
    } else {
      const bool tokens = work_.phase == Phase::kScore || work_.phase == Phase::kAccumulate;
      spend(tokens ? Spent::kTokens : Spent::kCodebooks, gap());
      spend(work_.broadcast ? Spent::kBus : Spent::kPower, cycles);
    }
  }

  const ChannelSetup& setup_;
  unsigned slot_;
  Work work_ = {};
  unsigned left_ = 0;
  unsigned index_ = 0;  // of the next beat in its phase
  bool first_ = false;  // beat of the phase
  bool new_row_ = false;
  bool transfers_ = false;
  Cycle go_ = 0;
  Cycle last_column_ = 0;
  Cycle activate_ = std::numeric_limits<Cycle>::min() / 2;
  Cycle column_ready_ = 0;
  Cycle pending_refresh_ = 0;  // since the last column
  std::uint64_t refreshes_ = 0;
  std::array<std::vector<Cycle>, 2> accesses_;  // the latest ones of even and odd banks, a ring
  std::array<std::size_t, 2> position_ = {};
  CommandCounts counts_;
  std::array<double, kSpent> spent_ = {};
};

// The queries in and the results out of one rank, in turn.
class Transfers {
 public:
  Transfers(const ChannelSetup& setup) : setup_(setup) {}

  // Beats of SET_QUERY to all engines, and to each.
  void begin_query(const Attend& attend) {
    const config::ChannelShape& shape = setup_.shape;
    const unsigned biases = bias_beats(shape, attend);
    all_ = 2 + shape.shift_beats() + shape.query_beats() + (attend.window == 0 ? biases : 0);
    each_ = attend.window == 0 ? 0 : biases * shape.engines();
    read_ = false;
  }
  void begin_result() {
    each_ = setup_.shape.engines() * setup_.shape.result_beats();
    read_ = true;
  }

  bool active() const { return all_ + each_ > 0; }
  bool reads() const { return read_; }
  bool asks(Cycle clock) const { return active() && clock >= pause_until_; }

  void beat(Cycle clock) {
    if (all_ > 0) {
      --all_;
      pause_until_ = clock + setup_.shape.words_per_beat();
      counts_.writes_all += 1.0;
    } else {
      --each_;
      (read_ ? counts_.reads : counts_.writes) += 1.0;
    }
    last_ = clock;
  }

  Cycle last() const { return last_; }
  const CommandCounts& counts() const { return counts_; }

 private:
  const ChannelSetup& setup_;
  unsigned all_ = 0;
  unsigned each_ = 0;
  bool read_ = false;
  Cycle pause_until_ = 0;
  Cycle last_ = 0;
  CommandCounts counts_;
};

CommandCounts sum(CommandCounts a, const CommandCounts& b, double sign) {
  a.refreshes += sign * b.refreshes;
  for (std::size_t i = 0; i < kPhases; ++i) {
    a.activates[i] += sign * b.activates[i];
    a.local[i] += sign * b.local[i];
    a.broadcast[i] += sign * b.broadcast[i];
  }
  a.writes_all += sign * b.writes_all;
  a.writes += sign * b.writes;
  a.reads += sign * b.reads;
  return a;
}

// Counters at the last column of a round.
struct Snapshot {
  Cycle cycle = 0;
  std::array<double, kSpent> spent = {};
  CommandCounts commands;
};

// A rank with its ATTENDs one after the other, each with its transfers.
class Player {
 public:
  Player(const ChannelSetup& setup, std::span<const Attend> set, std::size_t rounds, unsigned slot)
      : setup_(setup),
        set_(set),
        attends_(rounds * set.size()),
        rank_(setup, slot),
        transfers_(setup) {}

  bool finished() const { return results_ == attends_; }
  Cycle first_beat() const { return first_beat_; }
  Cycle last_beat() const { return transfers_.last(); }

  std::size_t results() const { return results_; }

  // What can be decided before the columns of this clock cycle. The ATTEND that would be number
  // `end` waits.
  void prepare(Cycle clock, std::size_t end) {
    if (!transfers_.active() && clock >= transfers_free_) next_transfer(clock);
    if (rank_.active()) return;
    if (phase_ == phases_.size()) {
      if (started_ == std::min(attends_, end) || queries_ == started_ || clock < query_in_force_) {
        return;
      }
      phases_ = phases_of(set_[started_ % set_.size()], setup_.shape);
      phase_ = 0;
      ++started_;
    }
    const Work& work = phases_[phase_];
    // Outputs of the ATTEND before must have left.
    if (work.phase == Phase::kCombine && results_ + 1 < started_) {
      rank_.blame_transfers();
      return;
    }
    const Cycle last = rank_.last_column();
    const Cycle turned = last + 2 * static_cast<Cycle>(setup_.delays.turn);
    if (phase_ == 0) {
      const Cycle next = started_ == 1 ? 0 : last + 2 * static_cast<Cycle>(setup_.delays.next);
      const Cycle loaded = 2 * query_in_force_;
      if (loaded > next) rank_.blame_transfers();
      rank_.begin(work, turned, std::max(next, loaded));
    } else {
      rank_.begin(work, std::max(turned, 2 * clock), 0);
    }
    ++phase_;
  }

  // A column of all banks in this clock cycle.
  bool local(Cycle clock, unsigned slot) {
    if (!rank_.active() || rank_.work().broadcast) return false;
    const Cycle now = 2 * clock + slot;
    if (rank_.next_column() > now) return false;
    column(now);
    return true;
  }

  bool transfer_asks(Cycle clock) const { return transfers_.asks(clock); }
  bool transfer_reads() const { return transfers_.reads(); }
  void transfer(Cycle clock) {
    transfers_.beat(clock);
    if (first_beat_ < 0) first_beat_ = clock;
    if (transfers_.active()) return;
    transfers_free_ = clock + setup_.delays.settle;
    if (transfers_.reads()) {
      ++results_;
    } else {
      ++queries_;
      query_in_force_ = transfers_free_;
    }
  }

  bool broadcast_asks(Cycle now) {
    return rank_.active() && rank_.work().broadcast && rank_.next_column() <= now;
  }
  void column(Cycle now) {
    rank_.column(now);
    if (rank_.active()) return;
    const bool last_of_kind = phase_ == phases_.size() || phase_ == phases_.size() / 2;
    if (!last_of_kind) return;
    if (phase_ == phases_.size()) {
      ++combined_;
      if (combined_ % set_.size() == 0) {
        rounds_.push_back({now, rank_.spent(), sum(rank_.counts(), transfers_.counts(), 1.0)});
      }
      result_ready_ = now / 2 + setup_.delays.finished;
    } else {
      ++scored_;
      registers_free_ = now / 2 + setup_.delays.turn;
    }
  }

  // Of round `number`, from 0.
  const Snapshot& round(std::size_t number) const { return rounds_.at(number); }
  std::size_t rounds() const { return rounds_.size(); }

 private:
  // In the order of the host's commands: SET_QUERY of the next ATTEND goes before RESULT.
  void next_transfer(Cycle clock) {
    if (queries_ < attends_ && queries_ <= results_ + 1) {
      if (queries_ == scored_ && clock >= registers_free_) {
        transfers_.begin_query(set_[queries_ % set_.size()]);
      }
    } else if (results_ < combined_ && clock >= result_ready_) {
      transfers_.begin_result();
    }
  }

  const ChannelSetup& setup_;
  std::span<const Attend> set_;
  std::size_t attends_;
  Rank rank_;
  Transfers transfers_;
  std::vector<Work> phases_;
  std::size_t phase_ = 0;     // the next of phases_
  std::size_t started_ = 0;   // ATTENDs
  std::size_t queries_ = 0;   // written
  std::size_t scored_ = 0;    // ATTENDs whose scores are complete
  std::size_t combined_ = 0;  // ATTENDs whose outputs are
  std::size_t results_ = 0;   // read
  std::vector<Snapshot> rounds_;
  Cycle query_in_force_ = 0;
  Cycle registers_free_ = 0;
  Cycle result_ready_ = 0;
  Cycle transfers_free_ = 0;
  Cycle first_beat_ = -1;
};

class Channel {
 public:
  Channel(const ChannelSetup& setup, std::span<const Attend> set, std::size_t rounds)
      : setup_(setup) {
    for (unsigned rank = 0; rank < setup.shape.memory.ranks; ++rank) {
      players_.emplace_back(setup, set, rounds, rank % 2);
    }
  }

  void step() {
    std::array<bool, 2> busy = {};
    // The host gives commands to the ranks in turn, and waits when the queues of one are full.
    constexpr std::size_t kAhead = 3;
    const std::size_t slowest = std::ranges::min_element(players_, {}, &Player::results)->results();
    for (Player& player : players_) player.prepare(clock_, slowest + kAhead);
    for (std::size_t r = 0; r < players_.size(); ++r) {
      if (players_[r].local(clock_, static_cast<unsigned>(r))) busy[r] = true;
    }
    grant(busy);
    ++clock_;
  }

  bool finished() const {
    return std::ranges::all_of(players_, [](const Player& player) { return player.finished(); });
  }
  const std::vector<Player>& players() const { return players_; }

 private:
  // The cycle in which a transfer or broadcast of rank r could go now.
  std::optional<Cycle> wish(std::size_t r, bool transfers, const std::array<bool, 2>& busy) {
    const bool reads = !transfers || players_[r].transfer_reads();
    for (unsigned slot = 0; slot < 2; ++slot) {
      const Cycle now = 2 * clock_ + slot;
      if (busy[slot] || now < (reads ? read_from_ : write_from_)) continue;
      if (transfers || players_[r].broadcast_asks(now)) return now;
    }
    return {};
  }

  // The data bus: transfers before broadcasts, and then the rank that leads. The lead changes when
  // its rank has not broadcast for a while, so that ranks do not broadcast in step.
  void grant(const std::array<bool, 2>& busy) {
    std::optional<std::size_t> winner;
    std::optional<Cycle> when;
    bool transfers = false;
    for (std::size_t turn = 0; turn < players_.size(); ++turn) {
      const std::size_t r = (lead_ + turn) % players_.size();
      const bool transfer = players_[r].transfer_asks(clock_);
      if (winner && (transfers || !transfer)) continue;
      const std::optional<Cycle> now = wish(r, transfer, busy);
      if (!now) continue;
      winner = r;
      when = now;
      transfers = transfer;
    }
    const bool broadcast = winner && !transfers;
    if (broadcast && (*winner == lead_ || lead_idle_ >= kLeadCycles)) {
      lead_ = *winner;
      lead_idle_ = 0;
    } else {
      ++lead_idle_;
    }
    if (!winner) return;
    const config::MemoryTiming& timing = setup_.timing;
    const bool read = broadcast || players_[*winner].transfer_reads();
    if (transfers) {
      players_[*winner].transfer(clock_);
    } else {
      players_[*winner].column(*when);
    }
    const Cycle beat = std::max(timing.burst, timing.column_s);
    read_from_ = *when + beat;
    write_from_ = *when + (read ? static_cast<Cycle>(timing.read_latency) + timing.burst +
                                      timing.read_to_write - timing.write_latency
                                : beat);
  }

  static constexpr unsigned kLeadCycles = 255;

  const ChannelSetup& setup_;
  std::vector<Player> players_;
  std::size_t lead_ = 0;
  unsigned lead_idle_ = 0;  // clock cycles
  Cycle clock_ = 0;
  Cycle read_from_ = 0;
  Cycle write_from_ = 0;
};

void check(const ChannelSetup& setup, std::span<const Attend> set) {
  if (set.empty()) throw std::invalid_argument("no ATTEND");
  for (const Attend& attend : set) {
    if (attend.tokens == 0 || attend.tokens > setup.shape.engine.score_depth) {
      throw std::invalid_argument("an ATTEND of no tokens, or of more than an engine has scores");
    }
  }
}

}  // namespace

unsigned tokens_per_bias(const config::ChannelShape& shape, const Attend& attend) {
  return attend.window == 0 ? kAppendBlock / shape.engines()
                            : std::min(kAppendBlock, attend.window);
}

unsigned bias_beats(const config::ChannelShape& shape, const Attend& attend) {
  constexpr unsigned kBiasesOfBeat = config::kBeatBytes / 2;
  const unsigned run = tokens_per_bias(shape, attend);
  const unsigned biases = (attend.tokens + run - 1) / run;
  return (biases + kBiasesOfBeat - 1) / kBiasesOfBeat;
}

Delays delays_of(const config::ChannelShape& shape, const config::MemoryTiming& timing) {
  const unsigned lanes = shape.engine.lanes();
  unsigned levels = 0;  // of the engine's adder tree
  while ((1u << levels) < lanes) ++levels;
  const unsigned drain = 6 + (levels + 1) / 2;
  // Column to its data: ReadCycles of rtl/channel/pq_sequencer.sv.
  const unsigned read = (timing.read_latency + timing.burst + 2) / 2;
  const unsigned turn = read + shape.words_per_beat() + drain + 6;
  return {.turn = turn, .next = turn + 21, .settle = read + 15, .finished = turn + 18};
}

ChannelSetup make_setup(const config::EngineConfig& engine, const config::Memory& memory,
                        unsigned banks_per_engine, bool power_limited) {
  ChannelSetup setup{.shape = {.engine = engine,
                               .memory = memory.organization,
                               .banks_per_engine = banks_per_engine},
                     .timing = memory.timing,
                     .power_limit = memory.power_limit,
                     .power_limited = power_limited,
                     .delays = {}};
  const std::string obstacle = config::obstacle_of(setup.shape);
  if (!obstacle.empty()) throw InputError(obstacle);
  setup.delays = delays_of(setup.shape, setup.timing);
  return setup;
}

ChannelCost steady_state(const ChannelSetup& setup, std::span<const Attend> set, unsigned attends,
                         unsigned intervals) {
  check(setup, set);
  const auto rounds_of = [&](std::size_t count) { return (count + set.size() - 1) / set.size(); };
  const Cycle shortest = static_cast<Cycle>(intervals) * setup.timing.refresh_interval;
  const std::size_t first = rounds_of(4) - 1;
  std::size_t last = first + rounds_of(attends);
  Channel channel(setup, set, std::numeric_limits<std::size_t>::max() / set.size());
  // Each rank from the end of one round to the end of another.
  const auto measured = [&] {
    return std::ranges::all_of(channel.players(),
                               [&](const Player& player) { return player.rounds() > last; });
  };
  const auto cycles_of = [&](const Player& player) {
    return player.round(last).cycle - player.round(first).cycle;
  };
  while (true) {
    while (!measured()) channel.step();
    if (std::ranges::all_of(channel.players(),
                            [&](const Player& player) { return cycles_of(player) >= shortest; })) {
      break;
    }
    ++last;
  }
  const double rounds = static_cast<double>(last - first);
  const double ranks = static_cast<double>(channel.players().size());
  ChannelCost cost;
  for (const Player& player : channel.players()) {
    const Snapshot& begin = player.round(first);
    const Snapshot& end = player.round(last);
    cost.cycles = std::max(cost.cycles, static_cast<double>(cycles_of(player)) / rounds);
    cost.commands =
        sum(cost.commands, sum(end.commands, begin.commands, -1.0), 1.0 / rounds / ranks);
    for (std::size_t i = 0; i < kSpent; ++i) {
      cost.spent[i] += (end.spent[i] - begin.spent[i]) / rounds / ranks;
    }
  }
  double beats = cost.commands.writes_all + cost.commands.writes + cost.commands.reads;
  for (const double broadcast : cost.commands.broadcast) beats += broadcast;
  cost.bus_share = ranks * beats * setup.timing.burst / cost.cycles;
  return cost;
}

std::uint64_t latency(const ChannelSetup& setup, std::span<const Attend> set) {
  check(setup, set);
  Channel channel(setup, set, 1);
  while (!channel.finished()) channel.step();
  Cycle first = std::numeric_limits<Cycle>::max();
  Cycle last = 0;
  for (const Player& player : channel.players()) {
    first = std::min(first, player.first_beat());
    last = std::max(last, player.last_beat());
  }
  // The last result's data follow their command.
  return static_cast<std::uint64_t>(2 * (last - first)) + setup.timing.read_latency +
         setup.timing.burst;
}

}  // namespace aqpim::performance
