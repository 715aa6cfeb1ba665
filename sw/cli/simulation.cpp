// SPDX-License-Identifier: Apache-2.0
#include "sw/cli/simulation.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <span>
#include <utility>

#include "sw/reference/attention.h"
#include "sw/system/merge.h"
#include "sw/system/plan.h"

namespace aqpim::cli {

namespace {

// Quantizing is quick against playing.
constexpr double kQuantizeShare = 0.1;

report::EngineFigures engine_figures(const tb::Statistics& statistics, std::uint64_t tiles) {
  report::EngineFigures figures{.operations = {}, .cycles = statistics.cycles, .tiles = tiles};
  for (std::size_t i = 0; i < figures.operations.size(); ++i) {
    const tb::OperationStatistics& operation = statistics.operations[i];
    figures.operations[i] = {.commands = operation.count,
                             .words = operation.words,
                             .available_cycles = operation.available_cycles(),
                             .stream_cycles = operation.stream_cycles,
                             .fill_cycles = operation.fill_cycles,
                             .drain_cycles = operation.drain_cycles};
  }
  return figures;
}

// A part of the context and the weights of its tokens, relative to each other.
struct Part {
  std::size_t first_token = 0;
  system::Partial partial;
  std::vector<double> weights;
};

// The part that the host computes; its tokens have the exact probabilities' ratios.
Part exact_part(const workload::Head& head, std::size_t g, std::size_t t, std::size_t first,
                std::size_t last, std::span<const double> exact) {
  Part part{
      .first_token = first, .partial = system::exact_part(head, g, t, first, last), .weights = {}};
  if (first < last) {
    const auto probabilities = exact.subspan(first, last - first);
    part.weights.assign(probabilities.begin(), probabilities.end());
  }
  return part;
}

// Attention of tokens 0 … t as computed: each part's share, spread over its tokens.
std::vector<double> probabilities_of(std::span<const Part> parts, const system::Partial& joint,
                                     std::size_t t) {
  std::vector<double> probabilities(t + 1, 0.0);
  for (const Part& part : parts) {
    double sum = 0.0;
    for (const double weight : part.weights) sum += weight;
    if (sum <= 0.0) continue;
    const double share =
        part.partial.weight * std::exp2(part.partial.maximum - joint.maximum) / joint.weight;
    for (std::size_t i = 0; i < part.weights.size(); ++i) {
      probabilities[part.first_token + i] = part.weights[i] / sum * share;
    }
  }
  return probabilities;
}

}  // namespace

HeadRun simulate(tb::Env& env, const workload::Head& head, const quantize::QuantizeOptions& options,
                 const std::vector<std::size_t>& queries, tb::Pace pace,
                 const SimulationProgress& progress) {
  using Clock = std::chrono::steady_clock;
  const config::EngineConfig& engine = env.configuration().engine;
  const quantize::Timeline timeline = quantize::timeline_of(head, options);
  HeadRun run{
      .report = {},
      .plot = {head.name, head.tokens, timeline.prefill},
      .cache = quantize::quantize(head, engine, options,
                                  [&](double fraction) { progress(kQuantizeShare * fraction); }),
      .outputs = {},
      .seconds = 0.0};
  const system::Planner planner(run.cache, engine);
  const reference::PqReference pq_reference(head, run.cache);

  env.take_statistics();
  const std::uint64_t compared = env.scoreboard().compared();
  const std::uint64_t mismatches = env.scoreboard().mismatches();
  std::uint64_t tiles_played = 0;
  std::uint16_t flags = 0;
  std::vector<report::OutputErrors> errors;
  run.outputs.reserve(head.groups * queries.size() * head.head_dim);
  for (std::size_t g = 0; g < head.groups; ++g) {
    for (const std::size_t t : queries) {
      const reference::Attention exact = reference::exact(head, g, t);
      const reference::Attention pq = pq_reference(g, t);

      std::vector<Part> parts;
      for (const system::TilePlan& tile : planner.plan(system::query_of(head, g, t), t)) {
        const auto start = Clock::now();
        const golden::Result result = env.play(tile.program, pace).results.at(0);
        run.seconds += std::chrono::duration<double>(Clock::now() - start).count();
        const std::vector<std::uint32_t> weights = env.scoreboard().golden().weights();
        parts.push_back({.first_token = run.cache.sinks + tile.first,
                         .partial = system::engine_part(result, tile, run.cache, engine),
                         .weights = {weights.begin(), weights.end()}});
        flags |= result.flags;
        ++tiles_played;
      }
      parts.push_back(
          exact_part(head, g, t, 0, std::min(run.cache.sinks, t + 1), exact.probabilities));
      parts.push_back(
          exact_part(head, g, t, run.cache.first_recent(t), t + 1, exact.probabilities));
      std::vector<system::Partial> partials;
      for (const Part& part : parts) partials.push_back(part.partial);
      const system::Partial joint = system::merge(partials);

      // Judged as it is stored: in single precision.
      std::vector<double> output;
      for (const double value : system::normalised(joint)) {
        run.outputs.push_back(static_cast<float>(value));
        output.push_back(run.outputs.back());
      }
      errors.push_back(report::output_errors(output, pq.output, exact.output));
      run.plot.add(t, exact.probabilities, probabilities_of(parts, joint, t),
                   errors.back().relative_error, errors.back().pq_relative_error);
      progress(kQuantizeShare + (1.0 - kQuantizeShare) * static_cast<double>(errors.size()) /
                                    static_cast<double>(head.groups * queries.size()));
    }
  }

  run.report = {.name = head.name,
                .tokens = head.tokens,
                .head_dim = head.head_dim,
                .query_heads = head.groups,
                .prefill = timeline.prefill,
                .encoded = run.cache.tokens,
                .windows = run.cache.windows,
                .queries = queries,
                .compared = env.scoreboard().compared() - compared,
                .mismatches = env.scoreboard().mismatches() - mismatches,
                .flags = flags,
                .engine = engine_figures(env.take_statistics(), tiles_played),
                .cache = quantize::cache_size(run.cache),
                .accuracy = report::accuracy_of(errors)};
  return run;
}

}  // namespace aqpim::cli
