// SPDX-License-Identifier: Apache-2.0
#include "sw/performance/energy.h"

#include <cstddef>

#include "sw/config/json.h"
#include "sw/config/json_object.h"
#include "sw/performance/baseline_file.h"

namespace aqpim::performance {

namespace {

constexpr double kBeatBits = 8.0 * config::kBeatBytes;
constexpr double kHalfBits = 16.0;

// A bit between the host and one or more banks.
double host_bit(const EnergyConstants& constants, double banks) {
  return constants.interposer + constants.tsv + constants.global_io + banks * constants.bank_group;
}

double row_energy(const EnergyConstants& constants, const config::MemoryOrganization& memory,
                  double banks) {
  return banks * memory.columns * kBeatBits * constants.activation;
}

}  // namespace

double HeadEnergy::total() const {
  double sum = transfers;
  for (const PhaseEnergy& phase : phases) sum += phase.total();
  return sum;
}

EnergyConstants parse_energy(std::string_view json_text) {
  const std::string where = "baseline energy";
  const nlohmann::json root = parse_json(where, json_text);
  JsonObject file(where, root);
  EnergyConstants constants;
  constants.description = file.text("description");
  constants.source_dram = file.text("source_dram");
  constants.source_mac = file.text("source_mac");
  constants.source_lookup = file.text("source_lookup");
  JsonObject bits(where + ", pJ_per_bit", file.member("pJ_per_bit"));
  constants.activation = bits.positive("activation");
  constants.cell = bits.positive("cell");
  constants.bank_group = bits.positive("bank_group");
  constants.global_io = bits.positive("global_io");
  constants.tsv = bits.positive("tsv");
  constants.interposer = bits.positive("interposer");
  bits.nothing_else();
  JsonObject operations(where + ", pJ_per_operation", file.member("pJ_per_operation"));
  constants.mac = operations.positive("mac");
  constants.lookup = operations.positive("lookup");
  operations.nothing_else();
  file.nothing_else();
  return constants;
}

const EnergyConstants& built_energy() {
  static const EnergyConstants constants = parse_energy(baseline_text("energy"));
  return constants;
}

HeadEnergy engine_energy(const EnergyConstants& constants, const ChannelSetup& setup,
                         const StackCost& cost, const Workload& workload) {
  const config::ChannelShape& shape = setup.shape;
  const CommandCounts& commands = cost.channel.commands;
  const double engines = shape.engines();
  // A rank's set has parts of several heads; a head has parts on several ranks.
  const double scale = static_cast<double>(cost.placement.ranks) /
                       static_cast<double>(cost.placement.caches * workload.group);
  const double broadcast_bit = constants.cell + (1.0 + engines) * constants.bank_group +
                               2.0 * (constants.global_io + constants.tsv);
  HeadEnergy energy;
  for (std::size_t p = 0; p < kPhases; ++p) {
    PhaseEnergy& phase = energy.phases[p];
    phase.activation =
        scale * commands.activates[p] * row_energy(constants, shape.memory, shape.memory.banks());
    // Each engine takes one beat, from one of its banks.
    phase.columns =
        scale * kBeatBits *
        (commands.local[p] * engines * constants.cell + commands.broadcast[p] * broadcast_bit);
    const bool codes = p == static_cast<std::size_t>(Phase::kScore) ||
                       p == static_cast<std::size_t>(Phase::kAccumulate);
    const double operations =
        codes ? commands.local[p] / shape.beats_per_token() * shape.engine.subspaces()
              : (commands.local[p] + commands.broadcast[p]) * config::kBeatBytes;
    phase.arithmetic = scale * operations * engines * (codes ? constants.lookup : constants.mac);
  }
  energy.transfers = scale * kBeatBits *
                     (commands.writes_all * host_bit(constants, engines) +
                      (commands.writes + commands.reads) * host_bit(constants, 1.0));
  return energy;
}

HeadEnergy attacc_energy(const EnergyConstants& constants, const Attacc& attacc,
                         const AttaccCase& asked) {
  const config::MemoryOrganization& memory = asked.memory->organization;
  const double banks = attacc.pseudo_channels * memory.ranks * memory.banks();
  const double elements = static_cast<double>(asked.tokens) * asked.head_dim;
  HeadEnergy energy;
  for (const Phase half : {Phase::kScore, Phase::kAccumulate}) {
    energy.phases[static_cast<std::size_t>(half)] = {
        .activation = attacc_rows(attacc, asked) / 2.0 * row_energy(constants, memory, banks),
        .columns = elements * kHalfBits * constants.cell,
        .arithmetic = elements * constants.mac};
  }
  // Scores go to the softmax on the logic die, weights come back; the query goes to all banks.
  const double on_die = constants.tsv + constants.global_io + constants.bank_group;
  energy.transfers =
      kHalfBits * (2.0 * asked.tokens * on_die +
                   asked.head_dim * (host_bit(constants, banks) + host_bit(constants, 1.0)));
  return energy;
}

}  // namespace aqpim::performance
