// SPDX-License-Identifier: Apache-2.0
#include "sw/golden/quantizer.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <memory>
#include <stdexcept>
#include <vector>

#include "sw/golden/engine.h"
#include "sw/golden/float_to_fixed.h"
#include "sw/golden/reducer.h"
#include "sw/seed/seed.h"

namespace {

using aqpim::Random;
using aqpim::test_iterations;
using aqpim::test_seed;
using aqpim::config::EngineConfig;
using aqpim::golden::Engine;
using aqpim::golden::kFlagNonfinite;
using aqpim::golden::kFlagQuerySaturated;
using aqpim::golden::Operation;
using aqpim::golden::Quantizer;
using aqpim::golden::QuantizerCommand;
using aqpim::golden::QuantizerConfig;
using aqpim::golden::QuantizerOperation;
using aqpim::golden::RegisterSelect;
using Bytes = std::vector<std::uint8_t>;

constexpr unsigned kBeatBytes = QuantizerConfig::kBeatBytes;
constexpr unsigned kCentroids = QuantizerConfig::kCentroids;
constexpr unsigned kPasses = 4;

void append(Bytes& bytes, std::span<const std::uint8_t> more) {
  bytes.insert(bytes.end(), more.begin(), more.end());
}

std::span<const std::uint8_t> part(const Bytes& bytes, std::size_t first, std::size_t count) {
  return std::span(bytes).subspan(first, count);
}

// Raw tokens of a slice, 32 bytes each, and their weights.
struct Slice {
  Bytes tokens, weights, start;

  std::size_t count() const { return weights.size(); }
  // For each `group` tokens, or what is left of them, as many weights, then the tokens.
  Bytes stream(std::size_t first, std::size_t tokens_wanted, std::size_t group) const {
    Bytes bytes;
    for (std::size_t t = 0; t < tokens_wanted; ++t) {
      if (t % group == 0) {
        Bytes word(group, 0xee);
        std::copy_n(weights.begin() + static_cast<std::ptrdiff_t>(first + t),
                    std::min(group, tokens_wanted - t), word.begin());
        append(bytes, word);
      }
      append(bytes, part(tokens, (first + t) * kBeatBytes, kBeatBytes));
    }
    return bytes;
  }
};

// `distinct`: how many different tokens; few make ties and empty clusters. `wild`: any floats.
Slice random_slice(Random& random, std::size_t count, std::size_t distinct, bool wild) {
  Bytes pool;
  for (std::size_t e = 0; e < distinct * kBeatBytes / 2; ++e) {
    auto bits = static_cast<std::uint16_t>(random.bits(16));
    // Otherwise of magnitudes below 8 in binary16
    if (!wild) bits = static_cast<std::uint16_t>((bits & 0x8000) | (bits & 0x7fff) % 0x4800);
    pool.push_back(static_cast<std::uint8_t>(bits));
    pool.push_back(static_cast<std::uint8_t>(bits >> 8));
  }
  Slice slice;
  const auto token = [&] { return part(pool, random.below(distinct) * kBeatBytes, kBeatBytes); };
  for (std::size_t t = 0; t < count; ++t) {
    append(slice.tokens, token());
    slice.weights.push_back(static_cast<std::uint8_t>(random.chance(1, 8) ? 0 : random.bits(8)));
  }
  for (unsigned c = 0; c < kCentroids; ++c) append(slice.start, token());
  return slice;
}

EngineConfig engine_config(unsigned head_dim) {
  return {.head_dim = head_dim,
          .sub_dim = 2,
          .code_bits = 4,
          .word_bits = 128,
          .query_width = 12,
          .entry_width = 16,
          .score_width = 16,
          .score_fraction = 8,
          .score_depth = 2048,
          .bias_depth = 256,
          .weight_width = 14,
          .quantize = 1};
}

// ---- Engine and reducer -------------------------------------------------------------------------

struct Reference {
  EngineConfig config;
  Engine engine;

