// SPDX-License-Identifier: Apache-2.0
// The shapes that there are: what CMake, lint and the synthesis flow know of configurations and
// memories. It is built and called by sim/shapes.sh:
//
//   shapes write CONFIGS MEMORIES        prints JSON about the files NAME.json of both folders:
//     configurations NAME   engine: parameters of pq_engine; derived: what follows from them;
//                           modules: the parameters of modules as pq_engine, or for pq_reducer and
//                           pq_divider pq_sequencer, instantiates them
//     memory_t              the members of pq_pkg::memory_t, in order
//     memories NAME         parameters: their values
//     channels MEMORY CONFIGURATION BANKS   of legal files, engines next to one bank or two, "1" or
//                           "2". derived: what follows for a pseudo-channel; modules: the
//                           parameters of pq_channel and of its modules
//     Instead of all that, "refused": the sentence why the RTL has no such shape.
//
//   shapes check CONFIGS MEMORIES [--config NAMES] [--memory NAME]
//     Are these configurations (names by commas; all, if none is named) and this memory legal? If
//     not, a sentence, and exit code 2.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <bit>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>

#include "sw/config/channel.h"
#include "sw/config/config.h"
#include "sw/config/json.h"
#include "sw/config/memory.h"

namespace {

using namespace aqpim;
using nlohmann::ordered_json;

unsigned log2_of(unsigned power) { return static_cast<unsigned>(std::countr_zero(power)); }

// The value of a parameter of type bit.
bool bit(unsigned value) { return value != 0; }

ordered_json to_json(const config::Parameters& parameters) {
  ordered_json object = ordered_json::object();
  for (const auto& [name, value] : parameters) object[name] = value;
  return object;
}

ordered_json derived(const config::EngineConfig& engine) {
  return {{"Subspaces", engine.subspaces()},
          {"Centroids", engine.centroids()},
          {"Lanes", engine.lanes()},
          {"Multipliers", engine.multipliers()},
          {"TokenWords", engine.token_words()},
          {"Groups", engine.groups()},
          {"CentroidWords", engine.centroid_words()},
          {"LaneDepth", engine.lane_depth()},
          {"SumWidth", engine.sum_width()},
          {"BucketWidth", engine.bucket_width()},
          {"OutputWidth", engine.output_width()},
          {"OutputWords", engine.output_words()},
          {"SliceChannels", engine.slice_channels()},
          {"Slices", engine.slices()},
          {"TokenSlots", engine.token_slots()}};
}

ordered_json derived(const config::ChannelShape& shape) {
  return {{"Engines", shape.engines()},
          {"WordsPerBeat", shape.words_per_beat()},
          {"BeatsPerToken", shape.beats_per_token()},
          {"TokensPerRow", shape.tokens_per_row()},
          {"CodebookBeats", shape.codebook_beats()},
          {"StripedCodebookRows", shape.striped_codebook_rows()},
          {"LocalCodebookRows", shape.local_codebook_rows()},
          {"QueryBeats", shape.query_beats()},
          {"ResultBeats", shape.result_beats()},
          {"SliceBeats", shape.slice_beats()}};
}

// Bits of a memory word of a lane: where clustering keeps a sub-space's sums in three lanes of each
// two channels.
unsigned store_width(const config::EngineConfig& engine) {
  if (!bit(engine.quantize)) return 1;
  const unsigned sums =
      (20 + log2_of(engine.score_depth)) * engine.sub_dim + 8 + log2_of(engine.score_depth);
  const unsigned lanes = 3 * engine.sub_dim / 2;
  return std::max(24u, (sums + lanes - 1) / lanes);
}

ordered_json modules(const config::EngineConfig& engine) {
  const config::Parameters top = config::rtl_parameters(engine);
  std::map<std::string, unsigned> of_top(top.begin(), top.end());
  // Parameters that are called as those of pq_engine.
  const auto same = [&](std::initializer_list<const char*> names,
                        const ordered_json& more = ordered_json::object()) {
    ordered_json parameters = ordered_json::object();
    for (const char* name : names) parameters[name] = of_top.at(name);
    parameters.update(more);
    return parameters;
  };
  const unsigned log_depth = log2_of(engine.score_depth);
  const unsigned bucket = engine.bucket_width();
  const unsigned fraction_bits = 2 * (16 - engine.score_fraction) - 1;

  ordered_json found;
  found["pq_engine"] = to_json(top);
  if (bit(engine.quantize)) {
    // A bucket is at least as wide as an entry in all configurations.
    found["pq_nearest"] = same({"CodeBits"}, {{"Entries", engine.centroid_words()},
                                              {"DistanceWidth", 24 + log2_of(engine.sub_dim)}});
    found["pq_cluster_control"] =
        same({"WordBits", "CodeBits"}, {{"TokenSlots", engine.token_slots()}});
    found["pq_slice"] = same({"SubDim", "CodeBits", "WordBits", "ScoreDepth"},
                             {{"LaneWidth", std::max(store_width(engine), bucket + 1)}});
    found["pq_reducer"] =
        same({"WordBits", "CodeBits", "SubDim", "ScoreDepth"}, {{"PartsWidth", 8}});
    found["pq_divider"] = {{"DivisorWidth", 8 + log_depth + 8}, {"QuotientWidth", 12}};
  }
  found["pq_float_to_fixed"] = {{"Width", engine.query_width}};
  found["pq_multiplier"] = {{"DigitWidth", bit(engine.quantize) ? 8 : 6}};
  found["pq_centroid_group"] = same({"SubDim", "QueryWidth", "EntryWidth"},
                                    {{"BucketWidth", bucket}, {"Quantize", bit(engine.quantize)}});
  found["pq_score_sum"] =
      same({"EntryWidth"}, {{"Lanes", engine.lanes()}, {"TokenWords", engine.token_words()}});
  found["pq_score"] = same({"ScoreWidth"}, {{"SumWidth", engine.sum_width()},
                                            {"ExtraWidth", std::bit_width(fraction_bits) - 1}});
  found["pq_bias"] = same({"WordBits", "BiasDepth"});
  found["pq_exp2"] = same({"WeightWidth"}, {{"ArgumentWidth", engine.score_width + 1},
                                            {"ArgumentFraction", engine.score_fraction}});
  found["pq_softmax"] = same({"ScoreWidth", "ScoreFraction", "ScoreDepth", "WeightWidth"});
  found["pq_table_lane"] =
      same({"EntryWidth", "WeightWidth"}, {{"LaneDepth", engine.lane_depth()},
                                           {"BucketWidth", bucket},
                                           {"StoreWidth", store_width(engine)}});
  found["pq_output_lane"] = {{"CentroidWords", engine.centroid_words()},
                             {"OutputWidth", engine.output_width()}};
  found["pq_query"] =
      same({"HeadDim", "SubDim", "WordBits", "QueryWidth"}, {{"Quantize", bit(engine.quantize)}});
  found["pq_registers"] = same({"HeadDim", "SubDim", "WordBits", "ScoreFraction", "BiasDepth"});
  found["pq_result"] = same({"HeadDim", "WordBits"}, {{"OutputWidth", engine.output_width()},
                                                      {"TokenWords", engine.token_words()}});
  found["pq_control"] =
      same({"ScoreDepth", "BiasDepth"}, {{"Centroids", engine.centroids()},
                                         {"CentroidWords", engine.centroid_words()},
                                         {"TokenWords", engine.token_words()},
                                         {"Quantize", bit(engine.quantize)},
                                         {"WeightsWord", engine.word_bytes()},
                                         {"TokenSlots", engine.token_slots()},
                                         {"FillCycles", 6},
                                         {"DrainCycles", 6 + (log2_of(engine.lanes()) + 1) / 2}});
  return found;
}

ordered_json channel_modules(const config::Configuration& configuration,
                             const config::Memory& memory, unsigned banks_per_engine) {
  const ordered_json engine = to_json(config::rtl_parameters(configuration.engine));
  const ordered_json banks = {{"BanksPerEngine", banks_per_engine},
                              {"Memory", config::rtl_literal(config::rtl_parameters(memory))}};
  const auto joined = [](ordered_json parameters, const ordered_json& more) {
    parameters.update(more);
    return parameters;
  };
  ordered_json of_engine = ordered_json::object();  // what the sequencer knows of its engines
  for (const char* name :
       {"HeadDim", "SubDim", "CodeBits", "WordBits", "ScoreDepth", "BiasDepth"}) {
    of_engine[name] = engine[name];
  }
  return {{"pq_bank_engine", joined(engine, {{"BanksPerEngine", banks_per_engine}})},
          {"pq_sequencer", joined(of_engine, banks)},
          {"pq_read_bus", banks},
          {"pq_channel", joined(engine, banks)}};
}

// ---- Files --------------------------------------------------------------------------------------

// The JSON files of a folder, by name.
std::map<std::string, std::filesystem::path> files_of(const std::filesystem::path& folder) {
  std::map<std::string, std::filesystem::path> files;
  if (!std::filesystem::is_directory(folder)) {
    throw InputError(fmt::format("{} is no folder", folder.string()));
  }
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().extension() == ".json" && !entry.is_directory()) {
      files[entry.path().stem().string()] = entry.path();
    }
  }
  return files;
}

