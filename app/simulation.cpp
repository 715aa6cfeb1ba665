// SPDX-License-Identifier: Apache-2.0
#include "app/simulation.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <optional>
#include <span>
#include <utility>

#include "app/rtl_backend.h"
#include "sw/quantize/software_backend.h"
#include "sw/reference/attention.h"
#include "sw/system/merge.h"
#include "sw/system/plan.h"
#include "sw/system/projection.h"

namespace aqpim::app {

namespace {

// Of a run; clustering in RTL is most of it, software is quick.
constexpr double kRtlPrefillShare = 0.9;
constexpr double kSoftwarePrefillShare = 0.1;

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

report::PhaseFigures phase_figures(const tb::OperationStatistics& operation) {
  return {.cycles = operation.cycles(),
          .words = operation.words,
          .possible = operation.possible_cycles(),
          .useful = operation.useful_cycles(),
          .flags = 0};
}

std::array<report::PhaseFigures, report::kPhaseNames.size()> phases_of(
    const RtlBackend* prefill, const tb::Statistics& decode) {
  std::array<report::PhaseFigures, report::kPhaseNames.size()> phases;
  if (prefill != nullptr) {
    const auto whole = [](const tb::Statistics& statistics, golden::Operation operation) {
      report::PhaseFigures figures = phase_figures(statistics[operation]);
      figures.cycles = statistics.cycles;
      figures.words = statistics.words();
      return figures;
    };
    phases[report::kClusterPhase] = whole(prefill->clustering(), golden::Operation::kCluster);
    phases[report::kClusterPhase].flags = prefill->clustering_flags();
    phases[report::kEncodePhase] = whole(prefill->encoding(), golden::Operation::kEncode);
    phases[report::kEncodePhase].flags = prefill->encoding_flags();
  }
  for (std::size_t i = 0; i < report::kOperationNames.size(); ++i) {
    phases[report::kAttentionPhase + i] = phase_figures(decode.operations[i]);
  }
  return phases;
}

report::ClusterFigures cluster_figures(const RtlBackend& prefill) {
  const system::ClusterStatistics& passes = prefill.passes();
  return {.codebooks = passes.codebooks,
          .codes_per_pass = passes.codes,
          .codes_changed = {passes.changed.begin(), passes.changed.end()},
          .reducer_cycles = prefill.reducing().cycles,
          .reducer_words = prefill.reducing().words,
          .projected_cycles = 0};
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

// Attention of tokens 0 … t as computed: each part's share, spread over its tokens; later parts
// replace what earlier ones say of their tokens.
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

// One query of one query head, as played.
struct Played {
  std::size_t token = 0;
  std::vector<float> output;
  reference::Attention exact;
  std::vector<double> probabilities;  // from the engine's weights
};

// Plays the attention of single queries.
class Decoder {
 public:
  Decoder(tb::Env& env, const workload::Head& head, tb::Pace pace)
      : env_(env), head_(head), pace_(pace) {}

  Played play(const cache::HeadCache& cache, const system::Planner& planner, std::size_t g,
              std::size_t t) {
    Played played{
        .token = t, .output = {}, .exact = reference::exact(head_, g, t), .probabilities = {}};
    std::vector<Part> parts;
    for (const system::TilePlan& tile : planner.plan(system::query_of(head_, g, t), t)) {
      parts.push_back(play_tile(cache, tile));
    }
    const std::vector<double>& exact = played.exact.probabilities;
    parts.push_back(exact_part(head_, g, t, 0, std::min(cache.sinks, t + 1), exact));
    parts.push_back(exact_part(head_, g, t, cache.first_recent(t), t + 1, exact));
    for (system::OutlierParts& outlier : system::outlier_parts(head_, cache, g, t)) {
      parts.push_back({outlier.token, std::move(outlier.exact), {1.0}});
      parts.push_back({outlier.token, std::move(outlier.stand_in), {}});
    }
    std::vector<system::Partial> partials;
    for (const Part& part : parts) partials.push_back(part.partial);
    const system::Partial joint = system::merge(partials);
    for (const double value : system::normalised(joint)) {
      played.output.push_back(static_cast<float>(value));
    }
    played.probabilities = probabilities_of(parts, joint, t);
    return played;
  }

  const tb::Statistics& statistics() const { return statistics_; }
  std::uint64_t tiles() const { return tiles_; }
  std::uint16_t flags() const { return flags_; }
  const report::Saturation& saturation() const { return saturation_; }
  double seconds() const { return seconds_; }

 private:
  using Clock = std::chrono::steady_clock;

  Part play_tile(const cache::HeadCache& cache, const system::TilePlan& tile) {
    env_.take_statistics();
    const auto start = Clock::now();
    const golden::Result result = env_.play(tile.program, pace_).results.at(0);
    seconds_ += std::chrono::duration<double>(Clock::now() - start).count();
    statistics_ += env_.take_statistics();
    ++tiles_;
    flags_ |= result.flags;
    saturation_.add(result.flags);
    const std::vector<std::uint32_t> weights = env_.scoreboard().golden().weights();
    return {.first_token = cache.sinks + tile.first,
            .partial = system::engine_part(result, tile, cache, env_.configuration().engine),
            .weights = {weights.begin(), weights.end()}};
  }

  tb::Env& env_;
  const workload::Head& head_;
  tb::Pace pace_;
  tb::Statistics statistics_;
  std::uint64_t tiles_ = 0;
  std::uint16_t flags_ = 0;
  report::Saturation saturation_;
  double seconds_ = 0.0;
};

// Programs that a prefill in RTL plays while it clusters.
std::size_t cluster_programs(const cache::HeadCache& cache, const config::EngineConfig& engine,
                             unsigned engines) {
  return 2 * cache.windows * engine.slices() * quantize::kPasses * engines;
}

}  // namespace

HeadRun simulate(const Hardware& hardware, const workload::Head& head,
                 const quantize::QuantizeOptions& options, const std::vector<std::size_t>& queries,
                 const SimulationOptions& simulation, const SimulationProgress& progress) {
  tb::Env& env = hardware.engine;
  const config::EngineConfig& engine = env.configuration().engine;
  const std::uint64_t compared = env.scoreboard().compared();
  const std::uint64_t mismatches = env.scoreboard().mismatches();
  const double prefill_share =
      simulation.software_prefill ? kSoftwarePrefillShare : kRtlPrefillShare;

  // Prefill
  std::size_t programs = 0;
  std::size_t programs_expected = 1;
  std::optional<RtlBackend> rtl;
  std::uint64_t reducer_compared = 0;
  std::uint64_t reducer_mismatches = 0;
  if (!simulation.software_prefill) {
    reducer_compared = hardware.reducer->compared();
    reducer_mismatches = hardware.reducer->mismatches();
    rtl.emplace(env, *hardware.reducer, simulation.engines, simulation.pace, [&] {
      const double done = static_cast<double>(++programs) / static_cast<double>(programs_expected);
      progress(prefill_share * std::min(done, 1.0));
    });
  }
  const auto software = quantize::software_backend(engine, options.clustering);
  quantize::HeadQuantizer quantizer(head, engine, options,
                                    rtl ? static_cast<quantize::Backend&>(*rtl) : *software);
  programs_expected = cluster_programs(quantizer.cache(), engine, simulation.engines);
  quantizer.prefill([&](double fraction) {
    if (!rtl) progress(prefill_share * fraction);
  });

  // Decode. Outputs are kept query head by query head.
  Decoder decoder(env, head, simulation.pace);
  std::vector<Played> played(head.groups * queries.size());
  for (std::size_t q = 0; q < queries.size(); ++q) {
    quantizer.append_until(queries[q]);
    const system::Planner planner(quantizer.cache(), engine);
    for (std::size_t g = 0; g < head.groups; ++g) {
      played[g * queries.size() + q] = decoder.play(quantizer.cache(), planner, g, queries[q]);
    }
    progress(prefill_share + (1.0 - prefill_share) * static_cast<double>(q + 1) /
                                 static_cast<double>(queries.size()));
  }

  HeadRun run{.report = {},
              .cache = quantizer.cache(),
              .outputs = {},
              .seconds = decoder.seconds() + (rtl ? rtl->seconds() : 0.0),
              .cache_mismatches = rtl ? rtl->mismatches() : 0};
  const reference::PqReference pq_reference(head, run.cache);
  std::vector<report::OutputErrors> errors;
  report::AttentionFigures attention(head.tokens);
  for (std::size_t i = 0; i < played.size(); ++i) {
    const Played& one = played[i];
    run.outputs.insert(run.outputs.end(), one.output.begin(), one.output.end());
    // Judged as it is stored: in single precision.
    const std::vector<double> output(one.output.begin(), one.output.end());
    const reference::Attention pq = pq_reference(i / queries.size(), one.token);
    errors.push_back(report::output_errors(output, pq.output, one.exact.output));
    attention.add(one.token, one.exact.probabilities, one.probabilities,
                  errors.back().relative_error, errors.back().pq_relative_error);
  }

  run.report = {.name = head.name,
                .tokens = head.tokens,
                .head_dim = head.head_dim,
                .query_heads = head.groups,
                .prefill = quantizer.timeline().prefill,
                .encoded = run.cache.tokens,
                .windows = run.cache.windows,
                .queries = queries,
                .compared = env.scoreboard().compared() - compared,
                .mismatches = env.scoreboard().mismatches() - mismatches,
                .flags = decoder.flags(),
                .saturation = decoder.saturation(),
                .engine = engine_figures(decoder.statistics(), decoder.tiles()),
                .phases = phases_of(rtl ? &*rtl : nullptr, decoder.statistics()),
                .clustering = {},
                .cache = cache::cache_size(run.cache),
                .accuracy = report::accuracy_of(errors),
                .attention = std::move(attention)};
  run.report.saturation.appended = run.cache.appended;
  run.report.saturation.held_keys = run.cache.held_k;
  run.report.saturation.held_values = run.cache.held_v;
  if (rtl) {
    run.report.compared += rtl->compared() + hardware.reducer->compared() - reducer_compared;
    run.report.mismatches +=
        rtl->mismatches() + hardware.reducer->mismatches() - reducer_mismatches;
    run.report.flags |= rtl->clustering_flags();
    run.report.flags |= rtl->encoding_flags();
    run.report.saturation += rtl->saturation();
    run.report.clustering = cluster_figures(*rtl);
    // Only a bank that withholds nothing shows what the engine takes.
    if (simulation.pace == tb::Pace::back_to_back()) {
      run.report.clustering.projected_cycles =
          system::prefill_cycles(rtl->costs(), engine, report::kProjectedTokens,
                                 report::kProjectedEngines, options.window);
    }
  }
  return run;
}

}  // namespace aqpim::app
