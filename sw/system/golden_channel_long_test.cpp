// SPDX-License-Identifier: Apache-2.0
// Attention, clustering and encoding on a golden pseudo-channel, against engines and references
// that know no banks.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <iterator>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "sw/cache/half.h"
#include "sw/golden/channel.h"
#include "sw/golden/channel_test_support.h"
#include "sw/golden/engine.h"
#include "sw/quantize/quantize.h"
#include "sw/quantize/software_backend.h"
#include "sw/quantize/test_heads.h"
#include "sw/reference/accuracy.h"
#include "sw/reference/attention.h"
#include "sw/system/layout.h"
#include "sw/system/merge.h"
#include "sw/system/plan.h"
#include "sw/system/registers.h"

namespace {

using aqpim::cache::HeadCache;
using aqpim::config::ChannelShape;
using aqpim::golden::AnswerCode;
using aqpim::golden::Beat;
using aqpim::golden::Channel;
using aqpim::golden::Command;
using aqpim::golden::HostAnswer;
using aqpim::golden::HostOpcode;
using aqpim::golden::Operation;
using aqpim::golden::Program;
using aqpim::golden::RegisterSelect;
using aqpim::golden::Result;
using aqpim::system::PreparedQuery;
using aqpim::system::TileBiases;
using aqpim::test::beats_of_bytes;
using aqpim::test::beats_of_halves;
using aqpim::test::channel_shapes;
using aqpim::test::command;
using aqpim::test::Draw;
using aqpim::test::Target;
using aqpim::workload::Head;
using Bytes = std::vector<std::uint8_t>;

// First rows of the regions.
constexpr unsigned kCodebooks[2] = {0, 128};
constexpr unsigned kCodes[2] = {256, 288};
constexpr unsigned kCodebookRows = 128;
constexpr unsigned kCodeRows = 32;
constexpr unsigned kRaw = 320;
constexpr unsigned kRawRows = 192;

// What no one wrote: different everywhere, and never zero.
Beat noise(unsigned rank, unsigned bank, unsigned row, unsigned column) {
  Draw draw(((std::uint64_t{rank} * 16 + bank) * 512 + row) * 32 + column);
  Beat beat;
  for (std::uint8_t& byte : beat) byte = static_cast<std::uint8_t>(1 + draw.below(255));
  return beat;
}

// A channel with one context, of rank 1, and the other rank never used.
class Host {
 public:
  Host(const ChannelShape& shape, unsigned window_rows)
      : shape_(shape), window_rows_(window_rows), channel_(shape, noise) {
    run(HostOpcode::kSetConfig, {kCodebooks[0], kCodebooks[1], kCodebookRows, kCodes[0], kCodes[1],
                                 kCodeRows, window_rows, kRaw, kRawRows});
  }

  HostAnswer run(HostOpcode opcode, std::vector<unsigned> fields, std::vector<Beat> payload = {}) {
    const HostAnswer answer =
        channel_.execute(command(opcode, std::move(fields), std::move(payload), kTarget));
    REQUIRE(answer.code == AnswerCode::kOk);
    return answer;
  }

  // Bytes from `row` on of the banks of an engine, which take turns.
  void store_local(unsigned engine, unsigned row, std::size_t first_beat, Bytes bytes) {
    bytes.resize((bytes.size() + 31) / 32 * 32);
    const std::vector<Beat> beats = beats_of_bytes(bytes);
    const unsigned banks = shape_.banks_per_engine;
    for (std::size_t i = 0; i < beats.size(); ++i) {
      const auto at = static_cast<unsigned>(first_beat + i);
      channel_.store(kTarget.rank, engine * banks + at % banks, row + at / banks / 32,
                     at / banks % 32, beats[i]);
    }
  }

  // Beats likewise.
  Bytes local(unsigned engine, unsigned row, std::size_t first_beat, std::size_t count) const {
    const unsigned banks = shape_.banks_per_engine;
    Bytes bytes;
    for (std::size_t i = first_beat; i < first_beat + count; ++i) {
      const auto at = static_cast<unsigned>(i);
      const Beat beat = channel_.stored(kTarget.rank, engine * banks + at % banks,
                                        row + at / banks / 32, at / banks % 32);
      bytes.insert(bytes.end(), beat.begin(), beat.end());
    }
    return bytes;
  }