template <typename T>
T read(const char* kind, T (*parse)(std::string_view, std::string_view), const std::string& name,
       const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  const std::string text(std::istreambuf_iterator<char>(file), {});
  if (!file) throw InputError(fmt::format("{} {}: {} cannot be read", kind, name, path.string()));
  return parse(name, text);
}

struct Folders {
  std::map<std::string, std::filesystem::path> configurations;
  std::map<std::string, std::filesystem::path> memories;
};

config::Configuration configuration_of(const Folders& folders, const std::string& name) {
  return read("configuration", &config::parse, name, folders.configurations.at(name));
}

config::Memory memory_of(const Folders& folders, const std::string& name) {
  return read("memory", &config::parse_memory, name, folders.memories.at(name));
}

// What `make` gives, or why it cannot.
ordered_json or_refused(const std::function<ordered_json()>& make) {
  try {
    return make();
  } catch (const InputError& error) {
    return {{"refused", error.what()}};
  }
}

void write(const Folders& folders) {
  ordered_json shapes = {{"configurations", ordered_json::object()},
                         {"memories", ordered_json::object()},
                         {"channels", ordered_json::object()}};
  std::vector<config::Configuration> configurations;
  for (const auto& [name, path] : folders.configurations) {
    shapes["configurations"][name] = or_refused([&]() -> ordered_json {
      configurations.push_back(configuration_of(folders, name));
      const config::EngineConfig& engine = configurations.back().engine;
      return {{"engine", to_json(config::rtl_parameters(engine))},
              {"derived", derived(engine)},
              {"modules", modules(engine)}};
    });
  }
  for (const auto& [name, path] : folders.memories) {
    std::optional<config::Memory> memory;
    shapes["memories"][name] = or_refused([&]() -> ordered_json {
      memory = memory_of(folders, name);
      return {{"parameters", to_json(config::rtl_parameters(*memory))}};
    });
    if (!memory) continue;
    for (const config::Configuration& configuration : configurations) {
      for (const unsigned banks : {1u, 2u}) {
        const config::ChannelShape shape{.engine = configuration.engine,
                                         .memory = memory->organization,
                                         .banks_per_engine = banks};
        const std::string obstacle = config::obstacle_of(shape);
        shapes["channels"][name][configuration.name][std::to_string(banks)] =
            obstacle.empty()
                ? ordered_json{{"derived", derived(shape)},
                               {"modules", channel_modules(configuration, *memory, banks)}}
                : ordered_json{{"refused", obstacle}};
      }
    }
  }
  const config::Parameters members = config::rtl_parameters(config::Memory{});
  for (const auto& [name, value] : members) shapes["memory_t"].push_back(name);
  fmt::print("{}\n", shapes.dump(1));
}

