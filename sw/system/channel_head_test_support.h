// SPDX-License-Identifier: Apache-2.0
//
// Whole lives of heads on a golden pseudo-channel, against plain software and the double precision
// reference.
#pragma once

#include <doctest/doctest.h>

#include <cstddef>
#include <cstdint>
#include <vector>

#include "sw/golden/channel_test_support.h"
#include "sw/quantize/test_heads.h"
#include "sw/reference/accuracy.h"
#include "sw/reference/attention.h"
#include "sw/system/channel_head.h"

namespace aqpim::test {

using golden::Beat;
using system::ChannelHead;
using system::ChannelHeadOptions;
using system::GoldenPort;
using workload::Head;

inline Beat noise(unsigned rank, unsigned bank, unsigned row, unsigned column) {
  Draw draw(((std::uint64_t{rank} * 16 + bank) * 512 + row) * 32 + column);
  Beat beat;
  for (std::uint8_t& byte : beat) byte = static_cast<std::uint8_t>(draw.below(256));
  return beat;
}

inline ChannelHeadOptions options_for(const Head& head, std::size_t window, std::size_t block,
                                      std::size_t queries = 3) {
  ChannelHeadOptions options;
  options.cache.window = window;
  options.cache.timeline.append_block = block;
  options.queries = quantize::queries_of(head, options.cache, queries);
  return options;
}

inline void check_life(const ChannelHead& life, const Head& head,
                       const ChannelHeadOptions& options) {
  CHECK(life.mismatches() == 0);
  CHECK(life.flags() == 0);
  const auto& cache = life.cache();
  std::size_t bytes = cache.codes_k.size() / (cache.centroids == 16 ? 2 : 1) * 2;
  if (!options.software_prefill) bytes += cache.codebook_k.size() + cache.codebook_v.size();
  CHECK(life.compared() == bytes);
  const reference::PqReference pq(head, cache);
  const auto outputs = life.outputs();
  REQUIRE(outputs.size() == head.groups * options.queries.size());
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    CAPTURE(i);
    const auto expected =
        pq(i / options.queries.size(), options.queries[i % options.queries.size()]);
    CHECK(reference::relative_error(outputs[i], expected.output) < 0.004);
  }
}

// A life alone on rank 0.
inline std::vector<system::RankStatistics> check_alone(const Head& head,
                                                       const config::ChannelShape& shape,
                                                       const ChannelHeadOptions& options) {
  ChannelHead life(head, shape, options);
  GoldenPort port(shape, noise);
  const auto statistics = play(port, {life.program()});
  check_life(life, head, options);
  return statistics;
}

}  // namespace aqpim::test
