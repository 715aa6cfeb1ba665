// SPDX-License-Identifier: Apache-2.0
//
// Seeded randomness of the test benches. Every agent draws from its own stream, derived from the
// run's seed and the agent's name, so that adding an agent does not change the values of the
// others. Draws are our own: the standard's distributions differ between libraries.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <initializer_list>
#include <limits>
#include <random>
#include <stdexcept>
#include <string>
#include <string_view>

namespace aqpim {

class Random {
 public:
  Random(std::uint64_t seed, std::string_view agent) : engine_(derive(seed, agent)) {}

  // 64 random bits.
  std::uint64_t bits() { return engine_(); }

  // `count` random bits, 0 … 64.
  std::uint64_t bits(unsigned count) { return count == 0 ? 0 : engine_() >> (64 - count); }

  // 0 … bound − 1; bound ≥ 1.
  std::uint64_t below(std::uint64_t bound) {
    // Draws beyond the last whole multiple of bound would favour small values.
    const std::uint64_t excess = (std::numeric_limits<std::uint64_t>::max() % bound + 1) % bound;
    std::uint64_t draw = engine_();
    while (draw > std::numeric_limits<std::uint64_t>::max() - excess) draw = engine_();
    return draw % bound;
  }

  // low … high.
  std::int64_t between(std::int64_t low, std::int64_t high) {
    const auto span = static_cast<std::uint64_t>(high) - static_cast<std::uint64_t>(low);
    const std::uint64_t offset =
        span == std::numeric_limits<std::uint64_t>::max() ? bits() : below(span + 1);
    return static_cast<std::int64_t>(static_cast<std::uint64_t>(low) + offset);
  }

  // True in `numerator` of `denominator` cases.
  bool chance(std::uint64_t numerator, std::uint64_t denominator) {
    return below(denominator) < numerator;
  }

  template <typename T>
  T pick(std::initializer_list<T> values) {
    return values.begin()[below(values.size())];
  }

  template <typename Container>
  const auto& pick(const Container& values) {
    return values[static_cast<std::size_t>(below(values.size()))];
  }

 private:
  // FNV-1a of the name, then the finalizer of splitmix64 over both.
  static std::uint64_t derive(std::uint64_t seed, std::string_view agent) {
    std::uint64_t hash = 0xcbf29ce484222325u;
    for (const char letter : agent) {
      hash = (hash ^ static_cast<unsigned char>(letter)) * 0x100000001b3u;
    }
    std::uint64_t mixed = hash + seed * 0x9e3779b97f4a7c15u;
    mixed = (mixed ^ mixed >> 30) * 0xbf58476d1ce4e5b9u;
    mixed = (mixed ^ mixed >> 27) * 0x94d049bb133111ebu;
    return mixed ^ mixed >> 31;
  }

  std::mt19937_64 engine_;
};

// The number in environment variable `name`, or `otherwise` if it is not set.
inline std::uint64_t number_from_environment(const char* name, std::uint64_t otherwise) {
  const char* text = std::getenv(name);
  if (text == nullptr || *text == '\0') return otherwise;
  std::size_t used = 0;
  std::uint64_t number = 0;
  try {
    number = std::stoull(text, &used);
  } catch (const std::exception&) {
    used = 0;
  }
  if (used == 0 || text[used] != '\0' || *text == '-') {
    throw std::runtime_error(std::string(name) + " must be a number, not \"" + text + "\"");
  }
  return number;
}

// Seed of a test run: AQPIM_SEED, or 1.
inline std::uint64_t test_seed() { return number_from_environment("AQPIM_SEED", 1); }

// Random cases of a test: AQPIM_ITERATIONS, or what the test asks for.
inline std::uint64_t test_iterations(std::uint64_t usual) {
  return number_from_environment("AQPIM_ITERATIONS", usual);
}

}  // namespace aqpim
