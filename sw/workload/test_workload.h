// SPDX-License-Identifier: Apache-2.0
// Workloads for the tests of all folders.
#pragma once

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "sw/workload/workload.h"

namespace aqpim::test {

// A workload of these heads that is in no file.
inline workload::Workload make_workload(std::string path,
                                        const std::vector<workload::Head>& heads) {
  workload::Workload workload{.path = std::move(path),
                              .files = {},
                              .sha256 = "abc",
                              .metadata = {},
                              .heads = {heads.begin(), heads.end()},
                              .read =
                                  [heads](const workload::HeadFacts& facts) {
                                    return *std::ranges::find(heads, facts.name,
                                                              &workload::Head::name);
                                  },
                              .digest = {}};
  return workload;
}

// All its heads.
inline std::vector<workload::Head> heads_of(const workload::Workload& workload) {
  std::vector<workload::Head> heads;
  for (const workload::HeadFacts& facts : workload.heads) heads.push_back(workload.read(facts));
  return heads;
}

}  // namespace aqpim::test
