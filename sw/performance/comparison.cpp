// SPDX-License-Identifier: Apache-2.0
#include "sw/performance/comparison.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <utility>

#include "sw/config/error.h"

namespace aqpim::performance {

namespace {

double refresh_factor(const config::MemoryTiming& timing) {
  return static_cast<double>(timing.refresh_interval) /
         static_cast<double>(timing.refresh_interval - timing.refresh);
}

// A row switch of all banks.
unsigned row_switch(const config::MemoryTiming& timing) {
  return timing.read_to_precharge_l + timing.precharge + timing.activate_to_column;
}

// Last write data of a bank to its next activate.
unsigned write_back(const config::MemoryTiming& timing) {
  return timing.write_latency + timing.burst + timing.write_recovery + timing.precharge;
}

// Encoding of a token's key and value, of one head: each engine of a rank encodes one token at a
// time.
double append_cycles(const ChannelSetup& setup, unsigned window) {
  const config::ChannelShape& shape = setup.shape;
  const config::MemoryTiming& timing = setup.timing;
  const unsigned beats = shape.codebook_beats();
  const unsigned rows = window == 0 ? shape.striped_codebook_rows() : shape.local_codebook_rows();
  const double gap = window == 0 ? timing.burst
                     : setup.power_limited
                         ? static_cast<double>(setup.power_limit.window) / setup.power_limit.columns
                         : timing.column_all;
  const double streams = window == 0 ? 1.0 : shape.banks_per_engine;
  const double codebook = beats / streams * gap + static_cast<double>(rows * row_switch(timing));
  const double vectors =
      (2.0 + shape.shift_beats() + static_cast<double>(shape.query_beats() * shape.engines())) *
      timing.burst;
  const double waits = 2.0 * (setup.delays.settle + setup.delays.turn);
  const double write = timing.activate_to_column + write_back(timing);
  return 2.0 * (vectors + codebook + waits + write) / shape.engines();
}

}  // namespace

std::string Design::name() const {
  return configuration->name + (banks_per_engine == 2 ? ", pairs" : "");
}

std::vector<Design> designs_of(const std::vector<const config::Configuration*>& configurations,
                               const config::Memory& memory) {
  std::vector<Design> designs;
  for (const config::Configuration* configuration : configurations) {
    for (const unsigned banks : {1u, 2u}) {
      const config::ChannelShape shape{.engine = configuration->engine,
                                       .memory = memory.organization,
                                       .banks_per_engine = banks};
      if (config::obstacle_of(shape).empty()) designs.push_back({configuration, banks});
    }
  }
  return designs;
}

unsigned staggered_activates(const config::Memory& memory) {
  const unsigned banks = memory.organization.banks();
  const unsigned fours = (banks - 1) / 4;
  return fours * memory.timing.four_activates + (banks - 1 - 4 * fours) * memory.timing.activate_s;
}

Comparison::Comparison(std::vector<Design> designs, const config::Memory& memory,
                       const Stack& stack)
    : designs_(std::move(designs)), memory_(memory), stack_(stack) {
  for (const Design& design : designs_) {
    Models models;
    for (const bool limited : {false, true}) {
      models.of[limited] = std::make_unique<StackModel>(
          make_setup(design.configuration->engine, memory, design.banks_per_engine, limited),
          stack);
    }
    models_.push_back(std::move(models));
  }
}

StackModel& Comparison::model(std::size_t design, bool power_limited) {
  return *models_.at(design).of[power_limited];
}

void Comparison::measured(std::size_t design, bool power_limited, const std::vector<Attend>& set,
                          double cycles, std::uint64_t latency) {
  model(design, power_limited).measured(set, cycles, latency);
}

AttaccCase Comparison::asked(std::size_t design, bool power_limited,
                             const Workload& workload) const {
  return {.memory = &memory_,
          .power_limited = power_limited,
          .head_dim = designs_.at(design).configuration->engine.head_dim,
          .tokens = workload.tokens,
          .heads = workload.heads};
}

unsigned Comparison::window_of(std::size_t design, const Workload& workload) const {
  return designs_.at(design).configuration->window == 0 ? 0 : usual_window(workload.tokens);
}

StackCost Comparison::cost(std::size_t design, bool power_limited, const Workload& workload) {
  return model(design, power_limited).cost(workload, window_of(design, workload));
}

ComparisonRow Comparison::row(std::size_t design, bool power_limited, const Workload& workload) {
  const StackCost found = cost(design, power_limited, workload);
  const config::ChannelShape& shape = model(design, power_limited).setup().shape;
  const double gap = power_limited ? memory_.power_limit.column_all : memory_.timing.column_all;
  const double banks =
      stack_.pseudo_channels * memory_.organization.ranks * memory_.organization.banks();
  const double turns = (workload.heads + stack_.channels - 1) / stack_.channels;
  // Columns of keys and values, in each bank of a channel.
  const auto limit = [&](double beats_per_token) {
    return turns * 2.0 * workload.tokens * beats_per_token / banks * gap;
  };
  return {.design = designs_[design],
          .power_limited = power_limited,
          .workload = workload,
          .cycles = found.channel.cycles,
          .latency = found.latency,
          .attacc = attacc_cycles(built_attacc(), asked(design, power_limited, workload)),
          .fp16_limit = limit(2.0 * shape.engine.head_dim / config::kBeatBytes),
          .code_limit = limit(shape.beats_per_token())};
}

Charged Comparison::charged(std::size_t design, bool power_limited, const Workload& workload) {
  const Attacc& attacc = built_attacc();
  const AttaccCase question = asked(design, power_limited, workload);
  const config::MemoryTiming& timing = memory_.timing;
  const double refresh = refresh_factor(timing);
  const double turns = attacc_turns(attacc, workload.heads);
  const StackCost found = cost(design, power_limited, workload);
  const auto& activates = found.channel.commands.activates;
  const double rows = std::accumulate(activates.begin(), activates.end(), 0.0);
  const double beats = 2.0 * question.head_dim / config::kBeatBytes;

  Charged charged;
  charged.engine_activates = rows * staggered_activates(memory_) * refresh;
  charged.attacc_activates =
      turns * attacc_rows(attacc, question) * staggered_activates(memory_) * refresh;
  // One pass of the scores over the data buses of the channel, two bytes each.
  charged.attacc_softmax = turns * 2.0 * workload.tokens / config::kBeatBytes * timing.burst /
                           attacc.pseudo_channels * refresh;
  charged.engine_append =
      append_cycles(model(design, power_limited).setup(), window_of(design, workload)) *
      found.placement.caches / found.placement.ranks * refresh;
  charged.attacc_append =
      turns * 2.0 * (timing.activate_to_column + beats * timing.column_l + write_back(timing)) *
      refresh / workload.group;
  charged.engine = found.channel.cycles + charged.engine_activates + charged.engine_append;
  charged.attacc = attacc_cycles(attacc, question) + charged.attacc_activates +
                   charged.attacc_softmax + charged.attacc_append;
  return charged;
}

HeadEnergy Comparison::energy(std::size_t design, bool power_limited, const Workload& workload) {
  return engine_energy(built_energy(), model(design, power_limited).setup(),
                       cost(design, power_limited, workload), workload);
}

HeadEnergy Comparison::attacc_energy(std::size_t design, bool power_limited,
                                     const Workload& workload) const {
  return performance::attacc_energy(built_energy(), built_attacc(),
                                    asked(design, power_limited, workload));
}

}  // namespace aqpim::performance
