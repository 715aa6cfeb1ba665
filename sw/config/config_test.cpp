// SPDX-License-Identifier: Apache-2.0
#include "sw/config/config.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <ctime>
#include <nlohmann/json.hpp>
#include <ostream>

#include "sw/config/json.h"
#include "sw/config/test_support.h"

namespace {

using aqpim::config::Configuration;
using aqpim::test::sentence_of;
using nlohmann::json;

json legal() {
  return json::parse(R"({
    "description": "text",
    "engine": {"HeadDim": 128, "SubDim": 4, "CodeBits": 8, "WordBits": 256, "QueryWidth": 12,
               "EntryWidth": 16, "ScoreWidth": 16, "ScoreFraction": 8, "ScoreDepth": 2048,
               "BiasDepth": 256, "WeightWidth": 14, "Quantize": 1},
    "cache": {"window": 0, "append_block": 128}})");
}

std::string sentence_about(const json& file) {
  return sentence_of([&] { aqpim::config::parse("x", file.dump()); });
}

std::string sentence_with(const char* key, const json& value) {
  json file = legal();
  file["engine"][key] = value;
  return sentence_about(file);
}

}  // namespace

TEST_CASE("configuration: a legal file is read into all fields") {
  json file = legal();
  file["cache"]["window"] = 256;
  const Configuration read = aqpim::config::parse("name", file.dump());
  const Configuration expected{.name = "name",
                               .description = "text",
                               .engine = {.head_dim = 128,
                                          .sub_dim = 4,
                                          .code_bits = 8,
                                          .word_bits = 256,
                                          .query_width = 12,
                                          .entry_width = 16,
                                          .score_width = 16,
                                          .score_fraction = 8,
                                          .score_depth = 2048,
                                          .bias_depth = 256,
                                          .weight_width = 14,
                                          .quantize = 1},
                               .window = 256,
                               .append_block = 128};
  CHECK(read == expected);
}

TEST_CASE("configuration: the derived values are those of the architecture's table") {
  struct Row {
    const char* name;
    unsigned subspaces, centroids, lanes, multipliers, token_words, groups, centroid_words,
        lane_depth, codebook_words;
  };
  constexpr Row kRows[] = {
      {"pq8", 32, 256, 32, 32, 1, 8, 4, 256, 1024},
      {"pq4", 64, 16, 32, 16, 2, 8, 8, 32, 128},
      {"pq8-d64", 16, 256, 16, 16, 1, 4, 4, 256, 1024},
      {"pq4-d64", 32, 16, 32, 16, 1, 8, 4, 16, 64},
      {"pq4-w256", 64, 16, 64, 32, 1, 16, 4, 16, 64},
      {"pq8-4b", 64, 256, 32, 32, 2, 16, 4, 512, 1024},
  };
  for (const Row& row : kRows) {
    CAPTURE(std::string(row.name));
    const auto& all = aqpim::config::built_configurations();
    if (std::ranges::find(all, row.name, &Configuration::name) == all.end()) continue;
    const auto& engine = aqpim::config::find_configuration(row.name).engine;
    CHECK(engine.subspaces() == row.subspaces);
    CHECK(engine.centroids() == row.centroids);
    CHECK(engine.lanes() == row.lanes);
    CHECK(engine.multipliers() == row.multipliers);
    CHECK(engine.token_words() == row.token_words);
    CHECK(engine.groups() == row.groups);
    CHECK(engine.centroid_words() == row.centroid_words);
    CHECK(engine.lane_depth() == row.lane_depth);
    CHECK(engine.centroids() * engine.centroid_words() == row.codebook_words);
    CHECK(engine.bucket_width() == 25);
    CHECK(engine.output_width() == 37);
    CHECK(engine.word_bytes() * 8 == engine.word_bits);
  }
  CHECK(aqpim::config::parse("x", legal().dump()).engine.sum_width() == 21);
}

TEST_CASE("configuration: every file of the repository is legal, in order, and found by name") {
  REQUIRE(!aqpim::config::built_configurations().empty());
  CHECK(std::ranges::is_sorted(aqpim::config::built_configurations(), {}, &Configuration::name));
  for (const Configuration& configuration : aqpim::config::built_configurations()) {
    CHECK(aqpim::config::find_configuration(configuration.name) == configuration);
    CHECK(!configuration.description.empty());
  }
}

