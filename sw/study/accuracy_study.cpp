// SPDX-License-Identifier: Apache-2.0
#include "sw/study/accuracy_study.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <mutex>
#include <set>
#include <span>
#include <tuple>
#include <utility>

#include "sw/cache/cache.h"
#include "sw/cache/timeline.h"
#include "sw/config/error.h"
#include "sw/quantize/importance.h"
#include "sw/quantize/integer_cache.h"
#include "sw/quantize/outliers.h"
#include "sw/quantize/quantize.h"
#include "sw/quantize/side.h"
#include "sw/quantize/software_backend.h"
#include "sw/quantize/transform_judge.h"
#include "sw/quantize/transform_search.h"
#include "sw/study/parallel.h"

namespace aqpim::study {

namespace {

using cache::Timeline;
using cache::Transform;
using cache::TransformKind;
using config::Configuration;
using quantize::Clustering;
using quantize::Side;

constexpr std::array kWindows = {std::size_t{0}, std::size_t{256}, std::size_t{512},
                                 std::size_t{1024}};
constexpr std::array kTransforms = {TransformKind::kNone, TransformKind::kGreedy,
                                    TransformKind::kDeterminant, TransformKind::kWhitening,
                                    TransformKind::kAuto};
constexpr std::array kClusterings = {Clustering::kFloat, Clustering::kFixed};
constexpr std::size_t kHalfBytes = 2;
constexpr std::array kIntegerBits = {2u, 3u, 4u};
constexpr std::array kIntegerGroups = {std::size_t{32}, std::size_t{128}};

// As `aqpim sim` has them.
quantize::QuantizeOptions standard_options(const Configuration& configuration,
                                           const StudyOptions& study) {
  quantize::QuantizeOptions options = quantize::default_options(configuration);
  options.timeline.prefill = study.prefill;
  options.transform = quantize::kStandardTransform;
  return options;
}

// Of caches that need no configuration.
quantize::QuantizeOptions plain_options(const StudyOptions& study) {
  quantize::QuantizeOptions options;
  options.timeline.prefill = study.prefill;
  return options;
}

Variant variant_of(const std::string& config, const quantize::QuantizeOptions& options) {
  return {.config = config,
          .transform = name_of(options.transform),
          .weights = options.weights,
          .centring = options.centring,
          .window = options.window,
          .clustering = name_of(options.clustering)};
}

// What the variants of a head have in common, for configurations with the same append block.
struct Common {
  Timeline timeline;
  std::vector<float> keys, values;                   // [T, D], with stand-ins for outliers
  std::vector<std::uint8_t> weights, equal_weights;  // [N_P]
  quantize::TransformJudge judge;
};

// A transform that several variants use.
struct TransformKey {
  std::size_t append_block;
  std::size_t sub_dim;
  bool values;
  bool centring;
  TransformKind kind;

  auto operator<=>(const TransformKey&) const = default;
};

// Variants of one configuration that differ only in transform and centring: they share values, and
// `auto` is one of the others.
struct Task {
  const Configuration* configuration;
  bool weights;
  std::size_t window;
  Clustering clustering;
  std::vector<bool> centrings;
  std::vector<TransformKind> transforms;

  // Distances to be computed, up to a factor.
  std::size_t cost() const {
    const config::EngineConfig& engine = configuration->engine;
    return engine.head_dim * engine.centroids() * centrings.size() * transforms.size();
  }
};

// Checks that a head can be measured.
HeadFacts checked_facts(const std::string& workload, const workload::HeadFacts& head,
                        const std::vector<const Configuration*>& configurations,
                        const StudyOptions& options) {
  HeadFacts facts{.workload = workload,
                  .name = head.name,
                  .tokens = head.tokens,
                  .head_dim = head.head_dim,
                  .query_heads = head.groups,
                  .prefill = 0,
                  .queries = {}};
  // Caches that need no configuration, too.
  std::vector<quantize::QuantizeOptions> defaults = {plain_options(options)};
  for (const Configuration* configuration : configurations) {
    defaults.push_back(standard_options(*configuration, options));
  }
  for (const quantize::QuantizeOptions& each : defaults) {
    facts.prefill = quantize::timeline_of(head, each).prefill;
    facts.queries = quantize::queries_of(head, each, options.queries);
  }
  return facts;
}

class HeadStudy {
 public:
  // `facts` and `options` must outlive this.
  HeadStudy(const HeadFacts& facts, workload::Head head,
            std::vector<const Configuration*> configurations, const StudyOptions& options)
      : facts_(facts),
        head_(std::move(head)),
        configurations_(std::move(configurations)),
        options_(options) {}

