// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cctype>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "app/commands.h"
#include "app/files.h"
#include "app/options.h"
#include "app/progress.h"
#include "app/run.h"
#include "app/selection.h"
#include "sw/cache/timeline.h"
#include "sw/config/config.h"
#include "sw/config/error.h"
#include "sw/report/markdown.h"
#include "sw/report/result_folder.h"
#include "sw/study/accuracy_files.h"
#include "sw/study/accuracy_plot.h"
#include "sw/study/accuracy_study.h"
#include "sw/workload/workload.h"

namespace aqpim::app {

namespace {

namespace fs = std::filesystem;

constexpr const char* kBitsPicture = "error_bits.png";
constexpr const char* kQueriesPicture = "error_queries.png";
// All files of a run; an older run may have left a picture that this one cannot draw.
const std::vector<const char*> kResultFiles = {"accuracy.csv", "accuracy.json", "accuracy.md",
                                               kBitsPicture, kQueriesPicture};

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

// As one word of a shell.
std::string shell_word(const std::string& text) {
  const bool plain = std::ranges::all_of(text, [](unsigned char c) {
    return std::isalnum(c) != 0 || c >= 0x80 ||
           std::string_view("_./-+,=:@%").find(static_cast<char>(c)) != std::string_view::npos;
  });
  if (plain) return text;
  std::string word = "'";
  for (const char c : text) word += c == '\'' ? "'\\''" : std::string(1, c);
  return word + "'";
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
  // A page without a place for the tables is found before the work.
  const std::string page = arguments.page.empty() ? "" : read_text(arguments.page);
  if (!arguments.page.empty()) report::with_tables(arguments.page, page, "accuracy", "");

  report::ResultFolder folder(arguments.out);
  study::Study study;
  {
    ProgressLine progress;
    study = study::measure(
        workloads, configurations, arguments.options,
        [&](const std::string& what, double fraction) { progress.show(what, fraction); });
  }
  const std::string tables = study::to_markdown(study, command_of(arguments));
  write_file(folder.file("accuracy.csv"), study::to_csv(study));
  write_file(folder.file("accuracy.json"), study::to_json_text(study));
  write_file(folder.file("accuracy.md"), tables);
  const fs::path scripts = AQPIM_SCRIPTS;
  for (const std::optional<std::string>& obstacle :
       {study::draw_error_by_bits(scripts / "plot_error_bits.gp", folder.file(kBitsPicture), study),
        study::draw_error_by_query(scripts / "plot_error_queries.gp", folder.file(kQueriesPicture),
                                   study)}) {
    if (obstacle) fmt::print("{}\n", *obstacle);
  }
  folder.commit(kResultFiles);
  if (!arguments.page.empty()) {
    write_file(arguments.page, report::with_tables(arguments.page, page, "accuracy", tables));
  }
  fmt::print("{}\nresults in {}\n", tables, folder.folder().string());
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
