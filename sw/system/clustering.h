// SPDX-License-Identifier: Apache-2.0
//
// Clusters and encodes raw tokens on engines.
//
//   tokens [n, D] --> slices of channels, shares and chunks of tokens
//
//   for each slice, 4 passes:   engines                          reducer
//     LOAD start tokens, CLUSTER chunk, UNLOAD, ...  -- Σx, Σw --> μ
//     LOAD μ,            CLUSTER chunk, UNLOAD, ...  -- Σx, Σw --> μ ...    at last: stored bytes
//
//   for each vector:   QUERY, ENCODE codebook, read codes
//
// Start: tokens ⌊c·n/K⌋. Sums are integers: the codebook does not depend on how tokens are spread
// over engines and chunks. Raw tokens: sw/quantize/backend.h. Method: AQPIM (arXiv 2604.18137);
// docs/architecture.md §8.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "sw/config/config.h"
#include "sw/golden/program.h"
#include "sw/golden/reducer.h"
#include "sw/quantize/software_backend.h"

namespace aqpim::system {

using quantize::kPasses;

// What plays the programs: golden models, RTL, one model in the place of all. All engines have one
// configuration, and one reducer.
class Engines {
 public:
  // `chunk`: most tokens between two UNLOADs, filled up to whole groups of TokenSlots; at most
  // ScoreDepth, which 0 stands for.
  explicit Engines(const config::EngineConfig& config, unsigned count = 1, std::size_t chunk = 0)
      : config_(config), count_(count), chunk_(chunk == 0 ? config.score_depth : chunk) {}
  virtual ~Engines() = default;

  const config::EngineConfig& config() const { return config_; }
  unsigned count() const { return count_; }
  std::size_t chunk() const { return chunk_; }

  // Plays a program on engine 0 … count − 1 to its end. Each program sets all registers that it
  // uses; a pass is one program, so engines keep nothing between two.
  virtual golden::Answers play(unsigned engine, const golden::Program& program) = 0;

  // As golden::reduce() with this configuration.
  virtual golden::Reduced reduce(std::span<const std::vector<std::uint8_t>> partials,
                                 bool values) = 0;

 protected:
  Engines(const Engines&) = default;
  Engines& operator=(const Engines&) = default;

 private:
  config::EngineConfig config_;
  unsigned count_;
  std::size_t chunk_;
};

// Of one codebook, or of many.
struct ClusterStatistics {
  std::uint64_t codebooks = 0;
  std::uint64_t codes = 0;  // tokens · sub-spaces: the codes that a pass assigns
  // Codes that passes 2 … 4 assigned otherwise than the pass before.
  std::array<std::uint64_t, kPasses - 1> changed = {};

  bool operator==(const ClusterStatistics&) const = default;
  ClusterStatistics& operator+=(const ClusterStatistics& other);
};

// The stored codebook [K, D], as Backend::cluster. Throws InputError if the tokens make more chunks
// than the reducer takes (golden::kMostParts).
std::vector<std::uint8_t> cluster(std::span<const std::uint16_t> tokens,
                                  std::span<const std::uint8_t> weights, bool values,
                                  Engines& engines, ClusterStatistics* statistics = nullptr);

// Codes [n, M], as Backend::encode.
std::vector<std::uint8_t> encode(std::span<const std::uint16_t> tokens,
                                 std::span<const std::uint8_t> codebook, bool values,
                                 Engines& engines);

}  // namespace aqpim::system