  explicit Reference(unsigned head_dim)
      : config(engine_config(head_dim)), engine(engine_config(head_dim)) {}

  void command(Operation operation, bool first, std::size_t tokens, const Bytes& stream) {
    REQUIRE(engine.command({operation, first, static_cast<unsigned>(tokens),
                            std::make_shared<const Bytes>(stream), 0, stream.size()}));
  }

  void control(bool bfloat16, bool values) {
    Bytes word(config.word_bytes());
    word[0] = static_cast<std::uint8_t>(8 | (bfloat16 ? 0x10 : 0) | (values ? 0x40 : 0) | 0x20);
    engine.write({RegisterSelect::kControl, 0, word});
  }

  // The stored centroids [16, 16 channels].
  Bytes cluster(const Slice& slice, bool values) {
    Bytes centroids = slice.start;
    aqpim::golden::Reduced reduced;
    for (unsigned pass = 0; pass < kPasses; ++pass) {
      command(Operation::kLoad, pass == 0, 0, centroids);
      command(Operation::kCluster, false, slice.count(),
              slice.stream(0, slice.count(), config.word_bytes()));
      command(Operation::kUnload, false, 0, Bytes(engine.words(Operation::kUnload, 0) * 16));
      reduced = aqpim::golden::reduce(std::vector<Bytes>{engine.unloaded()}, config, values);
      centroids = reduced.centroids;
    }
    return reduced.codebook;
  }

  // The codes [M] of a vector.
  Bytes encode(std::span<const std::uint8_t> vector, const Bytes& codebook) {
    for (unsigned w = 0; w * config.word_bytes() < vector.size(); ++w) {
      const auto word = vector.subspan(w * config.word_bytes(), config.word_bytes());
      engine.write({RegisterSelect::kQuery, w, Bytes(word.begin(), word.end())});
    }
    command(Operation::kEncode, false, 0, codebook);
    const Bytes packed = engine.run({aqpim::golden::ReadCodes{}}).codes.at(0);
    Bytes codes;
    for (unsigned m = 0; m < config.subspaces(); ++m) {
      codes.push_back(static_cast<std::uint8_t>(packed[m / 2] >> m % 2 * 4 & 15));
    }
    return codes;
  }
};

Bytes codes_of(const Quantizer& quantizer, const QuantizerConfig& config, std::size_t token) {
  Bytes codes;
  for (unsigned m = 0; m < config.subspaces(); ++m) {
    const std::size_t nibble = token * config.subspaces() + m;
    const auto beat = quantizer.codes(static_cast<unsigned>(nibble / 64));
    codes.push_back(static_cast<std::uint8_t>(beat[nibble % 64 / 2] >> nibble % 2 * 4 & 15));
  }
  return codes;
}

}  // namespace

