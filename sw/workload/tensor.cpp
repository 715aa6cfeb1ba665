// SPDX-License-Identifier: Apache-2.0
#include "sw/workload/tensor.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <limits>
#include <stdexcept>

namespace aqpim::workload {

static_assert(std::endian::native == std::endian::little, "safetensors files are little-endian");

namespace {

struct DtypeFacts {
  Dtype dtype;
  std::string_view name;
  std::size_t bytes;
};

constexpr std::array kDtypes = {
    DtypeFacts{Dtype::kBool, "BOOL", 1}, DtypeFacts{Dtype::kU8, "U8", 1},
    DtypeFacts{Dtype::kI8, "I8", 1},     DtypeFacts{Dtype::kU16, "U16", 2},
    DtypeFacts{Dtype::kI16, "I16", 2},   DtypeFacts{Dtype::kF16, "F16", 2},
    DtypeFacts{Dtype::kBf16, "BF16", 2}, DtypeFacts{Dtype::kU32, "U32", 4},
    DtypeFacts{Dtype::kI32, "I32", 4},   DtypeFacts{Dtype::kF32, "F32", 4},
    DtypeFacts{Dtype::kU64, "U64", 8},   DtypeFacts{Dtype::kI64, "I64", 8},
    DtypeFacts{Dtype::kF64, "F64", 8},
};

// Formats whose values nobody here needs.
constexpr std::array<std::pair<std::string_view, unsigned>, 9> kBitsOfOthers = {{
    {"F4", 4},
    {"F6_E2M3", 6},
    {"F6_E3M2", 6},
    {"F8_E4M3", 8},
    {"F8_E4M3FNUZ", 8},
    {"F8_E5M2", 8},
    {"F8_E5M2FNUZ", 8},
    {"F8_E8M0", 8},
    {"C64", 64},
}};

const DtypeFacts& facts(Dtype dtype) {
  return *std::ranges::find(kDtypes, dtype, &DtypeFacts::dtype);
}

float half_to_float(std::uint16_t bits) {
  const int exponent = (bits >> 10) & 0x1f;
  const int fraction = bits & 0x3ff;
  const float sign = (bits & 0x8000) != 0 ? -1.0f : 1.0f;
  if (exponent == 0x1f) {
    return fraction != 0 ? std::numeric_limits<float>::quiet_NaN()
                         : sign * std::numeric_limits<float>::infinity();
  }
  const int significand = exponent == 0 ? fraction : fraction + 0x400;
  return sign * std::ldexp(static_cast<float>(significand), std::max(exponent, 1) - 25);
}

float bfloat16_to_float(std::uint16_t bits) {
  return std::bit_cast<float>(static_cast<std::uint32_t>(bits) << 16);
}

std::vector<float> widen(const Tensor& tensor, float (*convert)(std::uint16_t)) {
  std::vector<float> values(tensor.elements());
  for (std::size_t i = 0; i < values.size(); ++i) {
    std::uint16_t pattern = 0;
    std::memcpy(&pattern, &tensor.bytes[2 * i], sizeof pattern);
    values[i] = convert(pattern);
  }
  return values;
}

}  // namespace

std::string_view dtype_name(Dtype dtype) { return facts(dtype).name; }

std::size_t dtype_bytes(Dtype dtype) { return facts(dtype).bytes; }

std::optional<Dtype> dtype_from_name(std::string_view name) {
  const auto found = std::ranges::find(kDtypes, name, &DtypeFacts::name);
  if (found == kDtypes.end()) return std::nullopt;
  return found->dtype;
}

std::optional<unsigned> dtype_bits(std::string_view name) {
  if (const auto dtype = dtype_from_name(name)) return 8 * dtype_bytes(*dtype);
  for (const auto& [other, bits] : kBitsOfOthers) {
    if (other == name) return bits;
  }
  return std::nullopt;
}

Tensor make_tensor(Dtype dtype, std::vector<std::size_t> shape, std::vector<std::uint8_t> bytes) {
  std::size_t size = dtype_bytes(dtype);
  for (const std::size_t extent : shape) size *= extent;
  if (size != bytes.size()) throw std::logic_error("a tensor's values do not fill its shape");
  return {.dtype = dtype, .shape = std::move(shape), .bytes = std::move(bytes)};
}

std::vector<float> to_floats(const Tensor& tensor) {
  switch (tensor.dtype) {
    case Dtype::kF16:
      return widen(tensor, half_to_float);
    case Dtype::kBf16:
      return widen(tensor, bfloat16_to_float);
    case Dtype::kF32:
      return values_of<float>(tensor);
    default:
      throw std::logic_error("only F16, BF16 and F32 tensors have float values");
  }
}

}  // namespace aqpim::workload
