// SPDX-License-Identifier: Apache-2.0
#include "sw/cache/formats.h"

#include <doctest/doctest.h>

#include <cmath>
#include <set>
#include <vector>

namespace {

using namespace aqpim::cache;

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

TEST_CASE("scale: the largest magnitude becomes 127 or 1984 and nothing clips") {
  for (const double largest : {1.0, 0.3, 1e-20, 12345.678, 3e38}) {
    const float key_scale = stored_scale(largest, false);
    CHECK(encode_int8(largest, key_scale) == 127);
    CHECK(encode_int8(-largest, key_scale) == -127);
    for (const double value : {largest, 0.5 * largest, -0.001 * largest, 0.0}) {
      const double decoded = encode_int8(value, key_scale) * static_cast<double>(key_scale);
      CHECK(std::fabs(decoded - value) <= 0.5000001 * static_cast<double>(key_scale));
    }
    const auto value_scale = static_cast<double>(stored_scale(largest, true));
    CHECK(largest / value_scale == doctest::Approx(1984.0).epsilon(1e-6));
  }
}

TEST_CASE("scale: zeros, and magnitudes below the normal floats") {
  CHECK(stored_scale(0.0, false) == 0.0f);
  CHECK(stored_scale(0.0, true) == 0.0f);
  CHECK(encode_int8(0.0, 0.0f) == 0);
  const float scale = stored_scale(1e-42, false);
  CHECK(std::isnormal(scale));
  CHECK(encode_int8(1e-42, scale) == 0);
}
