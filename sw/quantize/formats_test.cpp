// SPDX-License-Identifier: Apache-2.0
#include "sw/quantize/formats.h"

#include <doctest/doctest.h>

#include <array>
#include <cmath>
#include <set>
#include <vector>

namespace {

using namespace aqpim::quantize;

}  // namespace

TEST_CASE("E3M4: decoding follows the formula for every byte") {
  for (int byte = 0; byte < 256; ++byte) {
    const int e = (byte >> 4) & 7;
    const int m = byte & 15;
    const int magnitude = (e != 0 ? 16 + m : m) * (1 << (std::max(e, 1) - 1));
    CHECK(decode_minifloat(static_cast<std::uint8_t>(byte)) ==
          (byte < 128 ? magnitude : -magnitude));
  }
  CHECK(decode_minifloat(0x7f) == kLargestMinifloat);
}

TEST_CASE("E3M4: every byte but -0 survives decoding and encoding, and -0 becomes 0") {
  for (int byte = 0; byte < 256; ++byte) {
    const auto code = static_cast<std::uint8_t>(byte);
    const std::uint8_t again = encode_minifloat(decode_minifloat(code));
    CHECK(again == (byte == 0x80 ? 0 : code));
  }
  CHECK(encode_minifloat(-0.0) == 0);
  CHECK(encode_minifloat(-0.4) == 0);
  CHECK(encode_minifloat(-0.5) == 0);
}

TEST_CASE("E3M4: encoding takes the nearest value, ties the even mantissa") {
  for (int code = 0; code < 127; ++code) {
    const int low = decode_minifloat(static_cast<std::uint8_t>(code));
    const int high = decode_minifloat(static_cast<std::uint8_t>(code + 1));
    CHECK(high > low);
    const double middle = 0.5 * (low + high);
    CHECK(encode_minifloat(middle) == (code % 2 == 0 ? code : code + 1));
    CHECK(encode_minifloat(middle - 1e-9) == code);
    CHECK(encode_minifloat(middle + 1e-9) == code + 1);
    CHECK(encode_minifloat(-middle - 1e-9) == ((code + 1) | 0x80));
  }
}

TEST_CASE("E3M4: magnitudes beyond the largest are held") {
  CHECK(encode_minifloat(1e30) == 0x7f);
  CHECK(encode_minifloat(-2016.0) == 0xff);
}

TEST_CASE("E3M4: the exponent is the smallest that does not clip") {
  for (const double largest : {1984.0, 1984.0001, 992.0, 1.0, 1e-30, 3.4e38, 0.1, 1e-300}) {
    const int e = minifloat_exponent(std::array{0.0, -largest, largest / 3});
    CHECK(largest <= std::ldexp(1984.0, e));
    CHECK(largest > std::ldexp(1984.0, e - 1));
  }
  CHECK(minifloat_exponent(std::array{0.0, 0.0}) == 0);
}

TEST_CASE("int8: the largest magnitude becomes 127 and nothing clips") {
  for (const double largest : {1.0, 0.3, 1e-20, 12345.678, 3e38}) {
    const std::vector<double> values{largest, -largest, 0.5 * largest, -0.001 * largest, 0.0};
    const float scale = int8_scale(values);
    CHECK(encode_int8(largest, scale) == 127);
    CHECK(encode_int8(-largest, scale) == -127);
    for (const double value : values) {
      const double decoded = encode_int8(value, scale) * static_cast<double>(scale);
      CHECK(std::fabs(decoded - value) <= 0.5000001 * static_cast<double>(scale));
    }
  }
}

TEST_CASE("int8: zeros, and magnitudes below the normal floats") {
  CHECK(int8_scale(std::array{0.0, -0.0}) == 0.0f);
  CHECK(encode_int8(0.0, 0.0f) == 0);
  const float scale = int8_scale(std::array{1e-42});
  CHECK(std::isnormal(scale));
  CHECK(encode_int8(1e-42, scale) == 0);
}
