// SPDX-License-Identifier: Apache-2.0
#include "sw/config/memory.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

#include "sw/config/test_support.h"

namespace {

using aqpim::config::Memory;
using aqpim::config::MemoryTiming;
using aqpim::test::sentence_of;
using nlohmann::json;

// No two delays are equal.
json legal() {
  return json::parse(R"({
    "description": "text",
    "organization": {"ranks": 1, "bank_groups": 4, "banks_per_group": 8, "rows": 8192, "columns": 64},
    "timing": {"tCK_ps": 769, "nBL": 2, "nCL": 21, "nCWL": 6, "nRCD": 20, "nRP": 19, "nRAS": 45,
               "nRC": 64, "nCCDS": 3, "nCCDL": 4, "nCCDAB": 5, "nRRDS": 7, "nRRDL": 9, "nFAW": 39,
               "nWTRS": 8, "nWTRL": 11, "nRTW": 1, "nWR": 22, "nRTPS": 10, "nRTPL": 12},
    "refresh": {"nREFI": 5070, "nRFC": 456, "postponed": 15},
    "power_limit": {"nCCDAB": 13, "columns": 16, "window": 192}})");
}

std::string sentence_about(const json& file) {
  return sentence_of([&] { aqpim::config::parse_memory("x", file.dump()); });
}

std::string sentence_with(const char* object, const char* key, const json& value) {
  json file = legal();
  file[object][key] = value;
  return sentence_about(file);
}

constexpr const char* kObjects[] = {"organization", "timing", "refresh", "power_limit"};

}  // namespace

TEST_CASE("memory: a legal file is read into all fields") {
  const Memory expected{.name = "name",
                        .description = "text",
                        .organization = {.ranks = 1,
                                         .bank_groups = 4,
                                         .banks_per_group = 8,
                                         .rows = 8192,
                                         .columns = 64},
                        .timing = {.clock_ps = 769,
                                   .burst = 2,
                                   .read_latency = 21,
                                   .write_latency = 6,
                                   .activate_to_column = 20,
                                   .precharge = 19,
                                   .row_open = 45,
                                   .row_cycle = 64,
                                   .column_s = 3,
                                   .column_l = 4,
                                   .column_all = 5,
                                   .activate_s = 7,
                                   .activate_l = 9,
                                   .four_activates = 39,
                                   .write_to_read_s = 8,
                                   .write_to_read_l = 11,
                                   .read_to_write = 1,
                                   .write_recovery = 22,
                                   .read_to_precharge_s = 10,
                                   .read_to_precharge_l = 12,
                                   .refresh_interval = 5070,
                                   .refresh = 456,
                                   .refreshes_postponed = 15},
                        .power_limit = {.column_all = 13, .columns = 16, .window = 192}};
  CHECK(aqpim::config::parse_memory("name", legal().dump()) == expected);
  CHECK(expected.organization.banks() == 32);
}

TEST_CASE("memory: the files of configs/memory are in the binary") {
  std::set<std::string> files;
  for (const auto& entry :
       std::filesystem::directory_iterator(AQPIM_SOURCE_DIR "/configs/memory")) {
    files.insert(entry.path().stem().string());
  }
  std::set<std::string> names;
  for (const std::string_view name : aqpim::config::memory_names()) {
    CHECK(aqpim::config::find_memory(name).name == name);
    names.emplace(name);
  }
  CHECK(names == files);
  CHECK(names.contains("hbm3-5200"));
}

TEST_CASE("memory: hbm3-5200 has 64 banks of 16 MB behind two pseudo-channels") {
  const Memory& memory = aqpim::config::find_memory("hbm3-5200");
  CHECK(memory.name == "hbm3-5200");
  CHECK(memory.organization.ranks * memory.organization.banks() == 32);
  CHECK(memory.organization.rows * memory.organization.columns * aqpim::config::kBeatBytes ==
        16u << 20);
}

TEST_CASE("memory: an unknown name is answered with the known ones") {
  const std::string sentence = sentence_of([] { aqpim::config::find_memory("hbm9"); });
  CHECK(sentence.starts_with("there is no memory \"hbm9\", built are "));
  CHECK(sentence.find("hbm3-5200") != sentence.npos);
}

