// SPDX-License-Identifier: Apache-2.0
#include "tb/memory/dram_command.h"

#include <fmt/format.h>

#include <algorithm>

namespace aqpim::tb {
namespace {

// Ordered as CommandKind.
constexpr std::array<CommandFormat, kCommandKinds> kFormats = {{
    {"ACT", CommandTarget::kBank, true, false},
    {"PRE", CommandTarget::kBank, false, false},
    {"ACT_ALL", CommandTarget::kSet, true, false},
    {"PRE_ALL", CommandTarget::kSet, false, false},
    {"REF", CommandTarget::kRank, false, false},
    {"RD", CommandTarget::kBank, true, true},
    {"WR", CommandTarget::kBank, true, true},
    {"BROADCAST", CommandTarget::kBank, true, true},
    {"RD_ALL", CommandTarget::kSet, true, true},
    {"WR_ALL", CommandTarget::kSet, true, true},
    {"ENGINE_RD", CommandTarget::kBank, false, false},
    {"ENGINE_WR", CommandTarget::kBank, false, false},
    {"ENGINE_WR_ALL", CommandTarget::kRank, false, false},
}};

// Ordered as BankSet.
constexpr std::array<std::string_view, 3> kSetNames = {"all", "even", "odd"};

std::uint64_t set_banks(BankSet set, unsigned banks) {
  constexpr std::uint64_t kEvenBanks = 0x5555555555555555u;
  const std::uint64_t all = banks < 64 ? (std::uint64_t{1} << banks) - 1 : ~std::uint64_t{0};
  switch (set) {
    case BankSet::kAll:
      return all;
    case BankSet::kEven:
      return all & kEvenBanks;
    case BankSet::kOdd:
      return all & ~kEvenBanks;
  }
  return 0;
}

}  // namespace

const CommandFormat& format_of(CommandKind kind) {
  return kFormats.at(static_cast<std::size_t>(kind));
}

std::optional<CommandKind> kind_named(std::string_view name) {
  const auto found = std::ranges::find(kFormats, name, &CommandFormat::name);
  if (found == kFormats.end()) return std::nullopt;
  return static_cast<CommandKind>(found - kFormats.begin());
}

std::string_view name_of(BankSet set) { return kSetNames.at(static_cast<std::size_t>(set)); }

std::optional<BankSet> set_named(std::string_view name) {
  const auto found = std::ranges::find(kSetNames, name);
  if (found == kSetNames.end()) return std::nullopt;
  return static_cast<BankSet>(found - kSetNames.begin());
}

std::uint64_t banks_of(const DramCommand& command, const config::MemoryOrganization& organization) {
  switch (format_of(command.kind).target) {
    case CommandTarget::kBank:
      return std::uint64_t{1} << command.bank;
    case CommandTarget::kSet:
      return set_banks(command.set, organization.banks());
    case CommandTarget::kRank:
      return set_banks(BankSet::kAll, organization.banks());
  }
  return 0;
}

std::string describe(const DramCommand& command) {
  const CommandFormat& format = format_of(command.kind);
  std::string text = fmt::format("{} of rank {}", format.name, command.rank);
  if (format.target == CommandTarget::kBank) text += fmt::format(", bank {}", command.bank);
  if (format.target == CommandTarget::kSet) {
    text += fmt::format(", {} banks", name_of(command.set));
  }
  if (format.has_row) text += fmt::format(", row {}", command.row);
  if (format.has_column) text += fmt::format(", column {}", command.column);
  return text + fmt::format(" in cycle {}", command.cycle);
}

std::string address_error(const DramCommand& command,
                          const config::MemoryOrganization& organization) {
  const CommandFormat& format = format_of(command.kind);
  const auto complaint = [](std::string_view what, unsigned value, unsigned count) {
    return fmt::format("{} is {}, allowed are 0 to {}", what, value, count - 1);
  };
  if (command.rank >= organization.ranks) {
    return complaint("rank", command.rank, organization.ranks);
  }
  if (format.target == CommandTarget::kBank && command.bank >= organization.banks()) {
    return complaint("bank", command.bank, organization.banks());
  }
  if (format.has_row && command.row >= organization.rows) {
    return complaint("row", command.row, organization.rows);
  }
  if (format.has_column && command.column >= organization.columns) {
    return complaint("column", command.column, organization.columns);
  }
  return "";
}

}  // namespace aqpim::tb
