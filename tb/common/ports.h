// SPDX-License-Identifier: Apache-2.0
//
// Bits of a verilated port: an integer of 8, 16, 32 or 64 bits, or VlWide<N>. Both hold their bits
// little endian, so whole bytes may be copied as well.
#pragma once

#include <verilated.h>

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "sw/config/pq_pkg.h"

namespace aqpim::tb {

template <typename Port>
concept NarrowPort = std::unsigned_integral<Port>;

// The `width` bits of a port from `low` on, as an unsigned number of at most 64 bits.
template <NarrowPort Port>
std::uint64_t get(const Port& port, unsigned low, unsigned width) {
  const std::uint64_t mask = width == 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << width) - 1;
  return std::uint64_t{port} >> low & mask;
}

template <std::size_t words>
std::uint64_t get(const VlWide<words>& port, unsigned low, unsigned width) {
  std::uint64_t value = 0;
  for (unsigned done = 0; done < width;) {
    const unsigned bit = low + done;
    const unsigned count = std::min(32 - bit % 32, width - done);
    value |= get(port.m_storage[bit / 32], bit % 32, count) << done;
    done += count;
  }
  return value;
}

// The same as a signed number.
template <typename Port>
std::int64_t get_signed(const Port& port, unsigned low, unsigned width) {
  return static_cast<std::int64_t>(get(port, low, width) << (64 - width)) >> (64 - width);
}

// Sets them to the low bits of `value`; the others stay.
template <NarrowPort Port>
void put(Port& port, unsigned low, unsigned width, std::uint64_t value) {
  const std::uint64_t mask = width == 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << width) - 1;
  port = static_cast<Port>((std::uint64_t{port} & ~(mask << low)) | (value & mask) << low);
}

template <std::size_t words>
void put(VlWide<words>& port, unsigned low, unsigned width, std::uint64_t value) {
  for (unsigned done = 0; done < width;) {
    const unsigned bit = low + done;
    const unsigned count = std::min(32 - bit % 32, width - done);
    put(port.m_storage[bit / 32], bit % 32, count, value >> done);
    done += count;
  }
}

// A value of the package's enums, as it is on a port.
template <typename Enum>
constexpr unsigned number(Enum value) {
  static_assert(std::is_enum_v<Enum>);
  return static_cast<unsigned>(value);
}

// Bits of a member of a record: of the port, or of its part from `base` on.
template <typename Port>
unsigned get(const Port& port, pq_pkg::Field member, unsigned base = 0) {
  return static_cast<unsigned>(get(port, base + member.low, member.width));
}

template <typename Port>
void put(Port& port, pq_pkg::Field member, std::uint64_t value, unsigned base = 0) {
  put(port, base + member.low, member.width, value);
}

}  // namespace aqpim::tb
