// SPDX-License-Identifier: Apache-2.0
#include "sw/quantize/quantize.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <tuple>
#include <vector>

#include "sw/cache/formats.h"
#include "sw/cache/half.h"
#include "sw/config/test_support.h"
#include "sw/quantize/outliers.h"
#include "sw/quantize/software_backend.h"
#include "sw/quantize/test_heads.h"
#include "sw/reference/accuracy.h"
#include "sw/reference/attention.h"
#include "sw/workload/test_workload.h"

namespace {

using namespace aqpim::cache;
using namespace aqpim::quantize;
using aqpim::test::make_engine;
using aqpim::test::make_head;
using aqpim::test::sentence_of;
using aqpim::workload::Head;

// The head as a calibration called "other".
auto calibration(const Head& head) {
  return std::make_shared<aqpim::workload::Workload>(aqpim::test::make_workload("other", {head}));
}

QuantizeOptions options(std::size_t window = 0, bool all = true) {
  QuantizeOptions result;
  result.weights = result.centring = all;
  result.transform = all ? TransformKind::kDeterminant : TransformKind::kNone;
  result.window = window;
  result.timeline.append_block = 32;
  return result;
}

// Codebooks, scales and orders; everything that must not see tokens at or after P.
auto trained(const HeadCache& cache) {
  return std::tuple(cache.codebook_k, cache.codebook_v, cache.scale_k, cache.scale_v,
                    cache.transform_k, cache.transform_v, cache.windows);
}

// Distance of x to each stored centroid of a sub-space.
std::vector<double> distances(const std::vector<double>& x, const std::vector<float>& codebook,
                              std::size_t begin, std::size_t centroids) {
  std::vector<double> result(centroids, 0.0);
  for (std::size_t c = 0; c < centroids; ++c) {
    for (std::size_t d = 0; d < x.size(); ++d) {
      const double difference = static_cast<double>(codebook[begin + c * x.size() + d]) - x[d];
      result[c] += difference * difference;
    }
  }
  return result;
}

double mean_error(const Head& head, const HeadCache& cache) {
  const aqpim::reference::PqReference pq(head, cache);
  double sum = 0.0;
  for (std::size_t t = head.tokens - 8; t < head.tokens; ++t) {
    sum += aqpim::reference::relative_error(pq(0, t).output,
                                            aqpim::reference::exact_attention(head, 0, t));
  }
  return sum / 8;
}

// Software that keeps the largest raw numbers it is given.
class Watching : public Backend {
 public:
  explicit Watching(const aqpim::config::EngineConfig& engine) : software_(fixed_backend(engine)) {}

  std::vector<std::uint8_t> cluster(std::span<const std::uint16_t> tokens,
                                    std::span<const std::uint8_t> weights, bool values) override {
    CHECK(tokens.size() == weights.size() * 64);
    CHECK(std::ranges::min(weights) >= 1);
    for (const std::uint16_t raw : tokens) {
      double& largest = values ? largest_v : largest_k;
      largest = std::max(largest, std::fabs(from_half(raw)));
    }
    return software_->cluster(tokens, weights, values);
  }

  std::vector<std::uint8_t> encode(std::span<const std::uint16_t> tokens,
                                   std::span<const std::uint8_t> codebook, bool values) override {
    for (const std::uint16_t raw : tokens) {
      largest_appended = std::max(largest_appended, std::fabs(from_half(raw)));
    }
    return software_->encode(tokens, codebook, values);
  }

  double largest_k = 0.0, largest_v = 0.0, largest_appended = 0.0;

 private:
  std::unique_ptr<Backend> software_;
};

}  // namespace

TEST_CASE("quantize: shapes, regions and windows") {
  const Head head = make_head(1, 400, 64);
  const HeadCache shared = quantize(head, make_engine(64, 4, 4, 64), options());
  CHECK(shared.tokens == 352);
  CHECK(shared.window == 352);
  CHECK(shared.windows == 1);
  CHECK(shared.center_block == 32);
  CHECK(shared.codes_k.size() == 352 * 16);
  CHECK(shared.codebook_v.size() == 16 * 16 * 4);
  CHECK(shared.centers_k.size() == 11 * 64);
  CHECK(std::ranges::max(shared.codes_k) < 16);

  // 360 clustered tokens: 360/96 = 3.75 rounds to 4 windows, 360/80 = 4.5 to 5, 360/144 = 2.5 to 3.
  const auto windows = [&](std::size_t window) {
    return quantize(head, make_engine(64, 2, 4), options(window)).windows;
  };
  CHECK(windows(96) == 4);
  CHECK(windows(80) == 5);
  CHECK(windows(144) == 3);
  CHECK(windows(1024) == 1);
}

