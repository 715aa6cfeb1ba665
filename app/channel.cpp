// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "app/channel_session.h"
#include "app/command_line.h"
#include "app/commands.h"
#include "app/run.h"
#include "app/selection.h"
#include "sw/config/error.h"
#include "sw/reference/attention.h"
#include "sw/report/channel_report.h"
#include "sw/report/result_folder.h"
#include "sw/system/channel_head.h"
#include "sw/system/placement.h"
#include "sw/workload/reshape.h"
#include "sw/workload/workload.h"

namespace aqpim::app {

namespace {

// All files of a run; an older run may have left those that this one does not write.
constexpr const char* kTrace = "commands.trace";
const std::vector<const char*> kResultFiles = {
    "report.json",          "report.csv",          kTrace, "timeline.png", "sequencer.fst",
    "engine_of_rank_0.fst", "engine_of_rank_1.fst"};

// Clustering takes K + 1 engine cycles for each pair of tokens.
constexpr unsigned kMostQuickCentroids = 16;

struct Arguments {
  std::string command;  // what was typed
  std::string workload;
  RunOptions run{.out = "build/channel"};
  std::optional<std::size_t> tokens;
  MemoryOptions memory;
  unsigned ranks = 2;
  bool golden = false;
  bool trace = false;
  std::string prefill_by = "auto";
  std::size_t tile = 0;
  std::optional<unsigned> threads;  // of each job; none: the processors that jobs leave
};

// A head on a rank, in one round of the run.
struct Life {
  const workload::HeadFacts* head = nullptr;
  bool reversed = false;  // its channels
  system::ChannelHeadOptions options;
};

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

// One configuration on the heads that fit it.
class ChannelJob : public Job {
 public:
  ChannelJob(Selection selection, const Arguments& arguments)
      : Job(std::move(selection)),
        arguments_(arguments),
        session_{.configuration = &configuration(),
                 .memory = &config::find_memory(arguments.memory.name),
                 .ranks = arguments.ranks,
                 .banks_per_engine = arguments.memory.banks_per_engine,
                 .power_limited = !arguments.memory.no_power_limit,
                 .seed = arguments.run.seed},
        options_(arguments.run.cache.for_configuration(configuration())),
        software_prefill_(arguments.prefill_by == "software" ||
                          (arguments.prefill_by == "auto" && !arguments.golden &&
                           configuration().engine.centroids() > kMostQuickCentroids)) {}

  void set_threads(unsigned threads) { session_.threads = threads; }

  std::string play(const report::ResultFolder& folder, const JobProgress& progress) override {
    const config::ChannelShape shape = shape_of(session_);
    report::ChannelReport report;
    report.command = arguments_.command;
    report.configuration = configuration();
    report.memory = session_.memory->name;
    report.banks_per_engine = session_.banks_per_engine;
    report.engines = shape.engines();
    report.ranks = session_.ranks;
    report.power_limited = session_.power_limited;
    report.software_prefill = software_prefill_;
    report.seed = session_.seed;
    report.workload_file = workload().path;
    report.workload_sha256 = workload().sha256;
    report.workload_queries_first = workload().queries_first;
    report.workload_metadata = workload().metadata;
    report.options = options_;

    if (arguments_.trace) session_.trace = folder.file(kTrace);
    if (arguments_.run.waves) session_.waves = folder.file("");
    const std::unique_ptr<ChannelSession> session =
        arguments_.golden ? golden_session(session_) : rtl_session(session_);
    std::string verdict;
    const std::vector<std::vector<Life>> rounds = make_rounds();
    for (std::size_t round = 0; round < rounds.size(); ++round) {
      verdict += play(rounds[round], shape, *session, report, [&](double part) {
        progress(configuration().name,
                 (static_cast<double>(round) + part) / static_cast<double>(rounds.size()));
      });
    }
    verdict += session->finish(report);
    report_ = std::move(report);
    return verdict;
  }