TEST_CASE("quantizer: codebooks, codes and flags are those of engine and reducer") {
  Random random(test_seed(), "quantizer");
  for (const unsigned head_dim : {128u, 64u}) {
    const QuantizerConfig config{.head_dim = head_dim};
    Quantizer quantizer(config);
    for (std::uint64_t round = 0; round < test_iterations(6); ++round) {
      CAPTURE(head_dim);
      CAPTURE(round);
      const bool values = random.chance(1, 2), bfloat16 = random.chance(1, 3);
      const auto rank = static_cast<unsigned>(random.below(2));
      Reference reference(head_dim);
      reference.control(bfloat16, values);
      Bytes control(kBeatBytes, 0xc0);
      control[0] = static_cast<std::uint8_t>(8 | (bfloat16 ? 0x10 : 0) | 0x20);
      REQUIRE(quantizer.write_control(rank, control));

      const auto count = static_cast<std::size_t>(random.between(1, 300));
      const std::size_t distinct = random.pick({3u, 20u, 400u});
      const bool wild = bfloat16 || random.chance(1, 3);
      std::vector<Slice> slices;
      Bytes codebook(16 * head_dim);  // centroid-major
      Bytes turn_beats;               // as the attend engine has it
      for (unsigned s = 0; s < config.slices(); ++s) {
        CAPTURE(s);
        const Slice& slice = slices.emplace_back(random_slice(random, count, distinct, wild));
        REQUIRE(quantizer.command(
            {.operation = QuantizerOperation::kLoad, .slice = s, .rank = rank}, slice.start));
        const auto half = static_cast<std::size_t>(random.below(count + 1));
        for (unsigned pass = 0; pass < kPasses; ++pass) {
          for (const auto& [first, tokens] :
               {std::pair(std::size_t{0}, half), std::pair(half, count - half)}) {
            REQUIRE(quantizer.command({.operation = QuantizerOperation::kCluster,
                                       .tokens = static_cast<unsigned>(tokens),
                                       .rank = rank},
                                      slice.stream(first, tokens, 32)));
          }
          REQUIRE(quantizer.command({.operation = QuantizerOperation::kUpdate,
                                     .last = pass + 1 == kPasses,
                                     .values = values,
                                     .rank = rank},
                                    {}));
        }
        const Bytes stored = reference.cluster(slice, values);
        REQUIRE(Bytes(quantizer.elements().begin(), quantizer.elements().end()) == stored);
        for (std::size_t c = 0; c < kCentroids; ++c) {
          const auto of_centroid = part(stored, c * 16, 16);
          std::ranges::copy(of_centroid,
                            codebook.begin() + static_cast<std::ptrdiff_t>(c * head_dim + s * 16));
          const Bytes other(16, static_cast<std::uint8_t>(random.bits(8)));
          append(turn_beats, values ? of_centroid : std::span<const std::uint8_t>(other));
          append(turn_beats, values ? std::span<const std::uint8_t>(other) : of_centroid);
        }
      }

      // With the centroids as clustering has left them, and as a codebook brings them.
      const auto encoded = static_cast<unsigned>(
          random.below(std::min<std::size_t>(config.code_tokens(), count) + 1));
      Bytes stream;
      for (std::size_t t = 0; t < encoded; ++t) {
        for (const Slice& slice : slices) append(stream, part(slice.tokens, t * 32, 32));
      }
      for (const bool again : {false, true}) {
        CAPTURE(again);
        if (again) {
          REQUIRE(quantizer.command({.operation = QuantizerOperation::kCodebook, .values = values},
                                    turn_beats));
        }
        REQUIRE(quantizer.command(
            {.operation = QuantizerOperation::kEncode, .tokens = encoded, .rank = rank}, stream));
        for (std::size_t t = 0; t < encoded; ++t) {
          CAPTURE(t);
          const Bytes codes =
              reference.encode(part(stream, t * head_dim * 2, head_dim * 2), codebook);
          REQUIRE(codes_of(quantizer, config, t) == codes);
        }
        if (encoded % config.slots() != 0) {
          CHECK(codes_of(quantizer, config, encoded) == Bytes(config.subspaces()));
        }
      }
      CHECK(quantizer.flags(rank) ==
            (reference.engine.flags() & (kFlagNonfinite | kFlagQuerySaturated)));
    }
  }
}

