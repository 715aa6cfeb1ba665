// SPDX-License-Identifier: Apache-2.0
#include "sw/quantize/grouping.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

namespace aqpim::quantize {

namespace {

constexpr std::size_t kLargestSubDim = 8;
// Part of the mean variance that is added to the diagonal.
constexpr double kRidge = 1e-4;
// A swap must lower J by more than this part of it, so that rounding cannot make the search cycle.
constexpr double kLeastGain = 1e-12;

// Normalised to a mean of the diagonal of 1, what is not finite taken as 0, with a raised diagonal.
std::vector<double> conditioned(std::span<const double> matrix, std::size_t dimension) {
  std::vector<double> values(matrix.begin(), matrix.end());
  double trace = 0.0;
  for (std::size_t d = 0; d < dimension; ++d) trace += values[d * dimension + d];
  const double mean = trace / static_cast<double>(dimension);
  const double factor = mean > 0.0 && std::isfinite(mean) ? 1.0 / mean : 0.0;
  for (double& value : values) {
    value *= factor;
    if (!std::isfinite(value)) value = 0.0;
  }
  for (std::size_t d = 0; d < dimension; ++d) values[d * dimension + d] += kRidge;
  return values;
}

// Covariance, and the metric that vectors are measured by within a group.
class Metric {
 public:
  Metric(std::span<const double> covariance, std::size_t dimension,
         std::span<const double> metric = {})
      : dimension_(dimension), covariance_(conditioned(covariance, dimension)) {
    if (!metric.empty()) metric_ = conditioned(metric, dimension);
  }

  std::size_t dimension() const { return dimension_; }
  double at(std::size_t a, std::size_t b) const { return covariance_[a * dimension_ + b]; }
  double variance(std::size_t d) const { return at(d, d); }

  // det(Σ_g · C_g)^(1/n) of the group of `channels`.
  double group_cost(std::span<const std::uint32_t> channels) const {
    double product = determinant(covariance_, channels);
    if (!metric_.empty()) product *= determinant(metric_, channels);
    return std::pow(product, 1.0 / static_cast<double>(channels.size()));
  }

 private:
  // Of the rows and columns `channels`, by Cholesky factorisation.
  double determinant(const std::vector<double>& matrix,
                     std::span<const std::uint32_t> channels) const {
    const std::size_t n = channels.size();
    std::array<double, kLargestSubDim * kLargestSubDim> factor;
    double determinant = 1.0;
    for (std::size_t row = 0; row < n; ++row) {
      for (std::size_t column = 0; column <= row; ++column) {
        double value = matrix[channels[row] * dimension_ + channels[column]];
        for (std::size_t k = 0; k < column; ++k) {
          value -= factor[row * n + k] * factor[column * n + k];
        }
        if (column < row) {
          factor[row * n + column] = value / factor[column * n + column];
        } else {
          // Rounding may leave less than the ridge of a channel that the others explain.
          const double pivot = std::max(value, kRidge * 1e-3);
          determinant *= pivot;
          factor[row * n + row] = std::sqrt(pivot);
        }
      }
    }
    return determinant;
  }

