// SPDX-License-Identifier: Apache-2.0
#include "sw/study/accuracy_study.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "sw/config/error.h"
#include "sw/quantize/integer_cache.h"
#include "sw/quantize/quantize.h"
#include "sw/quantize/test_heads.h"
#include "sw/reference/accuracy.h"
#include "sw/reference/attention.h"
#include "sw/workload/test_workload.h"

namespace {

using aqpim::cache::TransformKind;
using aqpim::config::Configuration;
using aqpim::quantize::Clustering;
using aqpim::quantize::QuantizeOptions;
using aqpim::study::measure;
using aqpim::study::Row;
using aqpim::study::Study;
using aqpim::study::StudyOptions;
using aqpim::workload::Head;
using aqpim::workload::Workload;

Configuration small_configuration() {
  return {.name = "small",
          .description = "",
          .engine = aqpim::test::make_engine(16, 4, 4),
          .window = 128,
          .append_block = 64};
}

Workload some_workload(std::size_t heads = 1) {
  std::vector<Head> made;
  for (std::size_t i = 0; i < heads; ++i) {
    Head head = aqpim::test::make_head(20 + i, 420, 16, 2, 80);
    head.name = "l0.h" + std::to_string(i);
    made.push_back(std::move(head));
  }
  return aqpim::test::make_workload("some.safetensors", made);
}

const Row& row_of(const Study& study, const aqpim::study::Variant& variant) {
  const auto found = std::ranges::find(study.rows, variant, &Row::variant);
  REQUIRE(found != study.rows.end());
  return *found;
}

// The mean error of a variant, computed one query at a time from a quantized head.
double error_of(const Head& head, const Configuration& configuration,
                const QuantizeOptions& options) {
  const auto cache = aqpim::quantize::quantize(head, configuration.engine, options);
  const aqpim::reference::PqReference pq(head, cache);
  double sum = 0.0;
  const auto queries = aqpim::quantize::queries_of(head, options, 4);
  for (std::size_t g = 0; g < head.groups; ++g) {
    for (const std::size_t t : queries) {
      sum += aqpim::reference::relative_error(pq(g, t).output,
                                              aqpim::reference::exact(head, g, t).output);
    }
  }
  return sum / static_cast<double>(head.groups * queries.size());
}

}  // namespace

TEST_CASE("accuracy study: every variant of a configuration once, and the caches to compare with") {
  const Configuration configuration = small_configuration();
  const std::vector<Workload> workloads = {some_workload(2)};
  const Study study = measure(workloads, {&configuration}, {.queries = 4});
  // 5 transforms, weights, centring, 4 windows and the configuration's own, 2 ways of clustering.
  CHECK(study.rows.size() == 2 * (5 * 2 * 2 * 5 * 2 + 6 + 1));
  std::set<std::pair<std::string, aqpim::study::Variant>> seen;
  std::size_t standard = 0;
  for (const Row& row : study.rows) {
    CHECK(seen.insert({row.head, row.variant}).second);
    standard += row.standard;
    CHECK(row.outputs.size() == (row.standard ? 8 : 0));
    CHECK(row.workload == "some.safetensors");
    CHECK(row.head_dim == 16);
  }
  CHECK(standard == 2 * 8);
  CHECK(study.heads.size() == 2);
  CHECK(study.heads[0].queries.back() == 419);
}

TEST_CASE("accuracy study: a row is what quantizing with its options alone gives") {
  const Configuration configuration = small_configuration();
  const std::vector<Workload> workloads = {some_workload()};
  const Head head = workloads[0].read(workloads[0].heads[0]);
  const Study study = measure(workloads, {&configuration}, {.queries = 4});
  for (const TransformKind transform :
       {TransformKind::kNone, TransformKind::kGreedy, TransformKind::kDeterminant,
        TransformKind::kWhitening, TransformKind::kAuto}) {
    for (const bool on : {false, true}) {
      QuantizeOptions options = aqpim::quantize::default_options(configuration);
      options.transform = transform;
      options.weights = on;
      options.centring = !on;
      options.window = on ? 128 : 0;
      options.clustering = on ? Clustering::kFixed : Clustering::kFloat;
      const Row row = row_of(study, {.config = "small",
                                     .transform = name_of(transform),
                                     .weights = options.weights,
                                     .centring = options.centring,
                                     .window = options.window,
                                     .clustering = on ? "fixed" : "float"});
      CHECK(row.figures.relative_error ==
            doctest::Approx(error_of(head, configuration, options)).epsilon(1e-5));
      CHECK(row.bits_per_element ==
            aqpim::cache::cache_size(aqpim::quantize::quantize(head, configuration.engine, options))
                .bits_per_element());
    }
  }
}

TEST_CASE("accuracy study: any number of threads gives the same rows, standard ones the same") {
  const Configuration configuration = small_configuration();
  const std::vector<Workload> workloads = {some_workload()};
  const Study one = measure(workloads, {&configuration}, {.queries = 2, .threads = 1});
  const Study three = measure(workloads, {&configuration}, {.queries = 2, .threads = 3});
  const Study standard =
      measure(workloads, {&configuration}, {.queries = 2, .threads = 2, .only_standard = true});
  REQUIRE(one.rows.size() == three.rows.size());
  std::size_t next = 0;
  for (std::size_t i = 0; i < one.rows.size(); ++i) {
    CHECK(one.rows[i].variant == three.rows[i].variant);
    CHECK(one.rows[i].figures == three.rows[i].figures);
    if (!one.rows[i].standard) continue;
    REQUIRE(next < standard.rows.size());
    CHECK(standard.rows[next].variant == one.rows[i].variant);
    CHECK(standard.rows[next].figures == one.rows[i].figures);
    ++next;
  }
  CHECK(next == standard.rows.size());
}

TEST_CASE("accuracy study: more bits lose less, and FP16 next to nothing") {
  const Configuration configuration = small_configuration();
  const std::vector<Workload> workloads = {some_workload()};
  const Study study =
      measure(workloads, {&configuration}, {.queries = 4, .threads = 1, .only_standard = true});
  const auto error = [&](const std::string& name) {
    return row_of(study, {.config = name}).figures.relative_error;
  };
  CHECK(error("fp16") < 1e-9);
  CHECK(error("int4-g32") < error("int3-g32"));
  CHECK(error("int3-g32") < error("int2-g32"));
  CHECK(error("int2-g32") < error("int2-g128"));
}

TEST_CASE("accuracy study: progress rises to 1 for each head") {
  const Configuration configuration = small_configuration();
  const std::vector<Workload> workloads = {some_workload(2)};
  double last = 0.0;
  std::set<std::string> heads;
  measure(workloads, {&configuration}, {.queries = 1, .threads = 2, .only_standard = true},
          [&](const std::string& what, double fraction) {
            heads.insert(what);
            last = fraction;
          });
  CHECK(last == 1.0);
  CHECK(heads.size() == 2);
}

TEST_CASE(
    "accuracy study: a head that no configuration fits, or with too few queries, is refused") {
  const Configuration configuration = small_configuration();
  std::vector<Workload> workloads = {some_workload()};
  CHECK_THROWS_AS(measure(workloads, {&configuration}, {.queries = 41}), aqpim::InputError);
  CHECK_THROWS_AS(measure(workloads, {&configuration}, {.queries = 0}), aqpim::InputError);
  workloads[0].heads[0] = aqpim::test::make_head(1, 420, 32);
  CHECK_THROWS_AS(measure(workloads, {&configuration}, {}), aqpim::InputError);
  CHECK_THROWS_AS(measure(workloads, {}, {}), aqpim::InputError);
}