TEST_CASE("configuration: an unknown name is answered with the names that exist") {
  const std::string sentence = sentence_of([] { aqpim::config::find_configuration("pq9"); });
  CHECK(sentence.starts_with("there is no configuration \"pq9\", built are "));
  CHECK(sentence.ends_with(aqpim::config::built_configurations().back().name));
}

TEST_CASE("configuration: a missing key is named") {
  const json whole = legal();
  for (const auto& [key, value] : whole.items()) {
    json file = whole;
    file.erase(key);
    CHECK(sentence_about(file) == fmt::format("configuration x lacks the key \"{}\"", key));
  }
  for (const char* section : {"engine", "cache"}) {
    for (const auto& [key, value] : whole[section].items()) {
      json file = whole;
      file[section].erase(key);
      CHECK(sentence_about(file) ==
            fmt::format("configuration x, {} lacks the key \"{}\"", section, key));
    }
  }
}

TEST_CASE("configuration: an unknown key is named in each object") {
  json file = legal();
  file["comment"] = 1;
  CHECK(sentence_about(file) ==
        "configuration x has the unknown key \"comment\", known are cache, description, engine");
  file = legal();
  file["engine"]["Headdim"] = 128;
  CHECK(sentence_about(file).starts_with(
      "configuration x, engine has the unknown key \"Headdim\", known are BiasDepth, CodeBits, "));
  file = legal();
  file["cache"]["sinks"] = 8;
  CHECK(sentence_about(file) ==
        "configuration x, cache has the unknown key \"sinks\", known are append_block, window");
}

TEST_CASE("configuration: an illegal value is named with what is allowed") {
  CHECK(sentence_with("HeadDim", 96) ==
        "configuration x, engine: HeadDim is 96, allowed are 64, 128, 256");
  CHECK(sentence_with("HeadDim", std::string(6000, '1')) ==
        "configuration x, engine: HeadDim is \"" + std::string(79, '1') +
            "..., allowed are 64, 128, 256");
  CHECK(sentence_with("SubDim", 16) ==
        "configuration x, engine: SubDim is 16, allowed are 1, 2, 4, 8");
  CHECK(sentence_with("CodeBits", 6) == "configuration x, engine: CodeBits is 6, allowed are 4, 8");
  CHECK(sentence_with("WordBits", 512) ==
        "configuration x, engine: WordBits is 512, allowed are 64, 128, 256");
  CHECK(sentence_with("QueryWidth", 13) ==
        "configuration x, engine: QueryWidth is 13, allowed are 8 to 12");
  CHECK(sentence_with("QueryWidth", 7) ==
        "configuration x, engine: QueryWidth is 7, allowed are 8 to 12");
  CHECK(sentence_with("EntryWidth", 11) ==
        "configuration x, engine: EntryWidth is 11, allowed are 12 to 16");
  CHECK(sentence_with("ScoreWidth", 17) ==
        "configuration x, engine: ScoreWidth is 17, allowed are 12 to 16");
  CHECK(sentence_with("ScoreFraction", 3) ==
        "configuration x, engine: ScoreFraction is 3, allowed are 4 to 8");
  CHECK(sentence_with("ScoreDepth", 1000) ==
        "configuration x, engine: ScoreDepth is 1000, allowed are powers of two from 16 to 4096");
  CHECK(sentence_with("ScoreDepth", 8192) ==
        "configuration x, engine: ScoreDepth is 8192, allowed are powers of two from 16 to 4096");
  CHECK(sentence_with("BiasDepth", 16) ==
        "configuration x, engine: BiasDepth is 16, allowed are powers of two from 32 to 1024");
  CHECK(sentence_with("WeightWidth", 15) ==
        "configuration x, engine: WeightWidth is 15, allowed are 8 to 14");
}

