// SPDX-License-Identifier: Apache-2.0
#include "tb/unit/header.h"

#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>

namespace aqpim::tb::unit {
namespace {

std::filesystem::path source_of(const std::string& module) {
  for (const auto* folder : {"common", "engine", "attend", "channel", "baseline"}) {
    const auto path =
        std::filesystem::path(AQPIM_SOURCE_DIR) / "rtl" / folder / ("pq_" + module + ".sv");
    if (std::filesystem::exists(path)) return path;
  }
  throw std::runtime_error("rtl has no pq_" + module + ".sv");
}

}  // namespace

std::string stated_latency(const std::string& module) {
  std::ifstream file(source_of(module));
  std::string paragraph;
  bool inside = false;
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("// Latency ")) {
      inside = true;
      paragraph = line.substr(11);
    } else if (inside && line.starts_with("//   ")) {
      paragraph += line.substr(2);
    } else if (inside) {
      break;
    }
  }
  if (!inside) throw std::runtime_error("the header of pq_" + module + " states no latency");
  std::istringstream words(paragraph.substr(0, paragraph.find("Throughput")));
  std::string latency;
  for (std::string word; words >> word;) latency += (latency.empty() ? "" : " ") + word;
  return latency;
}

unsigned stated_cycles(const std::string& module, const std::string& what) {
  const std::string latency = stated_latency(module);
  const std::size_t named = latency.find(what);
  const std::size_t digit =
      named == std::string::npos ? named : latency.find_first_of("0123456789", named + what.size());
  if (digit == std::string::npos) {
    throw std::runtime_error("the header of pq_" + module + " states no latency of \"" + what +
                             "\" but: " + latency);
  }
  return static_cast<unsigned>(std::stoul(latency.substr(digit)));
}

}  // namespace aqpim::tb::unit
