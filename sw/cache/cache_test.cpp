// SPDX-License-Identifier: Apache-2.0
#include "sw/cache/cache.h"

#include <doctest/doctest.h>

#include "sw/cache/cache_file.h"
#include "sw/cache/formats.h"
#include "sw/config/test_support.h"
#include "sw/quantize/quantize.h"
#include "sw/quantize/test_heads.h"

namespace {

using namespace aqpim::cache;
using namespace aqpim::quantize;
using aqpim::test::make_engine;
using aqpim::test::make_head;

HeadCache sample(bool centring = true, std::size_t window = 64) {
  QuantizeOptions options;
  options.centring = centring;
  options.window = window;
  options.timeline.append_block = 32;
  return quantize(make_head(1, 300, 64), make_engine(64, 4, 8), options);
}

}  // namespace

TEST_CASE("cache: decoded codebooks are stored bytes times scale") {
  const HeadCache cache = sample();
  const auto k = cache.decoded_codebook_k();
  const auto v = cache.decoded_codebook_v();
  for (std::size_t w = 0; w < cache.windows; ++w) {
    for (std::size_t m = 0; m < 16; ++m) {
      const std::size_t e = cache.element(w, m, 17, 3);
      CHECK(k[e] == static_cast<float>(cache.codebook_k[e]) * cache.scale_k[m]);
      CHECK(v[e] == static_cast<float>(decode_minifloat(cache.codebook_v[e])) * cache.scale_v[m]);
    }
  }
}

TEST_CASE("cache: windows cover the encoded tokens without gap") {
  const HeadCache cache = sample();
  std::size_t next = 0;
  for (std::size_t w = 0; w < cache.windows; ++w) {
    CHECK(cache.window_begin(w) == next);
    next = cache.window_end(w);
    CHECK(cache.window_of(next - 1) == w);
  }
  CHECK(next == cache.tokens);
}

TEST_CASE("cache: size counts codes, codebooks, centres and scales") {
  const HeadCache cache = sample();
  REQUIRE(cache.tokens == 256);
  const CacheSize size = cache_size(cache);
  CHECK(size.codes == 2 * 256 * 16);
  CHECK(size.codebooks == 2 * 4 * 256 * 64);
  CHECK(size.centres == 8 * 64 * 2);
  CHECK(size.scales == 16 * 8);
  CHECK(size.half == 2 * 256 * 64 * 2);
  CHECK(size.bits_per_element() ==
        doctest::Approx(8.0 * (2 * 256 * 16 + 2 * 4 * 256 * 64 + 8 * 64 * 2) / (2.0 * 256 * 64)));
  CHECK(size.ratio() == doctest::Approx(65536.0 / (8192 + 131072 + 1024 + 128)));
  CacheSize sum = size;
  sum += size;
  CHECK(sum.bytes() == 2 * size.bytes());
  CHECK(sum.bits_per_element() == doctest::Approx(size.bits_per_element()));
}

TEST_CASE("cache: codes of 4 bits count half a byte") {
  QuantizeOptions options;
  options.timeline.append_block = 32;
  const HeadCache cache = quantize(make_head(1, 300, 64), make_engine(64, 2, 4), options);
  CHECK(cache_size(cache).codes == 2 * 256 * 32 / 2);
}

TEST_CASE("cache file: tensors have the documented names, formats, shapes and values") {
  const HeadCache cache = sample();
  aqpim::workload::File file;
  add_tensors(
      file, cache,
      {.queries = {295, 299}, .groups = 2, .outputs = std::vector<float>(2 * 2 * 64, 0.5f)});
  const auto shape = [&](const std::string& name) {
    return file.tensors.at("l0.h0." + name).shape;
  };
  using Shape = std::vector<std::size_t>;
  CHECK(file.tensors.size() == 13);
  CHECK(shape("codes_k") == Shape{256, 16});
  CHECK(shape("codes_v") == Shape{256, 16});
  CHECK(shape("codebook_k") == Shape{4, 16, 256, 4});
  CHECK(shape("codebook_v") == Shape{4, 16, 256, 4});
  CHECK(shape("centers_k") == Shape{8, 64});
  CHECK(shape("transform_k") == Shape{64, 64});
  CHECK(shape("transform_v") == Shape{64, 64});
  CHECK(shape("o") == Shape{2, 2, 64});
  using aqpim::workload::values_of;
  const auto integers = [&](const std::string& name) {
    return values_of<std::int64_t>(file.tensors.at("l0.h0." + name));
  };
  using Integers = std::vector<std::int64_t>;
  CHECK(integers("window") == Integers{64});
  CHECK(integers("center_block") == Integers{32});
  CHECK(integers("sinks") == Integers{8});
  CHECK(integers("queries") == Integers{295, 299});
  CHECK(integers("first_recent") == Integers{264, 264});
  CHECK(values_of<float>(file.tensors.at("l0.h0.codebook_k")) == cache.decoded_codebook_k());
  const auto transform = values_of<float>(file.tensors.at("l0.h0.transform_k"));
  CHECK(transform == cache.transform_k.dense());
}

TEST_CASE("cache file: without centring there is one row of zeros and block 0") {
  aqpim::workload::File file;
  add_tensors(file, sample(false));
  CHECK(file.tensors.at("l0.h0.centers_k").shape == std::vector<std::size_t>{1, 64});
  CHECK(aqpim::workload::values_of<std::int64_t>(file.tensors.at("l0.h0.center_block"))[0] == 0);
  CHECK_FALSE(file.tensors.contains("l0.h0.queries"));
  CHECK_FALSE(file.tensors.contains("l0.h0.o"));
}

TEST_CASE("cache file: our own reader reads it back") {
  const aqpim::test::TemporaryFolder folder;
  for (const bool centring : {false, true}) {
    aqpim::workload::File file;
    add_tensors(file, sample(centring, 0), {.queries = {299}, .groups = 2, .outputs = {}});
    aqpim::workload::write(folder / "cache", file);
    CHECK(aqpim::workload::read(folder / "cache") == file);
  }
}

TEST_CASE("cache file: outputs of another size are refused") {
  aqpim::workload::File file;
  CHECK_THROWS_AS(add_tensors(file, sample(), {.queries = {299}, .groups = 2, .outputs = {1.0f}}),
                  std::invalid_argument);
}
