// SPDX-License-Identifier: Apache-2.0
#include "sw/performance/decoding.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <utility>

#include "sw/config/error.h"
#include "sw/performance/attacc.h"
#include "sw/performance/energy.h"

namespace aqpim::performance {

namespace {

constexpr double kGiga = 1e9;
constexpr double kHalfBytes = 2.0;
constexpr unsigned kSet = 64;    // query heads of a stack that the tables of both sides are for
constexpr unsigned kTurn = 16;   // of these, those that AttAcc works on at the same time
constexpr unsigned kPasses = 5;  // of clustering over the tokens, and one of encoding

double parts(double whole, double part) { return std::ceil(whole / part); }

// Layers that see so many tokens.
struct Kind {
  double layers = 0.0;
  unsigned tokens = 0;
};

std::vector<Kind> kinds_of(const LanguageModel& model, unsigned context) {
  const unsigned global = model.global_layers();
  std::vector<Kind> kinds = {{static_cast<double>(global), context}};
  if (global < model.layers) {
    kinds.push_back(
        {static_cast<double>(model.layers - global), std::min(context, model.sliding_window)});
  }
  return kinds;
}

// Heads of a GPU: all GPUs share a layer, and one that has more than the others counts.
struct Heads {
  double query = 0.0, kv = 0.0;
  unsigned group = 1;
};

Heads heads_of(const LanguageModel& model, const Node& node, Deal deal) {
  Heads heads{.query = static_cast<double>(model.query_heads) / node.gpus,
              .kv = static_cast<double>(model.kv_heads) / node.gpus,
              .group = model.group()};
  if (deal == Deal::kEven) return heads;
  heads.kv = std::ceil(heads.kv);
  heads.group = static_cast<unsigned>(parts(std::ceil(heads.query), heads.kv));
  heads.query = heads.kv * heads.group;
  return heads;
}

// Joules of a byte that a GPU reads from its memory.
double gpu_byte(const EnergyConstants& constants) {
  return 8e-12 * (constants.activation + constants.cell + constants.bank_group +
                  constants.global_io + constants.tsv + constants.interposer);
}

double together(const Step& step, const Server& server, const Serving& serving, double link) {
  switch (serving.overlap) {
    case Overlap::kNone:
      return step.weights + step.attention + step.transfers + step.reduction + link;
    case Overlap::kLink:
      return step.weights + step.transfers + step.reduction + std::max(step.attention, link);
    case Overlap::kLayers: {
      const bool on_gpu = server.kind == Server::Kind::kGpu;
      const double gpu = step.weights + step.transfers + (on_gpu ? step.attention : 0.0);
      return std::max({gpu, on_gpu ? 0.0 : step.attention, step.reduction, link});
    }
  }
  return 0.0;
}

}  // namespace

std::string Server::name() const {
  switch (kind) {
    case Kind::kGpu:
      return "gpu";
    case Kind::kAttacc:
      return "attacc";
    case Kind::kEngines:
      break;
  }
  return fmt::format("{}-{}", design.configuration->name, design.banks_per_engine);
}

NodeModel::Engines& NodeModel::engines(const Design& design, unsigned head_dim) {
  config::Configuration configuration = *design.configuration;
  configuration.engine.head_dim = head_dim;
  for (const std::unique_ptr<Engines>& known : engines_) {
    if (known->configuration == configuration &&
        known->comparison.designs().front().banks_per_engine == design.banks_per_engine) {
      return *known;
    }
  }
  const config::ChannelShape shape{.engine = configuration.engine,
                                   .memory = memory_.organization,
                                   .banks_per_engine = design.banks_per_engine};
  if (const std::string obstacle = config::obstacle_of(shape); !obstacle.empty()) {
    throw InputError(
        fmt::format("{} with a head dimension of {}: {}", configuration.name, head_dim, obstacle));
  }
  engines_.push_back(
      std::make_unique<Engines>(std::move(configuration), design.banks_per_engine, memory_));
  return *engines_.back();
}

double NodeModel::cache_bytes(const Server& server, unsigned head_dim, unsigned context) {
  if (server.kind != Server::Kind::kEngines) return 2.0 * kHalfBytes * head_dim * context;
  const config::EngineConfig& engine = engines(server.design, head_dim).configuration.engine;
  const double windows =
      server.design.configuration->window == 0 ? 1.0 : parts(context, usual_window(context));
  const double codes = 2.0 * context * engine.subspaces() * engine.code_bits / 8.0;
  const double codebooks = 2.0 * engine.centroids() * head_dim;
  const double centres = kHalfBytes * head_dim;
  const double scales = 2.0 * sizeof(float) * engine.subspaces();
  return codes + windows * (codebooks + centres + scales);
}

double NodeModel::stack_cycles(const Server& server, unsigned head_dim, unsigned context,
                               double caches, unsigned group, const Serving& serving) {
  if (server.kind == Server::Kind::kGpu) return 0.0;
  const double heads = caches * group;
  if (server.kind == Server::Kind::kAttacc) {
    const auto cycles = [&](unsigned of_heads) {
      return attacc_cycles(built_attacc(), {.memory = &memory_,
                                            .power_limited = serving.power_limited,
                                            .head_dim = head_dim,
                                            .tokens = context,
                                            .heads = of_heads});
    };
    if (serving.deal == Deal::kEven) return heads / kSet * cycles(kSet);
    const double turns = parts(heads, kTurn);
    return turns < kSet / kTurn ? turns * cycles(kTurn) : turns * kTurn / kSet * cycles(kSet);
  }
  Comparison& comparison = engines(server.design, head_dim).comparison;
  const auto cycles = [&](double of_caches, unsigned of_group) {
    return comparison
        .cost(0, serving.power_limited,
              {.tokens = context,
               .heads = static_cast<unsigned>(of_caches) * of_group,
               .group = of_group})
        .channel.cycles;
  };
  if (serving.deal == Deal::kEven) return heads / kSet * cycles(kSet, 1);
  // A rank has whole heads as soon as there are more heads than ranks; it attends them in turn.
  const double turns = parts(caches, kSet);
  return turns > 1.0 ? turns * cycles(kSet, group) : cycles(caches, group);
}

double NodeModel::query_energy(const Server& server, unsigned head_dim, unsigned context,
                               const Serving& serving) {
  const EnergyConstants& constants = built_energy();
  switch (server.kind) {
    case Server::Kind::kGpu:
      return 2.0 * head_dim * context * constants.mac * 1e-12;
    case Server::Kind::kAttacc:
      return 1e-12 * attacc_energy(constants, built_attacc(),
                                   {.memory = &memory_,
                                    .power_limited = serving.power_limited,
                                    .head_dim = head_dim,
                                    .tokens = context,
                                    .heads = kSet})
                         .total();
    case Server::Kind::kEngines:
      break;
  }
  return 1e-12 *
         engines(server.design, head_dim)
             .comparison.energy(0, serving.power_limited, {.tokens = context, .heads = kSet})
             .total();
}

Step NodeModel::step(const Server& server, const LanguageModel& model, const Node& node,
                     unsigned batch, unsigned context, const Serving& serving) {
  if (batch == 0 || context == 0) {
    throw InputError("there must be at least one sequence and one token of context");
  }
  const EnergyConstants& constants = built_energy();
  const Heads heads = heads_of(model, node, serving.deal);
  const double memory_rate = node.gpu_gb_per_s * kGiga;
  const double flops = node.gpu_tflops * 1e12;
  const double cycle = memory_.timing.clock_ps * 1e-12;
  const bool on_gpu = server.kind == Server::Kind::kGpu;
  const std::vector<Kind> kinds = kinds_of(model, context);

  Step step;
  step.weight_bytes = model.weights() * model.bytes_per_weight / node.gpus;
  for (const Kind& kind : kinds) {
    step.cache_bytes +=
        kind.layers * batch * heads.kv * cache_bytes(server, model.head_dim, kind.tokens);
  }
  const double capacity =
      node.stacks * node.stack_gb * kGiga * node.usable_percent / 100.0 * (1.0 - server.die_share);
  step.resident_bytes = std::min(capacity, step.weight_bytes + step.cache_bytes);
  step.link_bytes = step.weight_bytes + step.cache_bytes - step.resident_bytes;
  step.host_holds = step.link_bytes * node.gpus <= node.host_memory_gb * kGiga;
  step.link = step.link_bytes / (node.host_link_gb_per_s * kGiga);

  const double read = (model.weights() - model.embedding_only()) / node.gpus;
  step.weights = std::max(read * model.bytes_per_weight / memory_rate, 2.0 * read * batch / flops);

  // Of the caches; weights stay as long as they can.
  const double attended = serving.deal == Deal::kWhole || step.cache_bytes == 0.0
                              ? 1.0
                              : std::max(0.0, 1.0 - step.link_bytes / step.cache_bytes);
  double query_energies = 0.0;
  for (const Kind& kind : kinds) {
    if (on_gpu) {
      const double bytes =
          kind.layers * batch * heads.kv * cache_bytes(server, model.head_dim, kind.tokens);
      const double operations =
          4.0 * kind.layers * batch * heads.query * model.head_dim * kind.tokens;
      step.attention += attended * std::max(bytes / memory_rate, operations / flops);
    } else {
      const double caches = batch * heads.kv / node.stacks;
      step.attention += attended * kind.layers * cycle *
                        stack_cycles(server, model.head_dim, kind.tokens,
                                     serving.deal == Deal::kEven ? caches : std::ceil(caches),
                                     heads.group, serving);
    }
    query_energies += kind.layers * batch * model.query_heads *
                      query_energy(server, model.head_dim, kind.tokens, serving);
  }

  const double vector = model.layers * batch * model.head_dim * kHalfBytes;
  step.transfer_bytes = 2.0 * heads.kv * vector;
  if (server.kind == Server::Kind::kAttacc) step.transfer_bytes += 2.0 * heads.query * vector;
  step.transfers = step.transfer_bytes / memory_rate;

  if (node.gpus > 1) {
    const double bytes = 2.0 * model.layers * batch * model.hidden * kHalfBytes;
    step.reduction = 2.0 * (node.gpus - 1.0) / node.gpus * bytes / (node.gpu_link_gb_per_s * kGiga);
  }

  step.total = together(step, server, serving, step.link);
  step.link_share = 1.0 - together(step, server, serving, 0.0) / step.total;
  const double gpu_bytes = read * model.bytes_per_weight + step.transfer_bytes + step.link_bytes +
                           (on_gpu ? step.cache_bytes : 0.0);
  step.energy =
      (node.gpus * (gpu_bytes * gpu_byte(constants) + read * batch * constants.mac * 1e-12) +
       query_energies) /
      batch;
  return step;
}

Prefill NodeModel::prefill(const Server& server, const LanguageModel& model, const Node& node,
                           unsigned batch, unsigned context) {
  const double flops = node.gpu_tflops * 1e12;
  const Heads heads = heads_of(model, node, Deal::kWhole);
  const double ranks = node.stacks * kSet;
  Prefill prefill;
  prefill.gpu =
      2.0 * (model.weights() - model.embedding_only()) / node.gpus * batch * context / flops;
  double last_layer = 0.0;
  for (const Kind& kind : kinds_of(model, context)) {
    // Of queries and keys, each query sees the tokens before it, or its window.
    const double pairs = static_cast<double>(kind.tokens) * (context - kind.tokens / 2.0);
    prefill.gpu += 4.0 * kind.layers * batch * heads.query * model.head_dim * pairs / flops;
    if (server.kind != Server::Kind::kEngines || kind.layers == 0.0) continue;
    const config::EngineConfig& engine =
        engines(server.design, model.head_dim).configuration.engine;
    const double engines_of_rank =
        static_cast<double>(memory_.organization.banks()) / server.design.banks_per_engine;
    const double codebook = static_cast<double>(engine.head_dim) * engine.centroids();
    const double windows = server.design.configuration->window == 0
                               ? 1.0
                               : parts(kind.tokens, usual_window(kind.tokens));
    // In clock cycles of the RTL: a difference and its square in each multiplier; a quotient a
    // cycle, in the reducer that the ranks of a pseudo-channel share.
    const double work =
        kPasses * parts(kind.tokens, engines_of_rank) * codebook / engine.multipliers();
    const double division = memory_.organization.ranks * (kPasses - 1.0) * windows * codebook;
    const double head = 2.0 * (work + division) * 2.0 * memory_.timing.clock_ps * 1e-12;
    prefill.quantize += parts(kind.layers * batch * heads.kv, ranks) * head;
    last_layer = std::max(last_layer, parts(batch * heads.kv, ranks) * head);
  }
  prefill.exposed = std::max(prefill.quantize - prefill.gpu, 0.0) + last_layer;
  return prefill;
}

double NodeModel::most_sequences(const Server& server, const LanguageModel& model, const Node& node,
                                 unsigned context) {
  const Step one = step(server, model, node, 1, context);
  const double capacity =
      node.stacks * node.stack_gb * kGiga * node.usable_percent / 100.0 * (1.0 - server.die_share);
  return std::max(0.0, std::floor((capacity - one.weight_bytes) / one.cache_bytes));
}

}  // namespace aqpim::performance
