// SPDX-License-Identifier: Apache-2.0
#include "sw/workload/tensor.h"

#include <doctest/doctest.h>

#include <bit>
#include <cmath>
#include <cstdint>
#include <stdexcept>

namespace {

using aqpim::workload::Dtype;
using aqpim::workload::make_tensor;
using aqpim::workload::Tensor;
using aqpim::workload::to_floats;

float decode(Dtype dtype, std::uint16_t bits) {
  return to_floats(make_tensor(
      dtype, {1},
      {static_cast<std::uint8_t>(bits & 0xff), static_cast<std::uint8_t>(bits >> 8)}))[0];
}

}  // namespace

TEST_CASE("tensor: binary16 is decoded exactly, subnormals and both infinities included") {
  CHECK(decode(Dtype::kF16, 0x0000) == 0.0f);
  CHECK(std::signbit(decode(Dtype::kF16, 0x8000)));
  CHECK(decode(Dtype::kF16, 0x0001) == 0x1p-24f);
  CHECK(decode(Dtype::kF16, 0x83ff) == -0x1.ff8p-15f);
  CHECK(decode(Dtype::kF16, 0x0400) == 0x1p-14f);
  CHECK(decode(Dtype::kF16, 0x3c00) == 1.0f);
  CHECK(decode(Dtype::kF16, 0xc248) == -3.140625f);
  CHECK(decode(Dtype::kF16, 0x7bff) == 65504.0f);
  CHECK(decode(Dtype::kF16, 0x7c00) == INFINITY);
  CHECK(decode(Dtype::kF16, 0xfc00) == -INFINITY);
  CHECK(std::isnan(decode(Dtype::kF16, 0x7c01)));
  CHECK(std::isnan(decode(Dtype::kF16, 0xfe00)));
}

TEST_CASE("tensor: bfloat16 is the upper half of binary32") {
  CHECK(decode(Dtype::kBf16, 0x3f80) == 1.0f);
  CHECK(decode(Dtype::kBf16, 0xc049) == -3.140625f);
  CHECK(decode(Dtype::kBf16, 0x0001) == std::bit_cast<float>(0x00010000u));
  CHECK(decode(Dtype::kBf16, 0xff80) == -INFINITY);
  CHECK(std::isnan(decode(Dtype::kBf16, 0x7fc0)));
}

TEST_CASE("tensor: binary16 values of falling patterns fall") {
  for (std::uint16_t bits = 1; bits <= 0x7c00; ++bits) {
    REQUIRE(decode(Dtype::kF16, bits) > decode(Dtype::kF16, bits - 1));
    REQUIRE(decode(Dtype::kF16, bits | 0x8000) == -decode(Dtype::kF16, bits));
  }
}

TEST_CASE("tensor: values come back as they were stored, in their own format only") {
  const std::vector<std::int64_t> values = {-1, 0, INT64_MAX};
  const Tensor tensor = make_tensor<std::int64_t>({3, 1}, values);
  CHECK(tensor.dtype == Dtype::kI64);
  CHECK(tensor.elements() == 3);
  CHECK(aqpim::workload::values_of<std::int64_t>(tensor) == values);
  CHECK_THROWS_AS(aqpim::workload::values_of<std::uint64_t>(tensor), std::logic_error);
  CHECK_THROWS_AS(to_floats(tensor), std::logic_error);
}

TEST_CASE("tensor: values that do not fill the shape are refused") {
  CHECK_THROWS_AS(make_tensor<float>({2, 2}, std::vector<float>(3)), std::logic_error);
  CHECK(make_tensor<float>({}, std::vector<float>(1)).elements() == 1);
  CHECK(make_tensor<float>({0, 5}, std::vector<float>()).elements() == 0);
}

TEST_CASE("tensor: each dtype has a name of its own") {
  constexpr Dtype kAll[] = {Dtype::kBool, Dtype::kU8,   Dtype::kI8,  Dtype::kU16, Dtype::kI16,
                            Dtype::kF16,  Dtype::kBf16, Dtype::kU32, Dtype::kI32, Dtype::kF32,
                            Dtype::kU64,  Dtype::kI64,  Dtype::kF64};
  for (const Dtype dtype : kAll) {
    const std::string_view name = aqpim::workload::dtype_name(dtype);
    CHECK(aqpim::workload::dtype_from_name(name) == dtype);
    CHECK(aqpim::workload::dtype_bits(name) == 8 * aqpim::workload::dtype_bytes(dtype));
  }
  CHECK(!aqpim::workload::dtype_from_name("f16"));
  CHECK(!aqpim::workload::dtype_from_name(""));
}