void require(const char* kind, const std::map<std::string, std::filesystem::path>& files,
             const std::string& name) {
  if (files.contains(name)) return;
  std::vector<std::string> names;
  for (const auto& [known, path] : files) names.push_back(known);
  throw InputError(fmt::format("there is no {} {}, there are {}", kind, in_quotes(name),
                               fmt::join(names, ", ")));
}

void check(const Folders& folders, const std::vector<std::string>& options) {
  std::set<std::string> configurations;
  for (std::size_t i = 0; i + 1 < options.size(); i += 2) {
    const std::string& value = options[i + 1];
    if (options[i] == "--memory") {
      require("memory", folders.memories, value);
      memory_of(folders, value);
      continue;
    }
    for (std::size_t begin = 0; begin <= value.size();) {
      const std::size_t end = std::min(value.find(',', begin), value.size());
      if (end > begin) configurations.insert(value.substr(begin, end - begin));
      begin = end + 1;
    }
  }
  if (configurations.empty()) {
    for (const auto& [name, path] : folders.configurations) configurations.insert(name);
  }
  for (const std::string& name : configurations) {
    require("configuration", folders.configurations, name);
    configuration_of(folders, name);
  }
}

}  // namespace

int main(int count, char** values) {
  const std::vector<std::string> arguments(values + 1, values + count);
  try {
    const Folders folders = {files_of(arguments.at(1)), files_of(arguments.at(2))};
    if (arguments.at(0) == "check") {
      check(folders, {arguments.begin() + 3, arguments.end()});
    } else {
      write(folders);
    }
  } catch (const InputError& error) {
    fmt::print(stderr, "{}\n", error.what());
    return 2;
  }
}
