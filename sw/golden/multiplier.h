// SPDX-License-Identifier: Apache-2.0
//
// One multiplier with several uses, from two small digit multipliers; twin of
// rtl/engine/pq_multiplier.sv, whose header has the idea.
#pragma once

#include <cstdint>

namespace aqpim::golden {

struct MultiplierOperands {
  bool combine = false;
  std::int32_t low = 0;     // signed 14 bit
  std::int32_t high = 0;    // signed 14 bit
  std::int32_t digit0 = 0;  // unsigned 5 bit
  std::int32_t digit1 = 0;  // signed 8 bit

  bool operator==(const MultiplierOperands&) const = default;
};

// low · digit0 + high · digit1 · 2^(combine ? 13 : 5); fits 32 bits for the operands below.
std::int32_t multiplier(const MultiplierOperands& operands);

// Operands whose product is query · element: query up to 14 bits signed, element int8.
MultiplierOperands table_operands(std::int32_t query, std::int8_t element);

// Operands whose product is bucket · mantissa: bucket up to 26 bits, mantissa 5 bits, both
// unsigned.
MultiplierOperands combine_operands(std::uint32_t bucket, std::uint32_t mantissa);

// Operands whose product is difference²: 13 bits signed.
MultiplierOperands square_operands(std::int32_t difference);

// Operands whose product is element · weight: element up to 14 bits signed, weight 8 bits unsigned.
MultiplierOperands weigh_operands(std::int32_t element, std::uint32_t weight);

}  // namespace aqpim::golden
