// SPDX-License-Identifier: Apache-2.0
//
// The score bias of each token; twin of rtl/engine/pq_bias.sv.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace aqpim::golden {

// Biases are int16 with the score's fraction; bias i serves tokens i · run … (i + 1) · run − 1 of a
// tile.
class Bias {
 public:
  // `depth` biases, all zero until they are written (in hardware: undefined).
  explicit Bias(std::size_t depth) : biases_(depth) {}

  // Stores values.size() biases from `first` on. They must fit.
  void write(std::size_t first, std::span<const std::int16_t> values);

  // The next token is the first one of a tile.
  void start_tile() { token_ = 0; }

  // Bias of the next token; 0 if run is 0. `run` may change only at the start of a tile.
  std::int16_t next(unsigned run);

 private:
  std::vector<std::int16_t> biases_;
  std::size_t token_ = 0;
};

}  // namespace aqpim::golden
