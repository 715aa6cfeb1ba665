// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "app/command_line.h"
#include "app/commands.h"
#include "app/files.h"
#include "app/options.h"
#include "app/run.h"
#include "app/selection.h"
#include "app/simulation.h"
#include "sw/cache/cache_file.h"
#include "sw/config/error.h"
#include "sw/quantize/quantize.h"
#include "sw/report/report.h"
#include "sw/report/result_folder.h"
#include "sw/workload/atomic_file.h"
#include "sw/workload/workload.h"
#include "tb/engine/env.h"
#include "tb/reducer/reducer_env.h"

namespace aqpim::app {

namespace {

namespace fs = std::filesystem;

constexpr const char* kWaves = "waves.fst";
// All files of a run; an older run may have left those that this one does not write.
const std::vector<const char*> kResultFiles = {"report.json", "report.csv", "outputs.safetensors",
                                               "attention.png", kWaves};

struct Arguments {
  std::string command;  // what was typed
  RunOptions run{.out = "build/sim"};
  std::string spacing = "1";
  bool software_prefill = false;
  unsigned engines = 1;

  tb::Pace pace() const {
    return spacing == "random" ? tb::Pace::random()
                               : tb::Pace{static_cast<unsigned>(std::stoul(spacing))};
  }
};

// One configuration on the heads of one workload that fit it, on one engine and one reducer.
class SimJob : public Job {
 public:
  SimJob(Selection selection, const Arguments& arguments)
      : Job(std::move(selection)),
        arguments_(arguments),
        options_(arguments.run.cache.for_configuration(configuration())),
        // What only software can do.
        software_prefill_(arguments.software_prefill || configuration().engine.quantize == 0 ||
                          options_.clustering != quantize::Clustering::kFixed) {
    for (const workload::HeadFacts* head : heads()) {
      queries_.push_back(quantize::queries_of(*head, options_, arguments.run.queries));
    }
  }

  // Of a run that did not fail.
  const std::optional<report::RunReport>& report() const { return report_; }

  std::string play(const report::ResultFolder& folder, const JobProgress& progress) override {
    report::RunReport report{.command = arguments_.command,
                             .configuration = configuration(),
                             .workload_file = workload().path,
                             .workload_sha256 = workload().sha256,
                             .workload_metadata = workload().metadata,
                             .workload_queries_first = workload().queries_first,
                             .options = options_,
                             .seed = arguments_.run.seed,
                             .spacing = arguments_.pace().every,
                             .software_prefill = software_prefill_,
                             .engines = arguments_.engines,
                             .simulation_seconds = 0.0,
                             .heads = {}};
    outputs_.metadata = workload().metadata;
    outputs_.metadata["configuration"] = configuration().name;
    outputs_.metadata["workload_sha256"] = workload().sha256;

    tb::Env env(configuration(), {.seed = arguments_.run.seed});
    std::optional<tb::ReducerEnv> reducer;
    if (!software_prefill_) reducer.emplace(configuration(), arguments_.run.seed);
    if (arguments_.run.waves) env.model().open_waves(folder.file(kWaves));
    const SimulationOptions simulation{.pace = arguments_.pace(),
                                       .software_prefill = software_prefill_,
                                       .engines = arguments_.engines};
    std::uint64_t values = 0;
    std::uint64_t cache_mismatches = 0;
    for (std::size_t i = 0; i < heads().size(); ++i) {
      const workload::Head head = workload().read(*heads()[i]);
      const std::string what =
          fmt::format("{}: {} of {}, head {} of {}:", configuration().name, head.name,
                      fs::path(workload().path).filename().string(), i + 1, heads().size());
      HeadRun head_run = simulate({env, reducer ? &*reducer : nullptr}, head, options_, queries_[i],
                                  simulation, [&](double fraction) { progress(what, fraction); });
      cache::add_tensors(
          outputs_, head_run.cache,
          {.queries = queries_[i], .groups = head.groups, .outputs = std::move(head_run.outputs)});
      report.simulation_seconds += head_run.seconds;
      values += head.groups * queries_[i].size() * head.head_dim;
      cache_mismatches += head_run.cache_mismatches;
      report.heads.push_back(std::move(head_run.report));
    }
    env.model().close_waves();
    report_ = std::move(report);
    // Each output comes from one tile at least, each centroid element from a division.
    std::string verdict = env.verdict(values);
    if (reducer) verdict += reducer->verdict(heads().size());
    if (cache_mismatches > 0) {
      verdict += fmt::format("{}: {} bytes of codebooks and codes are not those of software\n",
                             configuration().name, cache_mismatches);
    }
    return verdict;
  }