TEST_CASE("quantize: no window lies beyond the encoded tokens") {
  QuantizeOptions far = options(32);
  far.timeline.append_block = 208;
  const HeadCache cache = quantize(make_head(1, 400, 64), make_engine(64, 2, 4), far);
  CHECK(cache.tokens == 208);
  CHECK(cache.windows == 7);
  CHECK(cache.window_end(6) == 208);
}

TEST_CASE("quantize: each code is the lowest index of the nearest stored centroid") {
  const Head head = make_head(2, 300, 64);
  for (const TransformKind kind : {TransformKind::kDeterminant, TransformKind::kWhitening}) {
    for (const std::size_t window : {0u, 64u}) {
      QuantizeOptions chosen = options(window);
      chosen.transform = kind;
      const HeadCache cache = quantize(head, make_engine(64, 4, 8), chosen);
      const auto codebook_k = cache.decoded_codebook_k();
      const auto codebook_v = cache.decoded_codebook_v();
      const auto keys = cache.transform_k.apply(std::span<const float>(head.k).subspan(8 * 64));
      const auto values = cache.transform_v.apply(std::span<const float>(head.v).subspan(8 * 64));
      std::size_t far = 0;
      for (std::size_t i = 0; i < cache.tokens; i += 5) {
        const std::size_t w = cache.window_of(i);
        for (std::size_t m = 0; m < cache.subspaces(); ++m) {
          std::vector<double> key(4), value(4);
          for (std::size_t d = 0; d < 4; ++d) {
            const std::size_t j = m * 4 + d;
            key[d] = keys[i * 64 + j] - static_cast<double>(cache.centers_k[i / 32 * 64 + j]);
            value[d] = values[i * 64 + j];
          }
          // Tokens are rounded to 1/16 of a step of keys, and to a step of values: nearly nearest.
          const auto to_k = distances(key, codebook_k, cache.element(w, m, 0, 0), 256);
          const auto to_v = distances(value, codebook_v, cache.element(w, m, 0, 0), 256);
          const auto nearly = [](double distance, double smallest, double step) {
            return std::sqrt(distance) <= std::sqrt(smallest) + 2 * step;
          };
          const auto step_k = static_cast<double>(cache.scale_k[m]) / 16;
          const auto step_v = static_cast<double>(cache.scale_v[m]);
          far += nearly(to_k[cache.codes_k[i * 16 + m]], std::ranges::min(to_k), step_k) ? 0 : 1;
          far += nearly(to_v[cache.codes_v[i * 16 + m]], std::ranges::min(to_v), step_v) ? 0 : 1;
        }
      }
      CHECK(far == 0);
    }
  }
}

TEST_CASE("quantize: step by step, and codes once written are final") {
  const Head head = make_head(16, 500, 64);
  QuantizeOptions early = options(64);
  early.timeline.prefill = 300;
  const auto engine = make_engine(64, 4, 4, 64);
  const auto backend = fixed_backend(engine);
  HeadQuantizer quantizer(head, engine, early, *backend);
  quantizer.prefill();
  // Token 300 finds tokens 8 … 263 encoded: 8 blocks of 32.
  CHECK(quantizer.timeline().first_recent(300) == 264);
  CHECK(quantizer.cache().tokens == 256);
  const auto books = quantizer.cache().codebook_k;
  std::size_t appends = 0;
  for (HeadCache before = quantizer.cache(); quantizer.append(); before = quantizer.cache()) {
    ++appends;
    const HeadCache& after = quantizer.cache();
    REQUIRE(after.tokens == before.tokens + 32);
    CHECK(std::equal(before.codes_k.begin(), before.codes_k.end(), after.codes_k.begin()));
    CHECK(std::equal(before.codes_v.begin(), before.codes_v.end(), after.codes_v.begin()));
    CHECK(std::equal(before.centers_k.begin(), before.centers_k.end(), after.centers_k.begin()));
    CHECK(after.codes_k.size() == after.tokens * 16);
    CHECK(after.centers_k.size() == after.tokens / 32 * 64);
  }
  CHECK(appends == 6);
  CHECK_FALSE(quantizer.append());
  CHECK(quantizer.cache().codebook_k == books);
  CHECK(quantizer.cache() == quantize(head, engine, early));
}

