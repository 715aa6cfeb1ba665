// SPDX-License-Identifier: Apache-2.0
//
// Arrays between C++ and Python, without numpy's C interface: pybind11 of Debian 12 misreads that
// of numpy 2. An array goes out as a tuple (dtype, shape, bytes), and comes in as a buffer.
#pragma once

#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <cstdint>
#include <cstring>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <vector>

namespace aqpim::python {

namespace py = pybind11;

// numpy's name of an element format, little-endian.
template <typename Element>
const char* dtype_of() {
  if constexpr (std::is_same_v<Element, float>) return "<f4";
  if constexpr (std::is_same_v<Element, double>) return "<f8";
  if constexpr (std::is_same_v<Element, std::int8_t>) return "i1";
  if constexpr (std::is_same_v<Element, std::uint8_t>) return "u1";
  if constexpr (std::is_same_v<Element, std::uint16_t>) return "<u2";
  if constexpr (std::is_same_v<Element, std::int32_t>) return "<i4";
  if constexpr (std::is_same_v<Element, std::uint32_t>) return "<u4";
  if constexpr (std::is_same_v<Element, std::int64_t>) return "<i8";
}

template <typename Element>
py::tuple array(const std::vector<std::size_t>& shape, const std::vector<Element>& values) {
  return py::make_tuple(
      dtype_of<Element>(), py::tuple(py::cast(shape)),
      py::bytes(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(Element)));
}

template <typename Container>
py::tuple indices(const Container& values) {
  return array({values.size()}, std::vector<std::int64_t>(values.begin(), values.end()));
}

// The elements of a contiguous buffer; the package makes them of the right format.
template <typename Element>
std::vector<Element> elements(const py::buffer& buffer) {
  const py::buffer_info info = buffer.request();
  if (info.itemsize != static_cast<py::ssize_t>(sizeof(Element))) {
    throw std::invalid_argument("an array of another format");
  }
  std::vector<Element> result(static_cast<std::size_t>(info.size));
  if (!result.empty()) std::memcpy(result.data(), info.ptr, result.size() * sizeof(Element));
  return result;
}

}  // namespace aqpim::python
