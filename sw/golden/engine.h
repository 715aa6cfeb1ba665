// SPDX-License-Identifier: Apache-2.0
//
// The near-bank engine, bit for bit and without time; twin of rtl/engine/pq_engine.sv with its
// pq_control (order rules), pq_registers and pq_datapath.
//
// For a head of M sub-spaces and a tile of tokens t:
//   TABLE       T[m][c] = q_m · CK_m,c
//   SCORE       s_t = Σ_m T[m][codeK[t][m]] + bias
//   ACCUMULATE  A[m][codeV[t][m]] += 2^(s_t − maximum), and their sum ℓ
//   COMBINE     o_m += Σ_c A[m][c] · CV_m,c
// and, for a vector x and for a slice of the channels of many tokens x_t with weights w_t:
//   ENCODE      code[m] = argmin_c ‖x_m − C_m,c‖²
//   LOAD        μ_c, and Σ = 0
//   CLUSTER     c = argmin_c ‖x_t − μ_c‖²; Σx_c += w_t x_t, Σw_c += w_t
//   UNLOAD      Σx, Σw and μ out; Σ = 0
// Method: AQPIM (arXiv 2604.18137), with weights added per centroid before they meet the values.
// Formats: docs/architecture.md, "Number formats".
//
// What no command or register write has set is zero here and undefined in hardware: query, shifts
// and biases.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "sw/config/config.h"
#include "sw/golden/bias.h"
#include "sw/golden/program.h"
#include "sw/golden/table_lane.h"

namespace aqpim::golden {

class Engine {
 public:
  // As after reset. `config` is legal (config::parse() checks).
  explicit Engine(const config::EngineConfig& config);

  // A refused write sets kFlagProtocol and changes nothing else. Throws std::invalid_argument if
  // the data are not one word.
  void write(const RegisterWrite& write);

  // Runs the operation to its end, or refuses it: kFlagProtocol, nothing else changes, false is
  // returned, the stream is not looked at. Throws std::invalid_argument if an accepted command's
  // stream has not exactly the words it takes.
  bool command(const Command& command);

  // A word that comes while no operation waits for one: dropped, sets kFlagProtocol.
  void stray_word() { flags_ |= kFlagProtocol; }

  // Result word `index`: low 32 bits of outputs, then their high 8 bits, then the status word, then
  // the codes of the last vector encoded.
  // Nothing (and kFlagProtocol) beyond the last word, for outputs and status before the first
  // COMBINE, for codes without an ENCODE since reset and the last CLUSTER.
  std::optional<std::vector<std::uint8_t>> read(unsigned index);

  // What read() delivers, decoded. Outputs are zero before the first COMBINE.
  Result result() const;

  // Words that a kUnload gives out, RecordWords for each centroid: Σx of the slice's channels
  // (s32), Σw of its sub-spaces (u32, filled up to whole words), the centroids (s16).
  std::vector<std::uint8_t> records() const;

  // What the last kUnload gave out.
  const std::vector<std::uint8_t>& unloaded() const { return unloaded_; }

  // Codes [tokens, sub-spaces of the slice] that the last kCluster assigned.
  const std::vector<std::uint8_t>& assigned() const { return assigned_; }

  // All steps in order.
  Answers run(const Program& program);

  // Words that an accepted command takes from its stream.
  std::size_t words(Operation operation, unsigned tokens) const;

  // Scores of the tile's tokens, fraction ScoreFraction, and their weights under the current
  // maximum, fraction WeightWidth.
  std::span<const std::int32_t> scores() const { return scores_; }
  std::vector<std::uint32_t> weights() const;

  std::uint16_t flags() const { return flags_; }

 private:
  bool write_control(std::span<const std::uint8_t> data);
  void write_query(unsigned index, std::span<const std::uint8_t> data, bool bfloat16);
  void write_shifts(unsigned index, std::span<const std::uint8_t> data);
  void write_biases(unsigned index, std::span<const std::uint8_t> data);

  bool legal(const Command& command) const;
  std::uint64_t scored_after(const Command& command) const;

  void table(std::span<const std::uint8_t> stream);
  void score_tokens(const Command& command, std::span<const std::uint8_t> stream);
  void accumulate(const Command& command, std::span<const std::uint8_t> stream);
  void combine(bool first, std::span<const std::uint8_t> stream);
  void encode(std::span<const std::uint8_t> stream);
  void load(bool first, std::span<const std::uint8_t> stream);
  void cluster(unsigned tokens, std::span<const std::uint8_t> stream);
  void unload();

  std::vector<std::uint8_t> code_words() const;
  unsigned code(std::span<const std::uint8_t> stream, std::size_t token, unsigned subspace) const;
  TableLane& lane_of(unsigned subspace) { return lanes_[subspace % config_.lanes()]; }
  std::size_t address_of(unsigned subspace, unsigned code) const {
    return std::size_t{subspace / config_.lanes()} * config_.centroids() + code;
  }
  std::int32_t current_maximum() const;

  config::EngineConfig config_;

  // Registers
  unsigned table_fraction_;
  bool bfloat16_ = false;
  bool values_ = false;  // ENCODE takes a codebook of values
  unsigned bias_run_ = 0;
  std::vector<unsigned> shifts_;     // [M]
  std::vector<std::int32_t> query_;  // [D], fraction table fraction + shift[m] at its write
  Bias bias_;
  std::uint16_t flags_ = 0;

  // Memories and accumulators
  std::vector<TableLane> lanes_;      // sub-space m: lane m % Lanes
  std::vector<std::int32_t> scores_;  // of this tile so far
  std::uint32_t weight_sum_ = 0;
  std::vector<std::int64_t> outputs_;  // [D]
  std::vector<std::uint8_t> codes_;    // [M], of the last vector encoded

  // Work space of clustering, in the lanes' memories. S channels and sub-spaces of the slice.
  std::vector<std::int32_t> centroids_;    // [K, S channels], signed 12 bit
  std::vector<std::int64_t> sums_;         // [K, S channels]
  std::vector<std::uint32_t> weights_of_;  // [K, S sub-spaces]
  std::vector<std::uint8_t> assigned_, unloaded_;

  // What has happened so far, for the order rules
  bool tables_valid_ = false;    // the lanes hold complete tables
  bool lanes_valid_ = false;     // the lanes hold tables or buckets
  bool weighing_ = false;        // the tile has seen an ACCUMULATE
  bool combining_ = false;       // the tile has seen a first COMBINE
  bool outputs_valid_ = false;   // a first COMBINE has been done since reset
  unsigned tile_run_ = 0;        // tokens per bias in this tile
  std::size_t accumulated_ = 0;  // tokens of this tile whose weights were used
  bool codes_valid_ = false;     // an ENCODE has been done, and no CLUSTER since
  bool slice_valid_ = false;     // the lanes hold centroids and sums
  std::size_t clustered_ = 0;    // tokens in the sums
};

}  // namespace aqpim::golden