TEST_CASE("quantize: a head that grows gets the cache that it would have had") {
  Head whole = make_head(16, 500, 64);
  for (std::size_t d = 0; d < 64; ++d) whole.k[420 * 64 + d] = 500.0f;
  // The head as it was when it had fewer tokens.
  const auto of = [&](std::size_t tokens) {
    Head head = whole;
    head.tokens = tokens;
    head.query_tokens = 64 - (500 - tokens);
    head.k.resize(tokens * 64);
    head.v.resize(tokens * 64);
    head.q.clear();
    for (std::size_t g = 0; g < head.groups; ++g) {
      const auto first = whole.q.begin() + static_cast<std::ptrdiff_t>(g * 64 * 64);
      head.q.insert(head.q.end(), first,
                    first + static_cast<std::ptrdiff_t>(head.query_tokens * 64));
    }
    set_outliers_apart(head, 8, 439);
    return head;
  };
  QuantizeOptions early = options(64);
  early.timeline.prefill = 439;
  const auto engine = make_engine(64, 4, 4, 64);
  for (const std::size_t window : {0u, 128u}) {
    early.window = window;
    const Head first = of(450);
    const auto backend = fixed_backend(engine);
    HeadQuantizer quantizer(first, engine, early, *backend);
    quantizer.prefill();
    for (const std::size_t tokens : {450u, 480u, 500u}) {
      quantizer.extend(of(tokens));
      while (quantizer.append()) {
      }
      CHECK(quantizer.cache() == quantize(of(tokens), engine, early));
    }
    CHECK(quantizer.cache().exact == std::vector<std::size_t>{420});
    CHECK_THROWS_AS(quantizer.extend(of(499)), std::invalid_argument);
  }
}

TEST_CASE("quantize: a query finds what it may attend to") {
  const Head head = make_head(17, 500, 64);
  QuantizeOptions early = options();
  early.timeline.prefill = 300;
  const auto engine = make_engine(64, 4, 4, 64);
  const auto backend = fixed_backend(engine);
  HeadQuantizer quantizer(head, engine, early, *backend);
  quantizer.prefill();
  for (std::size_t t = 300; t < 500; t += 13) {
    quantizer.append_until(t);
    CHECK(quantizer.cache().sinks + quantizer.cache().tokens == quantizer.cache().first_recent(t));
  }
}

TEST_CASE("quantize: a backend gets raw tokens that fill the format before P and are held after") {
  Head head = make_head(18, 400, 64);
  const std::size_t prefill = 300;
  for (std::size_t i = prefill * 64; i < head.k.size(); ++i) {
    head.k[i] *= 50.0f;
    head.v[i] *= 50.0f;
  }
  const auto engine = make_engine(64, 4, 8);
  Watching watching(engine);
  QuantizeOptions early = options(64);
  early.timeline.prefill = prefill;
  const HeadCache cache = quantize(head, engine, early, watching);
  CHECK(watching.largest_k == doctest::Approx(127 * 16 / 256.0).epsilon(1e-3));
  CHECK(watching.largest_v == doctest::Approx(1984 / 256.0).epsilon(1e-3));
  CHECK(watching.largest_appended == 2047 / 256.0);
  CHECK(cache == quantize(head, engine, early));
}

TEST_CASE("quantize: fixed point is as good as double precision, and a start is only a start") {
  const Head head = make_head(19, 600, 64);
  const auto engine = make_engine(64, 4, 8);
  double fixed = 0.0, real = 0.0;
  for (const std::size_t start : {0u, 1u, 2u}) {
    fixed += mean_error(head, quantize(head, engine, options(), *fixed_backend(engine, start)));
    real += mean_error(head, quantize(head, engine, options(), *float_backend(engine, start)));
  }
  CHECK(fixed == doctest::Approx(real).epsilon(0.03));
  CHECK(quantize(head, engine, options(), *fixed_backend(engine, 1)) !=
        quantize(head, engine, options()));
  QuantizeOptions chosen = options();
  chosen.clustering = Clustering::kFloat;
  CHECK(quantize(head, engine, chosen) == quantize(head, engine, chosen, *float_backend(engine)));
}

