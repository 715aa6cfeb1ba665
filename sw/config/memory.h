// SPDX-License-Identifier: Apache-2.0
// Memories: configs/memory/NAME.json, one table of organization and timing each. The files are
// embedded at build time. Times are cycles of the memory clock; the rules that use them are those
// of docs/memory.md.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "sw/config/config.h"
#include "sw/config/error.h"
#include "sw/config/pq_pkg.h"

namespace aqpim::config {

// Bytes of a beat: what a column access delivers. The engine's stream words divide it.
inline constexpr unsigned kBeatBytes = pq_pkg::kBeatBits / 8;

// What shares the data bus of one pseudo-channel.
struct MemoryOrganization {
  unsigned ranks = 0;
  unsigned bank_groups = 0;      // of a rank
  unsigned banks_per_group = 0;  // bank b is in group b / banks_per_group
  unsigned rows = 0;             // of a bank
  unsigned columns = 0;          // beats of a row

  bool operator==(const MemoryOrganization&) const = default;

  unsigned banks() const { return bank_groups * banks_per_group; }  // of a rank
};

// The short delay of a pair (…_s) holds between different bank groups, the long one (…_l) within a
// group.
struct MemoryTiming {
  unsigned clock_ps = 0;             // tCK in picoseconds
  unsigned burst = 0;                // nBL: a beat on the data bus
  unsigned read_latency = 0;         // nCL: read command to its data
  unsigned write_latency = 0;        // nCWL: write command to its data
  unsigned activate_to_column = 0;   // nRCD
  unsigned precharge = 0;            // nRP: precharge to activate
  unsigned row_open = 0;             // nRAS: activate to precharge
  unsigned row_cycle = 0;            // nRC: activate to activate of the same bank
  unsigned column_s = 0;             // nCCDS: column access to column access
  unsigned column_l = 0;             // nCCDL
  unsigned column_all = 0;           // nCCDAB: the same, of all banks at once
  unsigned activate_s = 0;           // nRRDS: activate to activate of another bank
  unsigned activate_l = 0;           // nRRDL
  unsigned four_activates = 0;       // nFAW: activate to the fourth next one
  unsigned write_to_read_s = 0;      // nWTRS: last write data to read command
  unsigned write_to_read_l = 0;      // nWTRL
  unsigned read_to_write = 0;        // nRTW: last read data to first write data
  unsigned write_recovery = 0;       // nWR: last write data to precharge
  unsigned read_to_precharge_s = 0;  // nRTPS: read to a precharge of many, not of the bank read
  unsigned read_to_precharge_l = 0;  // nRTPL: read to precharge of the same bank
  unsigned refresh_interval = 0;     // nREFI
  unsigned refresh = 0;              // nRFC: refresh to the next command of its rank
  unsigned refreshes_postponed = 0;  // refreshes that may be owed at most

  bool operator==(const MemoryTiming&) const = default;
};

// What the power supply allows: at most `columns` column accesses of each bank in any `window`
// cycles, and all banks at once every `column_all` cycles.
struct PowerLimit {
  unsigned column_all = 0;
  unsigned columns = 0;
  unsigned window = 0;

  bool operator==(const PowerLimit&) const = default;
};

struct Memory {
  std::string name;
  std::string description;
  MemoryOrganization organization;
  MemoryTiming timing;
  PowerLimit power_limit;

  bool operator==(const Memory&) const = default;
};

// Reads the text of a memory's file. Every key is required, none may be added, and the values must
// be consistent; throws InputError with the key and what is allowed.
Memory parse_memory(std::string_view name, std::string_view json_text);

// The members of pq_pkg::memory_t, in order, with the power limit.
Parameters rtl_parameters(const Memory& memory);

// The same as a Verilog literal, the parameter Memory: 32 bits for each, the first one highest.
std::string rtl_literal(const Parameters& members);

// The memories in this binary, in order.
std::vector<std::string_view> memory_names();

// The file of one of them is read when it is asked for. Throws InputError with the names that
// exist, or as parse_memory() does.
const Memory& find_memory(std::string_view name);

}  // namespace aqpim::config
