// SPDX-License-Identifier: Apache-2.0
#include "sw/system/channel_head.h"

#include <algorithm>
#include <map>
#include <memory>
#include <span>
#include <utility>

#include "sw/config/error.h"
#include "sw/system/layout.h"
#include "sw/system/query.h"
#include "sw/system/slice.h"

namespace aqpim::system {

namespace {

// Results that a rank keeps until they are read.
constexpr std::size_t kMostUnread = 2;

constexpr unsigned kSides = 2;  // keys, values

const quantize::QuantizeOptions& checked(const quantize::QuantizeOptions& options) {
  if (options.clustering != quantize::Clustering::kFixed) {
    throw InputError("a pseudo-channel clusters and encodes in fixed point");
  }
  return options;
}

}  // namespace

ChannelHead::ChannelHead(const workload::Head& head, const config::ChannelShape& shape,
                         const ChannelHeadOptions& options)
    : head_(head),
      shape_(shape),
      options_(options),
      recorder_(shape.engine),
      quantizer_(head, shape.engine, checked(options.cache), recorder_),
      placement_(place()),
      commands_(shape, placement_, options.rank, options.context),
      parts_(head.groups * options.queries.size()) {}

Placement ChannelHead::place() {
  quantizer_.prefill();
  const quantize::QuantizeOptions& cache = options_.cache;
  std::size_t raw_tokens = 0;
  if (!options_.software_prefill) {
    for (const ClusterTask& task : recorder_.clusterings(0)) {
      const std::size_t n = task.weights.size();
      const std::size_t shares = cache.window == 0 ? shape_.engines() : 1;
      raw_tokens = std::max(raw_tokens, (n + shares - 1) / shares);
    }
  }
  return Placement(shape_, {.append_block = cache.timeline.append_block,
                            .window = cache.window,
                            .centred = cache.centring,
                            .longest = quantizer_.timeline().encoded(),
                            .raw_tokens = raw_tokens,
                            .tile_limit = options_.tile_limit});
}

void ChannelHead::add(Steps& steps, golden::HostCommand command, HostPhase phase,
                      std::function<void(const golden::HostAnswer&)> done) const {
  steps.push_back({.command = std::move(command), .phase = phase, .done = std::move(done)});
}

void ChannelHead::add_all(Steps& steps, std::vector<golden::HostCommand> commands) const {
  for (golden::HostCommand& command : commands) {
    add(steps, std::move(command), HostPhase::kTransfer);
  }
}

HostProgram ChannelHead::program() {
  HostProgram program;
  const auto stage = [&](std::function<Steps()> make, bool settled = false) {
    program.push_back({.make = std::move(make), .settled = settled});
  };
  stage([this] {
    Steps steps;
    add(steps, commands_.set_config(), HostPhase::kTransfer);
    return steps;
  });
  if (!options_.software_prefill) {
    const std::size_t windows = recorder_.clusterings(0).size();
    const std::size_t at_once = placement_.scope_rank() ? 1 : shape_.engines();
    for (std::size_t first = 0; first < windows; first += at_once) {
      for (unsigned side = 0; side < kSides; ++side) {
        for (std::size_t slice = 0; slice < shape_.engine.slices(); ++slice) {
          stage([this, side, slice, first] { return cluster_slice(side, slice, first); });
        }
      }
    }
  }
  stage([this] { return write_codebooks(); }, true);
  stage([this] {
    if (options_.software_prefill) return write_codes();
    Steps steps;
    for (unsigned side = 0; side < kSides; ++side) {
      encode(steps, side, recorder_.take_encoding(side));
    }
    return steps;
  });
  for (std::size_t query = 0; query < options_.queries.size(); ++query) {
    stage([this, query] { return decode(query); });
  }
  stage([this] {
    Steps steps;
    while (!unread_.empty()) read_result(steps);
    return steps;
  });
  stage([this] { return check_codes(); });
  return program;
}

std::size_t ChannelHead::expected_steps() const {
  std::size_t steps = 0;
  if (!options_.software_prefill) {
    const std::size_t at_once = placement_.scope_rank() ? 1 : shape_.engines();
    const std::size_t rounds = (recorder_.clusterings(0).size() + at_once - 1) / at_once;
    steps += rounds * kSides * shape_.engine.slices() * 3;
    steps += kSides * 2 * placement_.tokens(0, cache().tokens);
  }
  const std::size_t tiles =
      (placement_.tokens(0, timeline().encoded()) + placement_.tile_tokens() - 1) /
      placement_.tile_tokens();
  return steps + 3 * tiles * parts_.size();
}

// ---- Prefill ------------------------------------------------------------------------------------

ChannelHead::Steps ChannelHead::cluster_slice(unsigned side, std::size_t slice,
                                              std::size_t first_window) {
  const std::vector<ClusterTask>& tasks = recorder_.clusterings(side);
  const unsigned engines = shape_.engines();
  std::vector<Bytes> starts, streams(engines);
  std::vector<std::uint16_t> tokens(engines, 0);
  const auto give = [&](unsigned engine, const Slice& part, Range range, const ClusterTask& task) {
    tokens[engine] = static_cast<std::uint16_t>(part.padded_tokens(range));
    streams[engine] = part.stream(range, task.weights);
  };
  if (placement_.scope_rank()) {
    const ClusterTask& task = tasks[first_window];
    const Slice part(task.tokens, slice, shape_.engine);
    starts.push_back(part.start());
    for (unsigned e = 0; e < engines; ++e) {
      give(e, part, share_of(e, engines, task.weights.size()), task);
    }
  } else {
    starts.resize(engines);
    for (std::size_t w = first_window; w < tasks.size() && w < first_window + engines; ++w) {
      const unsigned engine = placement_.engine_of_window(w);
      const Slice part(tasks[w].tokens, slice, shape_.engine);
      starts[engine] = part.start();
      give(engine, part, {0, tasks[w].weights.size()}, tasks[w]);
    }
  }

  Steps steps;
  const bool values = side == 1;
  add_all(steps, commands_.write_local(placement_.context().raw.first, streams));
  add(steps, commands_.set_cluster(values, tokens), HostPhase::kCluster);
  add(steps, commands_.cluster(values, *std::ranges::max_element(tokens), starts),
      HostPhase::kCluster, [this, side, slice, first_window](const golden::HostAnswer& answer) {
        const std::vector<ClusterTask>& tasks = recorder_.clusterings(side);
        std::vector<Bytes>& codebooks = codebooks_[side];
        codebooks.resize(tasks.size(),
                         Bytes(std::size_t{shape_.engine.centroids()} * shape_.engine.head_dim));
        const std::vector<Bytes> elements = commands_.elements(answer);
        for (std::size_t i = 0; i < elements.size() && first_window + i < tasks.size(); ++i) {
          const std::size_t w = first_window + i;
          Slice(tasks[w].tokens, slice, shape_.engine).put(elements[i], codebooks[w]);
        }
      });
  return steps;
}

ChannelHead::Steps ChannelHead::write_codebooks() {
  Steps steps;
  for (unsigned side = 0; side < kSides; ++side) {
    std::vector<Bytes> expected;
    for (const ClusterTask& task : recorder_.clusterings(side)) expected.push_back(task.codebook);
    if (options_.software_prefill) {
      codebooks_[side] = std::move(expected);
    } else {
      for (std::size_t w = 0; w < expected.size(); ++w) {
        compare(codebooks_[side].at(w), expected[w]);
      }
    }
    const std::vector<Bytes>& codebooks = codebooks_[side];
    if (placement_.scope_rank()) {
      add_all(steps, commands_.write_striped(placement_.codebook_row(side, 0), codebooks[0]));
      continue;
    }
    for (std::size_t w = 0; w < codebooks.size(); w += shape_.engines()) {
      std::vector<Bytes> streams(shape_.engines());
      for (std::size_t i = w; i < codebooks.size() && i < w + shape_.engines(); ++i) {
        streams[placement_.engine_of_window(i)] = codebooks[i];
      }
      const std::size_t slot = placement_.slot_of_window(w);
      add_all(steps, commands_.write_local(placement_.codebook_row(side, slot), streams));
    }
  }
  written_windows_ = codebooks_[0].size();
  extend_codebooks(steps, cache().tokens);
  return steps;
}

void ChannelHead::extend_codebooks(Steps& steps, std::size_t encoded) {
  if (placement_.scope_rank()) return;
  for (; written_windows_ * options_.cache.window < encoded; ++written_windows_) {
    for (unsigned side = 0; side < kSides; ++side) {
      std::vector<Bytes> streams(shape_.engines());
      streams[placement_.engine_of_window(written_windows_)] = codebooks_[side].back();
      const std::size_t slot = placement_.slot_of_window(written_windows_);
      add_all(steps, commands_.write_local(placement_.codebook_row(side, slot), streams));
    }
  }
}

ChannelHead::Steps ChannelHead::write_codes() {
  Steps steps;
  for (unsigned side = 0; side < kSides; ++side) {
    recorder_.take_encoding(side);
    const Bytes codes = pack_codes(side == 0 ? cache().codes_k : cache().codes_v, shape_.engine);
    const std::size_t token_bytes = std::size_t{shape_.beats_per_token()} * config::kBeatBytes;
    std::vector<Bytes> streams(shape_.engines());
    for (unsigned e = 0; e < shape_.engines(); ++e) {
      for (std::size_t place = 0; place < placement_.tokens(e, cache().tokens); ++place) {
        const auto own =
            std::span(codes).subspan(placement_.token({e, place}) * token_bytes, token_bytes);
        streams[e].insert(streams[e].end(), own.begin(), own.end());
      }
    }
    add_all(steps, commands_.write_local(placement_.context().codes[side].first, streams));
  }
  return steps;
}

void ChannelHead::encode(Steps& steps, unsigned side, const EncodeTask& task) const {
  const std::size_t dim = shape_.engine.head_dim;
  // Engines whose tokens have the same place work at once.
  std::map<std::size_t, std::vector<std::span<const std::uint16_t>>> vectors;
  for (std::size_t i = 0; i < task.tokens.size() / dim; ++i) {
    const Placement::Spot spot = placement_.spot(task.first + i);
    auto& at_place = vectors[spot.place];
    at_place.resize(shape_.engines());
    at_place[spot.engine] = std::span(task.tokens).subspan(i * dim, dim);
  }
  for (const auto& [place, at_place] : vectors) {
    add(steps, commands_.set_vectors(side == 1, at_place), HostPhase::kEncode);
    add(steps, commands_.encode(side == 1, place), HostPhase::kEncode);
  }
}

// ---- Decode -------------------------------------------------------------------------------------

ChannelHead::Steps ChannelHead::decode(std::size_t query) {
  Steps steps;
  const std::size_t before = cache().tokens;
  quantizer_.append_until(options_.queries[query]);
  if (cache().tokens != before) {
    // ENCODE is not taken while a result is unread.
    while (!unread_.empty()) read_result(steps);
    extend_codebooks(steps, cache().tokens);
    for (unsigned side = 0; side < kSides; ++side) {
      encode(steps, side, recorder_.take_encoding(side));
    }
  }
  for (std::size_t g = 0; g < head_.groups; ++g) attend(steps, query, g);
  return steps;
}

void ChannelHead::attend(Steps& steps, std::size_t query, std::size_t g) {
  const std::size_t t = options_.queries[query];
  const std::size_t encoded = cache().first_recent(t) - cache().sinks;
  const auto vector = query_of(head_, g, t);
  const PreparedQuery prepared = prepare_query(vector, cache(), shape_.engine);
  const std::vector<double> scores = centre_scores(vector, cache());
  const std::size_t run = placement_.bias_run();
  const std::size_t longest = placement_.tokens(0, encoded);

  for (std::size_t first = 0; first < longest; first += placement_.tile_tokens()) {
    std::vector<std::uint16_t> tokens;
    std::vector<TileBiases> biases;
    for (unsigned e = 0; e < shape_.engines(); ++e) {
      const std::size_t own = placement_.tokens(e, encoded);
      const std::size_t count = own < first ? 0 : std::min(own - first, placement_.tile_tokens());
      tokens.push_back(static_cast<std::uint16_t>(count));
      if (e > 0 && (run == 0 || placement_.biases_shared())) continue;
      std::vector<double> centres;
      for (std::size_t place = first; run != 0 && place < first + count; place += run) {
        centres.push_back(scores[placement_.token({e, place}) / cache().center_block]);
      }
      biases.push_back(centres.empty() ? TileBiases{} : run_biases(centres, shape_.engine, run));
    }
    if (unread_.size() == kMostUnread) read_result(steps);
    add(steps, commands_.set_query(prepared, tokens, biases), HostPhase::kAttend);
    add(steps, commands_.attend(tokens[0], first / placement_.tile_tokens()), HostPhase::kAttend);
    ++tiles_;

    std::vector<double> commons;
    for (unsigned e = 0; e < shape_.engines(); ++e) {
      commons.push_back(biases[biases.size() == 1 ? 0 : e].common);
    }
    std::vector<Partial>& parts = parts_[g * options_.queries.size() + query];
    unread_.emplace_back([this, &parts, commons](const golden::HostAnswer& answer) {
      const std::vector<golden::Result> results = commands_.results(answer);
      for (unsigned e = 0; e < shape_.engines(); ++e) {
        flags_.push_back(results[e].flags);
        if (results[e].weight_sum == 0) continue;
        parts.push_back(engine_part(results[e], commons[e], cache(), shape_.engine));
      }
    });
  }
}

void ChannelHead::read_result(Steps& steps) {
  add(steps, commands_.result(), HostPhase::kAttend, std::move(unread_.front()));
  unread_.pop_front();
}

std::uint16_t ChannelHead::flags() const {
  std::uint16_t all = 0;
  for (const std::uint16_t flags : flags_) all |= flags;
  return all;
}

std::vector<std::vector<double>> ChannelHead::outputs() const {
  std::vector<std::vector<double>> outputs;
  for (std::size_t i = 0; i < parts_.size(); ++i) {
    const std::size_t g = i / options_.queries.size();
    const std::size_t t = options_.queries[i % options_.queries.size()];
    std::vector<Partial> parts = parts_[i];
    parts.push_back(exact_part(head_, g, t, 0, std::min(cache().sinks, t + 1)));
    parts.push_back(exact_part(head_, g, t, cache().first_recent(t), t + 1));
    for (OutlierParts& outlier : outlier_parts(head_, cache(), g, t)) {
      parts.push_back(std::move(outlier.exact));
      parts.push_back(std::move(outlier.stand_in));
    }
    outputs.push_back(normalised(merge(parts)));
  }
  return outputs;
}

// ---- Check --------------------------------------------------------------------------------------

ChannelHead::Steps ChannelHead::check_codes() {
  Steps steps;
  const std::size_t beats = placement_.tokens(0, cache().tokens) * shape_.beats_per_token();
  for (unsigned side = 0; side < kSides; ++side) {
    const std::vector<golden::HostCommand> reads =
        commands_.read_local(placement_.context().codes[side].first, beats);
    for (std::size_t i = 0; i < reads.size(); ++i) {
      const bool last = i + 1 == reads.size();
      add(steps, reads[i], HostPhase::kTransfer,
          [this, side, last](const golden::HostAnswer& answer) {
            std::vector<golden::Beat>& data = read_back_[side];
            data.insert(data.end(), answer.data.begin(), answer.data.end());
            if (!last) return;
            const Bytes expected =
                pack_codes(side == 0 ? cache().codes_k : cache().codes_v, shape_.engine);
            const std::vector<Bytes> streams = commands_.local_streams(data);
            const std::size_t token_bytes =
                std::size_t{shape_.beats_per_token()} * config::kBeatBytes;
            for (std::size_t token = 0; token < cache().tokens; ++token) {
              const Placement::Spot spot = placement_.spot(token);
              compare(
                  std::span(streams[spot.engine]).subspan(spot.place * token_bytes, token_bytes),
                  std::span(expected).subspan(token * token_bytes, token_bytes));
            }
          });
    }
  }
  return steps;
}

void ChannelHead::compare(std::span<const std::uint8_t> bytes,
                          std::span<const std::uint8_t> expected) {
  compared_ += expected.size();
  for (std::size_t i = 0; i < expected.size(); ++i) mismatches_ += bytes[i] != expected[i];
}

}  // namespace aqpim::system