TEST_CASE("quantize: the same input gives the same cache") {
  const Head head = make_head(3, 300, 64);
  CHECK(quantize(head, make_engine(64, 4, 4, 64), options(64)) ==
        quantize(head, make_engine(64, 4, 4, 64), options(64)));
}

TEST_CASE("quantize: nothing at or after P reaches codebooks, scales, orders or old codes") {
  const Head head = make_head(4, 400, 64);
  Head changed = head;
  const Timeline timeline = timeline_of(head, options());
  REQUIRE(timeline.prefill == 368);
  aqpim::test::Draw draw(99);
  const std::size_t first_query = 400 - 64;
  for (std::size_t t = timeline.prefill; t < 400; ++t) {
    for (std::size_t d = 0; d < 64; ++d) {
      changed.k[t * 64 + d] = static_cast<float>(100.0 * draw.bell());
      changed.v[t * 64 + d] = static_cast<float>(100.0 * draw.bell());
      for (std::size_t g = 0; g < 2; ++g) {
        changed.q[(g * 64 + t - first_query) * 64 + d] = static_cast<float>(50.0 * draw.bell());
      }
    }
  }
  for (const std::size_t window : {0u, 64u}) {
    // Block 16: N = 352 lies before P. With block 8 sinks and 352 + 8 < 368 all codes are old; a
    // shorter recent region is made by sinks = 0 and P = 340.
    QuantizeOptions early = options(window);
    early.timeline.append_block = 16;
    early.timeline.prefill = 368;
    const HeadCache before = quantize(head, make_engine(64, 4, 4, 64), early);
    const HeadCache after = quantize(changed, make_engine(64, 4, 4, 64), early);
    CHECK(trained(before) == trained(after));
    CHECK(before.codes_k == after.codes_k);
    CHECK(before.codes_v == after.codes_v);
    CHECK(before.centers_k == after.centers_k);
  }
}

TEST_CASE("quantize: appended tokens change only their own codes and centres") {
  const Head head = make_head(5, 400, 64);
  QuantizeOptions early = options(64);
  early.timeline.prefill = 340;
  Head changed = head;
  for (std::size_t i = 340 * 64; i < changed.k.size(); ++i) {
    changed.k[i] += 3.0f;
    changed.v[i] *= -1.0f;
  }
  const HeadCache before = quantize(head, make_engine(64, 4, 4, 64), early);
  const HeadCache after = quantize(changed, make_engine(64, 4, 4, 64), early);
  CHECK(trained(before) == trained(after));
  CHECK(before.codes_v != after.codes_v);
  // Values before P keep their codes, keys those of blocks that end before P: 10 blocks of 32.
  CHECK(std::equal(before.codes_v.begin(), before.codes_v.begin() + (340 - 8) * 16,
                   after.codes_v.begin()));
  CHECK(std::equal(before.codes_k.begin(), before.codes_k.begin() + 10 * 32 * 16,
                   after.codes_k.begin()));
  CHECK(std::equal(before.centers_k.begin(), before.centers_k.begin() + 10 * 64,
                   after.centers_k.begin()));
  CHECK(before.centers_k[10 * 64] != after.centers_k[10 * 64]);
}

TEST_CASE("quantize: a window's codebook depends on its own tokens and the common scale only") {
  const Head head = make_head(6, 400, 64);
  Head changed = head;
  // The first window (i < 64) in reverse order: the scale stays, the start of its clustering not.
  for (std::size_t i = 0; i < 64 * 64; ++i) {
    changed.v[8 * 64 + i] = head.v[(8 + 63 - i / 64) * 64 + i % 64];
  }
  const QuantizeOptions plain = options(64, false);
  const HeadCache before = quantize(head, make_engine(64, 4, 4, 64), plain);
  const HeadCache after = quantize(changed, make_engine(64, 4, 4, 64), plain);
  const auto window = static_cast<std::ptrdiff_t>(16 * 16 * 4);
  CHECK_FALSE(std::equal(before.codebook_v.begin(), before.codebook_v.begin() + window,
                         after.codebook_v.begin()));
  CHECK(std::equal(before.codebook_v.begin() + window, before.codebook_v.end(),
                   after.codebook_v.begin() + window));
}

