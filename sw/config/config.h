// SPDX-License-Identifier: Apache-2.0
// Configurations of the engine: configs/NAME.json, the one source of every parameter. All tools
// read them through this header: C++ from the files that CMake embeds, CMake and Python from what
// sim/shapes.cpp makes of them.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sw/config/error.h"

namespace aqpim::config {

using Error = InputError;

// Parameters of an RTL module: names and values.
using Parameters = std::vector<std::pair<std::string, unsigned>>;

// The RTL parameters of pq_engine and what follows from them. Widths are in bits, depths in
// entries.
struct EngineConfig {
  unsigned head_dim = 0;        // D: channels of a key or value
  unsigned sub_dim = 0;         // Dsub: channels of a sub-space
  unsigned code_bits = 0;       // bits of a code
  unsigned word_bits = 0;       // bits of a stream word
  unsigned query_width = 0;     // query element, signed
  unsigned entry_width = 0;     // table entry, signed
  unsigned score_width = 0;     // score, signed, log2 domain
  unsigned score_fraction = 0;  // fraction bits of a score
  unsigned score_depth = 0;     // tokens of a tile
  unsigned bias_depth = 0;      // score biases of a tile
  unsigned weight_width = 0;    // softmax weight, u0.weight_width
  unsigned quantize = 0;        // 1: with ENCODE and clustering, 0: attention only

  bool operator==(const EngineConfig&) const = default;

  unsigned subspaces() const { return head_dim / sub_dim; }
  unsigned centroids() const { return 1u << code_bits; }
  unsigned lanes() const { return word_bits / code_bits; }
  unsigned multipliers() const { return word_bits / 8; }
  unsigned token_words() const { return subspaces() / lanes(); }
  // Sub-spaces that one codebook word holds.
  unsigned groups() const { return multipliers() / sub_dim; }
  // Codebook words of one centroid of all sub-spaces.
  unsigned centroid_words() const { return head_dim / multipliers(); }
  unsigned lane_depth() const { return centroids() * token_words(); }
  // Width of an exact sum of table entries over the sub-spaces.
  unsigned sum_width() const;
  unsigned bucket_width() const;
  unsigned output_width() const { return bucket_width() + 12; }
  // Result words of the outputs, 40 bits each: their low 32 bits, then the high 8 bits.
  unsigned low_words() const { return 4 * centroid_words(); }
  unsigned output_words() const { return low_words() + centroid_words(); }
  unsigned word_bytes() const { return word_bits / 8; }

  // Clustering works on a slice of the channels at a time, and on so many tokens at once.
  unsigned slice_channels() const { return lanes() / 2; }
  unsigned slice_subspaces() const { return slice_channels() / sub_dim; }
  unsigned slices() const { return head_dim / slice_channels(); }
  unsigned token_slots() const { return multipliers() / slice_channels(); }
  // Words of a slice of one token, and of one centroid's partial sums.
  unsigned slice_words() const { return 2 / token_slots(); }
  unsigned record_words() const { return 8 / token_slots(); }
};

struct Configuration {
  std::string name;
  std::string description;
  EngineConfig engine;
  unsigned window = 0;          // tokens that share a codebook; 0 = one codebook for all
  unsigned append_block = 128;  // tokens that enter the cache together

  bool operator==(const Configuration&) const = default;
};

// Reads the text of a configuration file. Every key is required, none may be added, and every value
// must be legal; throws Error with the key and what is allowed.
Configuration parse(std::string_view name, std::string_view json_text);

// The parameters of pq_engine.
Parameters rtl_parameters(const EngineConfig& engine);

// The names of the configurations in this binary, in order; not all of them need be legal.
std::vector<std::string_view> configuration_names();

// All of them, ordered by name. Throws Error if one is not legal, as parse() does.
const std::vector<Configuration>& built_configurations();

// One of them; only its file is read, when it is asked for. Throws Error with the names that exist,
// or as parse() does.
const Configuration& find_configuration(std::string_view name);

}  // namespace aqpim::config
