// SPDX-License-Identifier: Apache-2.0
#include "sw/golden/centroid_group.h"

#include "sw/golden/e3m4.h"
#include "sw/golden/multiplier.h"

namespace aqpim::golden {

Rounded table_entry(std::span<const std::int32_t> query, std::span<const std::int8_t> elements,
                    unsigned shift, unsigned entry_width) {
  std::int64_t dot = 0;
  for (std::size_t i = 0; i < query.size(); ++i) {
    dot += multiplier(table_operands(query[i], elements[i]));
  }
  return round_saturate(dot, shift, entry_width);
}

std::int64_t weighted_element(std::uint32_t bucket, std::uint8_t element) {
  const E3m4 parts = unpack_e3m4(element);
  const std::int64_t product = multiplier(combine_operands(bucket, parts.mantissa));
  const std::int64_t magnitude = product << parts.power;
  return parts.negative ? -magnitude : magnitude;
}

std::uint32_t squared_distance(std::span<const std::int32_t> vector,
                               std::span<const std::int32_t> centroid) {
  std::uint32_t distance = 0;
  for (std::size_t i = 0; i < vector.size(); ++i) {
    const std::int32_t product = multiplier(square_operands(vector[i] - centroid[i]));
    distance += static_cast<std::uint32_t>(product);
  }
  return distance;
}

std::int32_t weighted_token(std::int32_t element, std::uint32_t weight) {
  return multiplier(weigh_operands(element, weight));
}

}  // namespace aqpim::golden
