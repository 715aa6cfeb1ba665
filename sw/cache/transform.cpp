// SPDX-License-Identifier: Apache-2.0
#include "sw/cache/transform.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>

namespace aqpim::cache {

namespace {

// Inverse of a row-major matrix [n, n] by Gauss-Jordan elimination with row pivots.
std::vector<double> inverse(std::span<const float> matrix, std::size_t n) {
  std::vector<double> left(matrix.begin(), matrix.end());
  std::vector<double> right(n * n, 0.0);
  for (std::size_t i = 0; i < n; ++i) right[i * n + i] = 1.0;
  for (std::size_t column = 0; column < n; ++column) {
    std::size_t pivot = column;
    for (std::size_t row = column + 1; row < n; ++row) {
      if (std::fabs(left[row * n + column]) > std::fabs(left[pivot * n + column])) pivot = row;
    }
    const double value = left[pivot * n + column];
    if (value == 0.0 || !std::isfinite(value)) {
      throw std::invalid_argument("the matrix of a sub-space cannot be inverted");
    }
    for (std::size_t j = 0; j < n; ++j) {
      std::swap(left[pivot * n + j], left[column * n + j]);
      std::swap(right[pivot * n + j], right[column * n + j]);
    }
    for (std::size_t j = 0; j < n; ++j) {
      left[column * n + j] /= value;
      right[column * n + j] /= value;
    }
    for (std::size_t row = 0; row < n; ++row) {
      if (row == column) continue;
      const double factor = left[row * n + column];
      for (std::size_t j = 0; j < n; ++j) {
        left[row * n + j] -= factor * left[column * n + j];
        right[row * n + j] -= factor * right[column * n + j];
      }
    }
  }
  return right;
}

}  // namespace

Transform::Transform(std::vector<std::uint32_t> order, std::size_t sub_dim,
                     std::vector<float> matrices)
    : order_(std::move(order)), sub_dim_(sub_dim), matrices_(std::move(matrices)) {
  std::vector<bool> seen(dimension(), false);
  for (const std::uint32_t channel : order_) {
    if (channel >= dimension() || seen[channel]) {
      throw std::invalid_argument("the order of the channels is not a permutation");
    }
    seen[channel] = true;
  }
  if (matrices_.empty()) return;
  if (sub_dim_ == 0 || dimension() % sub_dim_ != 0 || matrices_.size() != dimension() * sub_dim_) {
    throw std::invalid_argument("there must be one Dsub x Dsub matrix per sub-space");
  }
  const std::size_t size = sub_dim_ * sub_dim_;
  for (std::size_t begin = 0; begin < matrices_.size(); begin += size) {
    const std::vector<double> one = inverse(std::span(matrices_).subspan(begin, size), sub_dim_);
    inverses_.insert(inverses_.end(), one.begin(), one.end());
  }
}

template <typename Element>
std::vector<double> Transform::apply_to(std::span<const Element> vectors) const {
  const std::size_t dim = dimension();
  std::vector<double> result(vectors.size());
  for (std::size_t base = 0; base < vectors.size(); base += dim) {
    for (std::size_t i = 0; i < dim; ++i) {
      if (is_permutation()) {
        result[base + i] = static_cast<double>(vectors[base + order_[i]]);
        continue;
      }
      const std::size_t first = i / sub_dim_ * sub_dim_;
      double sum = 0.0;
      for (std::size_t j = 0; j < sub_dim_; ++j) {
        sum += static_cast<double>(matrices_[i * sub_dim_ + j]) *
               static_cast<double>(vectors[base + order_[first + j]]);
      }
      result[base + i] = sum;
    }
  }
  return result;
}

std::vector<double> Transform::apply(std::span<const float> vectors) const {
  return apply_to(vectors);
}

std::vector<double> Transform::apply(std::span<const double> vectors) const {
  return apply_to(vectors);
}

std::vector<double> Transform::undo(std::span<const double> vectors) const {
  const std::size_t dim = dimension();
  std::vector<double> result(vectors.size());
  for (std::size_t base = 0; base < vectors.size(); base += dim) {
    for (std::size_t i = 0; i < dim; ++i) {
      double value = vectors[base + i];
      if (!is_permutation()) {
        const std::size_t first = i / sub_dim_ * sub_dim_;
        value = 0.0;
        for (std::size_t j = 0; j < sub_dim_; ++j) {
          value += inverses_[i * sub_dim_ + j] * vectors[base + first + j];
        }
      }
      result[base + order_[i]] = value;
    }
  }
  return result;
}

std::vector<double> Transform::apply_to_query(std::span<const float> query) const {
  std::vector<double> result(dimension());
  for (std::size_t i = 0; i < dimension(); ++i) {
    if (is_permutation()) {
      result[i] = static_cast<double>(query[order_[i]]);
      continue;
    }
    const std::size_t first = i / sub_dim_ * sub_dim_;
    for (std::size_t j = 0; j < sub_dim_; ++j) {
      result[i] += inverses_[(first + j) * sub_dim_ + i - first] *
                   static_cast<double>(query[order_[first + j]]);
    }
  }
  return result;
}

std::vector<float> Transform::dense() const {
  const std::size_t dim = dimension();
  std::vector<float> result(dim * dim, 0.0f);
  for (std::size_t i = 0; i < dim; ++i) {
    if (is_permutation()) {
      result[i * dim + order_[i]] = 1.0f;
      continue;
    }
    const std::size_t first = i / sub_dim_ * sub_dim_;
    for (std::size_t j = 0; j < sub_dim_; ++j) {
      result[i * dim + order_[first + j]] = matrices_[i * sub_dim_ + j];
    }
  }
  return result;
}

std::string name_of(TransformKind kind) {
  switch (kind) {
    case TransformKind::kNone:
      return "none";
    case TransformKind::kGreedy:
      return "greedy";
    case TransformKind::kDeterminant:
      return "determinant";
    case TransformKind::kWhitening:
      return "whitening";
    case TransformKind::kAuto:
      return "auto";
  }
  throw std::invalid_argument("no kind of transform");
}

}  // namespace aqpim::cache
