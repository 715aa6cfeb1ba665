// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "app/commands.h"
#include "app/files.h"
#include "app/one_report.h"
#include "app/options.h"
#include "sw/config/config.h"
#include "sw/config/embedded.h"
#include "sw/config/error.h"
#include "sw/config/json.h"
#include "sw/config/memory.h"
#include "sw/performance/area.h"
#include "sw/performance/decoding_files.h"
#include "sw/report/result_folder.h"

namespace aqpim::app {

namespace {

namespace fs = std::filesystem;
using performance::LanguageModel;
using performance::Node;
using performance::Server;

const OneReport kReport = {"system",
                           {"system.csv", "system.json", "system.md", "report.html", "system.png"}};

// Of the published die, 121 mm², 13.12 mm² are FP16 units, one at each bank (AttAcc, ASPLOS 2024).
constexpr double kUnitShare = 0.1084;

struct Arguments {
  std::vector<std::string> models;  // empty: all
  std::string node;                 // empty: the smallest that holds the weights
  std::vector<std::string> designs = {"gpu", "attacc", "pq4-1", "pq4-w256-2"};
  std::vector<unsigned> batches = performance::SystemGrid{}.batches;
  std::vector<unsigned> contexts = performance::SystemGrid{}.contexts;
  std::string memory = "hbm3-5200";
  std::string overlap = "none";
  std::string deal = "whole";
  bool no_power_limit = false;
  std::optional<std::string> area;
  std::string out = "build/system";
  std::string page;  // empty: none
};

const std::map<std::string, performance::Overlap> kOverlaps = {
    {"none", performance::Overlap::kNone},
    {"link", performance::Overlap::kLink},
    {"layers", performance::Overlap::kLayers}};
const std::map<std::string, performance::Deal> kDeals = {{"whole", performance::Deal::kWhole},
                                                         {"even", performance::Deal::kEven}};

// The text of configs/<folder>/NAME.json, or of a file of the user if `name` ends in .json.
std::string text_of(const std::string& what, const std::string& name,
                    std::span<const config::EmbeddedFile> files) {
  if (name.ends_with(".json")) return read_text(name);
  std::vector<std::string> known;
  for (const config::EmbeddedFile& file : files) {
    if (name == file.name) return file.text;
    known.emplace_back(file.name);
  }
  throw InputError(fmt::format("there is no {} {}, built are {}; a file of your own ends in .json",
                               what, in_quotes(name), fmt::join(known, ", ")));
}

std::string stem(const std::string& name) {
  return name.ends_with(".json") ? fs::path(name).stem().string() : name;
}

LanguageModel find_model(const std::string& name) {
  return performance::parse_language_model(stem(name),
                                           text_of("model", name, config::embedded_models()));
}

Node find_node(const std::string& name) {
  return performance::parse_node(stem(name), text_of("node", name, config::embedded_nodes()));
}

// The fewest GPUs whose memory holds the weights, among the nodes that were built in.
Node usual_node(const LanguageModel& model) {
  std::optional<Node> found;
  for (const config::EmbeddedFile& file : config::embedded_nodes()) {
    const Node node = performance::parse_node(file.name, file.text);
    const double bytes = model.weights() * model.bytes_per_weight / node.gpus;
    const bool holds = bytes < node.stacks * node.stack_gb * 1e7 * node.usable_percent;
    if (holds && (!found || node.gpus < found->gpus)) found = node;
  }
  if (!found) {
    throw InputError(
        fmt::format("no node that was built in holds the weights of {}: name one", model.name));
  }
  return *found;
}

Server find_server(const std::string& name) {
  if (name == "gpu") return {.kind = Server::Kind::kGpu};
  if (name == "attacc") return {.kind = Server::Kind::kAttacc};
  const std::size_t dash = name.rfind('-');
  const std::string banks = dash == std::string::npos ? "" : name.substr(dash + 1);
  if (banks.size() != 1 || banks.front() < '1' || banks.front() > '9') {
    throw InputError(
        fmt::format("design {} is neither gpu nor attacc nor CONFIGURATION-BANKS, e.g. pq4-w256-2",
                    in_quotes(name)));
  }
  return {.kind = Server::Kind::kEngines,
          .design = {&config::find_configuration(name.substr(0, dash)),
                     static_cast<unsigned>(banks.front() - '0')}};
}

// Charges the logic's area to the capacity of the stacks.
void charge_area(std::vector<Server>& servers, const std::string& folder) {
  const std::vector<performance::ChannelArea> areas = performance::read_areas(folder);
  for (Server& server : servers) {
    if (server.kind == Server::Kind::kAttacc) server.die_share = kUnitShare;
    if (server.kind != Server::Kind::kEngines) continue;
    const std::string name = server.design.configuration->name +
                             (server.design.banks_per_engine == 1
                                  ? ""
                                  : fmt::format("-{}banks", server.design.banks_per_engine));
    const auto found = std::ranges::find(areas, name, &performance::ChannelArea::configuration);
    if (found == areas.end()) {
      throw InputError(
          fmt::format("{} has no area of {} as make area TOP=pq_channel writes it", folder, name));
    }
    server.die_share = kUnitShare * found->all / found->fp16_unit;
    if (server.die_share >= 1.0) {
      throw InputError(
          fmt::format("{} takes {:.2f} times the area of its memory die", name, server.die_share));
    }
  }
}

std::string command_of(const Arguments& arguments) {
  std::string command = "aqpim system";
  if (!arguments.models.empty()) {
    command += fmt::format(" --model {}", fmt::join(arguments.models, ","));
  }
  if (!arguments.node.empty()) command += fmt::format(" --node {}", arguments.node);
  command += fmt::format(" --design {} --overlap {} --deal {}", fmt::join(arguments.designs, ","),
                         arguments.overlap, arguments.deal);
  if (arguments.no_power_limit) command += " --no-power-limit";
  if (arguments.area) command += fmt::format(" --charge-area {}", *arguments.area);
  return command;
}

performance::SystemGrid grid_of(const Arguments& arguments) {
  performance::SystemGrid grid;
  std::vector<std::string> names = arguments.models;
  if (names.empty()) {
    for (const config::EmbeddedFile& file : config::embedded_models())
      names.emplace_back(file.name);
  }
  for (const std::string& name : names) {
    grid.models.push_back(find_model(name));
    grid.nodes.push_back(arguments.node.empty() ? usual_node(grid.models.back())
                                                : find_node(arguments.node));
  }
  for (const std::string& name : arguments.designs) grid.servers.push_back(find_server(name));
  if (arguments.area) charge_area(grid.servers, *arguments.area);
  grid.batches = arguments.batches;
  grid.contexts = arguments.contexts;
  grid.serving = {.overlap = kOverlaps.at(arguments.overlap),
                  .deal = kDeals.at(arguments.deal),
                  .power_limited = !arguments.no_power_limit};
  return grid;
}

void run(const Arguments& arguments) {
  const performance::SystemGrid grid = grid_of(arguments);
  check_page(kReport, arguments.page);
  report::ResultFolder folder(arguments.out);
  performance::NodeModel system(config::find_memory(arguments.memory));
  const std::vector<performance::SystemRow> rows = performance::serve(system, grid);
  write_report(kReport, performance::to_json(system, rows, command_of(arguments)), folder,
               arguments.page);
}

}  // namespace

void add_system(CLI::App& app, int&) {
  CLI::App* command = app.add_subcommand(
      "system", "One decoding step of a language model on a node: what fits, how fast, and why.");
  const auto arguments = std::make_shared<Arguments>();
  add_list(*command, "--model", arguments->models,
           "models of configs/model, or files of your own (default: all of configs/model)");
  command->add_option("--node", arguments->node,
                      "node of configs/node, or a file of your own (default: the smallest that "
                      "holds the model's weights)");
  add_list(*command, "--design", arguments->designs,
           "gpu, attacc, or CONFIGURATION-BANKS with the banks of an engine (default: "
           "gpu,attacc,pq4-1,pq4-w256-2)");
  add_list(*command, "--batch", arguments->batches, "sequences, e.g. 8,32 (default: 1 to 256)")
      ->check(CLI::Range(1u, 1u << 16));
  add_list(*command, "--context", arguments->contexts,
           "tokens of each sequence, e.g. 8192,32768 (default: 1K to 128K)")
      ->check(CLI::Range(1u, 1u << 24));
  command->add_option("--memory", arguments->memory, "memory")->capture_default_str();
  command
      ->add_option(
          "--overlap", arguments->overlap,
          "what runs at the same time: none, link (the link to the host beside attention), "
          "layers (GPU, banks and links beside each other)")
      ->check(CLI::IsMember({"none", "link", "layers"}))
      ->capture_default_str();
  command
      ->add_option("--deal", arguments->deal,
                   "heads to stacks: whole, or even, as if they could be divided")
      ->check(CLI::IsMember({"whole", "even"}))
      ->capture_default_str();
  command->add_flag("--no-power-limit", arguments->no_power_limit,
                    "columns as fast as the banks can");
  command->add_option("--charge-area", arguments->area,
                      "take the area of the logic from the capacity: the folder that make area "
                      "TOP=pq_channel has written");
  command->add_option("--out", arguments->out, "folder of the results")->capture_default_str();
  command->add_option("--page", arguments->page,
                      "Markdown file whose tables are replaced by those of this run");
  command->callback([arguments] { run(*arguments); });
}

}  // namespace aqpim::app
