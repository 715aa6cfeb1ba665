// SPDX-License-Identifier: Apache-2.0
//
// Tokens that would ruin the codebooks of all others, and keys that lie far from 0.
//
// Codebooks have one scale per sub-space, so that one key or value that is much longer than all
// others (an evicted token that was overwritten, say) would leave few of the stored steps to them.
// Such a token stays exact, like a sink, wherever it lies. In its place a stand-in is clustered and
// encoded, and the host takes away from a result what the engine counted for the stand-in. A key
// channel that lies far from 0 has a constant taken off, which no softmax sees, so that centres in
// FP16 stay fine.
//
//   x − median, of each channel, over the tokens sinks … P − 1
//   usual      of a channel: what three quarters of these tokens do not exceed, but at least the
//              mean of this over the channels
//   outlier    a token with |x − median| > 16 · usual in any channel of its key or its value
//   offset     of a key channel: its median, if that is more than 32 · usual
//
// docs/quantization.md §2.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "sw/cache/timeline.h"
#include "sw/workload/workload.h"

namespace aqpim::quantize {

inline constexpr double kOutlierRatio = 16.0;
inline constexpr double kOffsetRatio = 32.0;

// Takes the offsets off all keys (Head::key_offset) and names the outliers from the sinks on
// (Head::exact, Head::outliers); tokens < P alone decide what is usual. Does nothing for a prefill
// that leaves nothing to cluster. Once per head. Throws InputError, naming the head and the place,
// if a key or value of another token, or any query, is beyond FP16's ±65504, or if an offset is so
// large that single precision cannot hold what is usual beside it.
void set_outliers_apart(workload::Head& head, std::size_t sinks, std::size_t prefill);

// A sentence about the outliers of a head, empty if there are none.
std::string describe(const workload::Head& head);

// Keys or values [T, D] of `head` with stand-ins for its outliers: the mean of the others of its
// append block, before P for a token before P. Where the outliers are more than half of these, the
// others before P, one after another: copies of one mean would take centroids from the rest.
std::vector<float> with_stand_ins(const std::vector<float>& vectors, const workload::Head& head,
                                  const cache::Timeline& timeline);

}  // namespace aqpim::quantize
