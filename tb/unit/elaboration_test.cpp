// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <array>
#include <cstdio>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>

#include "sw/config/memory.h"

namespace {

// What Verilator says about rtl/**/pq_<module>.sv with these parameters.
std::string lint(const std::string& module, const std::string& parameters) {
  const std::string rtl = std::string(AQPIM_SOURCE_DIR) + "/rtl";
  const std::string command = fmt::format(
      "{0} --lint-only -Wall -Wno-SYNCASYNCNET -I{1}/common -I{1}/engine -I{1}/attend "
      "-I{1}/channel "
      "--top-module pq_{2} {3} pq_pkg.sv pq_{2}.sv 2>&1",
      AQPIM_VERILATOR, rtl, module, parameters);
  const std::unique_ptr<FILE, int (*)(FILE*)> pipe(popen(command.c_str(), "r"), pclose);
  if (!pipe) throw std::runtime_error("cannot run " + command);
  std::string text;
  std::array<char, 4096> buffer;
  while (fgets(buffer.data(), buffer.size(), pipe.get()) != nullptr) {
    const std::string line = buffer.data();
    // Not the report on its run that newer versions print.
    if (!line.starts_with("- V")) text += line;
  }
  return text;
}

bool refused_with(const std::string& module, const std::string& parameters,
                  const std::string& sentence) {
  const std::string text = lint(module, parameters);
  INFO(text);
  return text.find("pq_" + module + ": " + sentence) != std::string::npos &&
         text.find("%Error") != std::string::npos;
}

// The parameter Memory: that of hbm3-5200 with other values of some members.
std::string memory_with(const std::map<std::string, unsigned>& changes) {
  using namespace aqpim::config;
  Parameters members = rtl_parameters(find_memory("hbm3-5200"));
  for (auto& [name, value] : members) {
    const auto change = changes.find(name);
    if (change != changes.end()) value = change->second;
  }
  return fmt::format("\"-GMemory={}\"", rtl_literal(members));
}

}  // namespace

// What pq_engine, pq_bank_engine and pq_reducer refuse is tested by
// sim/tests/shapes_test.py.
TEST_CASE("elaboration: every module refuses its illegal parameters with a sentence") {
  CHECK(refused_with("memory", "-GDepth=100", "Depth must be a power of two, at least 2"));
  CHECK(refused_with("memory", "-GDepth=1", "Depth must be a power of two, at least 2"));
  CHECK(refused_with("round_saturate", "-GShiftWidth=1", "ShiftWidth must be 2 to 6"));
  CHECK(refused_with("round_saturate", "-GShiftWidth=7", "ShiftWidth must be 2 to 6"));
  CHECK(refused_with("round_saturate", "-GOutWidth=23",
                     "OutWidth must be at least 2 and at most InWidth"));
  CHECK(refused_with("round_saturate", "-GOutWidth=1",
                     "OutWidth must be at least 2 and at most InWidth"));
  CHECK(refused_with("float_to_fixed", "-GWidth=13", "Width must be 4 to 12"));
  CHECK(refused_with("float_to_fixed", "-GWidth=3", "Width must be 4 to 12"));
  CHECK(refused_with("centroid_group", "-GBucketWidth=27", "BucketWidth must be at most 26"));
  CHECK(refused_with("score_sum", "-GLanes=24", "Lanes must be a power of two, at least 2"));
  CHECK(refused_with("score_sum", "-GLanes=1", "Lanes must be a power of two, at least 2"));
  CHECK(refused_with("bias", "-GBiasDepth=16",
                     "BiasDepth must be a power of two and fill at least two words"));
  CHECK(refused_with("bias", "-GBiasDepth=96",
                     "BiasDepth must be a power of two and fill at least two words"));
  CHECK(refused_with("exp2", "-GArgumentFraction=9", "ArgumentFraction must be 4 to 8"));
  CHECK(refused_with("exp2", "-GArgumentFraction=3", "ArgumentFraction must be 4 to 8"));
  CHECK(refused_with("result", "-GOutputWidth=41", "OutputWidth must be at most 40"));
  CHECK(
      refused_with("rank_stream", memory_with({{"Postponed", 0}}), "Postponed must be at least 1"));
  CHECK(refused_with("rank_stream", memory_with({{"nRC", 62}}),
                     "nRC must be at least nRAS, and nRAS + nRP - 1"));
  CHECK(refused_with("divider", "-GQuotientWidth=1", "QuotientWidth must be at least 2"));
}

TEST_CASE("elaboration: the attend engine and its blocks refuse their illegal parameters") {
  for (const auto* value : {"32", "96", "256"}) {
    CHECK(refused_with("attend_engine", std::string("-GHeadDim=") + value,
                       "HeadDim must be 64 or 128"));
  }
  for (const auto* value : {"15", "17", "25"}) {
    CHECK(refused_with("attend_engine", std::string("-GBucketWidth=") + value,
                       "BucketWidth must be 16 or 24"));
  }
  for (const auto* value : {"8", "100", "2048"}) {
    CHECK(refused_with("attend_engine", std::string("-GTileDepth=") + value,
                       "TileDepth must be a power of two from 16 to 1024"));
  }
  for (const auto* value : {"0", "3", "8"}) {
    CHECK(
        refused_with("attend_engine", std::string("-GBanks=") + value, "Banks must be 1, 2 or 4"));
  }
  CHECK(refused_with("attend_scores", "-GSlots=4", "Slots must be 1 or 2"));
  CHECK(refused_with("attend_scores", "-GTileDepth=24",
                     "TileDepth must be a power of two, at least 16"));
  CHECK(refused_with("attend_weight_sum", "-GSlots=0", "Slots must be 1 or 2"));
  CHECK(refused_with("attend_weight_sum", "-GBucketWidth=15",
                     "BucketWidth must be at least 6 + log2 TileDepth"));
  CHECK(refused_with("attend_control", "-GHeadDim=256", "HeadDim must be 64 or 128"));
  CHECK(refused_with("attend_result", "-GHeadDim=32", "HeadDim must be 64 or 128"));
  CHECK(refused_with("attend_result", "-GOutputWidth=41", "OutputWidth must be at most 40"));
}

TEST_CASE("elaboration: the quantizer refuses its illegal parameters") {
  for (const auto* value : {"32", "256"}) {
    CHECK(
        refused_with("quantizer", std::string("-GHeadDim=") + value, "HeadDim must be 64 or 128"));
  }
  for (const auto* value : {"8", "100", "8192"}) {
    CHECK(refused_with("quantizer", std::string("-GWindowDepth=") + value,
                       "WindowDepth must be a power of two from 16 to 4096"));
  }
  CHECK(refused_with("quantizer", "-GRanks=3", "Ranks must be 1 or 2"));
  CHECK(refused_with("quantizer_control", "-GHeadDim=256", "HeadDim must be 64 or 128"));
}

TEST_CASE(
    "elaboration: sequencers of words and delays beyond those of hbm3-5200 have no complaints") {
  CHECK(lint("sequencer", "-GCodeBits=8 -GWordBits=128") == "");
  CHECK(lint("sequencer", memory_with({{"nRFC", 1100}, {"nREFI", 50000}})) == "");
  CHECK(lint("sequencer", memory_with({{"nCL", 50}, {"nCWL", 30}})) == "");
}

TEST_CASE("elaboration: the engine of a head of 256 channels has no complaints") {
  CHECK(lint("engine", "-GHeadDim=256") == "");
}
