// SPDX-License-Identifier: Apache-2.0
#include "sw/performance/decoding_files.h"

#include <algorithm>

namespace aqpim::performance {

using nlohmann::ordered_json;

namespace {

const char* fits(const Step& step) {
  return step.fits() ? "memory" : step.host_holds ? "host" : "no";
}

// The row of another server at the same point, if it is in the grid.
const SystemRow* beside(const std::vector<SystemRow>& rows, const SystemRow& row,
                        Server::Kind kind) {
  const auto found = std::ranges::find_if(rows, [&](const SystemRow& other) {
    return other.model == row.model && other.batch == row.batch && other.context == row.context &&
           other.server->kind == kind;
  });
  return found == rows.end() ? nullptr : &*found;
}

ordered_json speedup(const std::vector<SystemRow>& rows, const SystemRow& row, Server::Kind kind) {
  const SystemRow* other = beside(rows, row, kind);
  return other == nullptr ? ordered_json() : ordered_json(other->step.total / row.step.total);
}

ordered_json row_json(NodeModel& system, const std::vector<SystemRow>& rows, const SystemRow& row,
                      const std::string& command) {
  const Step& step = row.step;
  const Prefill prefill = system.prefill(*row.server, *row.model, *row.node, 1, row.context);
  return {
      {"model", row.model->name},
      {"node", row.node->name},
      {"design", row.server->name()},
      {"batch", row.batch},
      {"context", row.context},
      {"link_share", step.link_share},
      {"step_ms", 1e3 * step.total},
      {"tokens_per_s", row.tokens_per_second()},
      {"j_per_token", step.energy},
      {"weights_ms", 1e3 * step.weights},
      {"attention_ms", 1e3 * step.attention},
      {"transfers_ms", 1e3 * step.transfers},
      {"reduction_ms", 1e3 * step.reduction},
      {"link_ms", 1e3 * step.link},
      {"weight_gb", 1e-9 * step.weight_bytes},
      {"cache_gb", 1e-9 * step.cache_bytes},
      {"link_gb", 1e-9 * step.link_bytes},
      {"fits", fits(step)},
      {"speedup_gpu", speedup(rows, row, Server::Kind::kGpu)},
      {"speedup_attacc", speedup(rows, row, Server::Kind::kAttacc)},
      {"most_sequences", system.most_sequences(*row.server, *row.model, *row.node, row.context)},
      {"prefill_gpu_ms", 1e3 * prefill.gpu},
      {"prefill_quantize_ms", 1e3 * prefill.quantize},
      {"prefill_exposed_ms", 1e3 * prefill.exposed},
      {"sliding_window", row.model->sliding_window},
      {"command", command}};
}

}  // namespace

std::vector<SystemRow> serve(NodeModel& system, const SystemGrid& grid) {
  std::vector<SystemRow> rows;
  for (std::size_t m = 0; m < grid.models.size(); ++m) {
    for (const unsigned batch : grid.batches) {
      for (const unsigned context : grid.contexts) {
        for (const Server& server : grid.servers) {
          rows.push_back(
              {&grid.models[m], &grid.nodes[m], &server, batch, context,
               system.step(server, grid.models[m], grid.nodes[m], batch, context, grid.serving)});
        }
      }
    }
  }
  return rows;
}

ordered_json to_json(NodeModel& system, const std::vector<SystemRow>& rows,
                     const std::string& command) {
  ordered_json list = ordered_json::array();
  for (const SystemRow& row : rows) list.push_back(row_json(system, rows, row, command));
  return list;
}

}  // namespace aqpim::performance
