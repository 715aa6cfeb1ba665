// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "app/commands.h"
#include "app/one_report.h"
#include "app/options.h"
#include "app/progress.h"
#include "app/run.h"
#include "app/selection.h"
#include "sw/config/config.h"
#include "sw/config/error.h"
#include "sw/config/memory.h"
#include "sw/performance/area.h"
#include "sw/performance/comparison.h"
#include "sw/performance/comparison_files.h"
#include "sw/performance/measurement.h"
#include "sw/report/result_folder.h"
#include "sw/study/parallel.h"
#include "tb/channel/attention_run.h"
#include "tb/channel/channel_models.h"
#include "tb/common/run_failed.h"

namespace aqpim::app {

namespace {

constexpr const char* kUsualAreas = "build/area/nangate45_typ/pq_channel";
const OneReport kReport = {
    "compare",
    {"compare.json", "compare.csv", "charged.csv", "energy.csv", "measured.csv", "compare.md",
     "report.html", "speedup.png", "cycles.png"}};

struct Arguments {
  std::vector<std::string> configurations;  // empty: all that fit
  std::string memory = "hbm3-5200";
  std::string out = "build/compare";
  std::string page;  // empty: none
  std::optional<std::string> area;
  std::string measure = "some";
  unsigned threads = 1;
  std::uint64_t seed = 1;
};

const std::map<std::string, performance::Effort> kEfforts = {{"none", performance::Effort::kNone},
                                                             {"some", performance::Effort::kSome},
                                                             {"all", performance::Effort::kAll}};

std::string command_of(const Arguments& arguments) {
  std::string command = "aqpim compare";
  if (!arguments.configurations.empty()) {
    command += fmt::format(" --config {}", fmt::join(arguments.configurations, ","));
  }
  return fmt::format("{} --memory {} --measure {}", command, arguments.memory, arguments.measure);
}

// Runs the RTL at these points. Returns what went wrong, a line each.
std::string measure(const Arguments& arguments, const performance::Comparison& comparison,
                    std::vector<performance::Measurement>& points) {
  ProgressLine progress;
  std::vector<std::string> failures(points.size());
  progress.show("simulating", 0.0);
  // Long ones first.
  std::vector<std::size_t> order(points.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::ranges::stable_sort(order, std::ranges::greater{},
                           [&](std::size_t i) { return points[i].tokens; });
  study::parallel_for(points.size(), arguments.threads, [&](std::size_t i) {
    performance::Measurement& point = points[order[i]];
    const performance::Design& design = comparison.designs()[point.design];
    const tb::ChannelBuild& build =
        tb::find_channel(design.configuration->name, comparison.memory().name,
                         design.banks_per_engine, point.power_limited);
    try {
      const tb::AttentionRun run = tb::run_attention(build, point.set, {.seed = arguments.seed});
      point.cycles = run.cycles;
      point.latency = run.latency;
      point.attends = run.attends;
      point.intervals = static_cast<double>(run.span) / comparison.memory().timing.refresh_interval;
      point.score_delivered = run.score_delivered;
      point.accumulate_delivered = run.accumulate_delivered;
      point.compared = run.compared;
      failures[i] = run.failure;
    } catch (const tb::RunFailed& failure) {
      failures[i] = std::string(failure.what()) + "\n";
    }
  });
  return fmt::format("{}", fmt::join(failures, ""));
}

// Before work begins: what is going to be simulated is there.
void check_rtl(const std::vector<performance::Design>& designs, const config::Memory& memory) {
  for (const performance::Design& design : designs) {
    for (const bool power_limited : {true, false}) {
      tb::load_channel_module(tb::find_channel(design.configuration->name, memory.name,
                                               design.banks_per_engine, power_limited)
                                  .name);
    }
  }
}

void run(const Arguments& arguments, int& exit_code) {
  const config::Memory& memory = config::find_memory(arguments.memory);
  const std::vector<performance::Design> designs =
      performance::designs_of(wanted_configurations(arguments.configurations), memory);
  if (designs.empty()) {
    throw InputError(fmt::format("no configuration fits next to the banks of {}", memory.name));
  }
  check_page(kReport, arguments.page);
  const std::vector<performance::ChannelArea> areas =
      performance::read_areas(arguments.area.value_or(kUsualAreas));
  if (arguments.area && areas.empty()) {
    throw InputError(
        fmt::format("{} has no areas as make area TOP=pq_channel writes them", *arguments.area));
  }
  if (arguments.measure != "none") check_rtl(designs, memory);

  report::ResultFolder folder(arguments.out);
  performance::Comparison comparison(designs, memory);
  const performance::Grid grid;
  std::vector<performance::Measurement> measured =
      performance::measurements(comparison, grid, kEfforts.at(arguments.measure));
  const std::string failures = measure(arguments, comparison, measured);
  if (!failures.empty()) {
    return end_with(failures, exit_code);
  }
  for (const performance::Measurement& point : measured) {
    comparison.measured(point.design, point.power_limited, point.set, point.cycles, point.latency);
  }
  write_report(kReport,
               performance::to_json(comparison, grid, measured, areas, command_of(arguments)),
               folder, arguments.page);
}

}  // namespace

void add_compare(CLI::App& app, int& exit_code) {
  CLI::App* command = app.add_subcommand(
      "compare", "Compare attention on codes with FP16 attention next to the banks.");
  const auto arguments = std::make_shared<Arguments>();
  add_configurations_option(*command, arguments->configurations,
                            "those that fit next to the banks");
  command->add_option("--memory", arguments->memory, "memory")->capture_default_str();
  command->add_option(
      "--area", arguments->area,
      fmt::format("folder that make area TOP=pq_channel has written (default: {}, if it has)",
                  kUsualAreas));
  command->add_option("--out", arguments->out, "folder of the results")->capture_default_str();
  command->add_option("--page", arguments->page,
                      "Markdown file whose tables are replaced by those of this run");
  command
      ->add_option("--measure", arguments->measure,
                   "points that are simulated in RTL: none, some (of each design 1K, 4K and 32K, "
                   "and 8K without power limit), "
                   "all")
      ->check(CLI::IsMember({"none", "some", "all"}))
      ->capture_default_str();
  arguments->threads = processors();
  command->add_option("--threads", arguments->threads, "threads that simulate")
      ->check(CLI::Range(1, 1024))
      ->capture_default_str();
  command->add_option("--seed", arguments->seed, "of contents and queries of the RTL runs")
      ->capture_default_str();
  command->callback([arguments, &exit_code] { run(*arguments, exit_code); });
}

}  // namespace aqpim::app
