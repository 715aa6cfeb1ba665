// SPDX-License-Identifier: Apache-2.0
//
// The test bench of one reducer: gives it the records of UNLOAD, compares every centroid word and
// every stored element with the golden model, counts words and cycles.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "sw/config/config.h"
#include "sw/golden/reducer.h"
#include "tb/common/random.h"
#include "tb/common/tally.h"
#include "tb/engine/pace.h"
#include "tb/reducer/reducer_model.h"

namespace aqpim::tb {

struct ReducerStatistics {
  std::uint64_t reductions = 0;
  std::uint64_t words = 0;
  std::uint64_t cycles = 0;  // from the first word to the last answer
  std::uint64_t stalls = 0;  // of these, those in which a word had to wait

  bool operator==(const ReducerStatistics&) const = default;
  ReducerStatistics& operator+=(const ReducerStatistics& other);
};

class ReducerEnv {
 public:
  // Powers the reducer up and resets it. Throws std::out_of_range if there is no model of this
  // configuration.
  ReducerEnv(const config::Configuration& configuration, std::uint64_t seed);

  // What the reducer makes of the parts' partial sums. Throws RunFailed if it cannot go on, and
  // std::invalid_argument as golden::reduce().
  golden::Reduced reduce(std::span<const std::vector<std::uint8_t>> partials, bool values,
                         Pace pace = {});

  const ReducerStatistics& statistics() const { return statistics_; }
  // The statistics since the last call.
  ReducerStatistics take_statistics() { return std::exchange(statistics_, {}); }
  std::uint64_t compared() const { return tally_.compared(); }
  std::uint64_t mismatches() const { return tally_.mismatches(); }

  // Ends the run; empty if all is well, otherwise the reasons, one sentence per line.
  std::string verdict(std::uint64_t minimum_compared) const {
    return tally_.verdict(minimum_compared, 0, model_->failed_assertions());
  }

 private:
  ReducerOutputs step();
  void compare(const golden::Reduced& reduced, const golden::Reduced& expected);

  config::Configuration configuration_;
  std::unique_ptr<ReducerModel> model_;
  Random random_;
  ReducerInputs inputs_;
  golden::Reduced collected_;
  ReducerStatistics statistics_;
  Tally tally_;
};

}  // namespace aqpim::tb