  void store_codebook(unsigned side, unsigned engine, unsigned window, const Bytes& bytes) {
    if (window_rows_ == 0) {
      const unsigned row = kCodebooks[side] + window * shape_.striped_codebook_rows();
      const auto beats = static_cast<unsigned>(bytes.size() / 32);
      run(HostOpcode::kWrite, {16, row, 0, beats}, beats_of_bytes(bytes));
    } else {
      store_local(engine, kCodebooks[side] + window * shape_.local_codebook_rows(), 0, bytes);
    }
  }

  const ChannelShape& shape() const { return shape_; }
  const Channel& channel() const { return channel_; }

  // beats[b · engines + i] is beat b of the i-th engine in turn: those of one engine.
  std::vector<Beat> beats_of(unsigned engine, const std::vector<Beat>& beats) const {
    std::vector<Beat> own;
    for (std::size_t i = turn_of(engine); i < beats.size(); i += shape_.engines()) {
      own.push_back(beats[i]);
    }
    return own;
  }

  // Inverse: one list for each engine.
  std::vector<Beat> in_turn(const std::vector<std::vector<Beat>>& lists) const {
    std::vector<Beat> beats(lists.size() * lists[0].size());
    for (unsigned e = 0; e < lists.size(); ++e) {
      for (std::size_t b = 0; b < lists[e].size(); ++b) {
        beats[b * lists.size() + turn_of(e)] = lists[e][b];
      }
    }
    return beats;
  }

 private:
  static constexpr Target kTarget = {.rank = 1, .context = 2};

  // Four groups of engines take turns.
  unsigned turn_of(unsigned engine) const {
    const unsigned per_group = shape_.engines() / 4;
    return engine % per_group * 4 + engine / per_group;
  }

  ChannelShape shape_;
  unsigned window_rows_;
  Channel channel_;
};

// ---- Attention ----------------------------------------------------------------------------------

// Encoded tokens first … first + tokens − 1, in a row of windows.
struct Share {
  std::size_t first = 0;
  std::size_t tokens = 0;
};

// Which tokens of a cache are in the windows of each engine.
using Spread = std::vector<std::vector<Share>>;

// Windows are dealt out to some of the engines.
Spread spread_windows(const HeadCache& cache, std::size_t window, unsigned engines, unsigned used) {
  Spread spread(engines);
  for (std::size_t w = 0; w * window < cache.tokens; ++w) {
    spread[w % used].push_back({w * window, std::min(window, cache.tokens - w * window)});
  }
  return spread;
}

// One window for all; engines have whole units each.
Spread spread_evenly(const HeadCache& cache, std::size_t unit, unsigned engines) {
  Spread spread(engines);
  const std::size_t units = cache.tokens / unit;
  for (unsigned e = 0; e < engines; ++e) {
    const std::size_t first = e * units / engines * unit, last = (e + 1) * units / engines * unit;
    if (first != last) spread[e].push_back({first, last - first});
  }
  return spread;
}

Bytes part_of(const aqpim::system::PackedCache::Stream& stream, std::size_t first,
              std::size_t bytes) {
  const auto part = std::span(*stream).subspan(first, bytes);
  return {part.begin(), part.end()};
}

Command streamed(Operation operation, bool first, unsigned tokens, const Bytes& bytes) {
  return {operation, first, tokens, std::make_shared<const Bytes>(bytes), 0, bytes.size()};
}

// A head's cache in a channel, and in the streams of engines on their own.
class Attention {
 public:
  Attention(const Head& head, const HeadCache& cache, Host& host, Spread spread)
      : head_(head),
        cache_(cache),
        host_(host),
        spread_(std::move(spread)),
        engine_(host.shape().engine),
        packed_(aqpim::system::pack(cache, engine_)) {
    const unsigned rows = host.shape().code_rows(static_cast<unsigned>(cache.window));
    for (unsigned e = 0; e < spread_.size(); ++e) {
      for (unsigned w = 0; w < spread_[e].size(); ++w) {
        const Share& share = spread_[e][w];
        for (unsigned side = 0; side < 2; ++side) {
          host.store_codebook(side, e, w, codebook(side, share));
          host.store_local(e, kCodes[side] + w * rows, 0, codes(side, share));
        }
      }
    }
  }

