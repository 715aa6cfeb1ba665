// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <stdexcept>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace aqpim::workload {

// Element formats of safetensors whose values can be read.
enum class Dtype {
  kBool,
  kU8,
  kI8,
  kU16,
  kI16,
  kF16,
  kBf16,
  kU32,
  kI32,
  kF32,
  kU64,
  kI64,
  kF64,
};

std::string_view dtype_name(Dtype dtype);  // as in the file: "F16", "BF16", "I64", ...
std::optional<Dtype> dtype_from_name(std::string_view name);
std::size_t dtype_bytes(Dtype dtype);
// Bits of an element of any format that safetensors 0.8 knows, e.g. 4 for "F4" and 64 for "C64".
std::optional<unsigned> dtype_bits(std::string_view name);

// A dense array, row-major, elements little-endian.
struct Tensor {
  Dtype dtype = Dtype::kF32;
  std::vector<std::size_t> shape;
  std::vector<std::uint8_t> bytes;

  std::size_t elements() const { return bytes.size() / dtype_bytes(dtype); }
  bool operator==(const Tensor&) const = default;
};

namespace detail {
template <typename T>
constexpr Dtype dtype_of() {
  if constexpr (std::is_same_v<T, float>) return Dtype::kF32;
  if constexpr (std::is_same_v<T, double>) return Dtype::kF64;
  if constexpr (std::is_same_v<T, std::uint8_t>) return Dtype::kU8;
  if constexpr (std::is_same_v<T, std::int8_t>) return Dtype::kI8;
  if constexpr (std::is_same_v<T, std::uint16_t>) return Dtype::kU16;
  if constexpr (std::is_same_v<T, std::int16_t>) return Dtype::kI16;
  if constexpr (std::is_same_v<T, std::uint32_t>) return Dtype::kU32;
  if constexpr (std::is_same_v<T, std::int32_t>) return Dtype::kI32;
  if constexpr (std::is_same_v<T, std::uint64_t>) return Dtype::kU64;
  if constexpr (std::is_same_v<T, std::int64_t>) return Dtype::kI64;
}
}  // namespace detail

// A tensor of these values; their number must be the product of the shape (std::logic_error if
// not).
Tensor make_tensor(Dtype dtype, std::vector<std::size_t> shape, std::vector<std::uint8_t> bytes);

template <typename T>
Tensor make_tensor(std::vector<std::size_t> shape, std::span<const T> values) {
  std::vector<std::uint8_t> bytes(values.size_bytes());
  if (!bytes.empty()) std::memcpy(bytes.data(), values.data(), bytes.size());
  return make_tensor(detail::dtype_of<T>(), std::move(shape), std::move(bytes));
}

template <typename T>
Tensor make_tensor(std::vector<std::size_t> shape, const std::vector<T>& values) {
  return make_tensor(std::move(shape), std::span<const T>(values));
}

// The elements as stored; throws std::logic_error if T is not the tensor's format.
template <typename T>
std::vector<T> values_of(const Tensor& tensor) {
  if (tensor.dtype != detail::dtype_of<T>()) throw std::logic_error("a tensor of another format");
  std::vector<T> values(tensor.elements());
  if (!values.empty()) std::memcpy(values.data(), tensor.bytes.data(), tensor.bytes.size());
  return values;
}

// The elements of an F16, BF16 or F32 tensor, exactly.
std::vector<float> to_floats(const Tensor& tensor);

}  // namespace aqpim::workload