  std::size_t dimension_;
  std::vector<double> covariance_;
  std::vector<double> metric_;
};

std::span<const std::uint32_t> group_of(std::span<const std::uint32_t> order, std::size_t group,
                                        std::size_t sub_dim) {
  return order.subspan(group * sub_dim, sub_dim);
}

double total_cost(const Metric& metric, std::span<const std::uint32_t> order, std::size_t sub_dim) {
  double cost = 0.0;
  for (std::size_t g = 0; g < order.size() / sub_dim; ++g) {
    cost += metric.group_cost(group_of(order, g, sub_dim));
  }
  return cost;
}

std::vector<std::uint32_t> by_falling_variance(const Metric& metric) {
  std::vector<std::uint32_t> channels = natural_order(metric.dimension());
  std::stable_sort(channels.begin(), channels.end(), [&](std::uint32_t a, std::uint32_t b) {
    return metric.variance(a) > metric.variance(b);
  });
  return channels;
}

// Deals the channels to the groups by falling variance, back and forth.
std::vector<std::uint32_t> balanced_start(const Metric& metric, std::size_t sub_dim) {
  const std::vector<std::uint32_t> channels = by_falling_variance(metric);
  const std::size_t groups = channels.size() / sub_dim;
  std::vector<std::uint32_t> order(channels.size());
  for (std::size_t i = 0; i < channels.size(); ++i) {
    const std::size_t round = i / groups;
    const std::size_t place = i % groups;
    const std::size_t group = round % 2 == 0 ? place : groups - 1 - place;
    order[group * sub_dim + round] = channels[i];
  }
  return order;
}

// Opens each group with the strongest channel left and adds the channel most correlated with the
// group until it is full.
std::vector<std::uint32_t> correlated_start(const Metric& metric, std::size_t sub_dim) {
  std::vector<std::uint32_t> left = by_falling_variance(metric);
  std::vector<std::uint32_t> order;
  order.reserve(left.size());
  const auto correlation = [&](std::uint32_t a, std::uint32_t b) {
    return std::fabs(metric.at(a, b)) / std::sqrt(metric.variance(a) * metric.variance(b));
  };
  while (!left.empty()) {
    const std::size_t begin = order.size();
    order.push_back(left.front());
    left.erase(left.begin());
    while (order.size() < begin + sub_dim) {
      std::size_t best = 0;
      double best_sum = -1.0;
      for (std::size_t i = 0; i < left.size(); ++i) {
        double sum = 0.0;
        for (std::size_t m = begin; m < order.size(); ++m) sum += correlation(order[m], left[i]);
        if (sum > best_sum) {
          best_sum = sum;
          best = i;
        }
      }
      order.push_back(left[best]);
      left.erase(left.begin() + static_cast<std::ptrdiff_t>(best));
    }
  }
  return order;
}

// Takes every swap that lowers J, in a fixed sequence, until a whole round finds none.
void improve(const Metric& metric, std::vector<std::uint32_t>& order, std::size_t sub_dim) {
  const std::size_t groups = order.size() / sub_dim;
  std::vector<double> cost;
  cost.reserve(groups);
  for (std::size_t g = 0; g < groups; ++g) {
    cost.push_back(metric.group_cost(group_of(order, g, sub_dim)));
  }
  for (bool improved = true; improved;) {
    improved = false;
    for (std::size_t i = 0; i < order.size(); ++i) {
      const std::size_t a = i / sub_dim;
      for (std::size_t j = (a + 1) * sub_dim; j < order.size(); ++j) {
        const std::size_t b = j / sub_dim;
        std::swap(order[i], order[j]);
        const double cost_a = metric.group_cost(group_of(order, a, sub_dim));
        const double cost_b = metric.group_cost(group_of(order, b, sub_dim));
        const double before = cost[a] + cost[b];
        if (cost_a + cost_b < before * (1.0 - kLeastGain)) {
          cost[a] = cost_a;
          cost[b] = cost_b;
          improved = true;
        } else {
          std::swap(order[i], order[j]);
        }
      }
    }
  }
}

// Cosine of the angle between channels as vectors over the tokens: [D, D].
std::vector<double> cosine_similarities(std::span<const double> vectors, std::size_t dimension) {
  std::vector<double> products(dimension * dimension, 0.0);
  for (std::size_t base = 0; base < vectors.size(); base += dimension) {
    for (std::size_t a = 0; a < dimension; ++a) {
      for (std::size_t b = 0; b <= a; ++b) {
        products[a * dimension + b] += vectors[base + a] * vectors[base + b];
      }
    }
  }
  std::vector<double> result(dimension * dimension, 0.0);
  for (std::size_t a = 0; a < dimension; ++a) {
    for (std::size_t b = 0; b < a; ++b) {
      const double norms = std::sqrt(products[a * dimension + a] * products[b * dimension + b]);
      const double cosine = products[a * dimension + b] / norms;
      if (!std::isfinite(cosine)) continue;
      result[a * dimension + b] = cosine;
      result[b * dimension + a] = cosine;
    }
  }
  return result;
}

// The same grouping written in one way: neither the order within a group nor of the groups matters.
void canonicalise(std::vector<std::uint32_t>& order, std::size_t sub_dim) {
  std::vector<std::vector<std::uint32_t>> groups;
  for (std::size_t g = 0; g < order.size() / sub_dim; ++g) {
    const auto channels = group_of(order, g, sub_dim);
    groups.emplace_back(channels.begin(), channels.end());
    std::sort(groups.back().begin(), groups.back().end());
  }
  std::sort(groups.begin(), groups.end());
  order.clear();
  for (const auto& group : groups) order.insert(order.end(), group.begin(), group.end());
}

}  // namespace

std::vector<double> covariance(std::span<const double> vectors, std::size_t dimension,
                               std::span<const double> channel_scale) {
  const std::size_t count = vectors.size() / dimension;
  std::vector<double> mean(dimension, 0.0);
  for (std::size_t t = 0; t < count; ++t) {
    for (std::size_t d = 0; d < dimension; ++d) mean[d] += vectors[t * dimension + d];
  }
  for (double& value : mean) value /= static_cast<double>(count);

  std::vector<double> result(dimension * dimension, 0.0);
  std::vector<double> centred(dimension);
  for (std::size_t t = 0; t < count; ++t) {
    for (std::size_t d = 0; d < dimension; ++d) centred[d] = vectors[t * dimension + d] - mean[d];
    for (std::size_t a = 0; a < dimension; ++a) {
      for (std::size_t b = 0; b <= a; ++b) result[a * dimension + b] += centred[a] * centred[b];
    }
  }
  for (std::size_t a = 0; a < dimension; ++a) {
    for (std::size_t b = 0; b <= a; ++b) {
      const double scale = channel_scale.empty() ? 1.0 : channel_scale[a] * channel_scale[b];
      const double value = result[a * dimension + b] * scale / static_cast<double>(count);
      result[a * dimension + b] = value;
      result[b * dimension + a] = value;
    }
  }
  return result;
}

std::vector<double> query_moment(const workload::Head& head, const cache::Timeline& timeline) {
  const std::size_t dim = head.head_dim;
  const std::size_t first_held = head.tokens - head.query_tokens;
  std::vector<double> sum(dim * dim, 0.0);
  for (std::size_t group = 0; group < head.groups; ++group) {
    for (std::size_t t = first_held; t < timeline.prefill; ++t) {
      const float* query = head.q.data() + (group * head.query_tokens + t - first_held) * dim;
      for (std::size_t a = 0; a < dim; ++a) {
        for (std::size_t b = 0; b <= a; ++b) {
          sum[a * dim + b] += static_cast<double>(query[a]) * static_cast<double>(query[b]);
        }
      }
    }
  }
  const bool silent = std::all_of(sum.begin(), sum.end(), [](double s) { return s == 0.0; });
  const double count =
      silent ? 1.0 : static_cast<double>(head.groups * (timeline.prefill - first_held));
  for (std::size_t a = 0; a < dim; ++a) {
    if (silent) sum[a * dim + a] = 1.0;
    for (std::size_t b = 0; b <= a; ++b) {
      sum[a * dim + b] /= count;
      sum[b * dim + a] = sum[a * dim + b];
    }
  }
  return sum;
}

std::vector<double> query_rms(const workload::Head& head, const cache::Timeline& timeline) {
  const std::vector<double> moment = query_moment(head, timeline);
  std::vector<double> rms(head.head_dim);
  for (std::size_t d = 0; d < rms.size(); ++d) rms[d] = std::sqrt(moment[d * rms.size() + d]);
  return rms;
}

double grouping_cost(std::span<const double> covariance, std::span<const std::uint32_t> order,
                     std::size_t sub_dim) {
  return total_cost(Metric(covariance, order.size()), order, sub_dim);
}

std::vector<std::uint32_t> determinant_optimal_order(std::span<const double> covariance,
                                                     std::size_t dimension, std::size_t sub_dim,
                                                     std::span<const double> metric_of_queries) {
  if (sub_dim == 1) return natural_order(dimension);
  const Metric metric(covariance, dimension, metric_of_queries);
  std::vector<std::uint32_t> best;
  double best_cost = 0.0;
  for (std::vector<std::uint32_t> order :
       {balanced_start(metric, sub_dim), correlated_start(metric, sub_dim),
        natural_order(dimension)}) {
    improve(metric, order, sub_dim);
    canonicalise(order, sub_dim);
    const double cost = total_cost(metric, order, sub_dim);
    if (best.empty() || cost < best_cost) {
      best = std::move(order);
      best_cost = cost;
    }
  }
  return best;
}

std::vector<std::uint32_t> greedy_order(std::span<const double> vectors, std::size_t dimension,
                                        std::size_t sub_dim) {
  if (sub_dim == 1) return natural_order(dimension);
  const std::vector<double> similarity = cosine_similarities(vectors, dimension);
  std::vector<std::uint32_t> left = natural_order(dimension);
  std::vector<std::uint32_t> order;
  const auto take = [&](std::size_t place) {
    order.push_back(left[place]);
    left.erase(left.begin() + static_cast<std::ptrdiff_t>(place));
  };
  while (!left.empty()) {
    std::size_t first = 0;
    double largest = -2.0;
    for (std::size_t i = 0; i < left.size(); ++i) {
      for (std::size_t j = i + 1; j < left.size(); ++j) {
        const double value = similarity[left[i] * dimension + left[j]];
        if (value > largest) {
          largest = value;
          first = i;
        }
      }
    }
    const std::size_t begin = order.size();
    take(first);
    // The second channel of the pair is the one most similar to the first.
    while (order.size() < begin + sub_dim) {
      const auto sum_to_group = [&](std::uint32_t channel) {
        double sum = 0.0;
        for (std::size_t m = begin; m < order.size(); ++m) {
          sum += similarity[order[m] * dimension + channel];
        }
        return sum;
      };
      std::size_t best = 0;
      for (std::size_t i = 1; i < left.size(); ++i) {
        if (sum_to_group(left[i]) > sum_to_group(left[best])) best = i;
      }
      take(best);
    }
  }
  return order;
}

std::vector<std::uint32_t> natural_order(std::size_t dimension) {
  std::vector<std::uint32_t> order(dimension);
  std::iota(order.begin(), order.end(), 0u);
  return order;
}

}  // namespace aqpim::quantize