TEST_CASE("memory: every key is required and no other is allowed") {
  const json file = legal();
  for (const auto& [key, value] : file.items()) {
    json shorter = file;
    shorter.erase(key);
    CHECK(sentence_about(shorter) == fmt::format("memory x lacks the key \"{}\"", key));
  }
  for (const char* object : kObjects) {
    for (const auto& [key, value] : file[object].items()) {
      json shorter = file;
      shorter[object].erase(key);
      CHECK(sentence_about(shorter) ==
            fmt::format("memory x, {} lacks the key \"{}\"", object, key));
    }
    json longer = file;
    longer[object]["nRTR"] = 1;
    CHECK(sentence_about(longer).starts_with(
        fmt::format("memory x, {} has the unknown key \"nRTR\", known are ", object)));
  }
  json longer = file;
  longer["comment"] = "";
  CHECK(sentence_about(longer) ==
        "memory x has the unknown key \"comment\", known are description, organization, "
        "power_limit, refresh, timing");
}

TEST_CASE("memory: zero, negative, fractional and endless values are refused") {
  const json file = legal();
  for (const char* object : kObjects) {
    for (const auto& [key, value] : file[object].items()) {
      for (const json& bad : {json(-1), json(1.5), json("4"), json(1u << 30)}) {
        CHECK(sentence_with(object, key.c_str(), bad)
                  .starts_with(fmt::format("memory x, {}: {} is {}, allowed are ", object, key,
                                           bad.dump())));
      }
      CHECK(sentence_with(object, key.c_str(), 0)
                .starts_with(fmt::format("memory x, {}: {} is 0, allowed are ", object, key)));
    }
  }
  CHECK(sentence_with("refresh", "postponed", 1) == "nothing was thrown");
  CHECK(sentence_with("refresh", "postponed", 0) ==
        "memory x, refresh: postponed is 0, allowed are 1 to 64");
  CHECK(sentence_with("timing", "nRP", 0) == "memory x, timing: nRP is 0, allowed are 1 to 4096");
  CHECK(sentence_with("organization", "bank_groups", 3) ==
        "memory x, organization: bank_groups is 3, allowed are powers of two from 2 to 8");
}

TEST_CASE("memory: organizations that the sequencer does not know are refused") {
  const auto organization = [](const char* key, unsigned value) {
    return sentence_with("organization", key, value);
  };
  const std::string fine = "nothing was thrown";
  const std::string where = "memory x, organization: ";
  CHECK(organization("ranks", 2) == fine);
  CHECK(organization("ranks", 3) == where + "ranks is 3, allowed are 1 to 2");
  CHECK(organization("bank_groups", 2) == fine);
  CHECK(organization("bank_groups", 1) ==
        where + "bank_groups is 1, allowed are powers of two from 2 to 8");
  CHECK(organization("rows", 65536) == fine);
  const std::string rows = ", allowed are powers of two from 8192 to 65536";
  CHECK(organization("rows", 4096) == where + "rows is 4096" + rows);
  CHECK(organization("rows", 10000) == where + "rows is 10000" + rows);
  CHECK(organization("rows", 131072) == where + "rows is 131072" + rows);
  CHECK(organization("columns", 2) == fine);
  CHECK(organization("columns", 48) ==
        where + "columns is 48, allowed are powers of two from 2 to 1024");
  CHECK(organization("columns", 1024) == fine);
  json file = legal();
  file["organization"]["bank_groups"] = 8;
  file["organization"]["columns"] = 512;
  CHECK(sentence_about(file) == fine);
  file["organization"]["columns"] = 1024;
  CHECK(sentence_about(file) ==
        "memory x: columns * bank_groups * banks_per_group is 65536, but must be at most 32768");
}

TEST_CASE("memory: power limits that the history of accesses cannot hold are refused") {
  CHECK(sentence_with("power_limit", "columns", 1) ==
        "memory x, power_limit: columns is 1, allowed are 2 to 1024");
  CHECK(sentence_with("power_limit", "window", 4) ==
        "memory x, power_limit: window is 4, allowed are 5 to 16384");
  CHECK(sentence_with("power_limit", "window", 16384) == "nothing was thrown");
  CHECK(sentence_with("power_limit", "window", 16385) ==
        "memory x, power_limit: window is 16385, allowed are 5 to 16384");
}

