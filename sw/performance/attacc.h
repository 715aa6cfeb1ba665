// SPDX-License-Identifier: Apache-2.0
//
// What is compared with: FP16 attention next to the banks as AttAcc (ASPLOS 2024) has it, from runs
// of its simulator where configs/baseline/attacc.json has them, and in closed form elsewhere. All
// cycles are those of the memory clock, for one new token of one layer.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sw/config/memory.h"

namespace aqpim::performance {

struct AttaccRuns {
  unsigned fewest_heads = 0;
  unsigned most_heads = 0;
  bool power_limited = false;
  std::vector<unsigned> tokens;
  std::vector<unsigned> cycles;

  bool operator==(const AttaccRuns&) const = default;
};

struct Attacc {
  std::string description;
  std::string source;
  std::string memory;            // the runs' own
  unsigned head_dim = 0;         // likewise
  unsigned channels = 0;         // of a stack; a head takes one at a time
  unsigned pseudo_channels = 0;  // of a channel
  std::vector<AttaccRuns> runs;

  bool operator==(const Attacc&) const = default;
};

// Reads the text of such a file; throws InputError with the key and what is allowed.
Attacc parse_attacc(std::string_view json_text);

// configs/baseline/attacc.json.
const Attacc& built_attacc();

struct AttaccCase {
  const config::Memory* memory = nullptr;
  bool power_limited = true;
  unsigned head_dim = 0;
  unsigned tokens = 0;
  unsigned heads = 0;  // of queries: grouped heads do not share what is read
};

// Heads that a channel works on, one after the other.
unsigned attacc_turns(const Attacc& attacc, unsigned heads);

// Rows that are opened in all banks at once, for one head: half of them for the scores.
unsigned attacc_rows(const Attacc& attacc, const AttaccCase& asked);

// Without refresh: a row is nRTPL + nRP + nRCD and its columns.
double attacc_closed_form(const Attacc& attacc, const AttaccCase& asked);

// The cycles of the run with these numbers, if there is one.
std::optional<unsigned> attacc_run(const Attacc& attacc, const AttaccCase& asked);

// The run's, or else those in closed form, with refresh if that is longer than nREFI.
double attacc_cycles(const Attacc& attacc, const AttaccCase& asked);

}  // namespace aqpim::performance