  std::string json() const override { return report::to_json_text(*report_); }

  void write(const report::ResultFolder& folder) override {
    workload::AtomicFile file(folder.file("outputs.safetensors"));
    file.write(workload::serialize(std::exchange(outputs_, {})));
    file.commit();
  }

  std::string describe(Ending ending, const std::string& folder,
                       const std::string&) const override {
    const std::string title = fmt::format("{} on {}", configuration().name,
                                          fs::path(workload().path).filename().string());
    if (ending == Ending::kFailed) return title + ": FAILED; no results written\n";
    if (ending == Ending::kUnequal) return title + ": NOT equal; no results written\n";
    return fmt::format("{}: equal{}; results in {}\n", title,
                       software_prefill_ ? ", codebooks and codes by software" : "", folder);
  }

 private:
  const Arguments& arguments_;
  quantize::QuantizeOptions options_;
  bool software_prefill_;
  std::vector<std::vector<std::size_t>> queries_;  // of each head
  std::optional<report::RunReport> report_;
  workload::File outputs_;
};

// Every configuration on every workload that has heads for it. Each workload must be of some use,
// or the user meant something else.
Jobs make_jobs(const std::vector<workload::Workload>& workloads, const Arguments& arguments) {
  Jobs jobs;
  std::set<const workload::HeadFacts*> used;
  const bool named = !arguments.run.configurations.empty();
  for (Selection& selection : select_heads(workloads, arguments.run)) {
    used.insert(selection.heads.begin(), selection.heads.end());
    jobs.push_back(std::make_unique<SimJob>(std::move(selection), arguments));
  }
  for (const workload::Workload& workload : workloads) {
    for (const workload::HeadFacts& head : workload.heads) {
      const bool asked_for = !arguments.run.load.heads.empty() || !named;
      if (used.contains(&head) || !asked_for) continue;
      throw InputError(fmt::format("no {}configuration is for the {} channels of {} in {}",
                                   named ? "wanted " : "", head.head_dim, head.name,
                                   workload.path));
    }
  }
  return jobs;
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
  std::vector<workload::Workload> workloads =
      load_workloads(arguments.run.workloads, arguments.run.load);
  prepare_workloads(workloads, arguments.run);
  const Jobs jobs = make_jobs(workloads, arguments);
  std::vector<report::ResultFolder> folders = make_folders(jobs, arguments.run);

  fmt::print("seed {}, {}\n", arguments.run.seed,
             arguments.spacing == "1"        ? "a word every cycle"
             : arguments.spacing == "random" ? "words with random gaps"
                                             : "a word every " + arguments.spacing + " cycles");
  std::fflush(stdout);
  const Played played = play(jobs, folders, arguments.run.jobs, kResultFiles);
  std::vector<report::RunReport> reports;
  for (const std::unique_ptr<Job>& job : jobs) {
    const auto& report = dynamic_cast<const SimJob&>(*job).report();
    if (report) reports.push_back(*report);
  }
  const std::string page = write_page(played, arguments.run.out, true);
  for (const report::RunReport& report : reports) {
    fmt::print("{}", report::saturation_lines(report));
  }
  if (played.failures.empty()) print_speed(reports);
  fmt::print("{}", page);
  end_with(played.failures, exit_code);
}

}  // namespace

void add_sim(CLI::App& app, int& exit_code) {
  CLI::App* command = app.add_subcommand(
      "sim", "Play captured heads through the RTL, compare with the golden model, report.");
  const auto arguments = std::make_shared<Arguments>();
  add_workloads_options(*command, arguments->run.workloads);
  add_run_options(*command, arguments->run, "of the power-up state and of random gaps",
                  "write waveforms, waves.fst, beside the other results; large unless with "
                  "--software-prefill");
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
  command->callback([command, arguments, &exit_code] {
    arguments->command = command_line(*command);
    run_all(*arguments, exit_code);
  });
}

}  // namespace aqpim::app
