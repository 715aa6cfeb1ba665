// SPDX-License-Identifier: Apache-2.0
//
// Made by sim/package_header.py of rtl/common/pq_pkg.sv, which says what each name means: change it
// there.
#pragma once

#include <cstddef>
#include <cstdint>

namespace aqpim::pq_pkg {

inline constexpr unsigned kBeatBits = 256;

enum class Operation : std::uint8_t {
  kTable,
  kScore,
  kAccumulate,
  kCombine,
  kEncode,
  kLoad,
  kCluster,
  kUnload,
};
inline constexpr std::size_t kOperations = 8;

enum class RegisterSelect : std::uint8_t {
  kControl,
  kQuery,
  kShift,
  kBias,
};
inline constexpr std::size_t kRegisterSelects = 4;

enum class QuantizerOperation : std::uint8_t {
  kLoad,
  kCluster,
  kUpdate,
  kCodebook,
  kEncode,
};
inline constexpr std::size_t kQuantizerOperations = 5;

enum class BusKind : std::uint8_t {
  kStream,
  kTokens,
  kControl,
  kShift,
  kQuery,
  kBias,
};
inline constexpr std::size_t kBusKinds = 6;

enum class ReadKind : std::uint8_t {
  kResult,
  kRecord,
  kCodes,
  kStatus,
};
inline constexpr std::size_t kReadKinds = 4;

enum class PhaseSource : std::uint8_t {
  kLocal,
  kLocalWrite,
  kBroadcast,
  kRead,
  kWrite,
  kRecords,
  kStart,
  kCentroids,
};
inline constexpr std::size_t kPhaseSources = 8;

enum class RowKind : std::uint8_t {
  kActAll,
  kPreAll,
  kRef,
};
inline constexpr std::size_t kRowKinds = 3;

enum class ColumnKind : std::uint8_t {
  kRd,
  kWr,
  kBroadcast,
  kRdAll,
  kWrAll,
  kEngineRd,
  kEngineWr,
  kEngineWrAll,
};
inline constexpr std::size_t kColumnKinds = 8;

enum class BankSet : std::uint8_t {
  kAll,
  kEven,
  kOdd,
};
inline constexpr std::size_t kBankSets = 3;

enum class HostOpcode : std::uint8_t {
  kSetConfig,
  kWrite,
  kRead,
  kSetQuery,
  kSetVectors,
  kAttend,
  kResult,
  kEncode,
  kCluster,
};
inline constexpr std::size_t kHostOpcodes = 9;

enum class AnswerCode : std::uint8_t {
  kOk,
  kIllegal,
  kQueueFull,
  kShape,
  kAddress,
  kCodeFull,
  kNotReady,
  kPending,
};
inline constexpr std::size_t kAnswerCodes = 8;

enum class WorkKind : std::uint8_t {
  kWrite,
  kRead,
  kAttend,
  kEncode,
  kCluster,
};
inline constexpr std::size_t kWorkKinds = 5;

enum class TransferKind : std::uint8_t {
  kQuery,
  kVectors,
  kResult,
};
inline constexpr std::size_t kTransferKinds = 3;

}  // namespace aqpim::pq_pkg
