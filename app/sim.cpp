// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "app/cache_options.h"
#include "app/commands.h"
#include "app/files.h"
#include "app/progress.h"
#include "app/selection.h"
#include "app/simulation.h"
#include "sw/cache/cache_file.h"
#include "sw/config/config.h"
#include "sw/config/error.h"
#include "sw/quantize/quantize.h"
#include "sw/report/plot.h"
#include "sw/report/report.h"
#include "sw/report/result_folder.h"
#include "sw/study/parallel.h"
#include "sw/workload/atomic_file.h"
#include "sw/workload/workload.h"
#include "tb/engine/env.h"
#include "tb/reducer/reducer_env.h"

namespace aqpim::app {

namespace {

namespace fs = std::filesystem;

constexpr const char* kPicture = "attention.png";
constexpr const char* kWaves = "waves.fst";
// All files of a run; an older run may have left those that this one does not write.
const std::vector<const char*> kResultFiles = {"report.json", "report.csv", "outputs.safetensors",
                                               kPicture, kWaves};

struct Arguments {
  std::vector<std::string> workloads;
  std::vector<std::string> configurations;  // empty: those that fit
  workload::LoadOptions load;
  std::optional<std::size_t> queries;
  std::string out = "build/sim";
  std::uint64_t seed = 1;
  std::string spacing = "1";
  bool waves = false;
  bool software_prefill = false;
  unsigned engines = 1;
  unsigned jobs = std::max(1u, std::thread::hardware_concurrency());
  CacheOptions cache;

