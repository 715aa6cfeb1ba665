// SPDX-License-Identifier: Apache-2.0
#include "sw/report/report.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "sw/reference/accuracy.h"
#include "sw/report/json_parts.h"

namespace aqpim::report {

namespace {

using nlohmann::ordered_json;

constexpr std::array<double Accuracy::*, 6> kAccuracyFields = {
    &Accuracy::relative_error,    &Accuracy::cosine,
    &Accuracy::pq_relative_error, &Accuracy::pq_cosine,
    &Accuracy::fixed_point_added, &Accuracy::fixed_point_distance};

double distance(std::span<const double> a, std::span<const double> b) {
  double sum = 0.0;
  for (std::size_t d = 0; d < a.size(); ++d) sum += (a[d] - b[d]) * (a[d] - b[d]);
  return std::sqrt(sum);
}

// Relative to at least this error: outputs are single precision, and what is quantized without loss
// leaves nothing to compare with.
constexpr double kSmallestError = 1e-6;

double added(double relative_error, double pq_relative_error) {
  return (relative_error - pq_relative_error) / std::max(pq_relative_error, kSmallestError);
}

double relative_distance(std::span<const double> output, std::span<const double> pq,
                         std::span<const double> exact) {
  const double difference = distance(output, pq);
  if (difference == 0.0) return 0.0;
  const std::vector<double> zero(exact.size(), 0.0);
  return difference / std::max(distance(pq, exact), kSmallestError * distance(exact, zero));
}

ordered_json engine_json(const EngineFigures& engine) {
  ordered_json utilization, fill, drain, operations;
  for (std::size_t i = 0; i < kOperationNames.size(); ++i) {
    const OperationFigures& figures = engine.operations[i];
    utilization[kOperationNames[i]] = figures.utilization();
    fill[kOperationNames[i]] = figures.fill_cycles;
    drain[kOperationNames[i]] = figures.drain_cycles;
    operations[kOperationNames[i]] = {{"commands", figures.commands},
                                      {"words", figures.words},
                                      {"available_cycles", figures.available_cycles},
                                      {"stream_cycles", figures.stream_cycles}};
  }
  return {{"cycles", engine.cycles},    {"words", engine.words()}, {"tiles", engine.tiles},
          {"utilization", utilization}, {"fill_cycles", fill},     {"drain_cycles", drain},
          {"operations", operations}};
}

ordered_json phase_json(const PhaseFigures& phase) {
  ordered_json json = {{"cycles", phase.cycles}, {"words", phase.words}, {"utilization", nullptr}};
  if (phase.possible > 0) json["utilization"] = phase.utilization();
  return json;
}

// The phases that were played.
ordered_json phases_json(const std::array<PhaseFigures, kPhaseNames.size()>& phases,
                         const ClusterFigures& clustering) {
  ordered_json json = ordered_json::object();
  for (std::size_t i = 0; i < kPhaseNames.size(); ++i) json[kPhaseNames[i]] = phase_json(phases[i]);
  for (const std::size_t i : {kClusterPhase, kEncodePhase}) {
    json[kPhaseNames[i]]["flags"] = phases[i].flags;
  }
  ordered_json& cluster = json[kPhaseNames[kClusterPhase]];
  cluster["codebooks"] = clustering.codebooks;
  cluster["codes_per_pass"] = clustering.codes_per_pass;
  cluster["reducer"] = {{"cycles", clustering.reducer_cycles}, {"words", clustering.reducer_words}};
  cluster["projection"] = nullptr;
  if (clustering.projected_cycles > 0) {
    cluster["projection"] = {{"tokens", kProjectedTokens},
                             {"engines", kProjectedEngines},
                             {"cycles", clustering.projected_cycles}};
  }
  return json;
}

ordered_json options_json(const RunReport& run) {
  ordered_json json = cache_options_json(run.options);
  json["spacing"] = run.spacing == 0 ? ordered_json("random") : ordered_json(run.spacing);
  json["software_prefill"] = run.software_prefill;
  json["engines"] = run.engines;
  return json;
}

ordered_json head_json(const HeadReport& head) {
  const ordered_json accuracy = accuracy_json(head.accuracy);
  ordered_json json = {{"name", head.name},
                       {"tokens", head.tokens},
                       {"head_dim", head.head_dim},
                       {"query_heads", head.query_heads},
                       {"prefill", head.prefill},
                       {"encoded", head.encoded},
                       {"windows", head.windows},
                       {"queries", head.queries.size()},
                       {"query_tokens", head.queries},
                       {"flags", head.flags},
                       {"saturation", saturation_json(head.saturation)},
                       {"cache", cache_json(head.cache)},
                       {"equality", {{"compared", head.compared}, {"mismatches", head.mismatches}}},
                       {"engine", engine_json(head.engine)},
                       {"phases", phases_json(head.phases, head.clustering)},
                       {"codes_changed_between_passes", head.clustering.codes_changed},
                       {"accuracy", accuracy},
                       {"attention_mass", head.attention.mass()},
                       {"query_errors", head.attention.errors()}};
  // Also one level up, where scripts that only want the figures find them.
  json.update(accuracy);
  return json;
}

}  // namespace

OutputErrors output_errors(std::span<const double> output, std::span<const double> pq,
                           std::span<const double> exact) {
  return {.relative_error = reference::relative_error(output, exact),
          .cosine = reference::cosine(output, exact),
          .pq_relative_error = reference::relative_error(pq, exact),
          .pq_cosine = reference::cosine(pq, exact),
          .fixed_point_distance = relative_distance(output, pq, exact)};
}

Accuracy accuracy_of(std::span<const OutputErrors> outputs) {
  if (outputs.empty()) throw std::invalid_argument("accuracy of no outputs");
  Accuracy sum;
  for (const OutputErrors& errors : outputs) {
    sum.relative_error += errors.relative_error;
    sum.cosine += errors.cosine;
    sum.pq_relative_error += errors.pq_relative_error;
    sum.pq_cosine += errors.pq_cosine;
    sum.fixed_point_distance += errors.fixed_point_distance;
  }
  for (const auto field : kAccuracyFields) sum.*field /= static_cast<double>(outputs.size());
  sum.fixed_point_added = added(sum.relative_error, sum.pq_relative_error);
  return sum;
}

Accuracy mean_of(std::span<const Accuracy> heads) {
  Accuracy mean;
  for (const auto field : kAccuracyFields) {
    for (const Accuracy& head : heads) mean.*field += head.*field;
    mean.*field /= static_cast<double>(std::max<std::size_t>(heads.size(), 1));
  }
  return mean;
}

OperationFigures& OperationFigures::operator+=(const OperationFigures& other) {
  commands += other.commands;
  words += other.words;
  available_cycles += other.available_cycles;
  stream_cycles += other.stream_cycles;
  fill_cycles += other.fill_cycles;
  drain_cycles += other.drain_cycles;
  return *this;
}

double OperationFigures::utilization() const {
  return available_cycles == 0 ? 1.0
                               : static_cast<double>(words) / static_cast<double>(available_cycles);
}

EngineFigures& EngineFigures::operator+=(const EngineFigures& other) {
  for (std::size_t i = 0; i < operations.size(); ++i) operations[i] += other.operations[i];
  cycles += other.cycles;
  tiles += other.tiles;
  return *this;
}

std::uint64_t EngineFigures::words() const {
  std::uint64_t sum = 0;
  for (const OperationFigures& operation : operations) sum += operation.words;
  return sum;
}

PhaseFigures& PhaseFigures::operator+=(const PhaseFigures& other) {
  cycles += other.cycles;
  words += other.words;
  possible += other.possible;
  useful += other.useful;
  flags |= other.flags;
  return *this;
}

double PhaseFigures::utilization() const {
  return possible == 0 ? 1.0 : static_cast<double>(useful) / static_cast<double>(possible);
}

ClusterFigures& ClusterFigures::operator+=(const ClusterFigures& other) {
  codebooks += other.codebooks;
  codes_per_pass += other.codes_per_pass;
  codes_changed.resize(std::max(codes_changed.size(), other.codes_changed.size()));
  for (std::size_t i = 0; i < other.codes_changed.size(); ++i) {
    codes_changed[i] += other.codes_changed[i];
  }
  reducer_cycles += other.reducer_cycles;
  reducer_words += other.reducer_words;
  projected_cycles = std::max(projected_cycles, other.projected_cycles);
  return *this;
}

std::uint64_t HeadReport::prefill_cycles() const {
  return phases[kClusterPhase].cycles + phases[kEncodePhase].cycles;
}

std::uint64_t RunReport::compared() const {
  std::uint64_t sum = 0;
  for (const HeadReport& head : heads) sum += head.compared;
  return sum;
}

std::uint64_t RunReport::mismatches() const {
  std::uint64_t sum = 0;
  for (const HeadReport& head : heads) sum += head.mismatches;
  return sum;
}

EngineFigures RunReport::engine() const {
  EngineFigures sum;
  for (const HeadReport& head : heads) sum += head.engine;
  return sum;
}

std::array<PhaseFigures, kPhaseNames.size()> RunReport::phases() const {
  std::array<PhaseFigures, kPhaseNames.size()> sum;
  for (const HeadReport& head : heads) {
    for (std::size_t i = 0; i < sum.size(); ++i) sum[i] += head.phases[i];
  }
  return sum;
}

ClusterFigures RunReport::clustering() const {
  ClusterFigures sum;
  for (const HeadReport& head : heads) sum += head.clustering;
  return sum;
}

std::uint64_t RunReport::prefill_cycles() const {
  std::uint64_t sum = 0;
  for (const HeadReport& head : heads) sum += head.prefill_cycles();
  return sum;
}

std::uint64_t RunReport::cycles() const { return engine().cycles + prefill_cycles(); }

cache::CacheSize RunReport::cache() const {
  cache::CacheSize sum;
  for (const HeadReport& head : heads) sum += head.cache;
  return sum;
}

Accuracy RunReport::accuracy() const {
  std::vector<Accuracy> figures;
  for (const HeadReport& head : heads) figures.push_back(head.accuracy);
  return mean_of(figures);
}

ordered_json to_json(const RunReport& run) {
  std::size_t tokens = 0;
  std::size_t queries = 0;
  ordered_json heads = ordered_json::array();
  for (const HeadReport& head : run.heads) {
    tokens = std::max(tokens, head.tokens);
    queries = std::max(queries, head.queries.size());
    heads.push_back(head_json(head));
  }
  const EngineFigures engine = run.engine();
  const double speed = run.simulation_seconds > 0.0
                           ? static_cast<double>(run.cycles()) / run.simulation_seconds
                           : 0.0;
  return {{"run", run_json(run.command)},
          {"config", configuration_json(run.configuration)},
          {"workload",
           {{"file", run.workload_file},
            {"sha256", run.workload_sha256},
            {"queries_first", run.workload_queries_first},
            {"heads", run.heads.size()},
            {"tokens", tokens},
            {"queries", queries},
            {"metadata", run.workload_metadata}}},
          {"options", options_json(run)},
          {"seed", run.seed},
          {"cache", cache_json(run.cache())},
          {"equality", {{"compared", run.compared()}, {"mismatches", run.mismatches()}}},
          {"engine", engine_json(engine)},
          {"phases", phases_json(run.phases(), run.clustering())},
          {"codes_changed_between_passes", run.clustering().codes_changed},
          {"accuracy", accuracy_json(run.accuracy())},
          {"heads", heads},
          {"simulation", {{"cycles_per_second", speed}, {"seconds", run.simulation_seconds}}}};
}

std::string to_json_text(const RunReport& run) { return json_text(to_json(run)); }

std::string saturation_lines(const RunReport& run) {
  std::string lines;
  for (const HeadReport& head : run.heads) {
    lines +=
        saturation_lines(fmt::format("{} {}", run.configuration.name, head.name), head.saturation);
  }
  return lines;
}

}  // namespace aqpim::report
