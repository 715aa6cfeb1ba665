// SPDX-License-Identifier: Apache-2.0
//
// What each option of the product-quantized cache does to attention, and how integer caches
// compare: every head in every variant, judged in double precision against exact attention.
//
//   heads × configurations that fit × transform × weights × centring × window × clustering
//   heads × integer caches of 2, 3, 4 bits, groups of 32 and 128; FP16
//
// No engine is simulated: the error is that of the stored codes and stored 8-bit codebooks, to
// which fixed point adds next to nothing (`aqpim sim` measures that). docs/accuracy.md.
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "sw/config/config.h"
#include "sw/reference/cache_judge.h"
#include "sw/workload/workload.h"

namespace aqpim::study {

// One way to store a head. Integer caches and FP16 have a name like int2-g32 in the place of the
// configuration, transform and clustering "none", and no other option.
struct Variant {
  std::string config;
  std::string transform = "none";
  bool weights = false;
  bool centring = false;
  std::size_t window = 0;  // tokens per codebook, 0 = shared
  std::string clustering = "none";

  bool operator==(const Variant&) const = default;
  auto operator<=>(const Variant&) const = default;
};

// Means over the outputs of a head. docs/quantization.md §5.
struct Figures {
  double relative_error = 0.0;
  double cosine = 0.0;
  double kl = 0.0;     // nats
  double top32 = 0.0;  // share

  bool operator==(const Figures&) const = default;
};

Figures mean_of(const std::vector<reference::OutputAccuracy>& outputs);

// A head in a variant.
struct Row {
  std::string workload;  // path
  std::string head;
  std::size_t head_dim = 0;
  Variant variant;
  // What `aqpim sim` does with the configuration; also integer caches and FP16.
  bool standard = false;
  double bits_per_element = 0.0;
  Figures figures;
  std::vector<reference::OutputAccuracy> outputs;  // of standard variants only
};

struct HeadFacts {
  std::string workload;  // path
  std::string name;
  std::size_t tokens = 0;
  std::size_t head_dim = 0;
  std::size_t query_heads = 0;
  std::size_t prefill = 0;
  std::vector<std::size_t> queries;  // evaluated tokens, of each query head
};

struct WorkloadFacts {
  std::string file;
  std::string sha256;
  std::map<std::string, std::string> metadata;
};

struct Study {
  std::vector<WorkloadFacts> workloads;
  std::vector<HeadFacts> heads;
  std::vector<Row> rows;  // head by head, ordered by variant
};

struct StudyOptions {
  std::optional<std::size_t> queries = {};  // per query head; default_query_count() if absent
  std::optional<std::size_t> prefill = {};  // cache::default_prefill() if absent
  std::size_t threads = 1;
  bool only_standard = false;  // leave out all variants but the standard ones
};

// Told what is being measured and how much is done, 0 … 1; from any thread, one call at a time.
using StudyProgress = std::function<void(const std::string& what, double fraction)>;

// Measures all heads. `configurations` are those to use where they fit a head's dimension. The same
// rows for any number of threads. Throws InputError if none fits a head, or if a head is too short,
// or holds too few queries, before anything is measured.
Study measure(const std::vector<workload::Workload>& workloads,
              const std::vector<const config::Configuration*>& configurations,
              const StudyOptions& options, const StudyProgress& progress = {});

}  // namespace aqpim::study
