// SPDX-License-Identifier: Apache-2.0
//
// Random register contents, streams and command sequences for one engine. Everything is drawn from
// one seeded stream; what a caller fixes stays fixed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "sw/config/config.h"
#include "sw/golden/program.h"
#include "tb/common/random.h"
#include "tb/engine/pace.h"
#include "tb/engine/sequence.h"

namespace aqpim::tb {

// A query and what goes with it.
struct QueryOptions {
  enum class Values : std::uint8_t {
    kTidy,     // scores of about `spread`, nothing saturates by design
    kWild,     // any fraction, shifts and biases
    kSpecial,  // NaN, Inf, zeros, subnormals among tidy values
    kZero,     // all elements and biases 0
  };
  Values values = Values::kTidy;
  double spread = 4.0;  // standard deviation of the scores, log2 domain
  bool bfloat16 = false;
  unsigned bias_run = 0;
  bool clear_flags = true;
};

struct TileOptions {
  enum class Codes : std::uint8_t { kUniform, kRepeating, kAllEqual };
  std::vector<unsigned> windows = {16};  // tokens of each codebook window
  Codes codes = Codes::kUniform;
  Pace pace = {};
  unsigned delay = 0;
  unsigned parts = 1;         // commands per window for SCORE and for ACCUMULATE
  bool eager = true;          // commands wait on the pins for their turn
  bool prepare_next = false;  // the next query is written during ACCUMULATE and COMBINE
  bool read = true;           // the result, at the end
};

// A slice of channels to be clustered, and its registers.
struct SliceOptions {
  enum class Tokens : std::uint8_t {
    kUniform,  // all over the range of a centroid and a little beyond
    kFew,      // three different ones: ties, and clusters without a token
    kZero,     // half of the channels are zero in all tokens
    kWidest,   // ±65504 and other large ones: all saturate
    kSpecial,  // NaN, Inf, zeros, subnormals among others
  };
  enum class Weights : std::uint8_t { kUniform, kZero, kLargest };
  Tokens tokens = Tokens::kUniform;
  Weights weights = Weights::kUniform;
  bool bfloat16 = false;
  bool raw_centroids = true;            // LOAD takes them as CONTROL says, otherwise as binary16
  std::vector<unsigned> passes = {16};  // tokens of each CLUSTER, whole groups
  unsigned unloads = 1;
  Pace pace = {};
  unsigned delay = 0;
  bool eager = true;  // commands wait on the pins for their turn
};

class Stimulus {
 public:
  using Stream = std::shared_ptr<const std::vector<std::uint8_t>>;

  Stimulus(const config::EngineConfig& config, Random random)
      : config_(config), random_(std::move(random)) {}

  // Writes every register: nothing is known of them after a reset.
  Sequence all_registers(const QueryOptions& options);
  // CONTROL, SHIFT, QUERY and, with a bias run, all of BIAS.
  std::vector<golden::RegisterWrite> registers(const QueryOptions& options);
  golden::RegisterWrite control(unsigned fraction, unsigned bias_run, bool bfloat16,
                                bool clear_flags);

  Stream codebook_k();
  Stream codebook_v();
  Stream codes(unsigned tokens, TileOptions::Codes kind);

  golden::Command table();
  golden::Command score(bool first, unsigned tokens,
                        TileOptions::Codes kind = TileOptions::Codes::kUniform);
  golden::Command accumulate(bool first, unsigned tokens,
                             TileOptions::Codes kind = TileOptions::Codes::kUniform);
  golden::Command combine(bool first);
  golden::Command encode();
  golden::Command load(const SliceOptions& options);
  golden::Command cluster(unsigned tokens, const SliceOptions& options);
  golden::Command unload();
  // Any operation, with the stream that it would take.
  golden::Command any_command(unsigned most_tokens);
  // Legal or not.
  golden::RegisterWrite any_write();
  Word word();

  // TABLE and SCORE per window, ACCUMULATE and COMBINE per window, the result.
  Sequence tile(const TileOptions& options);

  // CONTROL and all shifts, LOAD, CLUSTERs, UNLOADs.
  Sequence slice(const SliceOptions& options);
  // ENCODE of what the query registers hold, and its codes.
  Sequence encoding(Pace pace = {}, unsigned delay = 0, bool eager = true);

  QueryOptions random_query();
  TileOptions random_tile(unsigned most_tokens);
  SliceOptions random_slice(unsigned most_tokens);
  Pace random_pace();
  // Registers and a tile, a slice or an encoding, now and then with things that the protocol
  // forbids in between.
  Sequence episode(unsigned most_tokens);
  // Commands, writes, reads and words in any order.
  Sequence chaos(unsigned steps);

  Random& random() { return random_; }

 private:
  golden::RegisterWrite bytes_write(golden::RegisterSelect select, unsigned index,
                                    const std::vector<std::uint8_t>& bytes);
  std::uint16_t half(double value, bool bfloat16) const;
  std::uint16_t special(bool bfloat16);
  std::vector<std::uint8_t> raw_tokens(std::size_t count, const SliceOptions& options);
  Item disturbance(unsigned operation_words);
  template <class Options>
  void add_command(Sequence& sequence, golden::Command command, const Options& options);

  config::EngineConfig config_;
  Random random_;
  bool prepared_ = false;  // the last tile has written the next query
  unsigned fraction_ = 8;  // of raw tokens, as the last slice has set it
  // Of the slice: tokens to choose from, channels that are zero.
  std::vector<std::vector<std::uint8_t>> pool_;
  std::vector<bool> zero_;
};

}  // namespace aqpim::tb