  // Windows first_window … of all engines with query (g, t), which is left unread.
  void ask(std::size_t g, std::size_t t, unsigned first_window, unsigned windows) {
    const ChannelShape& shape = host_.shape();
    const auto query = aqpim::system::query_of(head_, g, t);
    Asked asked{aqpim::system::prepare_query(query, cache_, engine_), first_window, windows, {}};
    const std::vector<double> scores = aqpim::system::centre_scores(query, cache_);
    const aqpim::system::Planner planner(cache_, engine_);
    std::vector<std::uint16_t> tokens;
    std::vector<std::vector<Beat>> biases;
    std::size_t bias_beats = 0;
    for (unsigned e = 0; e < shape.engines(); ++e) {
      std::size_t count = 0;
      for (const Share& share : shares(e, first_window, windows)) count += share.tokens;
      tokens.push_back(static_cast<std::uint16_t>(count));
      TileBiases own;
      if (count != 0) {
        own = aqpim::system::tile_biases(scores, cache_, engine_,
                                         shares(e, first_window, windows)[0].first, count,
                                         planner.bias_run());
      }
      const std::vector<std::uint16_t> bits(own.biases.begin(), own.biases.end());
      biases.push_back(beats_of_halves(bits));
      bias_beats = std::max(bias_beats, biases.back().size());
      asked.biases.push_back(own);
    }
    for (auto& own : biases) own.resize(bias_beats);

    std::vector<Beat> payload = beats_of_halves(tokens);
    const auto control = aqpim::system::control_write({.table_fraction = asked.query.table_fraction,
                                                       .bfloat16 = false,
                                                       .values = false,
                                                       .run = planner.bias_run()},
                                                      engine_);
    Beat beat = {};
    std::ranges::copy(control.data, beat.begin());
    payload.push_back(beat);
    for (const auto& beats :
         {beats_of_bytes(asked.query.shifts), beats_of_halves(asked.query.elements),
          bias_beats == 0 ? std::vector<Beat>{} : host_.in_turn(biases)}) {
      payload.insert(payload.end(), beats.begin(), beats.end());
    }
    host_.run(HostOpcode::kSetQuery, {static_cast<unsigned>(bias_beats), 1}, payload);

    const unsigned most = *std::ranges::max_element(tokens);
    const unsigned rows = host_.shape().code_rows(static_cast<unsigned>(cache_.window));
    host_.run(HostOpcode::kAttend, {most, first_window * rows, first_window, windows});
    asked_.push_back(std::move(asked));
  }

  // The parts of what was asked first, after the engines' results were compared with those of
  // engines on their own.
  std::vector<aqpim::system::Partial> parts() {
    const std::vector<Beat> data = host_.run(HostOpcode::kResult, {}).data;
    std::vector<aqpim::system::Partial> parts;
    for (unsigned e = 0; e < host_.shape().engines(); ++e) {
      const Result result = aqpim::golden::unpack_result(host_.beats_of(e, data), engine_);
      CAPTURE(e);
      CHECK(result == alone(e, asked_.front()));
      aqpim::system::TilePlan tile;
      tile.common = asked_.front().biases[e].common;
      parts.push_back(aqpim::system::engine_part(result, tile, cache_, engine_));
    }
    asked_.erase(asked_.begin());
    return parts;
  }

 private:
  struct Asked {
    PreparedQuery query;
    unsigned first_window, windows;
    std::vector<TileBiases> biases;  // of each engine
  };