  tb::Pace pace() const {
    return spacing == "random" ? tb::Pace::random()
                               : tb::Pace{static_cast<unsigned>(std::stoul(spacing))};
  }
};

// One configuration on the heads of one workload that fit it.
struct Job {
  const config::Configuration* configuration = nullptr;
  const workload::Workload* workload = nullptr;
  std::vector<const workload::HeadFacts*> heads;
  std::vector<std::vector<std::size_t>> queries;  // of each head
  quantize::QuantizeOptions options;
  bool software_prefill = false;
};

// ---- What is to be done -------------------------------------------------------------------------

Job make_job(const config::Configuration& configuration, const workload::Workload& workload,
             const Arguments& arguments) {
  Job job{.configuration = &configuration,
          .workload = &workload,
          .heads = {},
          .queries = {},
          .options = arguments.cache.for_configuration(configuration),
          .software_prefill = arguments.software_prefill};
  // What only software can do.
  if (configuration.engine.quantize == 0 ||
      job.options.clustering != quantize::Clustering::kFixed) {
    job.software_prefill = true;
  }
  for (const workload::HeadFacts& head : workload.heads) {
    if (head.head_dim != configuration.engine.head_dim) continue;
    job.heads.push_back(&head);
    job.queries.push_back(quantize::queries_of(head, job.options, arguments.queries));
  }
  return job;
}

// Every configuration on every workload that has heads for it. Each wanted configuration and each
// workload must be of some use, or the user meant something else.
std::vector<Job> make_jobs(const std::vector<workload::Workload>& workloads,
                           const Arguments& arguments) {
  std::vector<Job> jobs;
  std::set<const workload::HeadFacts*> used;
  for (const config::Configuration* configuration :
       wanted_configurations(arguments.configurations)) {
    std::set<std::size_t> dimensions;
    bool fits = false;
    for (const workload::Workload& workload : workloads) {
      for (const workload::HeadFacts& head : workload.heads) dimensions.insert(head.head_dim);
      Job job = make_job(*configuration, workload, arguments);
      if (job.heads.empty()) continue;
      fits = true;
      used.insert(job.heads.begin(), job.heads.end());
      jobs.push_back(std::move(job));
    }
    if (!fits && !arguments.configurations.empty()) {
      throw InputError(fmt::format(
          "configuration {} is for heads of {} channels, {} {} heads of {}", configuration->name,
          configuration->engine.head_dim, fmt::join(arguments.workloads, ", "),
          arguments.workloads.size() == 1 ? "has" : "have", fmt::join(dimensions, ", ")));
    }
  }
  for (const workload::Workload& workload : workloads) {
    for (const workload::HeadFacts& head : workload.heads) {
      const bool asked_for = !arguments.load.heads.empty() || arguments.configurations.empty();
      if (used.contains(&head) || !asked_for) continue;
      throw InputError(fmt::format("no {}configuration is for the {} channels of {} in {}",
                                   arguments.configurations.empty() ? "" : "wanted ", head.head_dim,
                                   head.name, workload.path));
    }
  }
  return jobs;
}

// OUT/<configuration>, OUT itself for one named configuration, and a folder per workload in it
// where several workloads would share one.
std::vector<fs::path> folders_of(const std::vector<Job>& jobs, const Arguments& arguments) {
  std::map<const config::Configuration*, std::size_t> workloads;
  for (const Job& job : jobs) ++workloads[job.configuration];
  std::vector<fs::path> folders;
  for (const Job& job : jobs) {
    fs::path folder = arguments.out;
    if (arguments.configurations.size() != 1) folder /= job.configuration->name;
    if (workloads[job.configuration] > 1) folder /= workload::stem(job.workload->path);
    if (std::ranges::find(folders, folder) != folders.end()) {
      throw InputError(fmt::format("two workloads are called {}, their results would be too",
                                   workload::stem(job.workload->path)));
    }
    folders.push_back(std::move(folder));
  }
  return folders;
}

// ---- Doing it -----------------------------------------------------------------------------------

struct JobResult {
  report::RunReport report;
  std::vector<report::HeadPlot> plots;
  workload::File outputs;
  std::string verdict;  // empty: all is equal
};

JobResult run(const Job& job, const Arguments& arguments, const report::ResultFolder& folder,
              const std::function<void(const std::string&, double)>& progress) {
  JobResult result;
  result.report = {.configuration = *job.configuration,
                   .workload_file = job.workload->path,
                   .workload_sha256 = job.workload->sha256,
                   .workload_metadata = job.workload->metadata,
                   .workload_queries_first = job.workload->queries_first,
                   .options = job.options,
                   .seed = arguments.seed,
                   .spacing = arguments.pace().every,
                   .software_prefill = job.software_prefill,
                   .engines = arguments.engines,
                   .simulation_seconds = 0.0,
                   .heads = {}};
  result.outputs.metadata = job.workload->metadata;
  result.outputs.metadata["configuration"] = job.configuration->name;
  result.outputs.metadata["workload_sha256"] = job.workload->sha256;

  tb::Env env(*job.configuration, {.seed = arguments.seed});
  std::optional<tb::ReducerEnv> reducer;
  if (!job.software_prefill) reducer.emplace(*job.configuration, arguments.seed);
  if (arguments.waves) env.model().open_waves(folder.file(kWaves));
  const SimulationOptions simulation{.pace = arguments.pace(),
                                     .software_prefill = job.software_prefill,
                                     .engines = arguments.engines};
  std::uint64_t values = 0;
  std::uint64_t cache_mismatches = 0;
  for (std::size_t i = 0; i < job.heads.size(); ++i) {
    const workload::Head head = job.workload->read(*job.heads[i]);
    const std::string what =
        fmt::format("{}: {} of {}, head {} of {}:", job.configuration->name, head.name,
                    fs::path(job.workload->path).filename().string(), i + 1, job.heads.size());
    HeadRun head_run =
        simulate({env, reducer ? &*reducer : nullptr}, head, job.options, job.queries[i],
                 simulation, [&](double fraction) { progress(what, fraction); });
    cache::add_tensors(
        result.outputs, head_run.cache,
        {.queries = job.queries[i], .groups = head.groups, .outputs = std::move(head_run.outputs)});
    result.report.simulation_seconds += head_run.seconds;
    values += head.groups * job.queries[i].size() * head.head_dim;
    cache_mismatches += head_run.cache_mismatches;
    result.report.heads.push_back(std::move(head_run.report));
    result.plots.push_back(std::move(head_run.plot));
  }
  env.model().close_waves();
  // Each output comes from one tile at least, each centroid element from a division.
  result.verdict = env.verdict(values);
  if (reducer) result.verdict += reducer->verdict(job.heads.size());
  if (cache_mismatches > 0) {
    result.verdict += fmt::format("{}: {} bytes of codebooks and codes are not those of software\n",
                                  job.configuration->name, cache_mismatches);
  }
  return result;
}

void write_files(const JobResult& result, const report::ResultFolder& folder) {
  write_file(folder.file("report.json"), report::to_json_text(result.report));
  write_file(folder.file("report.csv"), report::to_csv(result.report));
  workload::AtomicFile outputs(folder.file("outputs.safetensors"));
  outputs.write(workload::serialize(result.outputs));
  outputs.commit();
  const std::string title = fmt::format("{}: attention of {}", result.report.configuration.name,
                                        fs::path(result.report.workload_file).filename().string());
  if (const auto obstacle = report::draw(AQPIM_SCRIPTS "/plot_attention.gp", folder.file(kPicture),
                                         title, result.plots)) {
    fmt::print("{}\n", *obstacle);
  }
}

// Takes what jobs found, from several threads, and tells and writes it in the order of the jobs.
class Outcomes {
 public:
  Outcomes(const std::vector<Job>& jobs, std::vector<report::ResultFolder>& folders)
      : jobs_(jobs), folders_(folders), waiting_(jobs.size()) {}

