// SPDX-License-Identifier: Apache-2.0
#include "sw/golden/quantizer.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "sw/quantize/kmeans.h"
#include "sw/quantize/quantize.h"
#include "sw/quantize/software_backend.h"
#include "sw/quantize/test_heads.h"
#include "sw/workload/workload.h"

namespace {

using namespace aqpim::quantize;
using aqpim::golden::Quantizer;
using aqpim::golden::QuantizerConfig;
using aqpim::golden::QuantizerOperation;
using aqpim::test::make_engine;
using aqpim::test::make_head;
using Bytes = std::vector<std::uint8_t>;

constexpr std::size_t kSliceChannels = QuantizerConfig::kSliceChannels;
constexpr std::size_t kCentroids = QuantizerConfig::kCentroids;

// Clusters and encodes with the golden quantizer.
class QuantizerBackend : public Backend {
 public:
  explicit QuantizerBackend(unsigned head_dim)
      : config_{.head_dim = head_dim}, quantizer_(config_) {}

  Bytes cluster(std::span<const std::uint16_t> tokens, std::span<const std::uint8_t> weights,
                bool values) override {
    const std::size_t count = weights.size();
    Bytes codebook(kCentroids * config_.head_dim);
    for (unsigned s = 0; s < config_.slices(); ++s) {
      Bytes start, stream;
      for (std::size_t c = 0; c < kCentroids; ++c) {
        append(start, tokens, start_token(c, count, kCentroids, 0), s);
      }
      for (std::size_t t = 0; t < count; ++t) {
        if (t % QuantizerConfig::kWeightsBeat == 0) {
          const auto some =
              weights.subspan(t, std::min<std::size_t>(QuantizerConfig::kWeightsBeat, count - t));
          stream.insert(stream.end(), some.begin(), some.end());
          stream.resize(stream.size() + QuantizerConfig::kWeightsBeat - some.size());
        }
        append(stream, tokens, t, s);
      }
      run({.operation = QuantizerOperation::kLoad, .slice = s}, start);
      for (std::size_t pass = 1; pass <= kPasses; ++pass) {
        run({.operation = QuantizerOperation::kCluster, .tokens = static_cast<unsigned>(count)},
            stream);
        run({.operation = QuantizerOperation::kUpdate, .last = pass == kPasses, .values = values},
            {});
      }
      for (std::size_t c = 0; c < kCentroids; ++c) {
        std::ranges::copy(quantizer_.elements().subspan(c * kSliceChannels, kSliceChannels),
                          codebook.begin() + static_cast<std::ptrdiff_t>(c * config_.head_dim +
                                                                         s * kSliceChannels));
      }
    }
    return codebook;
  }

  Bytes encode(std::span<const std::uint16_t> tokens, std::span<const std::uint8_t> codebook,
               bool values) override {
    Bytes beats;
    for (std::size_t s = 0; s < config_.slices(); ++s) {
      for (std::size_t c = 0; c < kCentroids; ++c) {
        const auto bytes =
            codebook.subspan(c * config_.head_dim + s * kSliceChannels, kSliceChannels);
        for (int side = 0; side < 2; ++side) beats.insert(beats.end(), bytes.begin(), bytes.end());
      }
    }
    run({.operation = QuantizerOperation::kCodebook, .values = values}, beats);

    const std::size_t count = tokens.size() / config_.head_dim;
    Bytes codes;
    for (std::size_t first = 0; first < count; first += config_.code_tokens()) {
      const std::size_t some = std::min<std::size_t>(config_.code_tokens(), count - first);
      Bytes stream;
      for (std::size_t t = first; t < first + some; ++t) {
        for (std::size_t s = 0; s < config_.slices(); ++s) append(stream, tokens, t, s);
      }
      run({.operation = QuantizerOperation::kEncode, .tokens = static_cast<unsigned>(some)},
          stream);
      for (std::size_t nibble = 0; nibble < some * config_.subspaces(); ++nibble) {
        const std::uint8_t byte =
            quantizer_.codes(static_cast<unsigned>(nibble / 64))[nibble % 64 / 2];
        codes.push_back(static_cast<std::uint8_t>(byte >> nibble % 2 * 4 & 15));
      }
    }
    return codes;
  }

 private:
  // A beat: the channels of slice s of token t.
  void append(Bytes& bytes, std::span<const std::uint16_t> tokens, std::size_t t, std::size_t s) {
    for (std::size_t i = 0; i < kSliceChannels; ++i) {
      const std::uint16_t raw = tokens[t * config_.head_dim + s * kSliceChannels + i];
      bytes.push_back(static_cast<std::uint8_t>(raw));
      bytes.push_back(static_cast<std::uint8_t>(raw >> 8));
    }
  }

  void run(const aqpim::golden::QuantizerCommand& command, const Bytes& stream) {
    REQUIRE(quantizer_.command(command, stream));
  }

  QuantizerConfig config_;
  Quantizer quantizer_;
};

void compare(const aqpim::workload::Head& head, unsigned head_dim, std::size_t window) {
  CAPTURE(head_dim);
  CAPTURE(window);
  const auto engine = make_engine(head_dim, 2, 4);
  QuantizeOptions options;
  options.weights = options.centring = true;
  options.window = window;
  QuantizerBackend quantizer(head_dim);
  const auto expected = quantize(head, engine, options, *fixed_backend(engine));
  const auto found = quantize(head, engine, options, quantizer);
  CHECK(found.codebook_k == expected.codebook_k);
  CHECK(found.codebook_v == expected.codebook_v);
  CHECK(found.codes_k == expected.codes_k);
  CHECK(found.codes_v == expected.codes_v);
}

}  // namespace

TEST_CASE("quantizer: random heads get the codebooks and codes of the backend fixed") {
  for (const unsigned head_dim : {64u, 128u}) {
    compare(make_head(5, 400, head_dim), head_dim, 0);
    compare(make_head(6, 410, head_dim), head_dim, 80);
  }
}

TEST_CASE("quantizer: captured heads get the codebooks and codes of the backend fixed") {
  for (const char* name : {"gqa128_prose_2k", "smollm2_prose_2k"}) {
    const auto workload =
        aqpim::workload::load(fmt::format("{}/workloads/{}.safetensors", AQPIM_SOURCE_DIR, name));
    const auto head = workload.read(workload.heads[0]);
    for (const std::size_t window : {256u, 1024u}) {
      compare(head, static_cast<unsigned>(head.head_dim), window);
    }
  }
}
