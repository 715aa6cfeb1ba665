// SPDX-License-Identifier: Apache-2.0
//
// The skeleton of commands that play captured heads, a job per configuration and workload:
//
//   options --> heads that fit --> jobs, side by side --> folders, in their order --> exit code
//
// What a job plays, writes and says is the command's.
#pragma once

#include <CLI/CLI.hpp>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "app/options.h"
#include "sw/config/config.h"
#include "sw/report/result_folder.h"
#include "sw/workload/workload.h"

namespace aqpim::app {

unsigned processors();  // at least 1

struct RunOptions {
  std::vector<std::string> workloads = {};       // paths
  std::vector<std::string> configurations = {};  // empty: those that fit
  workload::LoadOptions load = {};
  std::optional<std::size_t> queries = {};
  std::string out;
  std::uint64_t seed = 1;
  bool waves = false;
  unsigned jobs = processors();  // side by side
  CacheOptions cache = {};
};

// Adds the options that runs have in common, all but the workload's; `seeded` and `waves` say what
// the seed is of, and which waves there are. `options` must outlive the parsing.
void add_run_options(CLI::App& command, RunOptions& options, const std::string& seeded,
                     const std::string& waves);

// Sets outliers apart in what the workloads read, and opens the calibration. Throws InputError.
void prepare_workloads(std::vector<workload::Workload>& workloads, RunOptions& options);

// The heads of a workload that a configuration is for, one at least.
struct Selection {
  const config::Configuration* configuration = nullptr;
  const workload::Workload* workload = nullptr;
  std::vector<const workload::HeadFacts*> heads;
};

// Of every wanted configuration, and every workload that has heads for it. Throws InputError if a
// configuration that was named has none. `fits` may refuse a configuration that was not named; it
// throws InputError of one that was.
std::vector<Selection> select_heads(
    const std::vector<workload::Workload>& workloads, const RunOptions& options,
    const std::function<bool(const config::Configuration&)>& fits = {});

// How far a job is, 0 … 1, and what it is at.
using JobProgress = std::function<void(const std::string& what, double fraction)>;

enum class Ending { kEqual, kUnequal, kFailed };

class Job {
 public:
  explicit Job(Selection selection) : selection_(std::move(selection)) {}
  virtual ~Job() = default;
  Job(const Job&) = delete;
  Job& operator=(const Job&) = delete;

  const config::Configuration& configuration() const { return *selection_.configuration; }
  const workload::Workload& workload() const { return *selection_.workload; }
  const std::vector<const workload::HeadFacts*>& heads() const { return selection_.heads; }

  // Plays all heads. Returns what is not as it has to be, a sentence per line. Throws tb::RunFailed
  // or system::CommandRefused if it cannot go on. Jobs play at the same time.
  virtual std::string play(const report::ResultFolder& folder, const JobProgress& progress) = 0;

  // Of a run that did not fail: report.json, which other files are made from (sw/report/pages.h).
  // Throws InputError if a figure is not finite.
  virtual std::string json() const = 0;

  // Writes files that are not made from it. Throws InputError.
  virtual void write(const report::ResultFolder&) {}

  // What is said when the files are where they belong, or not to be written; `table` is what the
  // terminal shows of report.json.
  virtual std::string describe(Ending ending, const std::string& folder,
                               const std::string& table) const = 0;

 private:
  Selection selection_;
};

using Jobs = std::vector<std::unique_ptr<Job>>;

// Where the results of each job go: OUT/<configuration>, OUT itself if one configuration was named,
// and a folder per workload in it where several would share one. Throws InputError if one cannot be
// written, or if two would be the same.
std::vector<report::ResultFolder> make_folders(const Jobs& jobs, const RunOptions& options);

struct Played {
  std::string failures;                        // what went wrong, a sentence per line
  std::vector<std::filesystem::path> reports;  // report.json of each job that did not fail
  std::set<std::string> left_out;              // what has been said of files that are not made
};

// Plays the jobs, and tells and writes in their order; `files` are all names that a run may write,
// as an older one may have left some. Throws InputError if results cannot be written.
Played play(const Jobs& jobs, std::vector<report::ResultFolder>& folders, unsigned side_by_side,
            const std::vector<const char*>& files);

// If all is well, writes OUT/report.html, a page of all jobs. Returns the line that says where it
// is, and prints the table of all jobs before, if it is wanted.
std::string write_page(const Played& played, const std::string& out, bool table);

// The end of a command: says what went wrong, if anything did.
void end_with(const std::string& failures, int& exit_code);

}  // namespace aqpim::app
