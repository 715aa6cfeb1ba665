// SPDX-License-Identifier: Apache-2.0
//
// What a run of host commands has exercised: opcodes of each rank, refusals, accesses, tiles,
// windows, tokens, biases, results that wait, encodings, clusterings.
#pragma once

#include <cstddef>

#include "sw/config/channel.h"
#include "sw/golden/host_rules.h"
#include "tb/channel/host_step.h"
#include "tb/common/coverage.h"

namespace aqpim::tb {

class HostCoverage {
 public:
  explicit HostCoverage(const config::ChannelShape& shape);
  HostCoverage(const HostCoverage&) = delete;
  HostCoverage& operator=(const HostCoverage&) = delete;

  // In the order in which the commands were given; `expected` is what was answered.
  void seen(const HostStep& step);

  // A run without refusals, or without CLUSTER, misses their bins.
  void ignore_refusals() { refusals_.ignore_all(); }
  void ignore_clustering();

  const Coverage& coverage() const { return coverage_; }

 private:
  // Of a rank, since the last SET_ command.
  struct Rank {
    std::vector<unsigned> tokens;  // [engines]
    std::size_t unread = 0;
  };

  void access(const golden::HostCommand& command);
  void setup(const golden::HostCommand& command);
  void attend(const golden::HostCommand& command);
  void encode(const golden::HostCommand& command);
  void cluster(const golden::HostCommand& command);

  config::ChannelShape shape_;
  golden::HostRules rules_;
  std::vector<Rank> ranks_;

  Coverage coverage_;
  CoverPoint& commands_;
  CoverPoint& refusals_;
  CoverPoint& accesses_;
  CoverPoint& regions_;
  CoverPoint& setups_;
  CoverPoint& controls_;
  CoverPoint& tiles_;
  CoverPoint& windows_;
  CoverPoint& tokens_;
  CoverPoint& waiting_;
  CoverPoint& encodings_;
  CoverPoint& clusterings_;
};

}  // namespace aqpim::tb