TEST_CASE("memory: delays that contradict each other are refused") {
  const auto timing = [](const char* key, unsigned value) {
    return sentence_with("timing", key, value);
  };
  const std::string fine = "nothing was thrown";

  CHECK(timing("nRAS", 19) == "memory x: nRAS is 19, but must be at least nRCD = 20");
  CHECK(timing("nRCD", 45) == fine);
  json file = legal();
  file["timing"]["nRP"] = 1;
  file["timing"]["nRC"] = 45;
  CHECK(sentence_about(file) == fine);
  file["timing"]["nRC"] = 44;
  CHECK(sentence_about(file) == "memory x: nRC is 44, but must be at least nRAS = 45");

  CHECK(timing("nRC", 63) == fine);
  CHECK(timing("nRC", 62) == "memory x: nRC is 62, but must be at least nRAS + nRP - 1 = 63");
  CHECK(timing("nCWL", 11) == fine);
  CHECK(timing("nCWL", 12) == "memory x: nCL is 21, but must be at least nCWL + 10 = 22");
  CHECK(timing("nCWL", 5) == "memory x, timing: nCWL is 5, allowed are 6 to 4096");
  CHECK(timing("nRTW", 45) == fine);
  CHECK(timing("nRTW", 46) ==
        "memory x: nCWL + 62 is 68, but must be at least nCL + nBL + nRTW = 69");
  CHECK(timing("nCCDL", 63) == "memory x, timing: nCCDL is 63, allowed are 1 to 62");
  file = legal();
  file["timing"]["nCCDAB"] = 40;
  file["power_limit"] = {{"nCCDAB", 40}, {"columns", 16}, {"window", 640}};
  file["timing"]["nCCDL"] = 33;
  CHECK(sentence_about(file) == fine);
  file["timing"]["nCCDL"] = 34;
  CHECK(sentence_about(file) == "memory x: nCL + 12 is 33, but must be at least nCCDL = 34");
  CHECK(timing("nWTRL", 27) == fine);
  CHECK(timing("nWTRL", 28) == "memory x: nCL + 12 is 33, but must be at least nCWL + nWTRL = 34");
  CHECK(timing("nCCDS", 4) == fine);
  CHECK(timing("nCCDS", 5) == "memory x: nCCDL is 4, but must be at least nCCDS = 5");
  CHECK(timing("nBL", 4) == fine);
  CHECK(timing("nBL", 5) == "memory x: nCCDL is 4, but must be at least nBL = 5");
  CHECK(timing("nCCDAB", 4) == fine);
  CHECK(timing("nCCDAB", 3) == "memory x: nCCDAB is 3, but must be at least nCCDL = 4");
  CHECK(timing("nRRDL", 7) == fine);
  CHECK(timing("nRRDL", 6) == "memory x: nRRDL is 6, but must be at least nRRDS = 7");
  CHECK(timing("nFAW", 28) == fine);
  CHECK(timing("nFAW", 27) == "memory x: nFAW is 27, but must be at least 4 * nRRDS = 28");
  CHECK(timing("nWTRL", 8) == fine);
  CHECK(timing("nWTRL", 7) == "memory x: nWTRL is 7, but must be at least nWTRS = 8");
  CHECK(timing("nRTPL", 10) == fine);
  CHECK(timing("nRTPL", 9) == "memory x: nRTPL is 9, but must be at least nRTPS = 10");
  CHECK(sentence_with("refresh", "nREFI", 520) == fine);
  CHECK(sentence_with("refresh", "nREFI", 519) ==
        "memory x: nREFI is 519, but must be at least nRFC + nRC = 520");
  CHECK(sentence_with("power_limit", "nCCDAB", 5) == fine);
  CHECK(sentence_with("power_limit", "nCCDAB", 4) ==
        "memory x: nCCDAB of the power limit is 4, but must be at least nCCDAB = 5");
  CHECK(sentence_with("power_limit", "window", 64) == fine);
  CHECK(sentence_with("power_limit", "window", 63) ==
        "memory x: window of the power limit is 63, but must be at least columns * nCCDL = 64");
}

TEST_CASE("memory: text that is no table is refused") {
  CHECK(sentence_of([] { aqpim::config::parse_memory("x", "{"); }) ==
        "memory x is not valid JSON (at byte 2)");
  CHECK(sentence_about(json(1)) == "memory x must be a JSON object");
  json file = legal();
  file["timing"] = json::array();
  CHECK(sentence_about(file) == "memory x, timing must be a JSON object");
}
