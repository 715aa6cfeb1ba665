// SPDX-License-Identifier: Apache-2.0
#include "sw/quantize/options.h"

namespace aqpim::quantize {

std::string name_of(Clustering clustering) {
  return clustering == Clustering::kFixed ? "fixed" : "float";
}

}  // namespace aqpim::quantize
