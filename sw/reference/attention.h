// SPDX-License-Identifier: Apache-2.0
//
// Double precision references, which judge everything else. They share no code with the golden
// model or with the host side of the hardware.
//
//   exact   p = softmax(q·k/√D) over tokens 0 … t, o = Σ p v, from the file's values
//   pq      the same, but tokens sinks … first_recent(t) − 1 are replaced by what the codes, the
//           stored 8-bit codebooks and the FP16 centres decode to, but for outliers (Head::exact)
//
// docs/quantization.md §5. Heads of a group are numbered g = 0 … G − 1; t is a token
// whose query the file holds.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "sw/cache/cache.h"
#include "sw/workload/workload.h"

namespace aqpim::reference {

// Attention of query (g, t): probabilities of tokens 0 … t and the output [D], channels in the
// file's order. Throws std::out_of_range if the file lacks the query.
struct Attention {
  std::vector<double> probabilities;
  std::vector<double> output;
};

Attention exact(const workload::Head& head, std::size_t g, std::size_t t);

// The decoded vectors of one cache in the file's channel order; build once, ask for many queries.
class PqReference {
 public:
  // Throws std::invalid_argument if the cache is not one of this head. The head must outlive this.
  PqReference(const workload::Head& head, const cache::HeadCache& cache);

  Attention operator()(std::size_t g, std::size_t t) const;

  // Decoded key and value [D] of encoded token i (token sinks + i).
  std::span<const double> key(std::size_t i) const;
  std::span<const double> value(std::size_t i) const;

 private:
  const workload::Head& head_;
  std::size_t sinks_;
  std::size_t append_block_;
  std::vector<double> exact_keys_, exact_values_;  // [T, D]
  std::vector<double> keys_, values_;              // [N, D]
};

// exact(head, g, t).output and the PQ output alone.
std::vector<double> exact_attention(const workload::Head& head, std::size_t g, std::size_t t);
std::vector<double> pq_attention(const cache::HeadCache& cache, const workload::Head& head,
                                 std::size_t g, std::size_t t);

}  // namespace aqpim::reference