TEST_CASE("configuration: values of another type are illegal") {
  CHECK(sentence_with("HeadDim", -128) ==
        "configuration x, engine: HeadDim is -128, allowed are 64, 128, 256");
  CHECK(sentence_with("HeadDim", 128.0) ==
        "configuration x, engine: HeadDim is 128.0, allowed are 64, 128, 256");
  CHECK(sentence_with("HeadDim", "128") ==
        "configuration x, engine: HeadDim is \"128\", allowed are 64, 128, 256");
  CHECK(sentence_with("HeadDim", 18446744073709551615u) ==
        "configuration x, engine: HeadDim is 18446744073709551615, allowed are 64, 128, 256");
  json file = legal();
  file["description"] = 1;
  CHECK(sentence_about(file) == "configuration x: description must be a string");
  file = legal();
  file["engine"] = json::array();
  CHECK(sentence_about(file) == "configuration x, engine must be a JSON object");
  CHECK(sentence_about(json(1)) == "configuration x must be a JSON object");
}

TEST_CASE("configuration: parameters that do not fit together are refused") {
  json file = legal();
  file["engine"]["SubDim"] = 8;
  CHECK(sentence_about(file) ==
        "configuration x, engine: the codes of a token (HeadDim / SubDim * CodeBits = 128 bits) "
        "must fill 1, 2, 4, ... words of WordBits = 256");
  file = legal();
  file["engine"]["ScoreWidth"] = 13;
  CHECK(sentence_about(file) == "nothing was thrown");
  file["engine"]["ScoreWidth"] = 12;
  CHECK(sentence_about(file) ==
        "configuration x, engine: ScoreWidth is 12, but must be at least ScoreFraction + 5 = 13");
}

TEST_CASE("configuration: window and append block are multiples of 16 tokens") {
  json file = legal();
  file["cache"]["window"] = 100;
  CHECK(sentence_about(file) ==
        "configuration x, cache: window is 100, allowed are 0 to 1048576, multiples of 16");
  file = legal();
  file["cache"]["append_block"] = 0;
  CHECK(sentence_about(file) ==
        "configuration x, cache: append_block is 0, allowed are 16 to 1048576, multiples of 16");
}

TEST_CASE("configuration: text that is not JSON, or says something twice, is refused") {
  CHECK(sentence_of([] { aqpim::config::parse("x", "{"); }) ==
        "configuration x is not valid JSON (at byte 2)");
  CHECK(sentence_of([] { aqpim::config::parse("x", ""); }) ==
        "configuration x is not valid JSON (at byte 1)");
  CHECK(sentence_of([] { aqpim::config::parse("x", R"({"a": {"b": 1, "b": 2}})"); }) ==
        "configuration x has the key \"b\" twice");
}

TEST_CASE("configuration: a file has a name that a target of the build can have") {
  const std::string text = legal().dump();
  CHECK(aqpim::config::parse("My_pq-4.1", text).name == "My_pq-4.1");
  for (const std::string name : {"pq4 copy", "a;b", "a\"b", ""}) {
    CHECK(sentence_of([&] { aqpim::config::parse(name, text); }) ==
          fmt::format("configuration {}: a name has letters, digits, '-', '_' and '.' only",
                      aqpim::in_quotes(name)));
  }
}

TEST_CASE("json: equal keys in different objects are no duplicates") {
  CHECK(aqpim::parse_json("text", R"([{"a": {"a": 1}}, {"a": 2}])").size() == 2);
}

TEST_CASE("json: numbers that no double holds and nesting without end are refused") {
  CHECK(sentence_of([] { aqpim::parse_json("text", "[1e999]"); }) ==
        "text is not valid JSON (a number is out of range)");
  CHECK(sentence_of([] { aqpim::parse_json("text", std::string(100000, '[')); }) ==
        "text nests JSON values more than 32 deep");
}

TEST_CASE("json: an object of many objects takes time in proportion to them") {
  const auto seconds = [](int objects) {
    std::string text = "{";
    for (int i = 0; i < objects; ++i) text += (i == 0 ? "\"" : ",\"") + std::to_string(i) + "\":{}";
    text += "}";
    const std::clock_t start = std::clock();
    CHECK(aqpim::parse_json("text", text).size() == objects);
    return static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
  };
  // Sixteen times the objects; the square would take 256 times the time.
  CHECK(seconds(32'000) < 64 * std::max(seconds(2'000), 0.001));
}

TEST_CASE("json: names in messages are escaped and shortened") {
  CHECK(aqpim::in_quotes("a.b-c") == "\"a.b-c\"");
  CHECK(aqpim::in_quotes("\x1b[2J\"\n") == "\"\\x1b[2J\\x22\\x0a\"");
  CHECK(aqpim::in_quotes(std::string(1000, 'a')).size() < 90);
}
