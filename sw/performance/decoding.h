// SPDX-License-Identifier: Apache-2.0
//
// One decoding step of a whole language model on a node: a new token of each of `batch` sequences
// that hold `context` tokens. docs/system.md has the equations.
//
//   weights     every GPU reads its share once, or multiplies by it, whichever takes longer
//   attention   of all layers, in the stack that has the most heads; on the GPU: reading the cache
//   transfers   between GPU and memory: new keys and values; FP16 next to the banks: queries and
//               results, too (the engines' are in the cycles of their attention)
//   reduction   two all-reduces of a layer, if several GPUs share it
//   link        what the memory does not hold comes from the host, once a step
//
// Times are seconds, sizes bytes, energies joules.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "sw/config/memory.h"
#include "sw/performance/comparison.h"
#include "sw/performance/language_model.h"

namespace aqpim::performance {

// Where attention is computed: on the GPU (FP16), in FP16 next to the banks, or by engines.
struct Server {
  enum class Kind : std::uint8_t { kGpu, kAttacc, kEngines };

  Kind kind = Kind::kGpu;
  Design design = {};      // of kEngines
  double die_share = 0.0;  // of the stacks' capacity that its logic takes the place of

  // "gpu", "attacc", or CONFIGURATION-BANKS, e.g. "pq4-w256-2".
  std::string name() const;
};

// What may happen at the same time.
enum class Overlap : std::uint8_t {
  kNone,    // nothing
  kLink,    // the link and attention
  kLayers,  // GPU, banks, link to the host and links between GPUs: sequences in turns, layer by
            // layer
};

// How the heads of a layer come to the stacks.
enum class Deal : std::uint8_t {
  kWhole,  // each to one stack; the one with the most counts, and what comes over the link is
           // attended as well
  kEven,   // as if they could be divided, in sets of 64 query heads without groups; only what is
           // resident is attended: the usual estimate on paper
};

struct Serving {
  Overlap overlap = Overlap::kNone;
  Deal deal = Deal::kWhole;
  bool power_limited = true;
};

struct Step {
  double weights = 0.0, attention = 0.0, transfers = 0.0, reduction = 0.0, link = 0.0;
  double total = 0.0;       // with this overlap
  double link_share = 0.0;  // of the total: what a link without end would save
  double energy = 0.0;      // of a token

  double weight_bytes = 0.0;    // of a GPU: what it holds
  double cache_bytes = 0.0;     // of a GPU: of all sequences
  double resident_bytes = 0.0;  // of a GPU: of weights and caches
  double link_bytes = 0.0;      // of a GPU: the rest
  double transfer_bytes = 0.0;  // of a GPU
  bool host_holds = true;       // the rest of all GPUs

  bool fits() const { return link_bytes == 0.0; }
};

struct Prefill {
  double gpu = 0.0;       // of all layers and sequences
  double quantize = 0.0;  // clustering and encoding: every rank its heads, of whatever layer
  double exposed = 0.0;   // of that, what the GPU's work does not hide: the last layer, at least
};

class NodeModel {
 public:
  explicit NodeModel(const config::Memory& memory) : memory_(memory) {}

  // Throws InputError if there is no sequence or token, or the engine does not exist with the
  // model's head dimension.
  Step step(const Server& server, const LanguageModel& model, const Node& node, unsigned batch,
            unsigned context, const Serving& serving = {});

  // Of prompts of `context` tokens.
  Prefill prefill(const Server& server, const LanguageModel& model, const Node& node,
                  unsigned batch, unsigned context);

  // The most sequences of this context, or 0, whose caches fit beside the weights.
  double most_sequences(const Server& server, const LanguageModel& model, const Node& node,
                        unsigned context);

  // Bytes of a head's keys and values.
  double cache_bytes(const Server& server, unsigned head_dim, unsigned context);

  // Memory cycles of attention of one layer in a stack that has `caches` heads of keys and values,
  // with `group` query heads each.
  double stack_cycles(const Server& server, unsigned head_dim, unsigned context, double caches,
                      unsigned group, const Serving& serving = {});

 private:
  struct Engines {
    Engines(config::Configuration with_head_dim, unsigned banks, const config::Memory& memory)
        : configuration(std::move(with_head_dim)), comparison({{&configuration, banks}}, memory) {}

    config::Configuration configuration;  // with the model's head dimension
    Comparison comparison;                // of this one
  };

  Engines& engines(const Design& design, unsigned head_dim);
  double query_energy(const Server& server, unsigned head_dim, unsigned context,
                      const Serving& serving);

  const config::Memory& memory_;
  std::vector<std::unique_ptr<Engines>> engines_;
};

}  // namespace aqpim::performance
