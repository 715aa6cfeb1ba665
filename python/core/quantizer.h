// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <memory>

#include "sw/config/config.h"
#include "sw/quantize/backend.h"
#include "sw/quantize/quantize.h"
#include "sw/workload/workload.h"

namespace aqpim::python {

// The cache of one head, and the head itself as the cache knows it: outliers set apart, as the
// command line does.
class Quantizer {
 public:
  // Throws InputError as quantize::HeadQuantizer and quantize::set_outliers_apart().
  Quantizer(const workload::Head& head, const config::EngineConfig& engine,
            const quantize::QuantizeOptions& options);

  // Of whole heads, [.., n, D]: tokens and queries at the end.
  void extend(const workload::Head& more);

  quantize::HeadQuantizer& steps() { return quantizer_; }
  const quantize::HeadQuantizer& steps() const { return quantizer_; }
  const workload::Head& head() const { return head_; }
  const config::EngineConfig& engine() const { return engine_; }

 private:
  workload::Head given_;  // as it came
  std::size_t sinks_, prefill_;
  workload::Head head_;
  config::EngineConfig engine_;
  std::unique_ptr<quantize::Backend> backend_;
  quantize::HeadQuantizer quantizer_;
};

}  // namespace aqpim::python
