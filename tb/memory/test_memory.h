// SPDX-License-Identifier: Apache-2.0
//
// What the tests of this folder share: the table they start from, and short names of commands.
#pragma once

#include <cstdint>

#include "sw/config/memory.h"
#include "tb/memory/dram_command.h"

namespace aqpim::tb::test {

inline const config::Memory& hbm3() { return config::find_memory("hbm3-5200"); }

// Where a command goes; a command to a set of banks uses `set`, and so on.
struct Place {
  unsigned bank = 0;
  unsigned rank = 0;
  unsigned row = 0;
  unsigned column = 0;
  BankSet set = BankSet::kAll;
};

inline DramCommand command(CommandKind kind, std::uint64_t cycle, const Place& place = {}) {
  const CommandFormat& format = format_of(kind);
  return {.cycle = cycle,
          .kind = kind,
          .set = format.target == CommandTarget::kSet ? place.set : BankSet::kAll,
          .rank = place.rank,
          .bank = format.target == CommandTarget::kBank ? place.bank : 0,
          .row = format.has_row ? place.row : 0,
          .column = format.has_column ? place.column : 0};
}

}  // namespace aqpim::tb::test
