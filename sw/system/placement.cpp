// SPDX-License-Identifier: Apache-2.0
#include "sw/system/placement.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <string>

#include "sw/config/error.h"
#include "sw/system/plan.h"

namespace aqpim::system {

namespace {

constexpr std::size_t kShortestRun = 8;

// Tokens dealt at once if one codebook serves all: an append block's share of an engine, or what
// divides a block and a row of codes, where a bias cannot serve so few tokens.
std::size_t spread_share(const config::ChannelShape& shape, const PlacementOptions& options) {
  const std::size_t row_tokens = shape.tokens_per_row();
  const std::size_t share = options.append_block / shape.engines();
  const bool even = options.append_block % shape.engines() == 0;
  const bool biases_fit = !options.centred || std::gcd(share, row_tokens) >= kShortestRun;
  return even && biases_fit ? share : std::gcd(options.append_block, row_tokens);
}

// Runs of biases divide a row of codes, or a window, so that a tile may end after any of them.
std::size_t bias_run_of(const config::ChannelShape& shape, const PlacementOptions& options,
                        std::size_t share) {
  if (!options.centred) return 0;
  if (options.window == 0) return std::gcd(share, std::size_t{shape.tokens_per_row()});
  return longest_run(std::gcd(options.append_block, options.window), shape.engine);
}

unsigned rounded_up(std::size_t count, std::size_t unit) {
  return static_cast<unsigned>((count + unit - 1) / unit);
}

}  // namespace

void check_channel(const config::ChannelShape& shape) {
  const std::string obstacle = config::obstacle_of(shape);
  if (!obstacle.empty()) throw InputError(obstacle);
}

void check_window(const config::ChannelShape& shape, std::size_t window) {
  const unsigned row_tokens = shape.tokens_per_row();
  if (window % row_tokens == 0) return;
  throw InputError(fmt::format(
      "in a pseudo-channel a codebook window must fill whole rows of {} tokens, not {} tokens",
      row_tokens, window));
}

Placement::Placement(const config::ChannelShape& shape, const PlacementOptions& options)
    : shape_(shape), window_(options.window) {
  check_channel(shape);
  const std::size_t row_tokens = shape.tokens_per_row();
  const config::EngineConfig& engine = shape.engine;
  share_ = scope_rank() ? spread_share(shape, options) : window_;
  bias_run_ = bias_run_of(shape, options, share_);
  biases_shared_ = options.centred && options.append_block % (share_ * shape.engines()) == 0;

  check_window(shape, window_);
  const std::size_t step = scope_rank() ? row_tokens : window_;
  std::size_t most = engine.score_depth;
  if (bias_run_ != 0) most = std::min<std::size_t>(most, engine.bias_depth * bias_run_);
  if (options.tile_limit != 0) most = std::min(most, options.tile_limit);
  tile_tokens_ = most / step * step;
  if (tile_tokens_ == 0) {
    throw InputError(
        fmt::format("a tile must hold at least {} tokens of an engine, not {}", step, most));
  }
  if (options.raw_tokens > engine.score_depth) {
    throw InputError(fmt::format("an engine clusters at most {} tokens at once, not {}",
                                 engine.score_depth, options.raw_tokens));
  }
  if (!scope_rank()) {
    windows_ = rounded_up(options.longest, window_);
    slots_ = rounded_up(windows_, shape.engines());
  }
  set_regions(options);
}

void Placement::set_regions(const PlacementOptions& options) {
  const std::size_t book_rows =
      scope_rank() ? shape_.striped_codebook_rows() : shape_.local_codebook_rows();
  const std::size_t books = slots_ * book_rows;
  const std::size_t places = scope_rank() ? tokens(0, options.longest) : slots_ * window_;
  const std::size_t codes = rounded_up(places, shape_.tokens_per_row());
  const std::size_t slots = shape_.engine.token_slots();
  const std::size_t padded = (options.raw_tokens + slots - 1) / slots * slots;
  const std::size_t raw = shape_.raw_rows(static_cast<unsigned>(padded));
  if (const std::size_t rows = 2 * (books + codes) + raw; rows > shape_.memory.rows) {
    throw InputError(fmt::format("a context of {} tokens takes {} rows of a rank, which has {}",
                                 options.longest, rows, shape_.memory.rows));
  }
  unsigned next = 0;
  const auto region = [&next](std::size_t rows) {
    const golden::Region made{next, static_cast<unsigned>(rows)};
    next += made.rows;
    return made;
  };
  for (golden::Region& side : context_.codebooks) side = region(books);
  for (golden::Region& side : context_.codes) side = region(codes);
  context_.raw = region(raw);
  context_.window_rows = rounded_up(window_, shape_.tokens_per_row());
}

Placement::Spot Placement::spot(std::size_t token) const {
  const std::size_t share = token / share_;
  return {.engine = static_cast<unsigned>(share % shape_.engines()),
          .place = share / shape_.engines() * share_ + token % share_};
}

std::size_t Placement::token(const Spot& spot) const {
  return (spot.place / share_ * shape_.engines() + spot.engine) * share_ + spot.place % share_;
}

std::size_t Placement::tokens(unsigned engine, std::size_t encoded) const {
  const std::size_t shares = encoded / share_;
  const std::size_t turn = shares % shape_.engines();
  const std::size_t whole = shares / shape_.engines() + (engine < turn ? 1 : 0);
  return whole * share_ + (engine == turn ? encoded % share_ : 0);
}

unsigned Placement::engine_of_window(std::size_t window) const {
  return static_cast<unsigned>(window % shape_.engines());
}

std::size_t Placement::slot_of_window(std::size_t window) const {
  return window / shape_.engines();
}

unsigned Placement::codebook_row(unsigned side, std::size_t slot) const {
  const unsigned rows =
      scope_rank() ? shape_.striped_codebook_rows() : shape_.local_codebook_rows();
  return context_.codebooks[side].first + static_cast<unsigned>(slot) * rows;
}

}  // namespace aqpim::system
