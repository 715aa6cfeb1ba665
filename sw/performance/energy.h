// SPDX-License-Identifier: Apache-2.0
//
// Energy of attention next to the banks, from counted DRAM commands and operations and the
// constants of configs/baseline/energy.json, the same for both sides. All energies are in pJ unless
// they are called otherwise.
//
//   activate of all banks   banks of a rank · bits of a row · activation
//   column of all banks     their bits · cell; the engine or unit is next to its bank
//   broadcast               cell, bank group and global I/O of one bank, the way to the sequencer
//                           on the logic die and back (TSV twice), global I/O, and bank group of
//                           every engine
//   host <-> one bank       interposer, TSV, global I/O, bank group;  to all: one bank group each
//   arithmetic              a look-up and addition, or a multiply-add
//
// Left out on both sides: refresh, background, command and address, exponentials, control.
#pragma once

#include <array>
#include <string>
#include <string_view>

#include "sw/performance/attacc.h"
#include "sw/performance/stack.h"

namespace aqpim::performance {

// pJ per bit, and per operation.
struct EnergyConstants {
  std::string description;
  std::string source_dram, source_mac, source_lookup;
  double activation = 0.0, cell = 0.0, bank_group = 0.0, global_io = 0.0, tsv = 0.0,
         interposer = 0.0;
  double mac = 0.0, lookup = 0.0;

  bool operator==(const EnergyConstants&) const = default;
};

// Reads the text of such a file; throws InputError with the key and what is allowed.
EnergyConstants parse_energy(std::string_view json_text);

// configs/baseline/energy.json.
const EnergyConstants& built_energy();

// Parts of a phase.
struct PhaseEnergy {
  double activation = 0.0;
  double columns = 0.0;  // cells, and for broadcasts the way to the engines
  double arithmetic = 0.0;

  double total() const { return activation + columns + arithmetic; }
};

// Of one query head over its whole context.
struct HeadEnergy {
  std::array<PhaseEnergy, kPhases> phases = {};  // AttAcc: scores in kScore, context in kAccumulate
  double transfers = 0.0;                        // queries, biases, scores, weights, results

  double total() const;
};

HeadEnergy engine_energy(const EnergyConstants& constants, const ChannelSetup& setup,
                         const StackCost& cost, const Workload& workload);

HeadEnergy attacc_energy(const EnergyConstants& constants, const Attacc& attacc,
                         const AttaccCase& asked);

}  // namespace aqpim::performance
