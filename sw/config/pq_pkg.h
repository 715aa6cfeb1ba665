// SPDX-License-Identifier: Apache-2.0
//
// Made by sim/package_header.py of rtl/common/pq_pkg.sv, which says what each name means: change it
// there.
#pragma once

#include <cstddef>
#include <cstdint>

namespace aqpim::pq_pkg {

inline constexpr unsigned kBeatBits = 256;
inline constexpr unsigned kEngineCommandBits = 30;
inline constexpr unsigned kEngineReadBits = 8;
inline constexpr unsigned kRowCommandBits = 19;
inline constexpr unsigned kBusAddressBits = 48;
inline constexpr unsigned kBusRequestBits = 44;
inline constexpr unsigned kWorkBits = 157;
inline constexpr unsigned kTransferBits = 17;
inline constexpr unsigned kReducerPassBits = 3;

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

enum class AttendOperation : std::uint8_t {
  kTurn,
  kScore,
  kAccumulate,
};
inline constexpr std::size_t kAttendOperations = 3;

enum class AttendBusKind : std::uint8_t {
  kTokens,
  kControl,
  kParameters,
};
inline constexpr std::size_t kAttendBusKinds = 3;

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

// Bits of a record's member: low and above.
struct Field {
  unsigned low;
  unsigned width;
};

namespace engine_command {
inline constexpr Field operation = {27, 3};
inline constexpr Field first = {26, 1};
inline constexpr Field skip = {13, 13};
inline constexpr Field tokens = {0, 13};
}  // namespace engine_command

namespace engine_write {
inline constexpr Field kind = {5, 3};
inline constexpr Field index = {0, 5};
}  // namespace engine_write

namespace engine_read {
inline constexpr Field kind = {6, 2};
inline constexpr Field index = {0, 6};
}  // namespace engine_read

namespace row_command {
inline constexpr Field kind = {17, 2};
inline constexpr Field slot = {16, 1};
inline constexpr Field row = {0, 16};
}  // namespace row_command

namespace bus_address {
inline constexpr Field bank = {32, 16};
inline constexpr Field row = {16, 16};
inline constexpr Field column = {0, 16};
}  // namespace bus_address

namespace bus_request {
inline constexpr Field kind = {41, 3};
inline constexpr Field engine = {35, 6};
inline constexpr Field tag = {27, 8};
inline constexpr Field beat = {11, 16};
inline constexpr Field to = {8, 3};
inline constexpr Field index = {2, 6};
inline constexpr Field record = {1, 1};
inline constexpr Field buffered = {0, 1};
}  // namespace bus_request

namespace host_command {
inline constexpr Field tag = {167, 8};
inline constexpr Field opcode = {163, 4};
inline constexpr Field rank = {162, 1};
inline constexpr Field place = {160, 2};
inline constexpr Field fields = {0, 160};
}  // namespace host_command

namespace host_answer {
inline constexpr Field tag = {4, 8};
inline constexpr Field code = {0, 4};
}  // namespace host_answer

namespace host_beat {
inline constexpr Field tag = {16, 8};
inline constexpr Field beat = {0, 16};
}  // namespace host_beat

namespace work {
inline constexpr Field tag = {149, 8};
inline constexpr Field kind = {146, 3};
inline constexpr Field joint = {145, 1};
inline constexpr Field values = {144, 1};
inline constexpr Field row0 = {128, 16};
inline constexpr Field row1 = {112, 16};
inline constexpr Field row2 = {96, 16};
inline constexpr Field row3 = {80, 16};
inline constexpr Field count = {64, 16};
inline constexpr Field beats = {48, 16};
inline constexpr Field first = {32, 16};
inline constexpr Field bank = {16, 16};
inline constexpr Field window_rows = {0, 16};
}  // namespace work

namespace transfer {
inline constexpr Field tag = {9, 8};
inline constexpr Field kind = {7, 2};
inline constexpr Field beats = {1, 6};
inline constexpr Field each = {0, 1};
}  // namespace transfer

namespace reducer_pass {
inline constexpr Field joint = {2, 1};
inline constexpr Field values = {1, 1};
inline constexpr Field last = {0, 1};
}  // namespace reducer_pass

}  // namespace aqpim::pq_pkg
