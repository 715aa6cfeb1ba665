// SPDX-License-Identifier: Apache-2.0
//
// The JSON of decoding steps, system.json, which everything else that is written is made from
// (sw/report/pages.h): a row per model, node, design, batch and context.
#pragma once

#include <nlohmann/json.hpp>
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

// A list of these rows with the keys of docs/reports.md; `command` is what to type to get it.
nlohmann::ordered_json to_json(NodeModel& system, const std::vector<SystemRow>& rows,
                               const std::string& command);

}  // namespace aqpim::performance
