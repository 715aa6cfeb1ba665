// SPDX-License-Identifier: Apache-2.0
//
// What a run has exercised on one engine: operations, paces, sizes, registers, query values,
// refusals, overlaps, flags. Every bin has to be reached by the default run of the tests, for every
// configuration.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <span>

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
  void ignore_what_cannot_be();
  void ignore_clustering();
  void reset(const ResetSeen& seen);
  void write(const WriteSeen& seen);
  void control(const WriteSeen& seen);
  void query(const WriteSeen& seen);
  void command(const CommandSeen& seen);
  void refusal(const RefusalSeen& seen);
  void operation(const OperationSeen& seen);
  void scored(const OperationSeen& seen);
  void accumulated(const OperationSeen& seen);
  void loaded(const OperationSeen& seen);
  void clustered(const OperationSeen& seen);
  void unloaded();
  void raw_elements(std::span<const std::uint8_t> floats, bool bfloat16);
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
  CoverPoint& slice_refusals_;
  CoverPoint& code_reads_;
  CoverPoint& codebooks_;
  CoverPoint& raw_elements_;
  CoverPoint& centroids_;
  CoverPoint& token_weights_;
  CoverPoint& token_loops_;
  CoverPoint& same_codes_;
  CoverPoint& passes_;
  CoverPoint& unloads_;
  CoverPoint& clusters_;

  // As the writes seen so far have set them.
  bool bfloat16_ = false;
  bool values_ = false;
  unsigned bias_run_ = 0;
  bool outputs_begun_ = false;
  std::size_t windows_seen_ = 0;  // COMBINEs of this tile
  std::size_t parts_seen_ = 0;    // ACCUMULATEs since the last COMBINE
  std::optional<unsigned> last_read_;
  bool codes_begun_ = false;
  // Of the slice that the lanes hold, if they hold one.
  std::optional<golden::Operation> slice_;  // the last command that changed it
  std::size_t passes_seen_ = 0;             // CLUSTERs since the sums were empty
  std::size_t clustered_ = 0;               // tokens in the sums
  std::set<unsigned> codes_seen_;           // of sub-space 0 of the slice, in the sums
};

}  // namespace aqpim::tb
