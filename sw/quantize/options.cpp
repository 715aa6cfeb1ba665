// SPDX-License-Identifier: Apache-2.0
#include "sw/quantize/options.h"

#include <stdexcept>

namespace aqpim::quantize {

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

std::string name_of(Clustering clustering) {
  return clustering == Clustering::kFixed ? "fixed" : "float";
}

}  // namespace aqpim::quantize