  std::vector<Row> measure(const std::function<void(double)>& progress) {
    prepare();
    const std::vector<Task> tasks = make_tasks();
    std::size_t work = 0;
    for (const Task& task : tasks) work += task.cost();
    std::size_t done = 0;
    std::mutex mutex;
    std::vector<Row> rows = plain_rows();
    parallel_for(tasks.size(), options_.threads, [&](std::size_t i) {
      std::vector<Row> measured = measure(tasks[i]);
      const std::scoped_lock lock(mutex);
      std::ranges::move(measured, std::back_inserter(rows));
      done += tasks[i].cost();
      if (progress) progress(static_cast<double>(done) / static_cast<double>(work));
    });
    std::ranges::sort(rows, {}, &Row::variant);
    return rows;
  }

 private:
  // Whatever several tasks need.
  void prepare() {
    judge_.emplace(head_, facts_.queries);
    std::vector<TransformKey> keys;
    for (const Configuration* configuration : configurations_) {
      const quantize::QuantizeOptions options = standard_options(*configuration, options_);
      const std::size_t block = options.timeline.append_block;
      if (!common_.contains(block)) {
        const Timeline timeline = quantize::timeline_of(head_, options);
        common_.emplace(block,
                        Common{.timeline = timeline,
                               .keys = quantize::with_stand_ins(head_.k, head_, timeline),
                               .values = quantize::with_stand_ins(head_.v, head_, timeline),
                               .weights = quantize::importance_weights(head_, timeline),
                               .equal_weights = std::vector<std::uint8_t>(timeline.clustered(), 1),
                               .judge = quantize::TransformJudge(head_, timeline)});
      }
      const std::size_t sub_dim = configuration->engine.sub_dim;
      for (const TransformKind kind : quantize::kKindsK) {
        for (const bool centring : {false, true})
          keys.push_back({block, sub_dim, false, centring, kind});
      }
      for (const TransformKind kind : quantize::kKindsV) {
        keys.push_back({block, sub_dim, true, false, kind});
      }
    }
    std::ranges::sort(keys);
    keys.erase(std::ranges::unique(keys).begin(), keys.end());
    std::vector<Transform> found(keys.size());
    parallel_for(keys.size(), options_.threads, [&](std::size_t i) {
      const TransformKey& key = keys[i];
      const quantize::TransformSearch search(head_, common_.at(key.append_block).timeline,
                                             key.sub_dim, key.centring);
      found[i] = key.values ? search.values(key.kind) : search.keys(key.kind);
    });
    for (std::size_t i = 0; i < keys.size(); ++i) transforms_[keys[i]] = std::move(found[i]);
  }

  // Costly ones first, so that threads end together.
  std::vector<Task> make_tasks() const {
    std::vector<Task> tasks;
    for (const Configuration* configuration : configurations_) {
      const quantize::QuantizeOptions standard = standard_options(*configuration, options_);
      if (options_.only_standard) {
        tasks.push_back({.configuration = configuration,
                         .weights = standard.weights,
                         .window = standard.window,
                         .clustering = standard.clustering,
                         .centrings = {standard.centring},
                         .transforms = {standard.transform}});
        continue;
      }
      std::set<std::size_t> windows(kWindows.begin(), kWindows.end());
      windows.insert(standard.window);
      for (const std::size_t window : windows) {
        for (const bool weights : {false, true}) {
          for (const Clustering clustering : kClusterings) {
            tasks.push_back({.configuration = configuration,
                             .weights = weights,
                             .window = window,
                             .clustering = clustering,
                             .centrings = {false, true},
                             .transforms = {kTransforms.begin(), kTransforms.end()}});
          }
        }
      }
    }
    std::ranges::stable_sort(tasks, std::ranges::greater{}, &Task::cost);
    return tasks;
  }