  Bytes codebook(unsigned side, const Share& share) const {
    const std::size_t bytes = packed_.codebook_bytes;
    return part_of(side == 0 ? packed_.codebooks_k : packed_.codebooks_v,
                   cache_.window_of(share.first) * bytes, bytes);
  }

  Bytes codes(unsigned side, const Share& share) const {
    const std::size_t bytes = packed_.token_bytes;
    return part_of(side == 0 ? packed_.codes_k : packed_.codes_v, share.first * bytes,
                   share.tokens * bytes);
  }

  std::vector<Share> shares(unsigned e, unsigned first_window, unsigned windows) const {
    const auto& own = spread_[e];
    const std::size_t first = std::min<std::size_t>(first_window, own.size());
    const std::size_t last = std::min<std::size_t>(first + windows, own.size());
    return {own.begin() + static_cast<std::ptrdiff_t>(first),
            own.begin() + static_cast<std::ptrdiff_t>(last)};
  }

  Result alone(unsigned e, const Asked& asked) const {
    std::vector<Share> own = shares(e, asked.first_window, asked.windows);
    // An engine without tokens works on none of anybody's.
    if (own.empty()) own.push_back({});
    Program program;
    program.emplace_back(aqpim::system::control_write(
        {.table_fraction = asked.query.table_fraction, .run = asked.biases[e].run}, engine_));
    aqpim::system::append_registers(program, RegisterSelect::kShift, std::span(asked.query.shifts),
                                    engine_);
    aqpim::system::append_registers(program, RegisterSelect::kQuery,
                                    std::span(asked.query.elements), engine_);
    aqpim::system::append_registers(program, RegisterSelect::kBias,
                                    std::span(asked.biases[e].biases), engine_);
    const auto both = [&](Operation codebook_operation, Operation codes_operation, unsigned side) {
      for (std::size_t w = 0; w < own.size(); ++w) {
        const auto book = streamed(codebook_operation, w == 0, 0, codebook(side, own[w]));
        if (side == 0) program.emplace_back(book);
        program.emplace_back(streamed(codes_operation, w == 0, static_cast<unsigned>(own[w].tokens),
                                      codes(side, own[w])));
        if (side == 1) program.emplace_back(book);
      }
    };
    both(Operation::kTable, Operation::kScore, 0);
    both(Operation::kCombine, Operation::kAccumulate, 1);
    program.emplace_back(aqpim::golden::ReadResult{});
    return aqpim::golden::Engine(engine_).run(program).results.at(0);
  }

  const Head& head_;
  const HeadCache& cache_;
  Host& host_;
  Spread spread_;
  aqpim::config::EngineConfig engine_;
  aqpim::system::PackedCache packed_;
  std::vector<Asked> asked_;
};

aqpim::quantize::QuantizeOptions options(std::size_t window, bool centring) {
  aqpim::quantize::QuantizeOptions chosen;
  chosen.window = window;
  chosen.centring = centring;
  chosen.timeline.append_block = 32;
  return chosen;
}

// ‖o − o_pq‖ / ‖o_pq‖ of these parts and the exact tokens.
double error_of(const Head& head, const HeadCache& cache, std::size_t g, std::size_t t,
                std::vector<aqpim::system::Partial> parts) {
  parts.push_back(aqpim::system::exact_part(head, g, t, 0, cache.sinks));
  parts.push_back(aqpim::system::exact_part(head, g, t, cache.first_recent(t), t + 1));
  const auto output = aqpim::system::normalised(aqpim::system::merge(parts));
  return aqpim::reference::relative_error(output,
                                          aqpim::reference::pq_attention(cache, head, g, t));
}

}  // namespace

TEST_CASE("golden channel: a context spread over the banks is one context") {
  for (const ChannelShape& shape : channel_shapes()) {
    const Head head = aqpim::test::make_head(shape.engine.sub_dim, 360, shape.engine.head_dim);
    const HeadCache cache = aqpim::quantize::quantize(head, shape.engine, options(0, true));
    Host host(shape, 0);
    Attention attention(head, cache, host, spread_evenly(cache, 32, shape.engines()));
    for (std::size_t g = 0; g < head.groups; ++g) {
      const std::size_t t = head.tokens - 1;
      attention.ask(g, t, 0, 1);
      CHECK(error_of(head, cache, g, t, attention.parts()) < 0.004);
    }
  }
}