TEST_CASE("quantize: stored values fill their formats") {
  const Head head = make_head(7, 300, 64);
  const HeadCache cache = quantize(head, make_engine(64, 4, 8), options(64));
  const std::size_t subspace = 256 * 4;
  for (std::size_t m = 0; m < 16; ++m) {
    int largest_k = 0, largest_v = 0;
    for (std::size_t e = 0; e < cache.codebook_k.size(); ++e) {
      if (e / subspace % 16 != m) continue;
      largest_k = std::max(largest_k, std::abs(static_cast<int>(cache.codebook_k[e])));
      largest_v = std::max(largest_v, std::abs(decode_minifloat(cache.codebook_v[e])));
      CHECK(cache.codebook_v[e] != 0x80);
      CHECK(cache.codebook_k[e] != -128);
    }
    CHECK(largest_k == 127);
    CHECK(largest_v > 1984 / 2 - 32);
  }
  for (const float centre : cache.centers_k) {
    CHECK(static_cast<double>(centre) == round_to_half(static_cast<double>(centre)));
  }
}

TEST_CASE("quantize: a permutation of the channels permutes the cache and keeps the error") {
  const Head head = make_head(8, 300, 64);
  std::vector<std::size_t> to(64);
  for (std::size_t d = 0; d < 64; ++d) to[d] = (d * 13 + 5) % 64;
  const auto moved = [&](const std::vector<float>& rows) {
    std::vector<float> result(rows.size());
    for (std::size_t i = 0; i < rows.size(); ++i) result[i / 64 * 64 + to[i % 64]] = rows[i];
    return result;
  };
  Head permuted = head;
  permuted.q = moved(head.q);
  permuted.k = moved(head.k);
  permuted.v = moved(head.v);
  const aqpim::config::EngineConfig engine = make_engine(64, 4, 8);
  const HeadCache a = quantize(head, engine, options());
  const HeadCache b = quantize(permuted, engine, options());
  // The search may end in another of several equal groupings, so only the outcome is compared.
  CHECK(mean_error(permuted, b) == doctest::Approx(mean_error(head, a)).epsilon(0.15));

  // With one channel per sub-space nothing is searched: the caches are the same, channel by
  // channel.
  const HeadCache c = quantize(head, make_engine(64, 1, 4), options());
  const HeadCache d = quantize(permuted, make_engine(64, 1, 4), options());
  std::size_t different = 0;
  for (std::size_t i = 0; i < c.tokens; ++i) {
    for (std::size_t m = 0; m < 64; ++m) {
      different += c.codes_v[i * 64 + m] != d.codes_v[i * 64 + to[m]] ? 1 : 0;
    }
  }
  // Importance sums are rounded in another order of channels; a weight may differ by one.
  CHECK(different <= c.codes_v.size() / 200);
}

TEST_CASE("quantize: on captured heads weights, centring and grouping pay") {
  const auto workload = aqpim::workload::load(std::string(AQPIM_SOURCE_DIR) +
                                              "/workloads/smollm2_prose_2k.safetensors");
  double plain = 0.0, full = 0.0;
  for (const Head& head : aqpim::test::heads_of(workload)) {
    QuantizeOptions chosen;
    full += mean_error(head, quantize(head, make_engine(64, 4, 8), chosen));
    chosen.weights = chosen.centring = false;
    chosen.transform = TransformKind::kNone;
    plain += mean_error(head, quantize(head, make_engine(64, 4, 8), chosen));
  }
  CHECK(full < 0.8 * plain);
}

TEST_CASE("quantize: more bits and finer codebooks give a smaller error") {
  const Head head = make_head(9, 500, 64);
  const double coarse = mean_error(head, quantize(head, make_engine(64, 4, 4, 64), options()));
  const double fine = mean_error(head, quantize(head, make_engine(64, 2, 8, 256), options()));
  CHECK(fine < 0.5 * coarse);
  CHECK(fine > 0.0);
}

