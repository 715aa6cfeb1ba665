// SPDX-License-Identifier: Apache-2.0
//
// A backend of the quantizer that lets software cluster and encode, and keeps what it was asked and
// what came out: the work that a pseudo-channel is then given, and what it has to find.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
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

class Recorder : public quantize::Backend {
 public:
  explicit Recorder(const config::EngineConfig& engine);

  std::vector<std::uint8_t> cluster(std::span<const std::uint16_t> tokens,
                                    std::span<const std::uint8_t> weights, bool values) override;
  std::vector<std::uint8_t> encode(std::span<const std::uint16_t> tokens,
                                   std::span<const std::uint8_t> codebook, bool values) override;

  // Of keys (0) and values (1), by codebook window.
  const std::vector<ClusterTask>& clusterings(unsigned side) const { return clusterings_[side]; }
  // What was encoded since the last call.
  EncodeTask take_encoding(unsigned side);

 private:
  std::size_t head_dim_;
  std::unique_ptr<quantize::Backend> software_;
  std::array<std::vector<ClusterTask>, 2> clusterings_;
  std::array<EncodeTask, 2> encodings_;
};

}  // namespace aqpim::system
