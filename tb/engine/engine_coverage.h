// SPDX-License-Identifier: Apache-2.0
//
// What a run has exercised on one engine: operations, paces, sizes, registers, query values,
// refusals, overlaps, flags. Every bin has to be reached by the default run of the tests, for every
// configuration.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "sw/config/config.h"
#include "sw/golden/engine.h"
#include "tb/common/coverage.h"
#include "tb/engine/monitor.h"
#include "tb/engine/transactions.h"

namespace aqpim::tb {

class EngineCoverage {
 public:
  // Subscribes to the monitor, which must not outlive it; after the scoreboard, whose golden model
  // tells about scores and weights.
  EngineCoverage(const config::Configuration& configuration, Monitor& monitor,
                 const golden::Engine& golden);
  EngineCoverage(const EngineCoverage&) = delete;
  EngineCoverage& operator=(const EngineCoverage&) = delete;

  const Coverage& coverage() const { return coverage_; }

 private:
  void reset(const ResetSeen& seen);
  void write(const WriteSeen& seen);
  void control(const WriteSeen& seen);
  void query(const WriteSeen& seen);
  void command(const CommandSeen& seen);
  void refusal(const RefusalSeen& seen);
  void operation(const OperationSeen& seen);
  void scored(const OperationSeen& seen);
  void accumulated(const OperationSeen& seen);
  void stray_word(const StrayWordSeen& seen);
  void read(const ReadSeen& seen);
  void result(const ResultSeen& seen);

  config::EngineConfig config_;
  const golden::Engine& golden_;
  Coverage coverage_;

  CoverPoint& operations_;
  CoverPoint& paces_;
  CoverPoint& delays_;
  CoverPoint& tokens_;
  CoverPoint& handover_;
  CoverPoint& refusals_;
  CoverPoint& writes_;
  CoverPoint& illegal_writes_;
  CoverPoint& bias_runs_;
  CoverPoint& fractions_;
  CoverPoint& shifts_;
  CoverPoint& elements_;
  CoverPoint& stray_;
  CoverPoint& reads_;
  CoverPoint& resets_;
  CoverPoint& flags_;
  CoverPoint& maxima_;
  CoverPoint& scores_;
  CoverPoint& weights_;
  CoverPoint& windows_;
  CoverPoint& parts_;
  CoverPoint& fullness_;
  CoverPoint& hazards_;

  // As the writes seen so far have set them.
  bool bfloat16_ = false;
  unsigned bias_run_ = 0;
  bool outputs_begun_ = false;
  std::size_t windows_seen_ = 0;  // COMBINEs of this tile
  std::size_t parts_seen_ = 0;    // ACCUMULATEs since the last COMBINE
  std::optional<unsigned> last_read_;
};

}  // namespace aqpim::tb