  std::string json() const override { return report::to_json_text(*report_); }

  std::string describe(Ending ending, const std::string& folder,
                       const std::string& table) const override {
    std::string text =
        fmt::format("{}, {} rank{} of {} engines, {}, power {}\n", configuration().name,
                    session_.ranks, session_.ranks == 1 ? "" : "s", shape_of(session_).engines(),
                    session_.memory->name, session_.power_limited ? "limited" : "not limited");
    if (ending == Ending::kFailed) return text + "  FAILED; no results written\n";
    text += table;
    for (const report::ChannelHeadReport& head : report_->heads) {
      text += report::saturation_lines("  " + head.name, head.saturation);
    }
    if (ending == Ending::kUnequal) {
      return text + "  NOT equal or not legal; no results written\n";
    }
    return text + fmt::format("  {}\n  results in {}\n", agreement(*report_), folder);
  }

 private:
  // As many heads at once as there are ranks. Where there are fewer, the others play the last one
  // again, from other data.
  std::vector<std::vector<Life>> make_rounds() const {
    std::vector<std::vector<Life>> rounds;
    for (std::size_t first = 0; first < heads().size(); first += session_.ranks) {
      const auto context = static_cast<unsigned>(rounds.size() % golden::kContexts);
      std::vector<Life>& round = rounds.emplace_back();
      for (unsigned rank = 0; rank < session_.ranks; ++rank) {
        const bool there = first + rank < heads().size();
        const workload::HeadFacts* head = heads()[there ? first + rank : heads().size() - 1];
        Life life{
            .head = head,
            .reversed = !there,
            .options = {.cache = options_,
                        .queries = quantize::queries_of(*head, options_, arguments_.run.queries),
                        .software_prefill = software_prefill_,
                        .tile_limit = arguments_.tile,
                        .rank = rank,
                        .context = context}};
        round.push_back(std::move(life));
      }
    }
    return rounds;
  }

  // Plays a round to its end. Returns what is not as it has to be.
  std::string play(const std::vector<Life>& round, const config::ChannelShape& shape,
                   ChannelSession& session, report::ChannelReport& report,
                   const std::function<void(double)>& progress) const {
    using Clock = std::chrono::steady_clock;
    std::vector<workload::Head> values;
    for (const Life& life : round) {
      workload::Head head = workload().read(*life.head);
      values.push_back(life.reversed ? workload::with_channels_reversed(head) : std::move(head));
    }
    std::vector<std::unique_ptr<system::ChannelHead>> played;
    std::vector<system::HostProgram> programs;
    std::size_t expected = 1, done = 0;
    for (std::size_t i = 0; i < values.size(); ++i) {
      played.push_back(std::make_unique<system::ChannelHead>(values[i], shape, round[i].options));
      programs.push_back(played.back()->program());
      expected += played.back()->expected_steps();
    }
    const auto start = Clock::now();
    const std::vector<system::RankStatistics> statistics = system::play(
        session.port(), std::move(programs), {.played = [&] {
          progress(static_cast<double>(++done) / static_cast<double>(std::max(expected, done)));
        }});
    report.simulation_seconds += std::chrono::duration<double>(Clock::now() - start).count();
    std::string verdict;
    for (std::size_t i = 0; i < played.size(); ++i) {
      report.heads.push_back(head_report(round[i], values[i], *played[i], statistics[i]));
      if (played[i]->mismatches() == 0) continue;
      verdict += fmt::format(
          "{}: {} bytes of codebooks and codes of head {} on rank {} are not those of software\n",
          configuration().name, played[i]->mismatches(), values[i].name, i);
    }
    return verdict;
  }