TEST_CASE("quantize: all-zero channels, all-zero heads and duplicates are encoded exactly") {
  Head head = make_head(10, 300, 64);
  for (std::size_t i = 0; i < head.k.size(); ++i) {
    if (i % 64 < 4) head.k[i] = head.v[i] = 0.0f;
  }
  const HeadCache some = quantize(head, make_engine(64, 4, 8), options(0, false));
  CHECK(some.scale_k[0] == 0.0f);
  CHECK(some.scale_v[0] == 0.0f);
  CHECK(std::isfinite(mean_error(head, some)));
  CHECK(std::isfinite(mean_error(head, quantize(head, make_engine(64, 4, 8), options()))));

  std::ranges::fill(head.k, 0.0f);
  std::ranges::fill(head.v, 0.0f);
  const HeadCache zero = quantize(head, make_engine(64, 4, 8), options());
  CHECK(mean_error(head, zero) == 0.0);
  CHECK(std::ranges::all_of(zero.codes_k, [](std::uint8_t code) { return code == 0; }));

  // 127 and 1984 steps hold these values exactly: every token the same.
  std::ranges::fill(head.k, 1.0f);
  std::ranges::fill(head.v, -2.0f);
  const HeadCache same = quantize(head, make_engine(64, 4, 8), options());
  CHECK(mean_error(head, same) < 1e-6);
}

TEST_CASE("quantize: fewer tokens than centroids") {
  const Head head = make_head(11, 90, 64, 1, 20);
  QuantizeOptions small = options();
  small.timeline.append_block = 16;
  const HeadCache cache = quantize(head, make_engine(64, 4, 8), small);
  CHECK(cache.tokens == 48);
  // Every clustered token can have a centroid of its own; what is left is the rounding to 8 bits.
  CHECK(mean_error(head, cache) < 0.02);
}

TEST_CASE("quantize: extreme magnitudes stay finite") {
  Head head = make_head(12, 200, 64);
  for (std::size_t i = 0; i < head.k.size(); ++i) {
    head.k[i] *= i % 64 < 32 ? 1e30f : 1e-35f;
    head.v[i] *= i % 64 < 32 ? 1e-38f : 1e30f;
  }
  for (const bool all : {false, true}) {
    const HeadCache cache = quantize(head, make_engine(64, 4, 4, 64), options(0, all));
    for (const float x : cache.decoded_codebook_k()) CHECK(std::isfinite(x));
    for (const float x : cache.decoded_codebook_v()) CHECK(std::isfinite(x));
  }
}

TEST_CASE("quantize: switches do what they say") {
  const Head head = make_head(13, 300, 64);
  const auto engine = make_engine(64, 4, 4, 64);
  const HeadCache plain = quantize(head, engine, options(0, false));
  CHECK(plain.center_block == 0);
  CHECK(plain.centers_k.empty());
  CHECK(plain.transform_k.order()[5] == 5);
  QuantizeOptions one = options(0, false);
  one.weights = true;
  CHECK(quantize(head, engine, one).codebook_v != plain.codebook_v);
  one = options(0, false);
  one.transform = TransformKind::kDeterminant;
  CHECK(quantize(head, engine, one).transform_k != plain.transform_k);
  one = options(0, false);
  one.timeline.sinks = 0;
  CHECK(quantize(head, engine, one).sinks == 0);
}

TEST_CASE("quantize: every transform of channels keeps scores of what is stored") {
  const Head head = make_head(20, 400, 64);
  for (const TransformKind kind :
       {TransformKind::kNone, TransformKind::kGreedy, TransformKind::kDeterminant,
        TransformKind::kWhitening, TransformKind::kAuto}) {
    QuantizeOptions chosen = options();
    chosen.transform = kind;
    const HeadCache cache = quantize(head, make_engine(64, 4, 8), chosen);
    CHECK(mean_error(head, cache) < 0.2);
    CHECK(cache.kind_k != TransformKind::kAuto);
    if (kind != TransformKind::kAuto) CHECK(cache.kind_k == kind);
    CHECK(cache.transform_k.is_permutation() == (cache.kind_k != TransformKind::kWhitening));
    CHECK(cache.transform_v.is_permutation());
  }
}

