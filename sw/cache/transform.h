// SPDX-License-Identifier: Apache-2.0
//
// The channel transform of keys or values: x' = transform · x, a permutation and then a small
// matrix per sub-space.
//
//   y_j = x[order[j]],   x'_{m·Dsub + i} = Σ_j matrix[m][i][j] · y_{m·Dsub + j}
//
// A query takes the inverse transposed, q' = transform^−T · q, so that q'·k' = q·k. Matrices are
// single precision, as they are written to files; everything is computed with those values in
// double precision. docs/quantization.md §2.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace aqpim::cache {

// Which channel transform keys and values get.
enum class TransformKind {
  kNone,         // the natural order of the channels
  kGreedy,       // the greedy cosine grouping of AQPIM
  kDeterminant,  // the grouping of the smallest determinants
  kWhitening,    // such a grouping under the queries' metric, and that metric per sub-space
  kAuto,         // per head the one with the smallest attention error before P
};

// As on the command line: none, greedy, determinant, whitening, auto.
std::string name_of(TransformKind kind);

class Transform {
 public:
  // Of no channels.
  Transform() = default;

  // `order` [D] is a permutation; `matrices` [M, Dsub, Dsub] row-major, or empty for the identity.
  // Throws std::invalid_argument if the sizes do not fit or a matrix is singular.
  explicit Transform(std::vector<std::uint32_t> order, std::size_t sub_dim = 1,
                     std::vector<float> matrices = {});

  bool operator==(const Transform&) const = default;

  std::size_t dimension() const { return order_.size(); }
  const std::vector<std::uint32_t>& order() const { return order_; }
  bool is_permutation() const { return matrices_.empty(); }

  // transform · x of each of `vectors` [n, D].
  std::vector<double> apply(std::span<const float> vectors) const;
  std::vector<double> apply(std::span<const double> vectors) const;

  // transform^−1 · x' of each of `vectors` [n, D].
  std::vector<double> undo(std::span<const double> vectors) const;

  // transform^−T · q of a query [D].
  std::vector<double> apply_to_query(std::span<const float> query) const;

  // The matrix [D, D], row-major.
  std::vector<float> dense() const;

 private:
  template <typename Element>
  std::vector<double> apply_to(std::span<const Element> vectors) const;

  std::vector<std::uint32_t> order_;
  std::size_t sub_dim_ = 1;
  std::vector<float> matrices_;   // [M, Dsub, Dsub]
  std::vector<double> inverses_;  // [M, Dsub, Dsub]
};

}  // namespace aqpim::cache
