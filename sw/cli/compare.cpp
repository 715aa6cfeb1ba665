// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "sw/cli/commands.h"
#include "sw/cli/files.h"
#include "sw/cli/progress.h"
#include "sw/cli/selection.h"
#include "sw/config/config.h"
#include "sw/config/error.h"
#include "sw/config/memory.h"
#include "sw/performance/comparison.h"
#include "sw/performance/comparison_files.h"
#include "sw/report/markdown.h"
#include "sw/report/result_folder.h"

namespace aqpim::cli {

namespace {

namespace fs = std::filesystem;

constexpr const char* kSpeedupPicture = "speedup.png";
constexpr const char* kCyclesPicture = "cycles.png";
const std::vector<const char*> kResultFiles = {"compare.csv", "charged.csv",   "energy.csv",
                                               "compare.md",  kSpeedupPicture, kCyclesPicture};

struct Arguments {
  std::vector<std::string> configurations;  // empty: all that fit
  std::string memory = "hbm3-5200";
  std::string out = "build/compare";
  std::string page;  // empty: none
};

std::string command_of(const Arguments& arguments) {
  std::string command = "aqpim compare";
  if (!arguments.configurations.empty()) {
    command += fmt::format(" --config {}", fmt::join(arguments.configurations, ","));
  }
  return command + " --memory " + arguments.memory;
}

void run(const Arguments& arguments) {
  const config::Memory& memory = config::find_memory(arguments.memory);
  const std::vector<performance::Design> designs =
      performance::designs_of(wanted_configurations(arguments.configurations), memory);
  if (designs.empty()) {
    throw InputError(fmt::format("no configuration fits next to the banks of {}", memory.name));
  }
  const std::string page = arguments.page.empty() ? "" : read_text(arguments.page);
  if (!arguments.page.empty()) report::with_tables(arguments.page, page, "compare", "");

  report::ResultFolder folder(arguments.out);
  performance::Comparison comparison(designs, memory);
  const performance::Grid grid;
  std::vector<performance::ComparisonRow> rows;
  {
    ProgressLine progress;
    progress.show("modelling", 0.0);
    rows = performance::compare(comparison, grid);
  }
  const std::string tables =
      performance::to_markdown(comparison, grid, rows, command_of(arguments));
  write_file(folder.file("compare.csv"), performance::to_csv(rows, memory.name));
  write_file(folder.file("charged.csv"), performance::charged_csv(comparison, grid));
  write_file(folder.file("energy.csv"), performance::energy_csv(comparison, grid));
  write_file(folder.file("compare.md"), tables);
  const fs::path scripts = AQPIM_SCRIPTS;
  for (const std::optional<std::string>& obstacle :
       {performance::draw_speedup(scripts / "plot_speedup.gp", folder.file(kSpeedupPicture), rows,
                                  grid),
        performance::draw_cycles(scripts / "plot_cycles.gp", folder.file(kCyclesPicture),
                                 comparison, grid)}) {
    if (obstacle) fmt::print("{}\n", *obstacle);
  }
  folder.commit(kResultFiles);
  if (!arguments.page.empty()) {
    write_file(arguments.page, report::with_tables(arguments.page, page, "compare", tables));
  }
  fmt::print("{}\nresults in {}\n", tables, folder.folder().string());
}

}  // namespace

void add_compare(CLI::App& app, int&) {
  CLI::App* command = app.add_subcommand(
      "compare", "Compare attention on codes with FP16 attention next to the banks.");
  const auto arguments = std::make_shared<Arguments>();
  command
      ->add_option("--config", arguments->configurations,
                   "configurations, e.g. pq8,pq4 (default: those that fit next to the banks)")
      ->delimiter(',')
      ->allow_extra_args(false);
  command->add_option("--memory", arguments->memory, "memory")->capture_default_str();
  command->add_option("--out", arguments->out, "folder of the results")->capture_default_str();
  command->add_option("--page", arguments->page,
                      "Markdown file whose tables are replaced by those of this run");
  command->callback([arguments] { run(*arguments); });
}

}  // namespace aqpim::cli
