// SPDX-License-Identifier: Apache-2.0
#include "sw/quantize/transform_choice.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <span>
#include <utility>
#include <vector>

#include "sw/quantize/centring.h"
#include "sw/quantize/grouping.h"
#include "sw/quantize/importance.h"
#include "sw/quantize/side.h"
#include "sw/quantize/software_backend.h"

namespace aqpim::quantize {

namespace {

// Part of the mean of the diagonal that is added to the queries' second moment.
constexpr double kMetricRidge = 1e-2;

constexpr std::array kCandidatesK = {TransformKind::kNone, TransformKind::kGreedy,
                                     TransformKind::kDeterminant, TransformKind::kWhitening};
constexpr std::array kCandidatesV = {TransformKind::kNone, TransformKind::kGreedy,
                                     TransformKind::kDeterminant};

std::span<const float> after_sinks(const std::vector<float>& vectors, const Timeline& timeline,
                                   std::size_t dim, std::size_t count) {
  return std::span(vectors).subspan(timeline.sinks * dim, count * dim);
}

// Finds the transforms of one head.
class Search {
 public:
  Search(const workload::Head& head, const Timeline& timeline, const config::EngineConfig& engine,
         const QuantizeOptions& options)
      : head_(head),
        timeline_(timeline),
        dim_(head.head_dim),
        sub_dim_(engine.sub_dim),
        keys_(Transform(natural_order(dim_))
                  .apply(after_sinks(head.k, timeline, dim_, timeline.clustered()))),
        values_(Transform(natural_order(dim_))
                    .apply(after_sinks(head.v, timeline, dim_, timeline.clustered()))) {
    if (!options.centring) return;
    subtract_centres(keys_, block_centres(keys_, dim_, timeline.append_block), dim_,
                     timeline.append_block);
  }

  Transform keys(TransformKind kind) const {
    switch (kind) {
      case TransformKind::kGreedy:
        return Transform(greedy_order(keys_, dim_, sub_dim_));
      case TransformKind::kDeterminant:
        return Transform(determinant_optimal_order(
            covariance(keys_, dim_, query_rms(head_, timeline_)), dim_, sub_dim_));
      case TransformKind::kWhitening:
        return whitening();
      default:
        return Transform(natural_order(dim_));
    }
  }

  Transform values(TransformKind kind) const {
    switch (kind) {
      case TransformKind::kGreedy:
        return Transform(greedy_order(values_, dim_, sub_dim_));
      case TransformKind::kDeterminant:
      case TransformKind::kWhitening:
        return Transform(determinant_optimal_order(covariance(values_, dim_), dim_, sub_dim_));
      default:
        return Transform(natural_order(dim_));
    }
  }

 private:
  Transform whitening() const {
    const std::vector<double> moment = query_moment(head_, timeline_);
    std::vector<std::uint32_t> order =
        determinant_optimal_order(covariance(keys_, dim_), dim_, sub_dim_, moment);
    std::vector<float> matrices;
    std::vector<double> block(sub_dim_ * sub_dim_);
    for (std::size_t first = 0; first < dim_; first += sub_dim_) {
      for (std::size_t i = 0; i < sub_dim_; ++i) {
        for (std::size_t j = 0; j < sub_dim_; ++j) {
          block[i * sub_dim_ + j] = moment[order[first + i] * dim_ + order[first + j]];
        }
      }
      const std::vector<float> matrix = whitening_matrix(block, sub_dim_);
      matrices.insert(matrices.end(), matrix.begin(), matrix.end());
    }
    return Transform(std::move(order), sub_dim_, std::move(matrices));
  }

  const workload::Head& head_;
  const Timeline& timeline_;
  std::size_t dim_, sub_dim_;
  std::vector<double> keys_, values_;  // [N_P, D], keys centred
};

// Attention of the queries before P, with some of the keys or values replaced.
class Judge {
 public:
  Judge(const workload::Head& head, const Timeline& timeline) : head_(head), timeline_(timeline) {
    const std::size_t first_held = head.tokens - head.query_tokens;
    const std::size_t wanted = timeline.prefill - std::min(timeline.prefill, kJudgingQueries);
    for (std::size_t t = std::max(first_held, wanted); t < timeline.prefill; ++t) {
      for (std::size_t g = 0; g < head.groups; ++g) {
        Query query{.t = t,
                    .q = head.q.data() + (g * head.query_tokens + t - first_held) * head.head_dim,
                    .weights = {},
                    .output = {}};
        query.weights = scores(query, {});
        softmax(query.weights);
        query.output = output(query, query.weights, {});
        queries_.push_back(std::move(query));
      }
    }
  }

