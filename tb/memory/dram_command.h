// SPDX-License-Identifier: Apache-2.0
//
// The commands of one pseudo-channel: DRAM as usual, and what engines next to the banks add to it.
//
//   row       ACT, PRE            one bank
//             ACT_ALL, PRE_ALL    a set of banks: all of a rank, its even, or its odd ones
//             REF                 a rank
//   column    RD, WR              one bank <-> data bus (the host's transfers)
//             BROADCAST           one bank -> data bus -> all engines of its rank
//             RD_ALL, WR_ALL      each bank of a set <-> its own engine; nothing on the data bus
//             ENGINE_RD           one engine -> data bus
//             ENGINE_WR           data bus -> one engine
//             ENGINE_WR_ALL       data bus -> all engines of a rank
//
// The engines' own data (queries, weights, results) use the column command's slot and the data bus,
// but no bank. docs/memory.md has the rules.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "sw/config/memory.h"
#include "sw/config/pq_pkg.h"

namespace aqpim::tb {

enum class CommandKind : std::uint8_t {
  kAct,
  kPre,
  kActAll,
  kPreAll,
  kRef,
  kRd,
  kWr,
  kBroadcast,
  kRdAll,
  kWrAll,
  kEngineRd,
  kEngineWr,
  kEngineWrAll,
};
inline constexpr std::size_t kCommandKinds = 13;

// The banks of a set command; even and odd are by their number in the rank.
using pq_pkg::BankSet;

// Fields that a kind does not use are zero.
struct DramCommand {
  std::uint64_t cycle = 0;  // of the memory clock
  CommandKind kind = CommandKind::kAct;
  BankSet set = BankSet::kAll;  // of a command to a set of banks
  unsigned rank = 0;
  unsigned bank = 0;    // of a command to one bank or engine
  unsigned row = 0;     // to open, or that a column command takes for open
  unsigned column = 0;  // in beats

  bool operator==(const DramCommand&) const = default;
};

// What a command names beside its rank.
enum class CommandTarget : std::uint8_t { kRank, kBank, kSet };

struct CommandFormat {
  std::string_view name;
  CommandTarget target;
  bool has_row;
  bool has_column;
};

const CommandFormat& format_of(CommandKind kind);
std::optional<CommandKind> kind_named(std::string_view name);

std::string_view name_of(BankSet set);
std::optional<BankSet> set_named(std::string_view name);

// Bit b: the command concerns bank b of its rank. REF and ENGINE_WR_ALL concern all banks.
std::uint64_t banks_of(const DramCommand& command, const config::MemoryOrganization& organization);

// "ACT of rank 0, bank 3, row 7 in cycle 12".
std::string describe(const DramCommand& command);

// Empty if the memory has this rank, bank, row and column, otherwise a sentence.
std::string address_error(const DramCommand& command,
                          const config::MemoryOrganization& organization);

}  // namespace aqpim::tb
