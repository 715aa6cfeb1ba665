// SPDX-License-Identifier: Apache-2.0
//
// The FP16 unit of the area comparison against the compiler's binary16 arithmetic. An area counts
// only if the unit computes.
#include <doctest/doctest.h>

#include <array>
#include <bit>
#include <cmath>
#include <cstdint>

#include "tb/common/random.h"
#include "tb/unit/bench.h"
#include "tb/unit/header.h"
#include "tb/unit/models/fp16_adder.h"
#include "tb/unit/models/fp16_multiplier.h"
#include "tb/unit/models/fp16_unit.h"

namespace {

using namespace aqpim::tb;
using namespace aqpim::tb::unit;

_Float16 number(std::uint16_t bits) { return std::bit_cast<_Float16>(bits); }

// What the unit makes of a result: small ones are zero, NaN is infinity.
std::uint16_t stored(_Float16 value, bool negative) {
  const auto wide = static_cast<float>(value);
  const std::uint16_t sign = negative ? 0x8000 : 0;
  if (std::isnan(wide) || std::isinf(wide)) return sign | 0x7c00;
  if (std::fabs(wide) < 0x1p-14f) return sign;
  return std::bit_cast<std::uint16_t>(value);
}

// Numbers below 2^-14 count as zero.
_Float16 flushed(std::uint16_t bits) {
  return number((bits & 0x7c00) == 0 ? static_cast<std::uint16_t>(bits & 0x8000) : bits);
}

bool finite(std::uint16_t bits) { return (bits & 0x7c00) != 0x7c00; }

// A product that rounds up to 2^-14 counts as small, as its exponent was before rounding: the one
// place where the order of flushing and rounding shows.
bool on_the_edge(double exact) {
  return std::fabs(exact) < 0x1p-14 && std::fabs(exact) > 0x1.ff8p-15;
}

std::uint16_t product(std::uint16_t a, std::uint16_t b) {
  const bool negative = ((a ^ b) & 0x8000) != 0;
  if (!finite(a) || !finite(b)) return (negative ? 0x8000 : 0) | 0x7c00;
  return stored(flushed(a) * flushed(b), negative);
}

std::uint16_t sum(std::uint16_t a, std::uint16_t b) {
  const bool a_larger = (a & 0x7fff) >= (b & 0x7fff);
  // Opposite numbers cancel to +0, opposite infinities to +infinity.
  const bool cancels = (a ^ b) == 0x8000;
  const auto sign = static_cast<std::uint16_t>(cancels ? 0 : (a_larger ? a : b) & 0x8000);
  if (!finite(a) || !finite(b)) return sign | 0x7c00;
  const auto value = static_cast<_Float16>(flushed(a) + flushed(b));
  return stored(value, value < 0);
}

// Any bits, close exponents, ends of the range.
std::uint16_t operand(Random& random) {
  auto bits = static_cast<std::uint16_t>(random.bits(16));
  if (random.chance(1, 2))
    bits = static_cast<std::uint16_t>((bits & 0x83ff) | 0x3c00 | (bits & 0x400));
  if (random.chance(1, 16)) bits |= 0x03ff;
  if (random.chance(1, 16)) bits &= 0xfc00;
  return bits;
}

}  // namespace

TEST_CASE("pq_fp16_multiplier: equals binary16 multiplication, small numbers as zero") {
  Bench<fp16_multiplier_0::Model> bench;
  Random random(test_seed(), "pq_fp16_multiplier");
  Due<std::uint16_t> due(stated_cycles("fp16_multiplier"));
  for (std::uint64_t i = 0; i < test_iterations(200000); ++i) {
    std::uint16_t a = operand(random), b = operand(random);
    while (on_the_edge(static_cast<double>(flushed(a)) * static_cast<double>(flushed(b))))
      b = operand(random);
    bench->a_i = a;
    bench->b_i = b;
    bench.settle();
    if (const auto expected = due.next(product(a, b))) REQUIRE(bench->product_o == *expected);
    bench.clock();
  }
}

TEST_CASE("pq_fp16_adder: equals binary16 addition, small numbers as zero") {
  Bench<fp16_adder_0::Model> bench;
  Random random(test_seed(), "pq_fp16_adder");
  Due<std::uint16_t> due(stated_cycles("fp16_adder"));
  for (std::uint64_t i = 0; i < test_iterations(200000); ++i) {
    const std::uint16_t a = operand(random), b = operand(random);
    CAPTURE(a);
    CAPTURE(b);
    bench->a_i = a;
    bench->b_i = b;
    bench.settle();
    if (const auto expected = due.next(sum(a, b))) REQUIRE(bench->sum_o == *expected);
    bench.clock();
  }
}

TEST_CASE("pq_fp16_unit: three sums of products in turn, a word every cycle") {
  constexpr unsigned kLanes = 16, kRows = 32, kSums = 3;
  Bench<fp16_unit_0::Model> bench;
  Random random(test_seed(), "pq_fp16_unit");
  const auto small = [&] { return static_cast<std::uint16_t>(0x3400 + random.below(0x800)); };
  std::array<std::array<std::uint16_t, kLanes>, kRows> buffer;
  bench->word_valid_i = 0;
  bench->write_i = 1;
  for (unsigned row = 0; row < kRows; ++row) {
    bench->write_row_i = static_cast<std::uint8_t>(row);
    for (unsigned lane = 0; lane < kLanes; ++lane) {
      buffer[row][lane] = small();
      put(bench->write_data_i, 16 * lane, 16, buffer[row][lane]);
    }
    bench.clock();
  }
  bench->write_i = 0;

  using Sums = std::array<std::uint16_t, kLanes>;
  std::array<Sums, kSums> sums{};
  Due<Sums> due(stated_cycles("fp16_unit"));
  bench->word_valid_i = 1;
  for (unsigned step = 0; step < 300; ++step) {
    const unsigned row = step / kSums % kRows;
    const bool first = row == 0;
    bench->row_i = static_cast<std::uint8_t>(row);
    bench->first_i = first;
    Sums& mine = sums[step % kSums];
    for (unsigned lane = 0; lane < kLanes; ++lane) {
      const std::uint16_t element = small();
      put(bench->word_i, 16 * lane, 16, element);
      mine[lane] = sum(product(element, buffer[row][lane]), first ? 0 : mine[lane]);
    }
    bench.settle();
    if (const auto expected = due.next(mine)) {
      REQUIRE(bench->sum_valid_o == 1);
      for (unsigned lane = 0; lane < kLanes; ++lane) {
        REQUIRE(get(bench->sum_o, 16 * lane, 16) == (*expected)[lane]);
      }
    } else {
      REQUIRE(bench->sum_valid_o == 0);
    }
    bench.clock();
  }
}
