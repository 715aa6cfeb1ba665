// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "app/cache_options.h"
#include "app/channel_session.h"
#include "app/commands.h"
#include "app/files.h"
#include "app/progress.h"
#include "app/selection.h"
#include "sw/config/error.h"
#include "sw/reference/attention.h"
#include "sw/report/channel_report.h"
#include "sw/report/result_folder.h"
#include "sw/study/parallel.h"
#include "sw/system/channel_head.h"
#include "sw/system/placement.h"
#include "sw/workload/reshape.h"
#include "sw/workload/workload.h"
#include "tb/common/run_failed.h"

namespace aqpim::app {

namespace {

namespace fs = std::filesystem;

// All files of a run; an older run may have left those that this one does not write.
constexpr const char* kTrace = "commands.trace";
constexpr const char* kPicture = "timeline.png";
const std::vector<const char*> kResultFiles = {
    "report.json",          "report.csv",          kTrace, kPicture, "sequencer.fst",
    "engine_of_rank_0.fst", "engine_of_rank_1.fst"};

// Clustering takes K + 1 engine cycles for each pair of tokens.
constexpr unsigned kMostQuickCentroids = 16;

unsigned processors() { return std::max(1u, std::thread::hardware_concurrency()); }

struct Arguments {
  std::string workload;
  std::vector<std::string> configurations;  // empty: those that fit
  workload::LoadOptions load;
  std::optional<std::size_t> queries, tokens;
  std::string memory = "hbm3-5200";
  unsigned banks_per_engine = 1;
  unsigned ranks = 2;
  bool no_power_limit = false;
  bool golden = false;
  bool trace = false;
  bool waves = false;
  std::string prefill_by = "auto";
  std::size_t tile = 0;
  std::string out = "build/channel";
  std::uint64_t seed = 1;
  unsigned jobs = processors();
  std::optional<unsigned> threads;  // of each job; none: the processors that jobs leave
  CacheOptions cache;
};

// One configuration on the heads that fit it.
struct Job {
  SessionOptions session;
  quantize::QuantizeOptions options;
  bool software_prefill = false;
  std::vector<const workload::HeadFacts*> heads;
};

bool fits(const config::Configuration& configuration, const Arguments& arguments,
          const config::Memory& memory) {
  try {
    system::check_channel({.engine = configuration.engine,
                           .memory = memory.organization,
                           .banks_per_engine = arguments.banks_per_engine});
  } catch (const InputError& error) {
    if (arguments.configurations.empty()) return false;
    throw InputError(fmt::format("configuration {}: {}", configuration.name, error.what()));
  }
  return true;
}

std::vector<Job> make_jobs(const std::vector<workload::HeadFacts>& heads,
                           const Arguments& arguments) {
  const config::Memory& memory = config::find_memory(arguments.memory);
  if (arguments.golden && (arguments.trace || arguments.waves)) {
    throw InputError("the golden model has no time: --golden goes without --trace and --waves");
  }
  if (arguments.ranks > memory.organization.ranks) {
    throw InputError(fmt::format("{} has {} ranks, not {}", memory.name, memory.organization.ranks,
                                 arguments.ranks));
  }
  std::vector<Job> jobs;
  std::set<std::size_t> dimensions;
  for (const workload::HeadFacts& head : heads) dimensions.insert(head.head_dim);
  for (const config::Configuration* configuration :
       wanted_configurations(arguments.configurations)) {
    if (!fits(*configuration, arguments, memory)) continue;
    const bool quick = configuration->engine.centroids() <= kMostQuickCentroids;
    Job job{.session = {.configuration = configuration,
                        .memory = &memory,
                        .ranks = arguments.ranks,
                        .banks_per_engine = arguments.banks_per_engine,
                        .power_limited = !arguments.no_power_limit,
                        .seed = arguments.seed},
            .options = arguments.cache.for_configuration(*configuration),
            .software_prefill = arguments.prefill_by == "software" ||
                                (arguments.prefill_by == "auto" && !quick && !arguments.golden),
            .heads = {}};
    for (const workload::HeadFacts& head : heads) {
      if (head.head_dim == configuration->engine.head_dim) job.heads.push_back(&head);
    }
    if (!job.heads.empty()) {
      jobs.push_back(std::move(job));
    } else if (!arguments.configurations.empty()) {
      throw InputError(fmt::format(
          "configuration {} is for heads of {} channels, {} has heads of {}", configuration->name,
          configuration->engine.head_dim, arguments.workload, fmt::join(dimensions, ", ")));
    }
  }
  if (jobs.empty()) {
    throw InputError(fmt::format("no pseudo-channel is for the heads of {} channels in {}",
                                 fmt::join(dimensions, ", "), arguments.workload));
  }
  return jobs;
}

// ---- Playing ------------------------------------------------------------------------------------

// A head on a rank, in one round of the run.
struct Life {
  const workload::HeadFacts* head = nullptr;
  bool reversed = false;  // its channels
  system::ChannelHeadOptions options;
};

// As many heads at once as there are ranks. Where there are fewer, the others play the last one
// again, from other data.
std::vector<std::vector<Life>> make_rounds(const Job& job, const Arguments& arguments) {
  std::vector<std::vector<Life>> rounds;
  for (std::size_t first = 0; first < job.heads.size(); first += job.session.ranks) {
    const auto context = static_cast<unsigned>(rounds.size() % golden::kContexts);
    std::vector<Life>& round = rounds.emplace_back();
    for (unsigned rank = 0; rank < job.session.ranks; ++rank) {
      const bool there = first + rank < job.heads.size();
      const workload::HeadFacts* head = job.heads[there ? first + rank : job.heads.size() - 1];
      Life life{.head = head,
                .reversed = !there,
                .options = {.cache = job.options,
                            .queries = quantize::queries_of(*head, job.options, arguments.queries),
                            .software_prefill = job.software_prefill,
                            .tile_limit = arguments.tile,
                            .rank = rank,
                            .context = context}};
      round.push_back(std::move(life));
    }
  }
  return rounds;
}

report::Accuracy accuracy_of(const workload::Head& head, const std::vector<std::size_t>& queries,
                             const system::ChannelHead& played) {
  const reference::PqReference pq_reference(head, played.cache());
  std::vector<report::OutputErrors> errors;
  const std::vector<std::vector<double>> outputs = played.outputs();
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    const std::size_t g = i / queries.size();
    const std::size_t t = queries[i % queries.size()];
    errors.push_back(report::output_errors(outputs[i], pq_reference(g, t).output,
                                           reference::exact(head, g, t).output));
  }
  return report::accuracy_of(errors);
}

report::Saturation saturation_of(const system::ChannelHead& played) {
  report::Saturation saturation{.appended = played.cache().appended,
                                .held_keys = played.cache().held_k,
                                .held_values = played.cache().held_v};
  for (const std::uint16_t flags : played.result_flags()) saturation.add(flags);
  return saturation;
}

report::ChannelHeadReport head_report(const Life& life, const workload::Head& head,
                                      const system::ChannelHead& played,
                                      const system::RankStatistics& statistics) {
  report::ChannelHeadReport report{.name = head.name,
                                   .rank = life.options.rank,
                                   .reversed = life.reversed,
                                   .tokens = head.tokens,
                                   .query_heads = head.groups,
                                   .prefill = played.timeline().prefill,
                                   .encoded = played.cache().tokens,
                                   .windows = played.cache().windows,
                                   .queries = life.options.queries,
                                   .tiles = played.tiles(),
                                   .rows = played.placement().rows(),
                                   .compared = played.compared(),
                                   .mismatches = played.mismatches(),
                                   .flags = played.flags(),
                                   .saturation = saturation_of(played),
                                   .phases = {},
                                   .cache = cache::cache_size(played.cache()),
                                   .accuracy = accuracy_of(head, life.options.queries, played)};
  for (std::size_t i = 0; i < statistics.size(); ++i) {
    report.phases.push_back({.name = std::string(system::kHostPhaseNames[i]),
                             .commands = statistics[i].commands,
                             .cycles = statistics[i].cycles});
  }
  return report;
}

struct JobResult {
  report::ChannelReport report;
  std::string verdict;                  // empty: all is well
  std::optional<std::string> obstacle;  // why there is no picture
};

JobResult run(const Job& job, const Arguments& arguments, const workload::Workload& workload,
              const report::ResultFolder& folder, const std::function<void(double)>& progress) {
  using Clock = std::chrono::steady_clock;
  const config::ChannelShape shape = shape_of(job.session);
  JobResult result;
  result.report.configuration = *job.session.configuration;
  result.report.memory = job.session.memory->name;
  result.report.banks_per_engine = job.session.banks_per_engine;
  result.report.engines = shape.engines();
  result.report.ranks = job.session.ranks;
  result.report.power_limited = job.session.power_limited;
  result.report.software_prefill = job.software_prefill;
  result.report.seed = job.session.seed;
  result.report.workload_file = workload.path;
  result.report.workload_sha256 = workload.sha256;
  result.report.workload_metadata = workload.metadata;
  result.report.workload_queries_first = workload.queries_first;
  result.report.options = job.options;

  SessionOptions session_options = job.session;
  if (arguments.trace) session_options.trace = folder.file(kTrace);
  if (arguments.waves) session_options.waves = folder.file("");
  const std::unique_ptr<ChannelSession> session =
      arguments.golden ? golden_session(session_options) : rtl_session(session_options);
  const std::vector<std::vector<Life>> rounds = make_rounds(job, arguments);
  for (std::size_t round = 0; round < rounds.size(); ++round) {
    std::vector<workload::Head> values;
    for (const Life& life : rounds[round]) {
      workload::Head head = workload.read(*life.head);
      values.push_back(life.reversed ? workload::with_channels_reversed(head) : std::move(head));
    }
    std::vector<std::unique_ptr<system::ChannelHead>> heads;
    std::vector<system::HostProgram> programs;
    std::size_t expected = 1, done = 0;
    for (std::size_t i = 0; i < values.size(); ++i) {
      heads.push_back(
          std::make_unique<system::ChannelHead>(values[i], shape, rounds[round][i].options));
      programs.push_back(heads.back()->program());
      expected += heads.back()->expected_steps();
    }
    const auto start = Clock::now();
    const std::vector<system::RankStatistics> statistics = system::play(
        session->port(), std::move(programs), {.played = [&] {
          const double part =
              static_cast<double>(++done) / static_cast<double>(std::max(expected, done));
          progress((static_cast<double>(round) + part) / static_cast<double>(rounds.size()));
        }});
    result.report.simulation_seconds += std::chrono::duration<double>(Clock::now() - start).count();
    for (std::size_t i = 0; i < heads.size(); ++i) {
      result.report.heads.push_back(
          head_report(rounds[round][i], values[i], *heads[i], statistics[i]));
      if (heads[i]->mismatches() == 0) continue;
      result.verdict += fmt::format(
          "{}: {} bytes of codebooks and codes of head {} on rank {} are not those of software\n",
          job.session.configuration->name, heads[i]->mismatches(), values[i].name, i);
    }
  }
  result.verdict += session->finish(result.report);
  result.obstacle = session->draw(folder.file(kPicture));
  return result;
}

// ---- Telling ------------------------------------------------------------------------------------

// What a run has shown that found no difference.
std::string agreement(const report::ChannelReport& run) {
  std::uint64_t bytes = 0, commands = 0;
  for (const report::ChannelHeadReport& head : run.heads) bytes += head.compared;
  std::string text = fmt::format("equal: {} bytes of codes and codebooks to software's", bytes);
  if (run.golden) return text;
  for (const auto& [name, count] : run.commands) commands += count;
  return text + fmt::format(
                    ", {} answers, beats and bytes of memory to the golden model's; {} DRAM "
                    "commands keep the memory's timing",
                    run.compared, commands);
}

void write_files(const report::ChannelReport& report, const report::ResultFolder& folder) {
  write_file(folder.file("report.json"), report::to_json_text(report));
  write_file(folder.file("report.csv"), report::to_csv(report));
}

std::string title_of(const Job& job) {
  return fmt::format("{}, {} rank{} of {} engines, {}, power {}", job.session.configuration->name,
                     job.session.ranks, job.session.ranks == 1 ? "" : "s",
                     shape_of(job.session).engines(), job.session.memory->name,
                     job.session.power_limited ? "limited" : "not limited");
}

void run_all(Arguments& arguments, int& exit_code) {
  workload::Workload workload = workload::load(arguments.workload, arguments.load);
  if (arguments.tokens) workload = workload::with_tokens(std::move(workload), *arguments.tokens);
  arguments.cache.set_outliers_apart(workload);
  arguments.cache.open_calibration(workload.heads, arguments.load);
  std::vector<Job> jobs = make_jobs(workload.heads, arguments);
  std::vector<report::ResultFolder> folders;
  for (const Job& job : jobs) {
    fs::path folder = arguments.out;
    if (arguments.configurations.size() != 1) folder /= job.session.configuration->name;
    folders.emplace_back(folder);
  }

  const auto side_by_side =
      static_cast<unsigned>(std::min<std::size_t>(arguments.jobs, jobs.size()));
  for (Job& job : jobs) {
    job.session.threads = arguments.threads.value_or(std::max(1u, processors() / side_by_side));
  }

  ProgressLine line;
  std::mutex mutex;
  std::vector<std::optional<JobResult>> results(jobs.size());
  std::vector<std::string> failures(jobs.size());
  study::parallel_for(jobs.size(), arguments.jobs, [&](std::size_t i) {
    try {
      results[i] = run(jobs[i], arguments, workload, folders[i], [&](double fraction) {
        const std::scoped_lock lock(mutex);
        line.show(jobs[i].session.configuration->name, fraction);
      });
    } catch (const tb::RunFailed& error) {
      failures[i] = fmt::format("{}\n", error.what());
    } catch (const system::CommandRefused& error) {
      failures[i] = fmt::format("{}: {}\n", jobs[i].session.configuration->name, error.what());
    }
  });
  line.clear();

  std::string verdict;
  for (std::size_t i = 0; i < jobs.size(); ++i) {
    // Before figures are printed, they are known to be finite.
    if (results[i] && results[i]->verdict.empty()) write_files(results[i]->report, folders[i]);
    fmt::print("{}\n", title_of(jobs[i]));
    if (!results[i]) {
      verdict += failures[i];
      fmt::print("  FAILED; no results written\n");
      continue;
    }
    fmt::print("{}", report::to_table(results[i]->report));
    for (const report::ChannelHeadReport& head : results[i]->report.heads) {
      fmt::print("{}", report::saturation_lines("  " + head.name, head.saturation));
    }
    if (!results[i]->verdict.empty()) {
      verdict += results[i]->verdict;
      fmt::print("  NOT equal or not legal; no results written\n");
      continue;
    }
    if (results[i]->obstacle) fmt::print("  {}\n", *results[i]->obstacle);
    folders[i].commit(kResultFiles);
    fmt::print("  {}\n  results in {}\n", agreement(results[i]->report),
               folders[i].folder().string());
  }
  if (verdict.empty()) return;
  std::fflush(stdout);
  fmt::print(stderr, "aqpim: {}", verdict);
  exit_code = static_cast<int>(ExitCode::kFailure);
}

}  // namespace

