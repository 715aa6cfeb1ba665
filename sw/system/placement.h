// SPDX-License-Identifier: Apache-2.0
//
// Where the tokens of one head lie in a rank, and which rows hold them.
//
//   one codebook for all (scope rank)    each append block is spread over all engines, a run of
//                                        tokens each, so that one bias serves a run of all of them
//   codebook windows (scope window)      window w is in engine w mod E, the ⌊w/E⌋-th there
//
// Both deal out the encoded tokens in shares of one length: share s goes to engine s mod E, after
// the shares that it has. Rows of a rank, from 0 on:
//
//   key codebooks | value codebooks | key codes | value codes | raw tokens
//
// docs/channel.md.
#pragma once

#include <cstddef>

#include "sw/config/channel.h"
#include "sw/golden/host_rules.h"

namespace aqpim::system {

// Throws InputError if the RTL has no pseudo-channel of this shape: config::obstacle_of().
void check_channel(const config::ChannelShape& shape);

// Throws InputError if a codebook's tokens are not whole rows of codes.
void check_window(const config::ChannelShape& shape, std::size_t window);

struct PlacementOptions {
  std::size_t append_block = 0;  // tokens that are encoded together
  std::size_t window = 0;        // tokens per codebook; 0 = one codebook for all
  bool centred = true;           // each append block of keys has a bias
  std::size_t longest = 0;       // most encoded tokens, ≥ 1
  std::size_t raw_tokens = 0;    // most tokens that an engine clusters at once
  std::size_t tile_limit = 0;    // most tokens of an engine in one ATTEND; 0 = as many as fit
};

class Placement {
 public:
  // Throws InputError if the context does not fit the memory, if a window is not whole rows of
  // codes or longer than a tile, or if an engine cannot cluster so many tokens at once.
  Placement(const config::ChannelShape& shape, const PlacementOptions& options);

  struct Spot {
    unsigned engine = 0;
    std::size_t place = 0;  // in the engine's codes

    bool operator==(const Spot&) const = default;
  };

  Spot spot(std::size_t token) const;
  // Inverse.
  std::size_t token(const Spot& spot) const;
  // How many of the first `encoded` tokens an engine has; engine 0 has most.
  std::size_t tokens(unsigned engine, std::size_t encoded) const;

  bool scope_rank() const { return window_ == 0; }
  // Codebook of an engine that its token at `place` uses; 0 at scope rank.
  std::size_t slot(std::size_t place) const { return scope_rank() ? 0 : place / window_; }
  std::size_t slots() const { return slots_; }
  // Codebook windows of the whole rank, in the order of tokens, and where they are; 1 at scope
  // rank.
  std::size_t windows() const { return windows_; }
  unsigned engine_of_window(std::size_t window) const;
  std::size_t slot_of_window(std::size_t window) const;

  // Tokens per bias, 0 without biases; whether all engines have the same biases.
  std::size_t bias_run() const { return bias_run_; }
  bool biases_shared() const { return biases_shared_; }

  // Places of one ATTEND: whole rows of codes, windows and runs.
  std::size_t tile_tokens() const { return tile_tokens_; }

  const golden::Context& context() const { return context_; }
  unsigned codebook_row(unsigned side, std::size_t slot) const;
  // Rows of a rank, all regions together.
  unsigned rows() const { return context_.raw.first + context_.raw.rows; }

 private:
  void set_regions(const PlacementOptions& options);

  config::ChannelShape shape_;
  std::size_t window_;
  std::size_t share_ = 0;  // tokens dealt at once
  std::size_t bias_run_ = 0;
  bool biases_shared_ = false;
  std::size_t tile_tokens_ = 0;
  std::size_t windows_ = 1;
  std::size_t slots_ = 1;
  golden::Context context_;
};

}  // namespace aqpim::system
