// SPDX-License-Identifier: Apache-2.0
#include "sw/system/recorder.h"

#include <utility>

#include "sw/quantize/software_backend.h"

namespace aqpim::system {

Recorder::Recorder(const config::EngineConfig& engine)
    : head_dim_(engine.head_dim), software_(quantize::fixed_backend(engine)) {}

std::vector<std::uint8_t> Recorder::cluster(std::span<const std::uint16_t> tokens,
                                            std::span<const std::uint8_t> weights, bool values) {
  ClusterTask task{.tokens = {tokens.begin(), tokens.end()},
                   .weights = {weights.begin(), weights.end()},
                   .codebook = software_->cluster(tokens, weights, values)};
  return clusterings_[values ? 1 : 0].emplace_back(std::move(task)).codebook;
}

std::vector<std::uint8_t> Recorder::encode(std::span<const std::uint16_t> tokens,
                                           std::span<const std::uint8_t> codebook, bool values) {
  EncodeTask& task = encodings_[values ? 1 : 0];
  task.tokens.insert(task.tokens.end(), tokens.begin(), tokens.end());
  return software_->encode(tokens, codebook, values);
}

EncodeTask Recorder::take_encoding(unsigned side) {
  EncodeTask& task = encodings_[side];
  const std::size_t next = task.first + task.tokens.size() / head_dim_;
  return std::exchange(task, {.first = next, .tokens = {}});
}

}  // namespace aqpim::system
