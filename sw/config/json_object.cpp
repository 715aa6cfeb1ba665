// SPDX-License-Identifier: Apache-2.0
#include "sw/config/json_object.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <utility>

#include "sw/config/error.h"
#include "sw/config/json.h"

namespace aqpim {

using nlohmann::json;

namespace {

// A value for a sentence: its beginning, if it is long.
std::string shown(const json& value) {
  constexpr std::size_t kLongest = 80;
  const std::string text = value.dump(-1, ' ', true);
  return text.size() <= kLongest ? text : text.substr(0, kLongest) + "...";
}

}  // namespace

JsonObject::JsonObject(std::string where, const json& value)
    : where_(std::move(where)), value_(value) {
  if (!value_.is_object()) throw InputError(fmt::format("{} must be a JSON object", where_));
}

const json& JsonObject::member(const char* key) {
  known_.insert(key);
  const auto found = value_.find(key);
  if (found == value_.end()) {
    throw InputError(fmt::format("{} lacks the key \"{}\"", where_, key));
  }
  return *found;
}

std::string JsonObject::text(const char* key) {
  const json& value = member(key);
  if (!value.is_string()) throw InputError(fmt::format("{}: {} must be a string", where_, key));
  return value.get<std::string>();
}

unsigned JsonObject::one_of(const char* key, std::initializer_list<unsigned> allowed) {
  const json& value = member(key);
  if (value.is_number_unsigned()) {
    const auto number = value.get<std::uint64_t>();
    for (const unsigned candidate : allowed) {
      if (candidate == number) return candidate;
    }
  }
  throw InputError(fmt::format("{}: {} is {}, allowed are {}", where_, key, shown(value),
                               fmt::join(allowed, ", ")));
}

unsigned JsonObject::in_range(const char* key, unsigned low, unsigned high, unsigned multiple_of) {
  const json& value = member(key);
  if (value.is_number_unsigned()) {
    const auto number = value.get<std::uint64_t>();
    if (number >= low && number <= high && number % multiple_of == 0) {
      return static_cast<unsigned>(number);
    }
  }
  const std::string multiples =
      multiple_of == 1 ? "" : fmt::format(", multiples of {}", multiple_of);
  throw InputError(fmt::format("{}: {} is {}, allowed are {} to {}{}", where_, key, shown(value),
                               low, high, multiples));
}

unsigned JsonObject::power_of_two(const char* key, unsigned low, unsigned high) {
  const json& value = member(key);
  if (value.is_number_unsigned()) {
    const auto number = value.get<std::uint64_t>();
    if (number >= low && number <= high && std::has_single_bit(number)) {
      return static_cast<unsigned>(number);
    }
  }
  throw InputError(fmt::format("{}: {} is {}, allowed are powers of two from {} to {}", where_, key,
                               shown(value), low, high));
}

std::vector<unsigned> JsonObject::list_in_range(const char* key, unsigned low, unsigned high) {
  const json& value = member(key);
  std::vector<unsigned> list;
  const auto fits = [&](const json& entry) {
    return entry.is_number_unsigned() && entry.get<std::uint64_t>() >= low &&
           entry.get<std::uint64_t>() <= high;
  };
  if (!value.is_array() || value.empty() || !std::ranges::all_of(value, fits)) {
    throw InputError(fmt::format("{}: {} is {}, allowed is a list of numbers from {} to {}", where_,
                                 key, shown(value), low, high));
  }
  for (const json& entry : value) list.push_back(entry.get<unsigned>());
  return list;
}

double JsonObject::positive(const char* key) {
  const json& value = member(key);
  // Numbers too large for a double are infinite.
  if (value.is_number() && value.get<double>() > 0.0 && std::isfinite(value.get<double>())) {
    return value.get<double>();
  }
  throw InputError(
      fmt::format("{}: {} is {}, but must be a number above 0", where_, key, shown(value)));
}

void JsonObject::nothing_else() const {
  for (const auto& [key, value] : value_.items()) {
    if (!known_.contains(key)) {
      throw InputError(fmt::format("{} has the unknown key {}, known are {}", where_,
                                   in_quotes(key), fmt::join(known_, ", ")));
    }
  }
}

}  // namespace aqpim
