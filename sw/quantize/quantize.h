// SPDX-License-Identifier: Apache-2.0
//
// Quantizes one KV head: prefill, then append block by append block.
//
//   tokens < P     importance weights, channel transforms, codebooks, scales
//   all N tokens   codes: the nearest *stored* centroid, the lowest index wins a tie
//
// Nothing at or after P enters weights, transforms, codebooks or scales; the centre of a block that
// ends after P is computed when the block is complete (centring.h). Clustering and encoding are up
// to a Backend. Method: AQPIM (arXiv 2604.18137) with the extensions of docs/quantization.md §2.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "sw/cache/cache.h"
#include "sw/cache/timeline.h"
#include "sw/config/config.h"
#include "sw/quantize/backend.h"
#include "sw/quantize/options.h"
#include "sw/quantize/side.h"
#include "sw/quantize/transform_choice.h"
#include "sw/workload/workload.h"

namespace aqpim::quantize {

// The options that a configuration asks for.
QuantizeOptions default_options(const config::Configuration& configuration);

// Told how much of the work is done, 0 … 1, now and then.
using Progress = std::function<void(double)>;

// The division of a head's tokens under these options; throws as make_timeline(), naming the head.
cache::Timeline timeline_of(const workload::HeadFacts& head, const QuantizeOptions& options);

// The tokens whose queries are evaluated, default_query_count() of them unless `count` says how
// many; throws as make_timeline() and evaluated_queries(), naming the head.
std::vector<std::size_t> queries_of(const workload::HeadFacts& head, const QuantizeOptions& options,
                                    std::optional<std::size_t> count = {});

// The cache of one head as it grows. Codes, once written, are final.
class HeadQuantizer {
 public:
  // `head` and `backend` must outlive this. Throws InputError if the head's dimension is not the
  // engine's, if the window is not a multiple of 16, if the calibration has no such head or reaches
  // into what is evaluated, or as make_timeline().
  HeadQuantizer(const workload::Head& head, const config::EngineConfig& engine,
                const QuantizeOptions& options, Backend& backend);

  // Clusters all codebook windows and encodes the tokens that query P finds encoded: sinks …
  // first_recent(P) − 1. Once, before append().
  void prefill(const Progress& progress = {});

  // Encodes the next append block with the newest codebooks. False if all N tokens are encoded.
  bool append();

  // append() until the cache is what the query of token t finds.
  void append_until(std::size_t t);

  // The head has more tokens now: `head` is the one that this was made of, with tokens and queries
  // after its last ones; its outliers were set apart with the same sinks and prefill. append() then
  // encodes what it would have, had all been there from the start. Throws std::invalid_argument if
  // it is shorter, or of another dimension.
  void extend(const workload::Head& head);

  // All tokens encoded so far.
  const cache::HeadCache& cache() const { return cache_; }

  const cache::Timeline& timeline() const { return timeline_; }

 private:
  void encode(std::size_t tokens);
  // What depends on all tokens of the head, not on those before P alone.
  void set_reach(const workload::Head& head);

  cache::Timeline timeline_;
  bool shared_;  // one codebook for all tokens
  Backend& backend_;
  std::vector<std::uint8_t> weights_;  // [N_P]
  ChosenTransforms transforms_;
  Side k_, v_;
  cache::HeadCache cache_;
};

// The whole head: W = max(1, round(N_P / window)) codebooks, window w from tokens [w·window,
// (w + 1)·window) of the clustered ones, the last from the rest, and no window beyond the N encoded
// tokens. Without a backend, software does it as the options say. Throws as HeadQuantizer.
cache::HeadCache quantize(const workload::Head& head, const config::EngineConfig& engine,
                          const QuantizeOptions& options = {}, const Progress& progress = {});
cache::HeadCache quantize(const workload::Head& head, const config::EngineConfig& engine,
                          const QuantizeOptions& options, Backend& backend,
                          const Progress& progress = {});

}  // namespace aqpim::quantize
