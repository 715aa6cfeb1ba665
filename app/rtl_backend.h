// SPDX-License-Identifier: Apache-2.0
//
// A backend of the quantizer that plays on RTL: one engine in the place of all, one after another,
// and one reducer. The test benches compare every partial sum, centroid and code with the golden
// models; here whole codebooks and codes are compared with plain software, too.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "sw/quantize/backend.h"
#include "sw/report/saturation.h"
#include "sw/system/clustering.h"
#include "sw/system/projection.h"
#include "tb/engine/env.h"
#include "tb/reducer/reducer_env.h"

namespace aqpim::app {

// Means over the programs, commands and reductions of a clustering, and over the vectors of an
// encoding, without gaps between words.
system::PrefillCosts prefill_costs(const tb::Statistics& clustering, std::uint64_t programs,
                                   const tb::ReducerStatistics& reducing,
                                   const tb::Statistics& encoding,
                                   const config::EngineConfig& engine);

class RtlBackend : public quantize::Backend, private system::Engines {
 public:
  // `env` and `reducer`, of the same configuration, must outlive this. `played` is told after each
  // program.
  RtlBackend(tb::Env& env, tb::ReducerEnv& reducer, unsigned engines, tb::Pace pace,
             std::function<void()> played);

  std::vector<std::uint8_t> cluster(std::span<const std::uint16_t> tokens,
                                    std::span<const std::uint8_t> weights, bool values) override;
  std::vector<std::uint8_t> encode(std::span<const std::uint16_t> tokens,
                                   std::span<const std::uint8_t> codebook, bool values) override;

  // Of all engines together.
  const tb::Statistics& clustering() const { return clustering_; }
  const tb::Statistics& encoding() const { return encoding_; }
  // Flags that any of their programs has raised: raw elements that did not fit or were no numbers.
  std::uint16_t clustering_flags() const { return clustering_flags_; }
  std::uint16_t encoding_flags() const { return encoding_flags_; }
  const report::Saturation& saturation() const { return saturation_; }  // of all programs
  const tb::ReducerStatistics& reducing() const { return reducing_; }
  const system::ClusterStatistics& passes() const { return passes_; }
  // What this run has measured. Nothing must have been withheld by the bank.
  system::PrefillCosts costs() const {
    return prefill_costs(clustering_, clustering_programs_, reducing_, encoding_, config());
  }

  // Bytes of codebooks and codes that were compared with software, and those that differed.
  std::uint64_t compared() const { return compared_; }
  std::uint64_t mismatches() const { return mismatches_; }

  double seconds() const { return seconds_; }  // of simulation, golden models included

 private:
  golden::Answers play(unsigned engine, const golden::Program& program) override;
  golden::Reduced reduce(std::span<const std::vector<std::uint8_t>> partials, bool values) override;
  void compare(std::span<const std::uint8_t> bytes, std::span<const std::uint8_t> expected);

  tb::Env& env_;
  tb::ReducerEnv& reducer_;
  tb::Pace pace_;
  std::function<void()> played_;
  std::unique_ptr<quantize::Backend> software_;
  tb::Statistics clustering_, encoding_;
  tb::ReducerStatistics reducing_;
  system::ClusterStatistics passes_;
  std::uint64_t clustering_programs_ = 0;
  std::uint64_t programs_ = 0;
  std::uint16_t flags_ = 0;  // of the programs since clustering or encoding began
  std::uint16_t clustering_flags_ = 0;
  report::Saturation saturation_;
  std::uint16_t encoding_flags_ = 0;
  std::uint64_t compared_ = 0;
  std::uint64_t mismatches_ = 0;
  double seconds_ = 0.0;
};

}  // namespace aqpim::app