  bool empty() const { return queries_.empty(); }

  // Mean relative error with these keys [n, D] instead of those of tokens sinks … first_recent(t).
  double error_of_keys(std::span<const double> keys) const {
    double sum = 0.0;
    for (const Query& query : queries_) {
      std::vector<double> weights = scores(query, keys);
      softmax(weights);
      sum += relative_difference(output(query, weights, {}), query.output);
    }
    return sum / static_cast<double>(queries_.size());
  }

  // The same of values.
  double error_of_values(std::span<const double> values) const {
    double sum = 0.0;
    for (const Query& query : queries_) {
      sum += relative_difference(output(query, query.weights, values), query.output);
    }
    return sum / static_cast<double>(queries_.size());
  }

 private:
  struct Query {
    std::size_t t;
    const float* q;
    std::vector<double> weights;  // exact, of tokens 0 … t
    std::vector<double> output;
  };

  // One past the last token that is replaced.
  std::size_t coded_end(const Query& query, std::span<const double> vectors) const {
    return std::min(timeline_.first_recent(query.t),
                    timeline_.sinks + vectors.size() / head_.head_dim);
  }

  std::vector<double> scores(const Query& query, std::span<const double> keys) const {
    const std::size_t dim = head_.head_dim;
    const std::size_t end = coded_end(query, keys);
    const double scale = 1.0 / std::sqrt(static_cast<double>(dim));
    std::vector<double> result(query.t + 1);
    for (std::size_t token = 0; token <= query.t; ++token) {
      double dot = 0.0;
      if (token >= timeline_.sinks && token < end) {
        const double* key = keys.data() + (token - timeline_.sinks) * dim;
        for (std::size_t d = 0; d < dim; ++d) dot += static_cast<double>(query.q[d]) * key[d];
      } else {
        const float* key = head_.k.data() + token * dim;
        for (std::size_t d = 0; d < dim; ++d) {
          dot += static_cast<double>(query.q[d]) * static_cast<double>(key[d]);
        }
      }
      result[token] = dot * scale;
    }
    return result;
  }

  static void softmax(std::vector<double>& scores) {
    const double largest = *std::ranges::max_element(scores);
    double sum = 0.0;
    for (double& value : scores) sum += value = std::exp(value - largest);
    for (double& value : scores) value /= sum;
  }

  std::vector<double> output(const Query& query, std::span<const double> weights,
                             std::span<const double> values) const {
    const std::size_t dim = head_.head_dim;
    const std::size_t end = coded_end(query, values);
    std::vector<double> result(dim, 0.0);
    for (std::size_t token = 0; token <= query.t; ++token) {
      if (token >= timeline_.sinks && token < end) {
        const double* value = values.data() + (token - timeline_.sinks) * dim;
        for (std::size_t d = 0; d < dim; ++d) result[d] += weights[token] * value[d];
      } else {
        const float* value = head_.v.data() + token * dim;
        for (std::size_t d = 0; d < dim; ++d) {
          result[d] += weights[token] * static_cast<double>(value[d]);
        }
      }
    }
    return result;
  }

  static double relative_difference(std::span<const double> a, std::span<const double> exact) {
    double difference = 0.0, norm = 0.0;
    for (std::size_t d = 0; d < exact.size(); ++d) {
      difference += (a[d] - exact[d]) * (a[d] - exact[d]);
      norm += exact[d] * exact[d];
    }
    return difference == 0.0 ? 0.0 : std::sqrt(difference / norm);
  }