TEST_CASE("quantizer: the integers of a query") {
  Random random(test_seed(), "quantizer query");
  const QuantizerConfig config;
  Quantizer quantizer(config);
  for (std::uint64_t round = 0; round < test_iterations(20); ++round) {
    // Registers of the other rank, later ones, do not matter.
    for (const unsigned rank : {0u, 1u}) {
      const auto fraction = static_cast<unsigned>(random.between(8, 15));
      const bool bfloat16 = random.chance(1, 2);
      Bytes shifts(64), floats(256), beat(kBeatBytes);
      for (std::uint8_t& byte : shifts) byte = static_cast<std::uint8_t>(random.bits(8));
      for (std::uint8_t& byte : floats) byte = static_cast<std::uint8_t>(random.bits(8));
      beat[0] = static_cast<std::uint8_t>(fraction | (bfloat16 ? 0x30 : 0x20));
      REQUIRE(quantizer.write_control(rank, beat));
      CHECK(quantizer.flags(rank) == 0);
      REQUIRE(quantizer.write_shifts(rank, 0, part(shifts, 0, 32)));
      REQUIRE(quantizer.write_shifts(rank, 1, part(shifts, 32, 32)));
      std::uint16_t flags = 0;
      for (unsigned index = 0; index < 8; ++index) {
        const auto parameters = quantizer.convert(rank, index, part(floats, 32 * index, 32));
        REQUIRE(parameters.has_value());
        for (unsigned m = 0; m < 8; ++m) {
          const unsigned shift = shifts[8 * index + m] & 15u;
          std::uint32_t word = shift << 24;
          for (unsigned i = 0; i < 2; ++i) {
            const std::size_t at = 32 * index + 4 * m + 2 * i;
            const auto fixed = aqpim::golden::float_to_fixed(
                static_cast<std::uint16_t>(floats[at] | floats[at + 1] << 8), bfloat16,
                fraction + shift, 12);
            word |= (static_cast<std::uint32_t>(fixed.value) & 0xfff) << 12 * i;
            if (fixed.nonfinite) flags |= kFlagNonfinite;
            if (fixed.saturated) flags |= kFlagQuerySaturated;
          }
          for (unsigned b = 0; b < 4; ++b) {
            REQUIRE((*parameters)[4 * m + b] == static_cast<std::uint8_t>(word >> 8 * b));
          }
        }
      }
      CHECK(quantizer.flags(rank) == flags);
    }
  }
}

TEST_CASE("quantizer: what is refused changes nothing") {
  Quantizer quantizer({.head_dim = 64, .window_depth = 64});
  const Bytes slice(16 * kBeatBytes);
  const auto run = [&](const QuantizerCommand& command) {
    return quantizer.command(command, Bytes(quantizer.beats(command) * kBeatBytes));
  };
  const QuantizerCommand update{.operation = QuantizerOperation::kUpdate};
  const QuantizerCommand last{.operation = QuantizerOperation::kUpdate, .last = true};
  const auto cluster = [](unsigned tokens) {
    return QuantizerCommand{.operation = QuantizerOperation::kCluster, .tokens = tokens};
  };
  const auto encode = [](unsigned tokens) {
    return QuantizerCommand{.operation = QuantizerOperation::kEncode, .tokens = tokens};
  };

  CHECK_FALSE(run(update));
  CHECK_FALSE(run(cluster(1)));
  CHECK_FALSE(run(encode(1)));
  for (unsigned s = 0; s < 4; ++s) {
    CHECK_FALSE(run(encode(0)));
    REQUIRE(run({.operation = QuantizerOperation::kLoad, .slice = s}));
    REQUIRE(run(cluster(40)));
    CHECK_FALSE(run(cluster(25)));
    REQUIRE(run(cluster(24)));
    CHECK_FALSE(run(cluster(1)));
    REQUIRE(run(update));
    REQUIRE(run(cluster(64)));
    REQUIRE(run(last));
    CHECK_FALSE(run(cluster(1)));
    CHECK_FALSE(run(update));
  }
  REQUIRE(run(encode(64)));
  CHECK_FALSE(run(encode(65)));
  REQUIRE(run({.operation = QuantizerOperation::kLoad, .slice = 2}));
  CHECK_FALSE(run(encode(1)));
  REQUIRE(run({.operation = QuantizerOperation::kCodebook}));
  REQUIRE(run(encode(1)));
  CHECK_FALSE(run(cluster(1)));
  CHECK_FALSE(run({.operation = static_cast<QuantizerOperation>(5)}));
  CHECK_THROWS_AS(quantizer.command(encode(1), Bytes(kBeatBytes)), std::invalid_argument);

  const Bytes beat(kBeatBytes, 7);  // a fraction of 7
  CHECK_FALSE(quantizer.write_control(0, beat));
  CHECK_FALSE(quantizer.write_shifts(0, 1, beat));
  CHECK_FALSE(quantizer.convert(0, 4, beat).has_value());
}
