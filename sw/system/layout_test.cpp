// SPDX-License-Identifier: Apache-2.0
#include "sw/system/layout.h"

#include <doctest/doctest.h>

#include <stdexcept>

#include "sw/quantize/quantize.h"
#include "sw/quantize/test_heads.h"

namespace {

using aqpim::cache::HeadCache;
using aqpim::system::pack;
using aqpim::system::pack_codes;
using aqpim::test::make_engine;

HeadCache sample(const aqpim::config::EngineConfig& engine) {
  aqpim::quantize::QuantizeOptions options;
  options.window = 64;
  options.timeline.append_block = 16;
  return aqpim::quantize::quantize(aqpim::test::make_head(1, 200, engine.head_dim), engine,
                                   options);
}

}  // namespace

TEST_CASE("layout: lane i of word j of a token is the code of sub-space j·Lanes + i") {
  for (const auto& engine : {make_engine(64, 4, 8), make_engine(64, 2, 4),
                             make_engine(64, 2, 8, 64), make_engine(128, 1, 4, 64)}) {
    const HeadCache cache = sample(engine);
    const auto stream = pack_codes(cache.codes_v, engine);
    CHECK(stream.size() == cache.tokens * engine.token_words() * engine.word_bytes());
    for (std::size_t t = 0; t < cache.tokens; ++t) {
      for (std::size_t j = 0; j < engine.token_words(); ++j) {
        const std::uint8_t* word =
            stream.data() + (t * engine.token_words() + j) * engine.word_bytes();
        for (std::size_t i = 0; i < engine.lanes(); ++i) {
          const std::size_t bit = i * engine.code_bits;
          const unsigned code = word[bit / 8] >> bit % 8 & (engine.centroids() - 1);
          CHECK(code == cache.codes_v[t * engine.subspaces() + j * engine.lanes() + i]);
        }
      }
    }
  }
}

TEST_CASE("layout: byte b of word w of centroid c is channel w·Multipliers + b") {
  for (const auto& engine : {make_engine(64, 4, 8), make_engine(64, 2, 4, 64)}) {
    const HeadCache cache = sample(engine);
    REQUIRE(cache.windows == 3);
    const auto packed = pack(cache, engine);
    CHECK(packed.codebook_bytes ==
          engine.centroids() * engine.centroid_words() * engine.word_bytes());
    CHECK(packed.codebooks_k->size() == 3 * packed.codebook_bytes);
    CHECK(packed.codebooks_v->size() == 3 * packed.codebook_bytes);
    for (std::size_t window = 0; window < 3; ++window) {
      for (std::size_t c = 0; c < engine.centroids(); ++c) {
        for (std::size_t w = 0; w < engine.centroid_words(); ++w) {
          for (std::size_t b = 0; b < engine.multipliers(); ++b) {
            const std::size_t channel = w * engine.multipliers() + b;
            const std::size_t element =
                cache.element(window, channel / engine.sub_dim, c, channel % engine.sub_dim);
            const std::size_t byte = window * packed.codebook_bytes +
                                     (c * engine.centroid_words() + w) * engine.word_bytes() + b;
            CHECK(static_cast<std::int8_t>((*packed.codebooks_k)[byte]) ==
                  cache.codebook_k[element]);
            CHECK((*packed.codebooks_v)[byte] == cache.codebook_v[element]);
          }
        }
      }
    }
  }
}

TEST_CASE("layout: a token of 4-bit codes by hand") {
  auto engine = make_engine(64, 4, 4, 64);
  const std::vector<std::uint8_t> codes{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 0};
  CHECK(pack_codes(codes, engine) ==
        std::vector<std::uint8_t>{0x21, 0x43, 0x65, 0x87, 0xa9, 0xcb, 0xed, 0x0f});
}

TEST_CASE("layout: a cache of another shape is an error") {
  const HeadCache cache = sample(make_engine(64, 4, 8));
  CHECK_THROWS_AS(pack(cache, make_engine(64, 2, 8)), std::invalid_argument);
  CHECK_THROWS_AS(pack(cache, make_engine(64, 4, 4, 64)), std::invalid_argument);
  CHECK_THROWS_AS(pack(cache, make_engine(128, 4, 8)), std::invalid_argument);
}
