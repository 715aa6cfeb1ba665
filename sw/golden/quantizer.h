// SPDX-License-Identifier: Apache-2.0
//
// The quantizer of a pseudo-channel, bit for bit and without time; twin of
// rtl/channel/pq_quantizer.sv with all blocks below it. It makes codebooks and codes of raw tokens
// for 16 centroids of two channels, and integers of queries.
//
//   LOAD        μ_c of a slice of 16 channels, and Σ = 0
//   CLUSTER     c = argmin_c ‖x_t − μ_c‖²; Σx_c += w_t x_t, Σw_c += w_t
//   UPDATE      μ_c = Σx_c / Σw_c, Σ = 0; the last time as they are stored
//   CODEBOOK    the stored μ of all slices
//   ENCODE      code[t][m] = argmin_c ‖x_t,m − μ_m,c‖²
//
// Words are those of the RTL's header, beats of 32 bytes. Method: AQPIM (arXiv 2604.18137).
//
// Shifts and codes that nothing has written are zero here and undefined in hardware.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "sw/config/pq_pkg.h"

namespace aqpim::golden {

using pq_pkg::QuantizerOperation;

// Parameters of pq_quantizer; its checks say which are legal.
struct QuantizerConfig {
  static constexpr unsigned kBeatBytes = 32;
  static constexpr unsigned kSubDim = 2;
  static constexpr unsigned kCentroids = 16;
  static constexpr unsigned kSliceChannels = 16;
  static constexpr unsigned kSliceSubspaces = kSliceChannels / kSubDim;
  static constexpr unsigned kWeightsBeat = 32;  // weights in a beat
  static constexpr unsigned kCodeBeats = 32;    // of the memory of codes

  unsigned head_dim = 128;
  unsigned window_depth = 2048;  // tokens between two UPDATEs
  unsigned ranks = 2;

  unsigned subspaces() const { return head_dim / kSubDim; }
  unsigned slices() const { return head_dim / kSliceChannels; }
  unsigned slots() const { return 128 / head_dim; }  // tokens in a beat of codes
  unsigned code_tokens() const { return kCodeBeats * slots(); }

  bool operator==(const QuantizerConfig&) const = default;
};

struct QuantizerCommand {
  QuantizerOperation operation = QuantizerOperation::kLoad;
  unsigned slice = 0;   // LOAD
  unsigned tokens = 0;  // CLUSTER, ENCODE
  bool last = false;    // UPDATE: to stored centroids
  bool values = false;  // UPDATE, CODEBOOK: stored as values are, not as keys
  unsigned rank = 0;    // whose CONTROL and flags it uses

  bool operator==(const QuantizerCommand&) const = default;
};

class Quantizer {
 public:
  // As after reset.
  explicit Quantizer(const QuantizerConfig& config);

  // Register writes of a rank, words as those of pq_engine. False, and nothing changes, if the
  // fraction is below 8 or the index is beyond the last sub-space.
  bool write_control(unsigned rank, std::span<const std::uint8_t> beat);
  bool write_shifts(unsigned rank, unsigned index, std::span<const std::uint8_t> beat);

  // Channels 16 · index … of a query, floats, as the beat of PARAMETERS with this index of the
  // attend engine (docs/attend.md §5). Nothing if the index is beyond the last channel.
  std::optional<std::vector<std::uint8_t>> convert(unsigned rank, unsigned index,
                                                   std::span<const std::uint8_t> beat);

  // Beats that a command takes.
  std::size_t beats(const QuantizerCommand& command) const;

  // Runs the operation to its end, or refuses it: nothing changes, false is returned. Throws
  // std::invalid_argument if an accepted command's stream has not exactly the beats it takes.
  bool command(const QuantizerCommand& command, std::span<const std::uint8_t> stream);

  // The stored centroids [16, 16 channels] of the last UPDATE that was a last one.
  std::span<const std::uint8_t> elements() const { return elements_; }

  // A beat of the codes of the last ENCODEs; address < kCodeBeats.
  std::span<const std::uint8_t> codes(unsigned address) const;

  // kFlagNonfinite, kFlagQuerySaturated; sticky until CONTROL clears them.
  std::uint16_t flags(unsigned rank) const { return ranks_.at(rank).flags; }

 private:
  struct Rank {
    unsigned fraction = 8;
    bool bfloat16 = false;
    std::vector<std::uint8_t> shifts;  // [M]
    std::uint16_t flags = 0;
  };

  bool legal(const QuantizerCommand& command) const;
  std::int32_t convert(Rank& rank, std::span<const std::uint8_t> beat, std::size_t element,
                       unsigned fraction);
  // The 16 integers of a beat of raw tokens.
  std::vector<std::int32_t> raw(Rank& rank, std::span<const std::uint8_t> beat);
  std::span<std::int32_t> centroid(unsigned slice, unsigned index);
  // Codes of the sub-spaces of a slice [vectors, 8], of 16 channels each.
  std::vector<std::uint8_t> nearest(unsigned slice, std::span<const std::int32_t> vectors);

  void load(const QuantizerCommand& command, std::span<const std::uint8_t> stream);
  void cluster(const QuantizerCommand& command, std::span<const std::uint8_t> stream);
  void update(const QuantizerCommand& command);
  void codebook(const QuantizerCommand& command, std::span<const std::uint8_t> stream);
  void encode(const QuantizerCommand& command, std::span<const std::uint8_t> stream);
  void clear_sums();

  QuantizerConfig config_;
  std::vector<Rank> ranks_;

  // What has happened, for the order rules
  bool loaded_ = false;        // a slice has centroids and sums
  unsigned slice_ = 0;         // which
  std::size_t clustered_ = 0;  // tokens in the sums
  std::vector<bool> stored_;   // [slices]: their centroids are stored ones

  std::vector<std::int32_t> centroids_;  // [slices, 16, 16 channels], signed 12 bit
  // Of the slice
  std::array<std::int64_t, QuantizerConfig::kCentroids * QuantizerConfig::kSliceChannels> sums_{};
  std::array<std::int64_t, QuantizerConfig::kCentroids * QuantizerConfig::kSliceSubspaces>
      weights_{};

  std::vector<std::uint8_t> elements_;
  std::vector<std::uint8_t> codes_;  // [kCodeBeats, 32]
};

}  // namespace aqpim::golden
