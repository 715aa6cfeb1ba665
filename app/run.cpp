// SPDX-License-Identifier: Apache-2.0
#include "app/run.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <map>
#include <mutex>
#include <set>
#include <thread>
#include <utility>

#include "app/commands.h"
#include "app/files.h"
#include "app/progress.h"
#include "app/selection.h"
#include "sw/config/error.h"
#include "sw/report/pages.h"
#include "sw/study/parallel.h"
#include "sw/system/host_port.h"
#include "tb/common/run_failed.h"

namespace aqpim::app {

namespace {

namespace fs = std::filesystem;

constexpr const char* kReport = "report.json";
constexpr const char* kPage = "report.html";

// What became of a job.
struct Outcome {
  Ending ending = Ending::kEqual;
  std::string failure;
  report::Pages pages;
};

Outcome play(Job& job, const report::ResultFolder& folder, const JobProgress& progress) {
  try {
    std::string verdict = job.play(folder, progress);
    const bool equal = verdict.empty();
    write_file(folder.file(kReport), job.json());
    if (equal) job.write(folder);
    return {equal ? Ending::kEqual : Ending::kUnequal, std::move(verdict),
            report::make_pages({folder.file(kReport)}, {.files = equal, .table = true})};
  } catch (const tb::RunFailed& error) {
    return {Ending::kFailed, fmt::format("{}\n", error.what()), {}};
  } catch (const system::CommandRefused& error) {
    return {Ending::kFailed, fmt::format("{}: {}\n", job.configuration().name, error.what()), {}};
  }
}

}  // namespace

unsigned processors() { return std::max(1u, std::thread::hardware_concurrency()); }

void add_run_options(CLI::App& command, RunOptions& options, const std::string& seeded,
                     const std::string& waves) {
  add_configurations_option(command, options.configurations, "those that fit the heads");
  add_load_options(command, options.load);
  add_queries_option(command, options.queries);
  command
      .add_option("--out", options.out,
                  "results: OUT/<configuration>/, or OUT itself if --config names one")
      ->capture_default_str();
  command.add_option("--seed", options.seed, seeded)->capture_default_str();
  command
      .add_option("--jobs", options.jobs,
                  "configurations that run side by side (default: one per processor)")
      ->check(CLI::Range(1, 64));
  add_cache_options(command, options.cache);
  command.add_flag("--waves", options.waves, waves);
}

void prepare_workloads(std::vector<workload::Workload>& workloads, RunOptions& options) {
  for (workload::Workload& workload : workloads) {
    options.cache.set_outliers_apart(workload);
    options.cache.open_calibration(workload.heads, options.load);
  }
}

std::vector<Selection> select_heads(const std::vector<workload::Workload>& workloads,
                                    const RunOptions& options,
                                    const std::function<bool(const config::Configuration&)>& fits) {
  std::vector<Selection> selections;
  for (const config::Configuration* configuration : wanted_configurations(options.configurations)) {
    if (fits && !fits(*configuration)) continue;
    std::set<std::size_t> dimensions;
    bool used = false;
    for (const workload::Workload& workload : workloads) {
      Selection selection{.configuration = configuration, .workload = &workload, .heads = {}};
      for (const workload::HeadFacts& head : workload.heads) {
        dimensions.insert(head.head_dim);
        if (head.head_dim == configuration->engine.head_dim) selection.heads.push_back(&head);
      }
      if (selection.heads.empty()) continue;
      used = true;
      selections.push_back(std::move(selection));
    }
    if (!used && !options.configurations.empty()) {
      throw InputError(fmt::format(
          "configuration {} is for heads of {} channels, {} {} heads of {}", configuration->name,
          configuration->engine.head_dim, fmt::join(options.workloads, ", "),
          options.workloads.size() == 1 ? "has" : "have", fmt::join(dimensions, ", ")));
    }
  }
  return selections;
}

std::vector<report::ResultFolder> make_folders(const Jobs& jobs, const RunOptions& options) {
  std::map<const config::Configuration*, std::size_t> workloads;
  for (const auto& job : jobs) ++workloads[&job->configuration()];
  std::vector<fs::path> paths;
  for (const auto& job : jobs) {
    fs::path path = options.out;
    if (options.configurations.size() != 1) path /= job->configuration().name;
    if (workloads[&job->configuration()] > 1) path /= workload::stem(job->workload().path);
    if (std::ranges::find(paths, path) != paths.end()) {
      throw InputError(fmt::format("two workloads are called {}, their results would be too",
                                   workload::stem(job->workload().path)));
    }
    paths.push_back(std::move(path));
  }
  std::vector<report::ResultFolder> folders;
  for (const fs::path& path : paths) folders.emplace_back(path);
  return folders;
}

Played play(const Jobs& jobs, std::vector<report::ResultFolder>& folders, unsigned side_by_side,
            const std::vector<const char*>& files) {
  ProgressLine line;
  std::mutex mutex;
  std::vector<std::optional<Outcome>> outcomes(jobs.size());
  std::size_t told = 0;
  Played played;
  // Takes what jobs found, from several threads, and tells it in the order of the jobs.
  const auto tell = [&] {
    for (; told < jobs.size() && outcomes[told]; ++told) {
      const auto& [ending, failure, pages] = *outcomes[told];
      played.failures += failure;
      if (ending == Ending::kEqual) {
        folders[told].commit(files);
        if (played.left_out.insert(pages.left_out).second) fmt::print("{}", pages.left_out);
      }
      if (ending != Ending::kFailed) {
        played.reports.push_back(ending == Ending::kEqual ? folders[told].folder() / kReport
                                                          : folders[told].file(kReport));
      }
      fmt::print("{}", jobs[told]->describe(ending, folders[told].folder().string(), pages.table));
    }
    std::fflush(stdout);
  };
  study::parallel_for(jobs.size(), side_by_side, [&](std::size_t i) {
    Outcome outcome = play(*jobs[i], folders[i], [&](const std::string& what, double fraction) {
      const std::scoped_lock lock(mutex);
      line.show(what, fraction);
    });
    const std::scoped_lock lock(mutex);
    outcomes[i] = std::move(outcome);
    line.clear();
    tell();
  });
  return played;
}

std::string write_page(const Played& played, const std::string& out, bool table) {
  if (played.reports.empty() || !(table || played.failures.empty())) return "";
  report::ResultFolder folder(out);
  const fs::path page = played.failures.empty() ? folder.file(kPage) : "";
  const report::Pages pages = report::make_pages(played.reports, {.table = table, .html = page});
  if (!played.left_out.contains(pages.left_out)) fmt::print("{}", pages.left_out);
  fmt::print("{}", pages.table);
  if (page.empty()) return "";
  const bool made = fs::exists(page);
  folder.commit({kPage});
  return made ? fmt::format("report: {}\n", (folder.folder() / kPage).string()) : "";
}

void end_with(const std::string& failures, int& exit_code) {
  if (failures.empty()) return;
  std::fflush(stdout);
  fmt::print(stderr, "aqpim: {}", failures);
  exit_code = static_cast<int>(ExitCode::kFailure);
}

}  // namespace aqpim::app
