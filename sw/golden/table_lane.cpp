// SPDX-License-Identifier: Apache-2.0
#include "sw/golden/table_lane.h"

namespace aqpim::golden {

void TableLane::add(std::size_t address, std::uint32_t weight) {
  Word& word = words_.at(address);
  word = {true, 0, (word.is_bucket ? word.bucket : 0) + weight};
}

std::uint32_t TableLane::take(std::size_t address) {
  Word& word = words_.at(address);
  const std::uint32_t bucket = word.is_bucket ? word.bucket : 0;
  word = {true, 0, 0};
  return bucket;
}

}  // namespace aqpim::golden