void add_channel(CLI::App& app, int& exit_code) {
  CLI::App* command = app.add_subcommand(
      "channel", "Play the lives of captured heads on a pseudo-channel, one head on each rank.");
  const auto arguments = std::make_shared<Arguments>();
  command
      ->add_option("--workload", arguments->workload,
                   "workload: a safetensors file, an index or a folder of shards")
      ->required();
  command
      ->add_option("--config", arguments->configurations,
                   "configurations, e.g. pq8,pq4 (default: those that fit)")
      ->delimiter(',')
      ->allow_extra_args(false);
  add_load_options(*command, arguments->load);
  command
      ->add_option("--queries", arguments->queries,
                   "evaluated tokens per head (default: 16, or all after the prefill if fewer)")
      ->check(kCount);
  command
      ->add_option("--tokens", arguments->tokens,
                   "length of the context: the last tokens of the head, repeated if it has fewer")
      ->check(CLI::Range(1, 1 << 20));
  command->add_option("--memory", arguments->memory, "memory")->capture_default_str();
  command->add_option("--banks-per-engine", arguments->banks_per_engine, "1 or 2")
      ->check(CLI::IsMember({1, 2}))
      ->capture_default_str();
  command->add_option("--ranks", arguments->ranks, "ranks that play at once, a head each")
      ->check(CLI::Range(1, 2))
      ->capture_default_str();
  command->add_flag("--no-power-limit", arguments->no_power_limit,
                    "columns as fast as the banks can");
  command->add_flag("--golden", arguments->golden,
                    "play on the golden model alone, without RTL and time");
  command->add_flag("--trace", arguments->trace,
                    "write the DRAM commands, commands.trace, beside the other results");
  command->add_flag("--waves", arguments->waves,
                    "write waveforms of the first queries: sequencer.fst, an engine of each rank");
  command
      ->add_option(
          "--prefill-by", arguments->prefill_by,
          "what clusters and encodes the prefill: channel, software, or auto: software with "
          "256 centroids in RTL")
      ->check(CLI::IsMember({"auto", "channel", "software"}))
      ->capture_default_str();
  command->add_option("--tile", arguments->tile, "most tokens of an engine in one ATTEND")
      ->check(CLI::Range(1, 1 << 20));
  command
      ->add_option("--out", arguments->out,
                   "results: OUT/<configuration>/, or OUT itself if --config names one")
      ->capture_default_str();
  command->add_option("--seed", arguments->seed, "of the power-up state")->capture_default_str();
  command
      ->add_option("--jobs", arguments->jobs,
                   "configurations that run side by side (default: one per processor)")
      ->check(CLI::Range(1, 64));
  command
      ->add_option(
          "--threads", arguments->threads,
          "threads that share the engines of a configuration in RTL; results do not depend "
          "on it (default: the processors that --jobs leaves)")
      ->check(CLI::Range(1, 64));
  add_cache_options(*command, arguments->cache);
  command->callback([arguments, &exit_code] { run_all(*arguments, exit_code); });
}

}  // namespace aqpim::app