  Row row_of(Variant variant, bool standard, double bits_per_element,
             std::vector<reference::OutputAccuracy> outputs) const {
    Row row{.workload = facts_.workload,
            .head = head_.name,
            .head_dim = head_.head_dim,
            .variant = std::move(variant),
            .standard = standard,
            .bits_per_element = bits_per_element,
            .figures = mean_of(outputs),
            .outputs = {}};
    if (standard) row.outputs = std::move(outputs);
    return row;
  }

  std::vector<Row> plain_rows() const {
    const Timeline timeline = quantize::timeline_of(head_, plain_options(options_));
    const auto row = [&](const std::string& name, quantize::PlainCache cache) {
      return row_of({.config = name}, true, cache.bits_per_element,
                    (*judge_)({.sinks = timeline.sinks,
                               .append_block = timeline.append_block,
                               .keys = std::move(cache.keys),
                               .values = std::move(cache.values)}));
    };
    std::vector<Row> rows = {row("fp16", quantize::half_cache(head_, timeline))};
    for (const unsigned bits : kIntegerBits) {
      for (const std::size_t group : kIntegerGroups) {
        rows.push_back(row(fmt::format("int{}-g{}", bits, group),
                           quantize::integer_cache(head_, timeline, bits, group)));
      }
    }
    return rows;
  }

  // Keys or values as they come back from the cache.
  struct Half {
    std::vector<double> vectors;  // [N, D]
    cache::CacheSize size;        // of this half
    double error = 0.0;           // of the queries before P
  };

  Half quantize_half(const Task& task, bool values, bool centring, TransformKind kind) const {
    const config::EngineConfig& engine = task.configuration->engine;
    quantize::QuantizeOptions options = standard_options(*task.configuration, options_);
    options.centring = centring;
    options.window = task.window;
    const Common& common = common_.at(options.timeline.append_block);
    const Timeline& timeline = common.timeline;
    const auto backend = quantize::software_backend(engine, task.clustering);
    const quantize::SideShape shape = quantize::side_shape(engine, timeline, options, values);
    Side side(
        std::span(values ? common.values : common.keys).subspan(timeline.sinks * head_.head_dim),
        shape, transforms_.at({timeline.append_block, engine.sub_dim, values, centring, kind}));
    Half half;
    for (std::size_t w = 0; w < shape.windows; ++w) {
      side.cluster(w, task.weights ? common.weights : common.equal_weights, *backend);
      half.size.codebooks += side.codebook(w).size();
    }
    side.encode(timeline.encoded(), *backend);
    half.size.codes = side.codes().size() * engine.code_bits / 8;
    half.size.centres = side.centres().size() * kHalfBytes;
    half.size.exact =
        cache::exact_tokens(head_.exact, timeline.sinks, timeline.sinks + timeline.encoded())
            .size() *
        engine.head_dim * kHalfBytes;
    half.size.half = timeline.encoded() * engine.head_dim * kHalfBytes;
    half.vectors = side.decoded();
    if (common.judge.possible()) {
      half.error = values ? common.judge.error_of_values(half.vectors)
                          : common.judge.error_of_keys(half.vectors);
    }
    return half;
  }

  // The candidate that `auto` takes.
  template <typename Candidates>
  const Half& best_of(const Candidates& candidates, const std::map<TransformKind, Half>& halves,
                      const Task& task) const {
    const quantize::QuantizeOptions options = standard_options(*task.configuration, options_);
    return halves.at(
        common_.at(options.timeline.append_block).judge.best(candidates, [&](TransformKind kind) {
          return halves.at(kind).error;
        }));
  }