  const workload::Head& head_;
  const Timeline& timeline_;
  std::vector<Query> queries_;
};

// Quantizes keys or values with each candidate and keeps the best.
class Contest {
 public:
  Contest(const workload::Head& head, const Timeline& timeline, const config::EngineConfig& engine,
          const QuantizeOptions& options)
      : head_(head),
        timeline_(timeline),
        engine_(engine),
        options_(options),
        judge_(head, timeline),
        encoded_(timeline.first_recent(timeline.prefill) - timeline.sinks),
        weights_(options.weights ? importance_weights(head, timeline)
                                 : std::vector<std::uint8_t>(timeline.clustered(), 1)),
        backend_(software_backend(engine, options.clustering)) {}

  bool possible() const { return !judge_.empty() && encoded_ != 0; }

  double error(const Transform& transform, bool values) const {
    const SideShape shape = side_shape(engine_, timeline_, options_, values);
    Side side(
        after_sinks(values ? head_.v : head_.k, timeline_, head_.head_dim, timeline_.clustered()),
        shape, transform);
    for (std::size_t w = 0; w < shape.windows; ++w) side.cluster(w, weights_, backend_);
    side.encode(encoded_, backend_);
    return values ? judge_.error_of_values(side.decoded()) : judge_.error_of_keys(side.decoded());
  }

 private:
  const workload::Head& head_;
  const Timeline& timeline_;
  const config::EngineConfig& engine_;
  const QuantizeOptions& options_;
  Judge judge_;
  std::size_t encoded_;
  std::vector<std::uint8_t> weights_;
  Backend backend_;
};

// The candidate of the smallest error; the first of equal ones.
template <typename Candidates, typename Find>
std::pair<TransformKind, Transform> best_of(const Candidates& candidates, const Find& find,
                                            const Contest& contest, bool values) {
  std::pair<TransformKind, Transform> best;
  double smallest = 0.0;
  for (const TransformKind kind : candidates) {
    Transform transform = find(kind);
    const double error = contest.error(transform, values);
    if (best.second.dimension() == 0 || error < smallest) {
      best = {kind, std::move(transform)};
      smallest = error;
    }
  }
  return best;
}

}  // namespace

std::vector<float> whitening_matrix(std::span<const double> moment, std::size_t n) {
  double mean = 0.0;
  for (std::size_t i = 0; i < n; ++i) mean += moment[i * n + i] / static_cast<double>(n);
  std::vector<float> result(n * n, 0.0f);
  if (!(mean > 0.0) || !std::isfinite(mean)) {
    for (std::size_t i = 0; i < n; ++i) result[i * n + i] = 1.0f;
    return result;
  }
  // Cholesky: C = L·Lᵀ, A = Lᵀ.
  std::vector<double> lower(n * n, 0.0);
  for (std::size_t row = 0; row < n; ++row) {
    for (std::size_t column = 0; column <= row; ++column) {
      double value = moment[row * n + column] / mean + (row == column ? kMetricRidge : 0.0);
      for (std::size_t k = 0; k < column; ++k) value -= lower[row * n + k] * lower[column * n + k];
      // Rounding may leave less than the ridge.
      lower[row * n + column] = row == column ? std::sqrt(std::max(value, kMetricRidge * 1e-3))
                                              : value / lower[column * n + column];
      result[column * n + row] = static_cast<float>(lower[row * n + column]);
    }
  }
  return result;
}

ChosenTransforms choose_transforms(const workload::Head& head, const Timeline& timeline,
                                   const config::EngineConfig& engine,
                                   const QuantizeOptions& options) {
  const Search search(head, timeline, engine, options);
  if (options.transform == TransformKind::kAuto) {
    const Contest contest(head, timeline, engine, options);
    if (contest.possible()) {
      auto k = best_of(
          kCandidatesK, [&](TransformKind kind) { return search.keys(kind); }, contest, false);
      auto v = best_of(
          kCandidatesV, [&](TransformKind kind) { return search.values(kind); }, contest, true);
      return {
          .kind_k = k.first, .kind_v = v.first, .k = std::move(k.second), .v = std::move(v.second)};
    }
  }
  const TransformKind kind =
      options.transform == TransformKind::kAuto ? TransformKind::kDeterminant : options.transform;
  return {.kind_k = kind, .kind_v = kind, .k = search.keys(kind), .v = search.values(kind)};
}

}  // namespace aqpim::quantize
