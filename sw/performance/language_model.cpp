// SPDX-License-Identifier: Apache-2.0
#include "sw/performance/language_model.h"

#include <fmt/format.h>

#include "sw/config/error.h"
#include "sw/config/json.h"
#include "sw/config/json_object.h"

namespace aqpim::performance {

namespace {

constexpr unsigned kMostChannels = 1u << 20;
constexpr unsigned kMostTokens = 1u << 24;
constexpr unsigned kMostRate = 1u << 20;

}  // namespace

unsigned LanguageModel::global_layers() const {
  if (sliding_window == 0) return layers;
  return global_every == 0 ? 0 : layers / global_every;
}

double LanguageModel::weights() const {
  const double attention = 2.0 * hidden * head_dim * (query_heads + kv_heads);
  const double mlp = static_cast<double>(feed_forward_matrices) * hidden * feed_forward;
  const double embedding = static_cast<double>(vocabulary) * hidden;
  return layers * (attention + mlp) + (tied_embeddings ? 1.0 : 2.0) * embedding;
}

double LanguageModel::embedding_only() const {
  return tied_embeddings ? 0.0 : static_cast<double>(vocabulary) * hidden;
}

LanguageModel parse_language_model(std::string_view name, std::string_view json_text) {
  const std::string where = fmt::format("model {}", name);
  const nlohmann::json root = parse_json(where, json_text);
  JsonObject file(where, root);
  LanguageModel model;
  model.name = name;
  model.description = file.text("description");
  model.source = file.text("source");
  model.layers = file.in_range("layers", 1, 4096);
  model.query_heads = file.in_range("query_heads", 1, 4096);
  model.kv_heads = file.in_range("kv_heads", 1, model.query_heads);
  model.head_dim = file.in_range("head_dim", 16, 1024, 8);
  model.hidden = file.in_range("hidden", 1, kMostChannels);
  model.feed_forward = file.in_range("feed_forward", 1, kMostChannels);
  model.feed_forward_matrices = file.in_range("feed_forward_matrices", 2, 3);
  model.vocabulary = file.in_range("vocabulary", 1, 1u << 24);
  model.tied_embeddings = file.one_of("tied_embeddings", {0, 1}) != 0;
  model.bytes_per_weight = file.in_range("bytes_per_weight", 1, 4);
  model.sliding_window = file.in_range("sliding_window", 0, kMostTokens);
  model.global_every = file.in_range("global_every", 0, model.layers);
  file.nothing_else();
  if (model.query_heads % model.kv_heads != 0) {
    throw InputError(fmt::format("{}: {} query heads cannot share {} kv_heads evenly", where,
                                 model.query_heads, model.kv_heads));
  }
  if (model.sliding_window == 0 && model.global_every != 0) {
    throw InputError(fmt::format("{}: global_every is {}, but there is no sliding_window", where,
                                 model.global_every));
  }
  return model;
}

Node parse_node(std::string_view name, std::string_view json_text) {
  const std::string where = fmt::format("node {}", name);
  const nlohmann::json root = parse_json(where, json_text);
  JsonObject file(where, root);
  Node node;
  node.name = name;
  node.description = file.text("description");
  node.source_gpu = file.text("source_gpu");
  node.source_links = file.text("source_links");
  node.gpus = file.in_range("gpus", 1, 1024);
  node.gpu_tflops = file.in_range("gpu_tflops", 1, kMostRate);
  node.gpu_gb_per_s = file.in_range("gpu_gb_per_s", 1, kMostRate);
  node.stacks = file.in_range("stacks", 1, 64);
  node.stack_gb = file.in_range("stack_gb", 1, 1024);
  node.usable_percent = file.in_range("usable_percent", 1, 100);
  node.host_link_gb_per_s = file.in_range("host_link_gb_per_s", 1, kMostRate);
  node.gpu_link_gb_per_s = file.in_range("gpu_link_gb_per_s", 1, kMostRate);
  node.host_memory_gb = file.in_range("host_memory_gb", 1, kMostRate);
  file.nothing_else();
  return node;
}

}  // namespace aqpim::performance