TEST_CASE("golden channel: a tile has windows with codebooks of their own, and waits its turn") {
  for (ChannelShape shape : channel_shapes()) {
    shape.engine.score_depth = 512;
    const Head head = aqpim::test::make_head(shape.engine.sub_dim, 360, shape.engine.head_dim);
    for (const unsigned window_rows : {1u, 2u}) {
      const unsigned window = window_rows * shape.tokens_per_row();
      const HeadCache cache = aqpim::quantize::quantize(head, shape.engine, options(window, false));
      Host host(shape, window_rows);
      // Some engines have up to three windows, the others none.
      const auto used = static_cast<unsigned>((cache.tokens + window - 1) / window + 2) / 3;
      const Spread spread = spread_windows(cache, window, shape.engines(), used);
      const auto windows = static_cast<unsigned>(spread[0].size());
      REQUIRE(windows >= 2);
      Attention attention(head, cache, host, spread);
      // The last window is a tile of its own, and both are asked before one is read.
      const std::size_t t = head.tokens - 1;
      attention.ask(0, t, 0, windows - 1);
      attention.ask(0, t, windows - 1, 1);
      std::vector<aqpim::system::Partial> parts = attention.parts();
      std::ranges::move(attention.parts(), std::back_inserter(parts));
      CHECK(error_of(head, cache, 0, t, parts) < 0.004);
    }
  }
}

// ---- Clustering and encoding --------------------------------------------------------------------

namespace {

struct Raw {
  std::vector<std::uint16_t> vectors;  // [n, D], integers · 2^−8
  Bytes weights;                       // [n]

  std::size_t size() const { return weights.size(); }
};

// Clumps of tokens, held at the largest integers.
Raw raw_tokens(std::uint64_t seed, std::size_t n, std::size_t head_dim) {
  Draw draw(seed);
  Raw raw;
  for (std::size_t t = 0; t < n; ++t) {
    const double clump = 300.0 * static_cast<double>(draw.below(9)) - 1200.0;
    for (std::size_t d = 0; d < head_dim; ++d) {
      const double value = std::clamp(std::nearbyint(clump + 250.0 * draw.bell()), -1984.0, 1984.0);
      raw.vectors.push_back(aqpim::cache::to_half(value / 256.0));
    }
    raw.weights.push_back(static_cast<std::uint8_t>(1 + draw.below(255)));
  }
  return raw;
}

Raw part_of(const Raw& raw, std::size_t first, std::size_t last) {
  const std::size_t dim = raw.vectors.size() / raw.size();
  const auto at = [](auto& list, std::size_t i) {
    return list.begin() + static_cast<std::ptrdiff_t>(i);
  };
  return {{at(raw.vectors, first * dim), at(raw.vectors, last * dim)},
          {at(raw.weights, first), at(raw.weights, last)}};
}

// Clusters and encodes on a channel. tokens[e] are those of engine e.
class Quantizing {
 public:
  Quantizing(Host& host, unsigned side, std::vector<Raw> tokens)
      : host_(host), engine_(host.shape().engine), side_(side), tokens_(std::move(tokens)) {}