  void progress(const std::string& what, double fraction) {
    const std::scoped_lock lock(mutex_);
    line_.show(what, fraction);
  }

  void add(std::size_t job, JobResult result) { add_outcome(job, {std::move(result), {}}); }

  // The run could not go on.
  void add_failure(std::size_t job, std::string sentence) {
    add_outcome(job, {std::nullopt, std::move(sentence)});
  }

  // When all jobs have ended.
  const std::vector<report::RunReport>& reports() const { return reports_; }
  const std::string& failures() const { return failures_; }

 private:
  struct Outcome {
    std::optional<JobResult> result;
    std::string failure;
  };

  void add_outcome(std::size_t job, Outcome outcome) {
    const std::scoped_lock lock(mutex_);
    waiting_[job] = std::move(outcome);
    line_.clear();
    for (; told_ < jobs_.size() && waiting_[told_]; ++told_) {
      tell(told_, *std::exchange(waiting_[told_], {}));
    }
    std::fflush(stdout);
  }

  void tell(std::size_t job, const Outcome& outcome) {
    const std::string title = fmt::format("{} on {}", jobs_[job].configuration->name,
                                          fs::path(jobs_[job].workload->path).filename().string());
    if (!outcome.result) {
      failures_ += outcome.failure;
      fmt::print("{}: FAILED; no results written\n", title);
      return;
    }
    reports_.push_back(outcome.result->report);
    if (!outcome.result->verdict.empty()) {
      failures_ += outcome.result->verdict;
      fmt::print("{}: NOT equal; no results written\n", title);
      return;
    }
    write_files(*outcome.result, folders_[job]);
    folders_[job].commit(kResultFiles);
    fmt::print("{}: equal{}; results in {}\n", title,
               jobs_[job].software_prefill ? ", codebooks and codes by software" : "",
               folders_[job].folder().string());
  }

