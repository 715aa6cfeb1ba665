// SPDX-License-Identifier: Apache-2.0
#include "sw/performance/decoding_files.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <nlohmann/json.hpp>
#include <utility>

#include "sw/report/gnuplot.h"
#include "sw/report/json_parts.h"
#include "sw/report/markdown.h"

namespace aqpim::performance {

namespace {

using report::table_head;
using report::table_row;

std::string tokens_name(unsigned tokens) {
  return tokens % 1024 == 0 ? fmt::format("{}K", tokens / 1024) : fmt::format("{}", tokens);
}

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

nlohmann::json speedup(const std::vector<SystemRow>& rows, const SystemRow& row,
                       Server::Kind kind) {
  const SystemRow* other = beside(rows, row, kind);
  return other == nullptr ? nlohmann::json() : nlohmann::json(other->step.total / row.step.total);
}

// Columns of both files, in order.
std::vector<std::pair<const char*, nlohmann::json>> columns(const std::vector<SystemRow>& rows,
                                                            const SystemRow& row) {
  const Step& step = row.step;
  return {{"model", row.model->name},
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
          {"speedup_attacc", speedup(rows, row, Server::Kind::kAttacc)}};
}

std::string cell(const nlohmann::json& value) {
  if (value.is_null()) return "";
  if (value.is_string()) return value.get<std::string>();
  return value.is_number_float() ? fmt::format("{:.6g}", value.get<double>()) : value.dump();
}

std::vector<std::string> names_of(const SystemGrid& grid, std::vector<std::string> first) {
  for (const Server& server : grid.servers) first.push_back(fmt::format("**{}**", server.name()));
  return first;
}

// One row per batch, for a model and context; a cell per server.
std::string by_batch(const SystemGrid& grid, const std::vector<SystemRow>& rows,
                     const LanguageModel& model, unsigned context,
                     const std::function<std::string(const SystemRow&)>& text) {
  std::string table = table_head(names_of(grid, {"batch"}));
  for (const unsigned batch : grid.batches) {
    std::vector<std::string> cells = {fmt::format("{}", batch)};
    for (const SystemRow& row : rows) {
      if (row.model == &model && row.context == context && row.batch == batch) {
        cells.push_back(text(row));
      }
    }
    table += table_row(cells);
  }
  return table;
}

std::string most_sequences(NodeModel& system, const SystemGrid& grid, unsigned context) {
  std::string table = table_head(names_of(grid, {"model", "node"}));
  for (std::size_t m = 0; m < grid.models.size(); ++m) {
    std::vector<std::string> cells = {grid.models[m].name, grid.nodes[m].name};
    for (const Server& server : grid.servers) {
      cells.push_back(fmt::format(
          "{:.0f}", system.most_sequences(server, grid.models[m], grid.nodes[m], context)));
    }
    table += table_row(cells);
  }
  return table;
}

std::string prefills(NodeModel& system, const SystemGrid& grid, unsigned context) {
  std::vector<std::string> head = {"model", "GPU, ms"};
  for (const Server& server : grid.servers) {
    if (server.kind == Server::Kind::kEngines) {
      head.push_back(fmt::format("**{}**, at most (not hidden)", server.name()));
    }
  }
  std::string table = table_head(head);
  for (std::size_t m = 0; m < grid.models.size(); ++m) {
    std::vector<std::string> cells = {grid.models[m].name};
    for (const Server& server : grid.servers) {
      const Prefill prefill = system.prefill(server, grid.models[m], grid.nodes[m], 1, context);
      if (cells.size() == 1) cells.push_back(fmt::format("{:.1f}", 1e3 * prefill.gpu));
      if (server.kind == Server::Kind::kEngines) {
        cells.push_back(
            fmt::format("{:.1f} ({:.2f})", 1e3 * prefill.quantize, 1e3 * prefill.exposed));
      }
    }
    table += table_row(cells);
  }
  return table;
}

std::string point(const SystemRow& row) {
  return fmt::format("{} with batch {} and {} tokens", row.model->name, row.batch,
                     tokens_name(row.context));
}

// Where the links' share of a step is what the paper's abstract says it is, and what engines gain
// where nothing crosses a link.
std::string claims(const std::vector<SystemRow>& rows) {
  constexpr double kFrom = 0.90, kTo = 0.985;
  std::size_t inside = 0, beyond = 0, all = 0, mended = 0;
  const SystemRow* first = nullptr;
  const SystemRow* fastest = nullptr;
  double most = 0.0;
  for (const SystemRow& row : rows) {
    if (row.server->kind == Server::Kind::kEngines) {
      const SystemRow* fp16 = beside(rows, row, Server::Kind::kAttacc);
      if (fp16 == nullptr || !fp16->step.fits()) continue;
      if (fp16->step.total / row.step.total > most) fastest = &row;
      most = std::max(most, fp16->step.total / row.step.total);
      continue;
    }
    if (row.step.fits()) continue;
    ++all;
    if (row.step.link_share > kTo) ++beyond;
    if (row.step.link_share < kFrom || row.step.link_share > kTo) continue;
    ++inside;
    const SystemRow* engines = beside(rows, row, Server::Kind::kEngines);
    if (engines == nullptr || !engines->step.fits()) continue;
    ++mended;
    if (first == nullptr) first = &row;
  }
  std::string text = fmt::format(
      "Of {} points at which an FP16 cache does not fit,\n{} spend 90 to 98.5 % of the step on the "
      "link, {} more.",
      all, inside, beyond);
  if (first != nullptr) {
    text +=
        fmt::format("\nAt {} of these {} codes fit and the share is 0, e.g. {}:\n{:.3f} on {}.",
                    mended, inside, point(*first), first->step.link_share, first->server->name());
  }
  if (fastest != nullptr) {
    text += fmt::format(
        "\nWhere FP16 fits, a step of FP16 next to the banks takes at most {:.2f} times as long as "
        "one "
        "of\n{} ({}).",
        most, fastest->server->name(), point(*fastest));
  }
  return text + "\n";
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

std::string system_csv(const std::vector<SystemRow>& rows) {
  std::string csv;
  for (const SystemRow& row : rows) {
    std::string names, values;
    for (const auto& [name, value] : columns(rows, row)) {
      names += fmt::format("{}{}", names.empty() ? "" : ",", name);
      values += fmt::format("{}{}", values.empty() ? "" : ",", cell(value));
    }
    if (csv.empty()) csv = names + "\n";
    csv += values + "\n";
  }
  return csv;
}

std::string system_json(const std::vector<SystemRow>& rows) {
  nlohmann::ordered_json list = nlohmann::ordered_json::array();
  for (const SystemRow& row : rows) {
    nlohmann::ordered_json object;
    for (const auto& [name, value] : columns(rows, row)) object[name] = value;
    list.push_back(std::move(object));
  }
  return report::json_text(list);
}

std::string system_markdown(NodeModel& system, const SystemGrid& grid,
                            const std::vector<SystemRow>& rows, const std::string& command) {
  const unsigned context =
      std::ranges::count(grid.contexts, 32768u) > 0 ? 32768u : std::ranges::max(grid.contexts);
  std::string text =
      fmt::format("From `{}`:\n{} rows of `system.csv`. {}", command, rows.size(), claims(rows));
  text += fmt::format("\n#### Sequences of {} tokens that fit beside the weights, per node\n\n{}",
                      tokens_name(context), most_sequences(system, grid, context));
  for (const LanguageModel& model : grid.models) {
    text += fmt::format(
        "\n#### {}, {} tokens: ms of a step (share of the link)\n\n{}", model.name,
        tokens_name(context), by_batch(grid, rows, model, context, [](const SystemRow& row) {
          return fmt::format("{:.2f} ({:.1f} %)", 1e3 * row.step.total, 100 * row.step.link_share);
        }));
  }
  text += fmt::format("\n#### {}, {} tokens: joules of a token\n\n{}", grid.models.front().name,
                      tokens_name(context),
                      by_batch(grid, rows, grid.models.front(), context, [](const SystemRow& row) {
                        return fmt::format("{:.3f}", row.step.energy);
                      }));
  text +=
      fmt::format("\n#### Prefill of one sequence of {} tokens: clustering and encoding, ms\n\n{}",
                  tokens_name(context), prefills(system, grid, context));
  text += "\n![Tokens per second](figures/system.png)\n";
  return text;
}

std::optional<std::string> draw_system(const std::filesystem::path& script,
                                       const std::filesystem::path& picture, const SystemGrid& grid,
                                       const std::vector<SystemRow>& rows) {
  // One that keeps its whole context, if there is one.
  const auto whole = std::ranges::find(grid.models, 0u, &LanguageModel::sliding_window);
  const LanguageModel& model = whole == grid.models.end() ? grid.models.front() : *whole;
  std::string data, titles, curves;
  for (const unsigned context : grid.contexts) {
    if (context != grid.contexts.front() && context != grid.contexts.back() && context != 32768) {
      continue;
    }
    titles += fmt::format("{}, {} tokens\n", model.name, tokens_name(context));
    curves += fmt::format("{} ", grid.servers.size());
    for (const Server& server : grid.servers) {
      data += fmt::format("\"{}\"\n", server.name());
      for (const SystemRow& row : rows) {
        if (row.model != &model || row.context != context || row.server != &server) continue;
        data += fmt::format("{} {}\n", row.batch, row.tokens_per_second());
      }
      data += "\n\n";
    }
  }
  return report::run_gnuplot(script, picture, data,
                             {{"titles", titles},
                              {"curves", curves},
                              {"x_name", "sequences"},
                              {"y_name", "tokens per second"},
                              {"level", "0"}});
}

}  // namespace aqpim::performance