  // Codebooks [K, D]: that of all engines with `start` of them all, or one for each engine.
  std::vector<Bytes> cluster(const Raw* all) {
    const std::size_t channels = engine_.slice_channels();
    std::vector<Bytes> codebooks(all != nullptr ? 1 : tokens_.size(),
                                 Bytes(std::size_t{engine_.centroids()} * engine_.head_dim));
    std::vector<std::uint16_t> counts;
    for (const Raw& own : tokens_) counts.push_back(static_cast<std::uint16_t>(padded(own)));
    const unsigned most = *std::ranges::max_element(counts);
    const unsigned rows = host_.shape().raw_rows(most);
    for (unsigned slice = 0; slice < engine_.slices(); ++slice) {
      for (unsigned e = 0; e < tokens_.size(); ++e) {
        host_.store_local(e, kRaw + slice * rows, 0, stream(tokens_[e], slice));
      }
      std::vector<std::vector<Beat>> starts;
      for (const Raw& own : tokens_) {
        starts.push_back(beats_of_bytes(start(all != nullptr ? *all : own, slice)));
      }
      host_.run(HostOpcode::kSetVectors, {0}, setup(counts));
      const std::vector<Beat> elements =
          host_
              .run(HostOpcode::kCluster, {side_, most, slice * rows},
                   all != nullptr ? starts[0] : host_.in_turn(starts))
              .elements;
      REQUIRE(elements.size() == codebooks.size() * host_.shape().element_beats());
      for (std::size_t i = 0; i < codebooks.size() * engine_.centroids() * channels; ++i) {
        const std::size_t book = i / channels / engine_.centroids();
        const std::size_t c = i / channels % engine_.centroids();
        codebooks[book][c * engine_.head_dim + slice * channels + i % channels] =
            elements[i / 32][i % 32];
      }
    }
    return codebooks;
  }

  // Token i of each engine goes to place i + first of its codes, with codebook `window`.
  void encode(unsigned window, unsigned first) {
    std::size_t most = 0;
    for (const Raw& own : tokens_) most = std::max(most, own.size());
    for (std::size_t i = 0; i < most; ++i) {
      std::vector<std::uint16_t> here;
      std::vector<std::vector<Beat>> vectors;
      for (const Raw& own : tokens_) {
        here.push_back(i < own.size() ? 1 : 0);
        const Raw vector = i < own.size() ? part_of(own, i, i + 1)
                                          : Raw{std::vector<std::uint16_t>(engine_.head_dim), {}};
        vectors.push_back(beats_of_halves(vector.vectors));
      }
      std::vector<Beat> payload = setup(here);
      const std::vector<Beat> queries = host_.in_turn(vectors);
      payload.insert(payload.end(), queries.begin(), queries.end());
      host_.run(HostOpcode::kSetVectors, {1}, payload);
      const unsigned place = first + static_cast<unsigned>(i);
      const unsigned per_row = host_.shape().tokens_per_row();
      host_.run(HostOpcode::kEncode, {side_, window, place / per_row, place % per_row});
    }
  }

 private:
  std::size_t padded(const Raw& own) const {
    const std::size_t slots = engine_.token_slots();
    return (own.size() + slots - 1) / slots * slots;
  }

  std::vector<Beat> setup(const std::vector<std::uint16_t>& counts) const {
    std::vector<Beat> payload = beats_of_halves(counts);
    const auto control = aqpim::system::control_write({.values = side_ == 1}, engine_);
    payload.emplace_back();
    std::ranges::copy(control.data, payload.back().begin());
    payload.resize(payload.size() + host_.shape().shift_beats());
    return payload;
  }

  void append(Bytes& bytes, const Raw& raw, std::size_t token, unsigned slice) const {
    for (unsigned i = 0; i < engine_.slice_channels(); ++i) {
      const std::uint16_t half =
          raw.vectors[token * engine_.head_dim + slice * engine_.slice_channels() + i];
      bytes.push_back(static_cast<std::uint8_t>(half));
      bytes.push_back(static_cast<std::uint8_t>(half >> 8));
    }
  }

  Bytes start(const Raw& raw, unsigned slice) const {
    Bytes bytes;
    for (std::size_t c = 0; c < engine_.centroids() && raw.size() != 0; ++c) {
      append(bytes, raw, c * raw.size() / engine_.centroids(), slice);
    }
    bytes.resize(std::size_t{2} * engine_.centroids() * engine_.slice_channels());
    return bytes;
  }