  const std::vector<Job>& jobs_;
  std::vector<report::ResultFolder>& folders_;
  std::mutex mutex_;
  ProgressLine line_;
  std::vector<std::optional<Outcome>> waiting_;
  std::size_t told_ = 0;
  std::vector<report::RunReport> reports_;
  std::string failures_;
};

// The final table: per workload, a row per head and configuration.
void print_table(const std::vector<report::RunReport>& reports) {
  std::vector<std::string> workloads;
  for (const report::RunReport& report : reports) {
    if (std::ranges::find(workloads, report.workload_file) == workloads.end()) {
      workloads.push_back(report.workload_file);
    }
  }
  fmt::print("\n{}", report::table_header());
  for (const std::string& workload : workloads) {
    fmt::print("{}\n", workload);
    for (const report::RunReport& report : reports) {
      if (report.workload_file == workload) fmt::print("{}", report::table_rows(report));
    }
  }
}

void print_speed(const std::vector<report::RunReport>& reports) {
  double seconds = 0.0;
  std::uint64_t cycles = 0;
  std::uint64_t compared = 0;
  for (const report::RunReport& report : reports) {
    seconds += report.simulation_seconds;
    cycles += report.cycles();
    compared += report.compared();
  }
  fmt::print("\nRTL and golden model are equal in all {} values. {} cycles, {:.0f} per second.\n",
             compared, cycles, seconds > 0.0 ? static_cast<double>(cycles) / seconds : 0.0);
}

void run_all(Arguments& arguments, int& exit_code) {
  std::vector<workload::Workload> workloads = load_workloads(arguments.workloads, arguments.load);
  for (workload::Workload& workload : workloads) {
    arguments.cache.set_outliers_apart(workload);
    arguments.cache.open_calibration(workload.heads, arguments.load);
  }
  const std::vector<Job> jobs = make_jobs(workloads, arguments);
  std::vector<report::ResultFolder> folders;
  for (const fs::path& folder : folders_of(jobs, arguments)) folders.emplace_back(folder);

  fmt::print("seed {}, {}\n", arguments.seed,
             arguments.spacing == "1"        ? "a word every cycle"
             : arguments.spacing == "random" ? "words with random gaps"
                                             : "a word every " + arguments.spacing + " cycles");
  std::fflush(stdout);
  Outcomes outcomes(jobs, folders);
  study::parallel_for(jobs.size(), arguments.jobs, [&](std::size_t i) {
    try {
      outcomes.add(
          i, run(jobs[i], arguments, folders[i], [&](const std::string& what, double fraction) {
            outcomes.progress(what, fraction);
          }));
    } catch (const tb::RunFailed& error) {
      outcomes.add_failure(i, fmt::format("{}\n", error.what()));
    }
  });
  print_table(outcomes.reports());
  for (const report::RunReport& report : outcomes.reports()) {
    fmt::print("{}", report::saturation_lines(report));
  }
  if (outcomes.failures().empty()) {
    print_speed(outcomes.reports());
    return;
  }
  std::fflush(stdout);
  fmt::print(stderr, "aqpim: {}", outcomes.failures());
  exit_code = static_cast<int>(ExitCode::kFailure);
}

}  // namespace

void add_sim(CLI::App& app, int& exit_code) {
  CLI::App* command = app.add_subcommand(
      "sim", "Play captured heads through the RTL, compare with the golden model, report.");
  const auto arguments = std::make_shared<Arguments>();
  add_workloads_options(*command, arguments->workloads);
  command
      ->add_option("--config", arguments->configurations,
                   "configurations, e.g. pq8,pq4 (default: those that fit the heads)")
      ->delimiter(',')
      ->allow_extra_args(false);
  add_load_options(*command, arguments->load);
  command
      ->add_option("--queries", arguments->queries,
                   "evaluated tokens per head (default: 16, or all after the prefill if fewer)")
      ->check(kCount);
  command
      ->add_option("--out", arguments->out,
                   "results: OUT/<configuration>/, or OUT itself if --config names one")
      ->capture_default_str();
  command->add_option("--seed", arguments->seed, "of the power-up state and of random gaps")
      ->capture_default_str();
  command
      ->add_option("--spacing", arguments->spacing,
                   "a word every N cycles, or \"random\" for random gaps")
      ->check([](const std::string& text) -> std::string {
        const bool number = !text.empty() && text.size() <= 4 && text[0] != '0' &&
                            std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
        return number || text == "random" ? "" : "must be 1 to 9999, or random, not " + text;
      })
      ->capture_default_str();
  command->add_flag("--software-prefill", arguments->software_prefill,
                    "make codebooks and codes in software, play attention only");
  command
      ->add_option("--engines", arguments->engines,
                   "engines that cluster and encode together; one model plays all")
      ->check(CLI::Range(1, 64))
      ->capture_default_str();
  command
      ->add_option("--jobs", arguments->jobs,
                   "configurations that run side by side (default: one per processor)")
      ->check(CLI::Range(1, 64));
  add_cache_options(*command, arguments->cache);
  command->add_flag("--waves", arguments->waves,
                    "write waveforms, waves.fst, beside the other results; large unless with "
                    "--software-prefill");
  command->callback([arguments, &exit_code] { run_all(*arguments, exit_code); });
}

}  // namespace aqpim::app
