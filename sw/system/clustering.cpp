// SPDX-License-Identifier: Apache-2.0
#include "sw/system/clustering.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <stdexcept>
#include <utility>

#include "sw/config/error.h"
#include "sw/system/layout.h"
#include "sw/system/registers.h"
#include "sw/system/slice.h"

namespace aqpim::system {

namespace {

using golden::Command;
using golden::Operation;
using golden::RegisterSelect;
using Stream = std::shared_ptr<const std::vector<std::uint8_t>>;

Stream stream_of(std::vector<std::uint8_t> bytes) {
  return std::make_shared<const std::vector<std::uint8_t>>(std::move(bytes));
}

Command whole(Operation operation, bool first, std::size_t tokens, const Stream& stream) {
  return {operation, first, static_cast<unsigned>(tokens), stream, 0, stream->size()};
}

// CONTROL and SHIFT for raw vectors.
void append_setup(golden::Program& program, bool values, const config::EngineConfig& engine) {
  program.emplace_back(control_write({.table_fraction = kRawFraction, .values = values}, engine));
  const std::vector<std::uint8_t> shifts(engine.subspaces(), 0);
  append_registers(program, RegisterSelect::kShift, std::span(shifts), engine);
}

// A pass of one engine, but for its LOAD.
struct Share {
  unsigned engine = 0;
  std::vector<Command> chunks;
};

std::vector<Share> shares_of(const Slice& slice, std::size_t n, std::size_t chunk,
                             std::span<const std::uint8_t> weights, unsigned engines) {
  std::vector<Share> shares;
  for (unsigned engine = 0; engine < engines; ++engine) {
    const Range range = share_of(engine, engines, n);
    if (range.size() == 0) continue;
    Share& share = shares.emplace_back(Share{.engine = engine, .chunks = {}});
    for (std::size_t first = range.first; first < range.last; first += chunk) {
      const Range part{first, std::min(first + chunk, range.last)};
      share.chunks.push_back(whole(Operation::kCluster, false, slice.padded_tokens(part),
                                   stream_of(slice.stream(part, weights))));
    }
  }
  return shares;
}

std::uint64_t differences(std::span<const std::uint8_t> a, std::span<const std::uint8_t> b) {
  std::uint64_t count = 0;
  for (std::size_t i = 0; i < a.size(); ++i) count += a[i] != b[i];
  return count;
}

std::size_t parts_of(std::size_t n, std::size_t chunk, unsigned engines) {
  std::size_t parts = 0;
  for (unsigned engine = 0; engine < engines; ++engine) {
    parts += (share_of(engine, engines, n).size() + chunk - 1) / chunk;
  }
  return parts;
}

}  // namespace

ClusterStatistics& ClusterStatistics::operator+=(const ClusterStatistics& other) {
  codebooks += other.codebooks;
  codes += other.codes;
  for (std::size_t i = 0; i < changed.size(); ++i) changed[i] += other.changed[i];
  return *this;
}

std::vector<std::uint8_t> cluster(std::span<const std::uint16_t> tokens,
                                  std::span<const std::uint8_t> weights, bool values,
                                  Engines& engines, ClusterStatistics* statistics) {
  const config::EngineConfig& config = engines.config();
  const std::size_t n = weights.size();
  if (n == 0 || tokens.size() != n * config.head_dim) {
    throw std::invalid_argument("clustering takes one weight for each of one or more tokens");
  }
  const std::size_t chunk = engines.chunk();
  if (const std::size_t parts = parts_of(n, chunk, engines.count()); parts > golden::kMostParts) {
    throw InputError(fmt::format(
        "a codebook of {} tokens takes {} chunks of at most {} tokens, sums hold {}; a codebook "
        "window would make it smaller",
        n, parts, chunk, golden::kMostParts));
  }

  // UNLOAD answers each word of a stream, whatever it holds.
  const Stream unload = stream_of(std::vector<std::uint8_t>(
      std::size_t{config.centroids()} * config.record_words() * config.word_bytes()));
  std::vector<std::uint8_t> codebook(std::size_t{config.centroids()} * config.head_dim);
  ClusterStatistics counted{.codebooks = 1, .codes = n * config.subspaces()};
  for (std::size_t s = 0; s < config.slices(); ++s) {
    const Slice slice(tokens, s, config);
    const std::vector<Share> shares = shares_of(slice, n, chunk, weights, engines.count());
    Stream load = stream_of(slice.start());
    golden::Reduced reduced;
    std::vector<std::uint8_t> codes;
    for (std::size_t pass = 0; pass < kPasses; ++pass) {
      if (statistics != nullptr) {
        const std::vector<std::uint8_t> before = std::exchange(codes, slice.codes(*load));
        if (pass > 0) counted.changed[pass - 1] += differences(codes, before);
      }
      std::vector<std::vector<std::uint8_t>> partials;
      for (const Share& share : shares) {
        golden::Program program;
        append_setup(program, values, config);
        program.emplace_back(whole(Operation::kLoad, pass == 0, 0, load));
        for (const Command& chunk_command : share.chunks) {
          program.emplace_back(chunk_command);
          program.emplace_back(whole(Operation::kUnload, false, 0, unload));
        }
        golden::Answers answers = engines.play(share.engine, program);
        if (answers.partials.size() != share.chunks.size()) {
          throw std::runtime_error("an engine refused to cluster");
        }
        std::ranges::move(answers.partials, std::back_inserter(partials));
      }
      reduced = engines.reduce(partials, values);
      load = stream_of(reduced.centroids);
    }
    slice.put(reduced.codebook, codebook);
  }
  if (statistics != nullptr) *statistics += counted;
  return codebook;
}

std::vector<std::uint8_t> encode(std::span<const std::uint16_t> tokens,
                                 std::span<const std::uint8_t> codebook, bool values,
                                 Engines& engines) {
  const config::EngineConfig& config = engines.config();
  const std::size_t n = tokens.size() / config.head_dim;
  const Stream stream = stream_of({codebook.begin(), codebook.end()});
  std::vector<std::uint8_t> codes;
  codes.reserve(n * config.subspaces());
  for (unsigned engine = 0; engine < engines.count(); ++engine) {
    const Range range = share_of(engine, engines.count(), n);
    if (range.size() == 0) continue;
    golden::Program program;
    append_setup(program, values, config);
    for (std::size_t t = range.first; t < range.last; ++t) {
      append_registers(program, RegisterSelect::kQuery,
                       tokens.subspan(t * config.head_dim, config.head_dim), config);
      program.emplace_back(whole(Operation::kEncode, false, 0, stream));
      program.emplace_back(golden::ReadCodes{});
    }
    const golden::Answers answers = engines.play(engine, program);
    if (answers.codes.size() != range.size()) {
      throw std::runtime_error("an engine refused to encode");
    }
    for (const std::vector<std::uint8_t>& words : answers.codes) {
      const std::vector<std::uint8_t> unpacked = unpack_codes(words, config);
      codes.insert(codes.end(), unpacked.begin(), unpacked.end());
    }
  }
  return codes;
}

}  // namespace aqpim::system
