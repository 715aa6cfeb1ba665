// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "app/command_line.h"
#include "app/commands.h"
#include "app/one_report.h"
#include "app/options.h"
#include "app/progress.h"
#include "app/run.h"
#include "app/selection.h"
#include "sw/cache/timeline.h"
#include "sw/config/config.h"
#include "sw/config/error.h"
#include "sw/report/result_folder.h"
#include "sw/study/accuracy_files.h"
#include "sw/study/accuracy_study.h"
#include "sw/workload/workload.h"

namespace aqpim::app {

namespace {

// All files of a run; an older run may have left a picture that this one cannot draw.
const OneReport kReport = {"accuracy",
                           {"accuracy.csv", "accuracy.json", "accuracy.md", "report.html",
                            "error_bits.png", "error_queries.png"}};

struct Arguments {
  std::vector<std::string> workloads;
  std::vector<std::string> configurations;  // empty: all
  workload::LoadOptions load;
  std::string out = "build/accuracy";
  std::string page;  // empty: none
  std::string variants = "all";
  study::StudyOptions options;
};

// The wanted heads. Where configurations are named, heads that none of them fits are left out.
std::vector<workload::Workload> load_all(
    const Arguments& arguments, const std::vector<const config::Configuration*>& configurations) {
  std::set<std::string> seen;
  for (const std::string& path : arguments.workloads) {
    if (!seen.insert(path).second) throw InputError(fmt::format("{} is given twice", path));
  }
  std::vector<workload::Workload> workloads = load_workloads(arguments.workloads, arguments.load);
  if (arguments.configurations.empty()) return workloads;
  const auto fits = [&](const workload::HeadFacts& head,
                        const config::Configuration* configuration) {
    return configuration->engine.head_dim == head.head_dim;
  };
  for (const config::Configuration* configuration : configurations) {
    const bool of_use = std::ranges::any_of(workloads, [&](const workload::Workload& workload) {
      return std::ranges::any_of(workload.heads, [&](const workload::HeadFacts& head) {
        return fits(head, configuration);
      });
    });
    if (of_use) continue;
    throw InputError(fmt::format(
        "configuration {} is for heads of {} channels, of which {} {} none", configuration->name,
        configuration->engine.head_dim, fmt::join(arguments.workloads, ", "),
        arguments.workloads.size() == 1 ? "has" : "have"));
  }
  for (workload::Workload& workload : workloads) {
    std::erase_if(workload.heads, [&](const workload::HeadFacts& head) {
      return std::ranges::none_of(configurations, [&](const config::Configuration* configuration) {
        return fits(head, configuration);
      });
    });
  }
  std::erase_if(workloads,
                [](const workload::Workload& workload) { return workload.heads.empty(); });
  return workloads;
}

// What gives the same figures again.
std::string command_of(const Arguments& arguments) {
  std::string command = "aqpim accuracy";
  for (const std::string& path : arguments.workloads) command += " --workload " + shell_word(path);
  const auto add_list = [&](const char* option, const std::vector<std::string>& names) {
    if (!names.empty()) command += fmt::format(" --{} {}", option, fmt::join(names, ","));
  };
  add_list("config", arguments.configurations);
  add_list("heads", arguments.load.heads);
  if (arguments.options.queries)
    command += fmt::format(" --queries {}", *arguments.options.queries);
  if (arguments.load.nonfinite == workload::Nonfinite::kSaturate) command += " --allow-nonfinite";
  if (arguments.options.prefill) {
    command += fmt::format(" --prefill {}", *arguments.options.prefill);
  }
  if (arguments.load.queries_first) command += " --queries-first";
  if (arguments.options.only_standard) command += " --variants standard";
  return command;
}

void run(Arguments& arguments) {
  arguments.options.only_standard = arguments.variants == "standard";
  const std::vector<const config::Configuration*> configurations =
      wanted_configurations(arguments.configurations);
  std::vector<workload::Workload> workloads = load_all(arguments, configurations);
  for (workload::Workload& workload : workloads) {
    set_outliers_apart(workload, cache::TimelineOptions{}.sinks, arguments.options.prefill);
    warn_of_outliers(workload);
  }
  check_page(kReport, arguments.page);
  report::ResultFolder folder(arguments.out);
  study::Study study;
  {
    ProgressLine progress;
    study = study::measure(
        workloads, configurations, arguments.options,
        [&](const std::string& what, double fraction) { progress.show(what, fraction); });
  }
  write_report(kReport, study::to_json(study, command_of(arguments)), folder, arguments.page);
}

}  // namespace

void add_accuracy(CLI::App& app, int&) {
  CLI::App* command = app.add_subcommand(
      "accuracy",
      "Measure the attention error of every option of the cache, and of integer caches.");
  const auto arguments = std::make_shared<Arguments>();
  arguments->options.threads = processors();
  add_workloads_options(*command, arguments->workloads);
  add_configurations_option(*command, arguments->configurations, "those that fit the heads");
  add_load_options(*command, arguments->load);
  add_queries_option(*command, arguments->options.queries);
  add_prefill_option(*command, arguments->options.prefill);
  command
      ->add_option("--variants", arguments->variants,
                   "all: every combination of options; standard: those of the configurations")
      ->check(CLI::IsMember({"all", "standard"}))
      ->capture_default_str();
  command->add_option("--threads", arguments->options.threads, "threads that work")
      ->check(CLI::Range(1, 1024))
      ->capture_default_str();
  command->add_option("--out", arguments->out, "folder of the results")->capture_default_str();
  command->add_option("--page", arguments->page,
                      "Markdown file whose tables are replaced by those of this run");
  command->callback([arguments] { run(*arguments); });
}

}  // namespace aqpim::app