  // A word of weights before so many tokens as it holds; tokens of weight 0 fill up.
  Bytes stream(const Raw& own, unsigned slice) const {
    Bytes bytes;
    for (std::size_t t = 0; t < padded(own); ++t) {
      if (t % engine_.word_bytes() == 0) {
        for (std::size_t i = t; i < t + engine_.word_bytes(); ++i) {
          bytes.push_back(i < own.size() ? own.weights[i] : 0);
        }
      }
      if (t < own.size()) {
        append(bytes, own, t, slice);
      } else {
        bytes.resize(bytes.size() + std::size_t{2} * engine_.slice_channels(), 0x3c);
      }
    }
    return bytes;
  }

  Host& host_;
  aqpim::config::EngineConfig engine_;
  unsigned side_;
  std::vector<Raw> tokens_;
};

// Codes that begin in the middle of the first row and end in the next.
unsigned middle_of(const ChannelShape& shape) { return shape.tokens_per_row() - 2; }

void check_codes(const Host& host, unsigned side, unsigned e, const Raw& own,
                 const Bytes& codebook) {
  const ChannelShape& shape = host.shape();
  const auto expected = aqpim::system::pack_codes(
      aqpim::quantize::fixed_backend(shape.engine)->encode(own.vectors, codebook, side == 1),
      shape.engine);
  const std::size_t beats = shape.beats_per_token();
  const std::size_t first = middle_of(shape) * beats;
  CHECK(host.local(e, kCodes[side], first, own.size() * beats) == expected);
  // What lies around them is as it was.
  const Host untouched(shape, 1);
  CHECK(host.local(e, kCodes[side], 0, first) == untouched.local(e, kCodes[side], 0, first));
  const std::size_t after = first + own.size() * beats;
  CHECK(host.local(e, kCodes[side], after, 40) == untouched.local(e, kCodes[side], after, 40));
}

}  // namespace

TEST_CASE("golden channel: one codebook of all banks' tokens is that of plain software") {
  for (const ChannelShape& shape : channel_shapes()) {
    for (unsigned side = 0; side < 2; ++side) {
      const unsigned engines = shape.engines();
      const Raw all = raw_tokens(side, 67, shape.engine.head_dim);
      // Nine tokens each, until there are none left but one for the last.
      std::vector<Raw> shares;
      std::size_t next = 0;
      for (unsigned e = 0; e < engines; ++e) {
        const std::size_t end = e + 1 == engines ? all.size() : std::min(next + 9, all.size() - 1);
        shares.push_back(part_of(all, next, end));
        next = end;
      }
      Host host(shape, 0);
      Quantizing quantizing(host, side, shares);
      const std::vector<Bytes> codebooks = quantizing.cluster(&all);
      const auto fixed = aqpim::quantize::fixed_backend(shape.engine);
      CHECK(codebooks[0] == fixed->cluster(all.vectors, all.weights, side == 1));

      // The third codebook of the region.
      host.store_codebook(side, 0, 2, codebooks[0]);
      quantizing.encode(2, middle_of(shape));
      for (unsigned e = 0; e < engines; ++e) check_codes(host, side, e, shares[e], codebooks[0]);
    }
  }
}

TEST_CASE("golden channel: each engine's own codebook is that of its tokens in plain software") {
  for (const ChannelShape& shape : channel_shapes()) {
    for (unsigned side = 0; side < 2; ++side) {
      std::vector<Raw> own;
      for (unsigned e = 0; e < shape.engines(); ++e) {
        own.push_back(raw_tokens(10 + e, e % 4 == 3 ? 0 : 5 + e, shape.engine.head_dim));
      }
      Host host(shape, 1);
      Quantizing quantizing(host, side, own);
      const std::vector<Bytes> codebooks = quantizing.cluster(nullptr);
      const auto fixed = aqpim::quantize::fixed_backend(shape.engine);
      for (unsigned e = 0; e < shape.engines(); ++e) {
        if (own[e].size() == 0) continue;
        CHECK(codebooks[e] == fixed->cluster(own[e].vectors, own[e].weights, side == 1));
        host.store_codebook(side, e, 1, codebooks[e]);
      }
      quantizing.encode(1, middle_of(shape));
      for (unsigned e = 0; e < shape.engines(); ++e) {
        check_codes(host, side, e, own[e], codebooks[e]);
      }
    }
  }
}