TEST_CASE("quantize: transforms can come from another sequence of the same head") {
  const Head head = make_head(21, 400, 64);
  Head other = make_head(22, 400, 64);
  const auto engine = make_engine(64, 4, 4, 64);
  QuantizeOptions chosen = options();
  chosen.calibration = calibration(other);
  const HeadCache cache = quantize(head, engine, chosen);
  CHECK(cache.transform_k == quantize(other, engine, options()).transform_k);
  CHECK(cache.transform_k != quantize(head, engine, options()).transform_k);
  CHECK(cache.codebook_k != quantize(other, engine, options()).codebook_k);

  // Only the tokens that were asked for count; another sequence may be used as a whole.
  chosen.calibration_tokens = 200;
  const auto before = quantize(head, engine, chosen).transform_k;
  for (std::size_t i = 200 * 64; i < other.k.size(); ++i) other.k[i] = 9.0f;
  chosen.calibration = calibration(other);
  CHECK(quantize(head, engine, chosen).transform_k == before);
  chosen.calibration_tokens = 400;
  CHECK(quantize(head, engine, chosen).transform_k != before);
}

TEST_CASE("quantize: a calibration that does not fit is refused") {
  const Head head = make_head(21, 400, 64);
  const auto engine = make_engine(64, 4, 4, 64);
  QuantizeOptions chosen = options();
  const auto calibrate = [&](const Head& other, std::optional<std::size_t> tokens) {
    chosen.calibration = calibration(other);
    chosen.calibration_tokens = tokens;
    return sentence_of([&] { quantize(head, engine, chosen); });
  };
  CHECK(calibrate(head, 369) ==
        "head l0.h0: a calibration on 369 tokens of other reaches beyond the prefill of 368 tokens "
        "of the same sequence");
  CHECK_NOTHROW(quantize(head, engine, options()));
  // The same sequence, longer: its own prefill lies beyond.
  CHECK(calibrate(make_head(21, 500, 64), {}).find("reaches beyond the prefill") !=
        std::string::npos);
  Head renamed = make_head(22, 400, 64);
  renamed.name = "l1.h0";
  CHECK(calibrate(renamed, {}) == "the calibration other has no head l0.h0");
  CHECK(calibrate(make_head(22, 400, 128), {}) ==
        "head l0.h0 has 64 channels, but 128 in the calibration other");
  for (const std::size_t tokens : {0u, 8u, 401u}) {
    CHECK(calibrate(make_head(22, 400, 64), tokens).find("the calibration cannot use") == 0);
  }
  chosen.calibration = calibration(head);
  chosen.calibration_tokens = 368;
  CHECK(quantize(head, engine, chosen) == quantize(head, engine, options()));
}

TEST_CASE("quantize: nothing after P reaches the choice of a transform") {
  const Head head = make_head(23, 400, 64);
  Head changed = head;
  for (std::size_t i = 368 * 64; i < head.k.size(); ++i) changed.k[i] = changed.v[i] = 7.0f;
  for (std::size_t g = 0; g < 2; ++g) {
    for (std::size_t i = (g * 64 + 32) * 64; i < (g + 1) * 64 * 64; ++i) changed.q[i] = 3.0f;
  }
  QuantizeOptions chosen = options();
  chosen.transform = TransformKind::kAuto;
  const auto engine = make_engine(64, 4, 4, 64);
  CHECK(trained(quantize(head, engine, chosen)) == trained(quantize(changed, engine, chosen)));
}

TEST_CASE("quantize: progress rises to 1") {
  double last = 0.0;
  quantize(make_head(14, 200, 64), make_engine(64, 4, 4, 64), options(64), [&](double fraction) {
    CHECK(fraction > last);
    last = fraction;
  });
  CHECK(last == 1.0);
}

TEST_CASE("quantize: what does not fit is refused with the head's name") {
  const Head head = make_head(15, 200, 64);
  CHECK(sentence_of([&] { quantize(head, make_engine(128, 4, 8)); }) ==
        "head l0.h0 has 64 channels, the configuration needs 128");
  CHECK(sentence_of([&] { quantize(head, make_engine(64, 4, 8), options(7)); }) ==
        "the codebook window must be 0 (shared) or a multiple of 16 up to 1048576 tokens, not 7");
  QuantizeOptions large = options();
  large.timeline.append_block = 512;
  CHECK(sentence_of([&] {
          quantize(head, make_engine(64, 4, 8), large);
        }).rfind("head l0.h0: ", 0) == 0);
  CHECK(sentence_of([&] { queries_of(head, options(), 33); }).rfind("head l0.h0: ", 0) == 0);
  CHECK(queries_of(head, options()).size() == 16);
}
