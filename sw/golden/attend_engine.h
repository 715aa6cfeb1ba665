// SPDX-License-Identifier: Apache-2.0
//
// The attention-only engine, bit for bit and without time; twin of rtl/attend/pq_attend_engine.sv
// with all blocks below it.
//
// For a head of M sub-spaces of two channels and 16 centroids, and a window of tokens t:
//   TURN        o_m = Σ_c A[m][c] · CV_m,c of the window before, T[m][c] = q_m · CK_m,c
//   SCORE       s_t = Σ_m T[m][codeK[t][m]] + bias
//   ACCUMULATE  A[m][codeV[t][m]] += 2^(s_t − exponent), and their sum ℓ
// Formats, word layouts: docs/attend.md.
//
// What no command or register write has set is zero here and undefined in hardware: query and
// biases.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "sw/config/pq_pkg.h"
#include "sw/golden/program.h"
#include "sw/golden/table_lane.h"

namespace aqpim::golden {

using pq_pkg::AttendOperation;

// Parameters of pq_attend_engine; its checks say which are legal.
struct AttendConfig {
  static constexpr unsigned kBeatBytes = 32;
  static constexpr unsigned kSubDim = 2;
  static constexpr unsigned kCentroids = 16;
  static constexpr unsigned kEntryWidth = 16;
  static constexpr unsigned kScoreWidth = 16;
  static constexpr unsigned kScoreFraction = 8;
  static constexpr unsigned kWeightWidth = 14;
  static constexpr unsigned kGroupChannels = 16;  // of a beat of TURN
  static constexpr unsigned kBiasTokens = 128;    // tokens that share a bias
  static constexpr unsigned kMaxTokens = 16384;   // of a query

  unsigned head_dim = 128;
  unsigned bucket_width = 16;
  unsigned tile_depth = 1024;

  unsigned subspaces() const { return head_dim / kSubDim; }
  unsigned slots() const { return 128 / head_dim; }  // tokens in a beat of codes
  unsigned turn_beats() const { return head_dim / kGroupChannels * kCentroids; }
  // A window's weights may add up to more than a bucket holds.
  bool bounded() const { return tile_depth << kWeightWidth > 1u << bucket_width; }
  bool wide() const { return bucket_width + 12 > 32; }  // an output takes two beats
  unsigned output_beats() const { return head_dim / 8 * (wide() ? 2 : 1); }

  bool operator==(const AttendConfig&) const = default;
};

class AttendEngine {
 public:
  // As after reset.
  explicit AttendEngine(const AttendConfig& config);

  // Register writes. One that is refused sets kFlagProtocol and changes nothing else. The beats of
  // CONTROL and PARAMETERS have kBeatBytes.
  void write_tokens(unsigned tokens);  // of the query; at most kMaxTokens
  void write_control(std::span<const std::uint8_t> beat);
  void write_parameters(unsigned index, std::span<const std::uint8_t> beat);  // index < 16

  // Runs the operation to its end, or refuses it: kFlagProtocol, nothing else changes, false is
  // returned. `first`: of TURN, its tables are the first ones of a query. `tokens`: of SCORE, at
  // most. Beats beyond the last token are ignored; throws std::invalid_argument if an accepted
  // command's stream has fewer beats than it takes, and for TURN more.
  bool command(AttendOperation operation, bool first, unsigned tokens,
               std::span<const std::uint8_t> stream);

  // Beats that a command would take now.
  std::size_t beats(AttendOperation operation, unsigned tokens) const;

  // Something else was refused: a beat that no operation waits for, a register that does not exist.
  void refused() { protocol_ = true; }

  // Beat `index` of the window that the last TURN completed. Nothing (and kFlagProtocol) beyond the
  // last one, and if that TURN followed no ACCUMULATE.
  std::optional<std::vector<std::uint8_t>> read(unsigned index);

  // What read() delivers, decoded; `maximum` is the window's exponent, the integer whose power of
  // two the weights are fractions of.
  Result result() const;

  // Of the window that was scored last: scores, weights of all tokens, exponent.
  std::span<const std::int32_t> scores() const { return scores_; }
  std::vector<std::uint32_t> weights() const;
  std::int32_t exponent() const;

 private:
  // What the lanes hold, for the order rules
  enum class Holds : std::uint8_t { kNothing, kTables, kScored, kBuckets };

  bool legal(AttendOperation operation, unsigned tokens) const;
  unsigned window_tokens(unsigned tokens) const;
  std::size_t code_beats(std::size_t tokens) const;
  void turn(bool first, std::span<const std::uint8_t> stream);
  void score_tokens(unsigned tokens, std::span<const std::uint8_t> stream);
  void accumulate(std::span<const std::uint8_t> stream);
  unsigned code(std::span<const std::uint8_t> stream, std::size_t token, unsigned subspace) const;

  AttendConfig config_;

  // Registers
  std::array<std::array<std::uint8_t, AttendConfig::kBeatBytes>, 16> parameters_{};
  unsigned extra_ = 0;   // fraction bits of the table beyond the score's
  unsigned tokens_ = 0;  // of the query
  unsigned done_ = 0;    // tokens of its windows before, as whole beats
  bool protocol_ = false;

  // Of the window that is worked on
  Holds holds_ = Holds::kNothing;
  std::vector<TableLane> lanes_;  // [M]
  std::vector<std::int32_t> scores_;
  unsigned coarse_ = 0;
  std::uint32_t weight_sum_ = 0;
  std::uint16_t flags_ = 0;

  // Of the window before
  bool readable_ = false;
  Result result_;
};

}  // namespace aqpim::golden
