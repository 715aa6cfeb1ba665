// SPDX-License-Identifier: Apache-2.0
//
// Area next to a bank, as `make area TOP=pq_channel` leaves it in build/area/LIBRARY/pq_channel:
// everything a pseudo-channel has of engines and sequencer, divided by its banks, and the FP16 unit
// that the other side has at each bank, mapped in the same way.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace aqpim::performance {

struct ChannelArea {
  std::string configuration;  // as `make area` calls it
  std::string library;
  std::string unit = "µm²";  // of areas; of the generic library, "GE": gate equivalents
  bool target_met = false;   // of the clock, by all parts
  double engines = 0.0;      // per bank: engines alone
  double all = 0.0;          // per bank
  double fp16_unit = 0.0;    // per bank

  bool operator==(const ChannelArea&) const = default;
};

// Reads the text of one such file; throws InputError that begins with `where`.
ChannelArea parse_area(const std::string& where, std::string_view json_text);

// All files of a folder, ordered by name; none if there is no such folder.
std::vector<ChannelArea> read_areas(const std::filesystem::path& folder);

}  // namespace aqpim::performance
