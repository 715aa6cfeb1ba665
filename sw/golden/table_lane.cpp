// SPDX-License-Identifier: Apache-2.0
#include "sw/golden/table_lane.h"

#include <stdexcept>

namespace aqpim::golden {

void TableLane::add(std::size_t address, std::uint32_t weight) {
  Word& word = words_.at(address);
  const std::uint64_t sum = std::uint64_t{word.is_bucket ? word.bucket : 0} + weight;
  if (sum >= bucket_limit_) throw std::overflow_error("a weight bucket does not fit its width");
  word = {true, 0, static_cast<std::uint32_t>(sum)};
}

std::uint32_t TableLane::take(std::size_t address) {
  Word& word = words_.at(address);
  const std::uint32_t bucket = word.is_bucket ? word.bucket : 0;
  word = {true, 0, 0};
  return bucket;
}

}  // namespace aqpim::golden
