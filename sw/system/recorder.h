// SPDX-License-Identifier: Apache-2.0
//
// A backend of the quantizer that lets software cluster and encode, and keeps what it was asked and
// what came out: the work that a pseudo-channel is then given, and what it has to find.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "sw/config/config.h"
#include "sw/quantize/backend.h"

namespace aqpim::system {

struct ClusterTask {
  std::vector<std::uint16_t> tokens;   // raw [n, D]
  std::vector<std::uint8_t> weights;   // [n]
  std::vector<std::uint8_t> codebook;  // [K, D]
};

struct EncodeTask {
  std::size_t first = 0;              // encoded token of the first vector
  std::vector<std::uint16_t> tokens;  // raw [n, D]
};

class Recorder {
 public:
  explicit Recorder(const config::EngineConfig& engine);
  Recorder(const Recorder&) = delete;
  Recorder& operator=(const Recorder&) = delete;

  // Refers to this.
  quantize::Backend backend();

  // Of keys (0) and values (1), by codebook window.
  const std::vector<ClusterTask>& clusterings(unsigned side) const { return clusterings_[side]; }
  // What was encoded since the last call.
  EncodeTask take_encoding(unsigned side);

 private:
  std::size_t head_dim_;
  quantize::Backend software_;
  std::array<std::vector<ClusterTask>, 2> clusterings_;
  std::array<EncodeTask, 2> encodings_;
};

}  // namespace aqpim::system
