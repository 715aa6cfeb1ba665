// SPDX-License-Identifier: Apache-2.0
//
// How good the quantized caches must be: attention error of one way to quantize against another,
// averaged over starts of the clustering, because one start against another moves it by a tenth.
//
//   long_tests --test-case='quality*'                             the committed workloads
//   AQPIM_QUALITY=a.safetensors:b.safetensors AQPIM_QUALITY_QUERIES=64
//     long_tests --test-case='quality*' --success                    any others as well
#include <doctest/doctest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include "sw/quantize/quantize.h"
#include "sw/quantize/software_backend.h"
#include "sw/quantize/test_heads.h"
#include "sw/reference/accuracy.h"
#include "sw/reference/attention.h"
#include "sw/workload/test_workload.h"
#include "sw/workload/workload.h"

namespace {

using namespace aqpim::cache;
using namespace aqpim::quantize;
using aqpim::config::EngineConfig;
using aqpim::test::make_engine;
using aqpim::workload::Head;
using aqpim::workload::Workload;

constexpr std::size_t kStarts = 4;

const std::vector<Workload>& workloads() {
  static const std::vector<Workload> loaded = [] {
    std::vector<Workload> files;
    const std::string folder = std::string(AQPIM_SOURCE_DIR) + "/workloads/";
    for (const char* name : {"gqa128_prose_2k", "smollm2_prose_2k"}) {
      files.push_back(aqpim::workload::load(folder + name + ".safetensors"));
    }
    const char* more = std::getenv("AQPIM_QUALITY");
    std::stringstream paths(more != nullptr ? more : "");
    for (std::string path; std::getline(paths, path, ':');) {
      files.push_back(aqpim::workload::load(path));
    }
    return files;
  }();
  return loaded;
}

std::size_t query_count() {
  const char* wanted = std::getenv("AQPIM_QUALITY_QUERIES");
  return wanted != nullptr ? std::stoul(wanted) : 16;
}

EngineConfig pq8(const Head& head) {
  return make_engine(static_cast<unsigned>(head.head_dim), 4, 8);
}
EngineConfig pq4(const Head& head) {
  return make_engine(static_cast<unsigned>(head.head_dim), 2, 4);
}

// AQPIM as published: importance weights, greedy grouping, one codebook, no centring.
QuantizeOptions published() {
  QuantizeOptions options;
  options.centring = false;
  options.transform = TransformKind::kGreedy;
  return options;
}

QuantizeOptions ours(std::size_t window) {
  QuantizeOptions options;
  options.transform = TransformKind::kAuto;
  options.window = window;
  return options;
}

using MakeBackend = std::unique_ptr<Backend> (*)(const EngineConfig&, std::size_t);

// Mean relative error over queries, query heads and starts.
double error(const Head& head, const EngineConfig& engine, const QuantizeOptions& options,
             MakeBackend make_backend = fixed_backend) {
  const Timeline timeline = timeline_of(head, options);
  const auto queries = evaluated_queries(timeline, query_count());
  std::vector<std::vector<double>> exact;
  for (const std::size_t t : queries) {
    for (std::size_t g = 0; g < head.groups; ++g) {
      exact.push_back(aqpim::reference::exact_attention(head, g, t));
    }
  }
  const std::size_t tokens = options.window != 0 ? options.window : timeline.clustered();
  // Tokens from one start token to the next, in as many parts as there are starts.
  const std::size_t step = std::max<std::size_t>(1, tokens / engine.centroids() / kStarts);
  double sum = 0.0;
  for (std::size_t start = 0; start < kStarts; ++start) {
    const HeadCache cache = quantize(head, engine, options, *make_backend(engine, start * step));
    const aqpim::reference::PqReference pq(head, cache);
    std::size_t i = 0;
    for (const std::size_t t : queries) {
      for (std::size_t g = 0; g < head.groups; ++g) {
        sum += aqpim::reference::relative_error(pq(g, t).output, exact[i++]);
      }
    }
  }
  return sum / static_cast<double>(kStarts * exact.size());
}

struct Ratios {
  std::vector<double> heads;
  std::map<std::string, std::pair<double, double>> files;  // sums of both errors by path

  double mean() const {
    double sum = 0.0;
    for (const double ratio : heads) sum += ratio;
    return sum / static_cast<double>(heads.size());
  }
  double worst() const { return *std::ranges::max_element(heads); }
  double worst_file() const {
    double worst = 0.0;
    for (const auto& [path, sums] : files) worst = std::max(worst, sums.first / sums.second);
    return worst;
  }
};

// error_of(head) over reference_of(head) of all heads.
template <typename Error, typename Reference>
Ratios compare(const std::string& what, const Error& error_of, const Reference& reference_of) {
  Ratios ratios;
  for (const Workload& workload : workloads()) {
    for (const Head& head : aqpim::test::heads_of(workload)) {
      const double a = error_of(head);
      const double b = reference_of(head);
      ratios.heads.push_back(a / b);
      ratios.files[workload.path].first += a;
      ratios.files[workload.path].second += b;
      MESSAGE(what << ", " << aqpim::workload::stem(workload.path) << " " << head.name << ": " << a
                   << " against " << b << ", ratio " << a / b);
    }
  }
  MESSAGE(what << ": mean ratio " << ratios.mean() << ", worst " << ratios.worst());
  return ratios;
}

}  // namespace

TEST_CASE("quality: fixed-point clustering is as good as double precision") {
  QuantizeOptions shared;
  QuantizeOptions windows;
  windows.window = 256;
  for (const auto& [what, engine_of, options] :
       {std::tuple("pq8, fixed against float", &pq8, shared),
        std::tuple("pq4 with windows, fixed against float", &pq4, windows)}) {
    const Ratios ratios = compare(
        what, [&](const Head& head) { return error(head, engine_of(head), options); },
        [&](const Head& head) { return error(head, engine_of(head), options, float_backend); });
    CHECK(ratios.mean() < 1.02);
    CHECK(ratios.worst() < 1.06);
  }
}

TEST_CASE("quality: pq8 with centring and a chosen transform is a quarter better than published") {
  const Ratios ratios = compare(
      "pq8, ours against published",
      [](const Head& head) { return error(head, pq8(head), ours(0)); },
      [](const Head& head) { return error(head, pq8(head), published()); });
  CHECK(ratios.mean() <= 0.75);
  CHECK(ratios.worst_file() <= 1.0);
}

TEST_CASE("quality: pq4 with windows, centring and grouping is a fifth better than published") {
  // As much as the queries allow in the prefill, and the last 480 tokens appended.
  for (const std::size_t appended : {query_count(), std::size_t{480}}) {
    const auto with_prefill = [&](const Head& head, QuantizeOptions options) {
      options.timeline.prefill = head.tokens - appended;
      return error(head, pq4(head), options);
    };
    const Ratios ratios = compare(
        "pq4, ours against published, " + std::to_string(appended) + " tokens appended",
        [&](const Head& head) { return with_prefill(head, ours(256)); },
        [&](const Head& head) { return with_prefill(head, published()); });
    CHECK(ratios.mean() <= 0.8);
  }
}