  std::vector<Row> measure(const Task& task) const {
    const quantize::QuantizeOptions standard = standard_options(*task.configuration, options_);
    quantize::QuantizeOptions options = standard;
    options.weights = task.weights;
    options.window = task.window;
    options.clustering = task.clustering;

    const auto wanted = [&](TransformKind kind) {
      return std::ranges::find(task.transforms, kind) != task.transforms.end();
    };
    const bool automatic = wanted(TransformKind::kAuto);
    std::map<TransformKind, Half> values;
    for (const TransformKind kind : quantize::kKindsV) {
      const bool needed = std::ranges::any_of(task.transforms, [&](TransformKind other) {
        return quantize::kind_of_values(other) == kind;
      });
      if (automatic || needed) values[kind] = quantize_half(task, true, false, kind);
    }

    std::vector<Row> rows;
    for (const bool centring : task.centrings) {
      std::map<TransformKind, Half> keys;
      for (const TransformKind kind : quantize::kKindsK) {
        if (automatic || wanted(kind)) keys[kind] = quantize_half(task, false, centring, kind);
      }
      for (const TransformKind kind : task.transforms) {
        const bool chosen = kind == TransformKind::kAuto;
        const Half& k = chosen ? best_of(quantize::kKindsK, keys, task) : keys.at(kind);
        const Half& v = chosen ? best_of(quantize::kKindsV, values, task)
                               : values.at(quantize::kind_of_values(kind));
        options.centring = centring;
        options.transform = kind;
        cache::CacheSize size = k.size;
        size += v.size;
        rows.push_back(row_of(variant_of(task.configuration->name, options), options == standard,
                              size.bits_per_element(),
                              (*judge_)({.sinks = options.timeline.sinks,
                                         .append_block = options.timeline.append_block,
                                         .keys = k.vectors,
                                         .values = v.vectors})));
      }
    }
    return rows;
  }

  const HeadFacts& facts_;
  const workload::Head head_;
  std::vector<const Configuration*> configurations_;
  const StudyOptions& options_;
  std::optional<reference::CacheJudge> judge_;
  std::map<std::size_t, Common> common_;  // by append block
  std::map<TransformKey, Transform> transforms_;
};

}  // namespace

Figures mean_of(const std::vector<reference::OutputAccuracy>& outputs) {
  Figures mean;
  for (const reference::OutputAccuracy& output : outputs) {
    mean.relative_error += output.relative_error;
    mean.cosine += output.cosine;
    mean.kl += output.kl;
    mean.top32 += output.top;
  }
  const auto count = static_cast<double>(outputs.size());
  return {mean.relative_error / count, mean.cosine / count, mean.kl / count, mean.top32 / count};
}

Study measure(const std::vector<workload::Workload>& workloads,
              const std::vector<const Configuration*>& configurations, const StudyOptions& options,
              const StudyProgress& progress) {
  Study study;
  struct Planned {
    const workload::Workload* workload;
    const workload::HeadFacts* head;
    std::vector<const Configuration*> configurations;
  };
  std::vector<Planned> planned;
  for (const workload::Workload& workload : workloads) {
    study.workloads.push_back({workload.path, workload.sha256, workload.metadata});
    for (const workload::HeadFacts& head : workload.heads) {
      std::vector<const Configuration*> fitting;
      std::ranges::copy_if(configurations, std::back_inserter(fitting),
                           [&](const Configuration* configuration) {
                             return configuration->engine.head_dim == head.head_dim;
                           });
      if (fitting.empty()) {
        throw InputError(fmt::format("no configuration is for the {} channels of {} in {}",
                                     head.head_dim, head.name, workload.path));
      }
      study.heads.push_back(checked_facts(workload.path, head, fitting, options));
      planned.push_back({&workload, &head, std::move(fitting)});
    }
  }
  for (std::size_t i = 0; i < planned.size(); ++i) {
    const std::string what = fmt::format("{} of {}, head {} of {}:", study.heads[i].name,
                                         study.heads[i].workload, i + 1, planned.size());
    // Only one head's values, exact attention and transforms are in memory.
    HeadStudy head(study.heads[i], planned[i].workload->read(*planned[i].head),
                   planned[i].configurations, options);
    std::vector<Row> rows = head.measure([&](double fraction) {
      if (progress) progress(what, fraction);
    });
    std::ranges::move(rows, std::back_inserter(study.rows));
  }
  return study;
}

}  // namespace aqpim::study
