// SPDX-License-Identifier: Apache-2.0
//
// How decoding steps are written: system.csv and system.json (a row per model, node, design, batch
// and context), the tables of docs/system.md, and its picture.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "sw/performance/decoding.h"

namespace aqpim::performance {

// What is asked. A model's node is the one at the same place.
struct SystemGrid {
  std::vector<LanguageModel> models;
  std::vector<Node> nodes;
  std::vector<Server> servers;
  std::vector<unsigned> batches = {1, 2, 4, 8, 16, 32, 64, 128, 256};
  std::vector<unsigned> contexts = {1024, 2048, 4096, 8192, 16384, 32768, 65536, 131072};
  Serving serving;
};

struct SystemRow {
  const LanguageModel* model = nullptr;
  const Node* node = nullptr;
  const Server* server = nullptr;
  unsigned batch = 0;
  unsigned context = 0;
  Step step;

  double tokens_per_second() const { return batch / step.total; }
};

// All points, models first, then batches, contexts and servers. Points into `grid`.
std::vector<SystemRow> serve(NodeModel& system, const SystemGrid& grid);

// model,node,design,batch,context,link_share,step_ms,tokens_per_s,j_per_token,weights_ms,
// attention_ms,transfers_ms,reduction_ms,link_ms,weight_gb,cache_gb,link_gb,fits,speedup_gpu,
// speedup_attacc: sizes of a GPU; fits is "memory", "host" or "no"; the last two are empty if that
// design is not in the grid.
std::string system_csv(const std::vector<SystemRow>& rows);
// The same rows as a list of objects with these keys.
std::string system_json(const std::vector<SystemRow>& rows);

// Tables; `command` is what to type to get them.
std::string system_markdown(NodeModel& system, const SystemGrid& grid,
                            const std::vector<SystemRow>& rows, const std::string& command);

// Tokens per second against the batch, a panel per context, of the first model
// that keeps its whole context. Returns why there
// is no picture, if there is none.
std::optional<std::string> draw_system(const std::filesystem::path& script,
                                       const std::filesystem::path& picture, const SystemGrid& grid,
                                       const std::vector<SystemRow>& rows);

}  // namespace aqpim::performance