  const Arguments& arguments_;
  SessionOptions session_;
  quantize::QuantizeOptions options_;
  bool software_prefill_;
  std::optional<report::ChannelReport> report_;  // of a run that did not fail
};

bool fits(const config::Configuration& configuration, const Arguments& arguments,
          const config::Memory& memory) {
  try {
    system::check_channel({.engine = configuration.engine,
                           .memory = memory.organization,
                           .banks_per_engine = arguments.memory.banks_per_engine});
  } catch (const InputError& error) {
    if (arguments.run.configurations.empty()) return false;
    throw InputError(fmt::format("configuration {}: {}", configuration.name, error.what()));
  }
  return true;
}

Jobs make_jobs(const std::vector<workload::Workload>& workloads, const Arguments& arguments) {
  const config::Memory& memory = config::find_memory(arguments.memory.name);
  if (arguments.golden && (arguments.trace || arguments.run.waves)) {
    throw InputError("the golden model has no time: --golden goes without --trace and --waves");
  }
  if (arguments.ranks > memory.organization.ranks) {
    throw InputError(fmt::format("{} has {} ranks, not {}", memory.name, memory.organization.ranks,
                                 arguments.ranks));
  }
  Jobs jobs;
  const auto allowed = [&](const config::Configuration& configuration) {
    return fits(configuration, arguments, memory);
  };
  for (Selection& selection : select_heads(workloads, arguments.run, allowed)) {
    jobs.push_back(std::make_unique<ChannelJob>(std::move(selection), arguments));
  }
  if (jobs.empty()) {
    std::set<std::size_t> dimensions;
    for (const workload::HeadFacts& head : workloads.front().heads)
      dimensions.insert(head.head_dim);
    throw InputError(fmt::format("no pseudo-channel is for the heads of {} channels in {}",
                                 fmt::join(dimensions, ", "), arguments.workload));
  }
  const std::size_t side_by_side = std::min<std::size_t>(arguments.run.jobs, jobs.size());
  for (const std::unique_ptr<Job>& job : jobs) {
    dynamic_cast<ChannelJob&>(*job).set_threads(arguments.threads.value_or(
        std::max(1u, processors() / static_cast<unsigned>(side_by_side))));
  }
  return jobs;
}

void run_all(Arguments& arguments, int& exit_code) {
  arguments.run.workloads = {arguments.workload};
  std::vector<workload::Workload> workloads =
      load_workloads(arguments.run.workloads, arguments.run.load);
  if (arguments.tokens) {
    workloads = {workload::with_tokens(std::move(workloads.front()), *arguments.tokens)};
  }
  prepare_workloads(workloads, arguments.run);
  const Jobs jobs = make_jobs(workloads, arguments);
  std::vector<report::ResultFolder> folders = make_folders(jobs, arguments.run);
  const Played played = play(jobs, folders, arguments.run.jobs, kResultFiles);
  fmt::print("{}", write_page(played, arguments.run.out, false));
  end_with(played.failures, exit_code);
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
  add_run_options(*command, arguments->run, "of the power-up state",
                  "write waveforms of the first queries: sequencer.fst, an engine of each rank");
  command
      ->add_option("--tokens", arguments->tokens,
                   "length of the context: the last tokens of the head, repeated if it has fewer")
      ->check(CLI::Range(1, 1 << 20));
  add_memory_options(*command, arguments->memory);
  command->add_option("--ranks", arguments->ranks, "ranks that play at once, a head each")
      ->check(CLI::Range(1, 2))
      ->capture_default_str();
  command->add_flag("--golden", arguments->golden,
                    "play on the golden model alone, without RTL and time");
  command->add_flag("--trace", arguments->trace,
                    "write the DRAM commands, commands.trace, beside the other results");
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
      ->add_option(
          "--threads", arguments->threads,
          "threads that share the engines of a configuration in RTL; results do not depend "
          "on it (default: the processors that --jobs leaves)")
      ->check(CLI::Range(1, 64));
  command->callback([command, arguments, &exit_code] {
    arguments->command = command_line(*command);
    run_all(*arguments, exit_code);
  });
}

}  // namespace aqpim::app
