// SPDX-License-Identifier: Apache-2.0
#include "sw/config/config.h"

#include <fmt/format.h>

#include <bit>
#include <nlohmann/json.hpp>

#include "sw/config/json.h"
#include "sw/config/json_object.h"

namespace aqpim::config {
namespace {

// Rules that tie several parameters together; the RTL checks the same ones at elaboration.
void check_combination(const std::string& where, const EngineConfig& engine) {
  const unsigned code_bits_per_token = engine.subspaces() * engine.code_bits;
  if (code_bits_per_token % engine.word_bits != 0 || !std::has_single_bit(engine.token_words())) {
    throw InputError(fmt::format(
        "{}: the codes of a token (HeadDim / SubDim * CodeBits = {} bits) must fill 1, 2, 4, ... "
        "words of WordBits = {}",
        where, code_bits_per_token, engine.word_bits));
  }
  // What pq_exp2 needs: 6 integer bits of the difference of two scores.
  if (engine.score_width < engine.score_fraction + 5) {
    throw InputError(
        fmt::format("{}: ScoreWidth is {}, but must be at least ScoreFraction + 5 = {}", where,
                    engine.score_width, engine.score_fraction + 5));
  }
  if (engine.quantize == 0) return;
  if (engine.query_width != 12 || engine.sub_dim < 2 || engine.lanes() < 2 * engine.sub_dim) {
    throw InputError(fmt::format(
        "{}: Quantize needs QueryWidth 12, SubDim at least 2 and at least 2 * SubDim lanes "
        "(WordBits / CodeBits)",
        where));
  }
}

}  // namespace

unsigned EngineConfig::sum_width() const {
  return entry_width + static_cast<unsigned>(std::countr_zero(subspaces()));
}

unsigned EngineConfig::bucket_width() const {
  return weight_width + static_cast<unsigned>(std::countr_zero(score_depth));
}

Configuration parse(std::string_view name, std::string_view json_text) {
  require_plain_name("configuration", name);
  const std::string where = fmt::format("configuration {}", name);
  const nlohmann::json root = parse_json(where, json_text);

  Configuration configuration;
  configuration.name = name;
  JsonObject file(where, root);
  configuration.description = file.text("description");

  EngineConfig& engine = configuration.engine;
  JsonObject parameters(where + ", engine", file.member("engine"));
  engine.head_dim = parameters.one_of("HeadDim", {64, 128, 256});
  engine.sub_dim = parameters.one_of("SubDim", {1, 2, 4, 8});
  engine.code_bits = parameters.one_of("CodeBits", {4, 8});
  engine.word_bits = parameters.one_of("WordBits", {64, 128, 256});
  engine.query_width = parameters.in_range("QueryWidth", 8, 12);
  engine.entry_width = parameters.in_range("EntryWidth", 12, 16);
  engine.score_width = parameters.in_range("ScoreWidth", 12, 16);
  engine.score_fraction = parameters.in_range("ScoreFraction", 4, 8);
  engine.score_depth = parameters.power_of_two("ScoreDepth", 16, 4096);
  // At least two words of biases, WordBits / 16 each.
  engine.bias_depth = parameters.power_of_two("BiasDepth", engine.word_bits / 8, 1024);
  engine.weight_width = parameters.in_range("WeightWidth", 8, 14);
  engine.quantize = parameters.one_of("Quantize", {0, 1});
  parameters.nothing_else();
  check_combination(where + ", engine", engine);

  JsonObject cache(where + ", cache", file.member("cache"));
  configuration.window = cache.in_range("window", 0, 1u << 20, 16);
  configuration.append_block = cache.in_range("append_block", 16, 1u << 20, 16);
  cache.nothing_else();
  file.nothing_else();
  return configuration;
}

Parameters rtl_parameters(const EngineConfig& engine) {
  return {{"HeadDim", engine.head_dim},         {"SubDim", engine.sub_dim},
          {"CodeBits", engine.code_bits},       {"WordBits", engine.word_bits},
          {"QueryWidth", engine.query_width},   {"EntryWidth", engine.entry_width},
          {"ScoreWidth", engine.score_width},   {"ScoreFraction", engine.score_fraction},
          {"ScoreDepth", engine.score_depth},   {"BiasDepth", engine.bias_depth},
          {"WeightWidth", engine.weight_width}, {"Quantize", engine.quantize}};
}

}  // namespace aqpim::config
