// SPDX-License-Identifier: Apache-2.0
//
// What an engine is told to do, and what it answers: the types that the host software plans in,
// that the golden model executes and that the test bench plays through the RTL's pins.
//
// A register or stream word has WordBits/8 bytes, little endian: byte 0 is bits 7:0. Word layouts
// and register fields: docs/architecture.md.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <variant>
#include <vector>

#include "sw/config/pq_pkg.h"

namespace aqpim::golden {

// An engine without Quantize refuses kEncode … kUnload.
using pq_pkg::kOperations;
using pq_pkg::Operation;
using pq_pkg::RegisterSelect;

struct RegisterWrite {
  RegisterSelect select = RegisterSelect::kControl;
  unsigned index = 0;
  std::vector<std::uint8_t> data;  // one word

  bool operator==(const RegisterWrite&) const = default;
};

// An operation and the words it streams: bytes offset … offset + bytes − 1 of `stream`, which may
// be shared by many commands.
struct Command {
  Operation operation = Operation::kTable;
  // kScore, kAccumulate, kCombine: first of its kind in a tile. kLoad: the centroids are raw
  // tokens, floats as CONTROL says; otherwise binary16.
  bool first = false;
  unsigned tokens = 0;  // kScore, kAccumulate, kCluster
  std::shared_ptr<const std::vector<std::uint8_t>> stream;
  std::size_t offset = 0;
  std::size_t bytes = 0;

  bool operator==(const Command&) const = default;
};

// Reads all result words.
struct ReadResult {
  bool operator==(const ReadResult&) const = default;
};

// Reads the code words of the last vector that was encoded.
struct ReadCodes {
  bool operator==(const ReadCodes&) const = default;
};

using Step = std::variant<RegisterWrite, Command, ReadResult, ReadCodes>;
using Program = std::vector<Step>;

// Bits of Result::flags. They stick until CONTROL is written with its clear bit.
inline constexpr std::uint16_t kFlagNonfinite = 1u << 0;       // a query element was NaN or Inf
inline constexpr std::uint16_t kFlagQuerySaturated = 1u << 1;  // a query element did not fit
inline constexpr std::uint16_t kFlagTableSaturated = 1u << 2;  // a table entry did not fit
inline constexpr std::uint16_t kFlagScoreSaturated = 1u << 3;  // a score did not fit
inline constexpr std::uint16_t kFlagProtocol = 1u << 4;        // something was refused or dropped

struct Result {
  std::vector<std::int64_t> outputs;  // o [HeadDim], fraction WeightWidth, not divided by ℓ
  int maximum = 0;                    // m, integer, log2 domain
  std::uint32_t weight_sum = 0;       // ℓ, fraction WeightWidth
  std::uint16_t flags = 0;

  bool operator==(const Result&) const = default;
};

// What a program brings back, each in the order of its steps. A step that is refused brings
// nothing.
struct Answers {
  std::vector<Result> results;                      // of ReadResult
  std::vector<std::vector<std::uint8_t>> codes;     // of ReadCodes: TokenWords words
  std::vector<std::vector<std::uint8_t>> partials;  // of kUnload: K · RecordWords words

  bool operator==(const Answers&) const = default;
};

}  // namespace aqpim::golden
