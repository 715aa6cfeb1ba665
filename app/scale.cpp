// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <memory>
#include <string>
#include <vector>

#include "app/commands.h"
#include "app/options.h"
#include "app/selection.h"
#include "sw/config/config.h"
#include "sw/config/error.h"
#include "sw/config/memory.h"
#include "sw/performance/attacc.h"
#include "sw/performance/stack.h"
#include "sw/system/placement.h"

namespace aqpim::app {

namespace {

using performance::Phase;
using performance::Spent;

struct Arguments {
  std::string configuration = "pq8";
  MemoryOptions memory;
  std::vector<unsigned> tokens = {32768};
  std::vector<unsigned> heads = {64};
  unsigned group = 1;
  unsigned window = 0;  // 0: usual_window()
};

double spent(const performance::StackCost& cost, Spent what) {
  return cost.channel.spent[static_cast<std::size_t>(what)];
}

constexpr const char* kHead =
    "{:>7} {:>5} {:>5} {:>6} {:>7} {:>5} {:>8} {:>8} {:>8} {:>9} {:>8} {:>8} {:>8} {:>5} {:>8} "
    "{:>8} {:>8}\n";
constexpr const char* kRow =
    "{:>7} {:>5} {:>5} {:>6} {:>7} {:>5} {:>8.0f} {:>8} {:>8.0f} {:>9.0f} {:>8.0f} {:>8.0f} "
    "{:>8.0f} {:>4.0f}% {:>8.2f} {:>8.0f} {:>8.2f}\n";

// What is asked for is what is used: an engine's windows are whole rows of codes, and a tile holds
// one at least.
void check_window(const config::ChannelShape& shape, unsigned window) {
  system::check_window(shape, window);
  if (window > shape.engine.score_depth) {
    throw InputError(fmt::format("a tile must hold at least {} tokens of an engine, not {}", window,
                                 shape.engine.score_depth));
  }
}

std::string row_of(const Arguments& arguments, performance::StackModel& model,
                   const config::Memory& memory, const performance::Workload& workload,
                   unsigned window) {
  const performance::StackCost cost = model.cost(workload, window);
  const config::EngineConfig& engine = model.setup().shape.engine;
  const double attacc = performance::attacc_cycles(
      performance::built_attacc(), {.memory = &memory,
                                    .power_limited = !arguments.memory.no_power_limit,
                                    .head_dim = engine.head_dim,
                                    .tokens = workload.tokens,
                                    .heads = workload.heads});
  unsigned of_engine = 0;
  for (const performance::Attend& tile : cost.placement.query) of_engine += tile.tokens;
  const double waits = spent(cost, Spent::kPower) + spent(cost, Spent::kEngines) +
                       spent(cost, Spent::kTransfers) + spent(cost, Spent::kBus);
  return fmt::format(fmt::runtime(kRow), workload.tokens, workload.heads, workload.group,
                     cost.placement.query.front().window, of_engine, cost.placement.query.size(),
                     cost.channel.cycles, cost.latency, spent(cost, Spent::kTokens),
                     spent(cost, Spent::kCodebooks), spent(cost, Spent::kRows),
                     spent(cost, Spent::kRefresh), waits, 100.0 * cost.channel.bus_share,
                     cost.channel.cycles * memory.timing.clock_ps * 1e-6, attacc,
                     attacc / cost.channel.cycles);
}

void run(const Arguments& arguments) {
  const config::Memory& memory = config::find_memory(arguments.memory.name);
  const config::Configuration& configuration = config::find_configuration(arguments.configuration);
  const bool windows = configuration.window != 0;
  if (!windows && arguments.window != 0) {
    throw InputError(
        fmt::format("configuration {} has one codebook for all tokens", configuration.name));
  }
  performance::StackModel model(performance::make_setup(configuration.engine, memory,
                                                        arguments.memory.banks_per_engine,
                                                        !arguments.memory.no_power_limit));
  check_window(model.setup().shape, arguments.window);
  // Printed when all is known: bad input leaves no half of a table.
  std::string text =
      fmt::format("{}, {}, {}; cycles of the memory clock, {} ps\n", configuration.name,
                  memory.name, arguments.memory.describe(), memory.timing.clock_ps);
  text += fmt::format(fmt::runtime(kHead), "L", "heads", "group", "window", "engine", "tiles",
                      "cycles", "latency", "tokens", "codebooks", "rows", "refresh", "waits", "bus",
                      "us", "AttAcc", "speed-up");
  for (const unsigned tokens : arguments.tokens) {
    const unsigned window = !windows                ? 0
                            : arguments.window != 0 ? arguments.window
                                                    : performance::usual_window(tokens);
    for (const unsigned heads : arguments.heads) {
      text += row_of(arguments, model, memory,
                     {.tokens = tokens, .heads = heads, .group = arguments.group}, window);
    }
  }
  fmt::print("{}", text);
}

}  // namespace

void add_scale(CLI::App& app, int&) {
  CLI::App* command = app.add_subcommand(
      "scale", "Scale attention to a stack: any context, heads and groups of query heads.");
  const auto arguments = std::make_shared<Arguments>();
  command->add_option("--config", arguments->configuration, "configuration")->capture_default_str();
  add_memory_options(*command, arguments->memory);
  add_list(*command, "--tokens", arguments->tokens, "lengths of the context, e.g. 4096,32768")
      ->check(CLI::Range(1, 1 << 24));
  add_list(*command, "--heads", arguments->heads, "query heads, e.g. 16,64")
      ->check(CLI::Range(1, 4096));
  command->add_option("--group", arguments->group, "query heads that share keys and values")
      ->check(CLI::Range(1, 4096))
      ->capture_default_str();
  command
      ->add_option("--window", arguments->window,
                   "tokens of a codebook, if there are several (default: 1024); at most what an "
                   "engine has, L/16")
      ->check(CLI::Range(1, 1 << 24));
  command->callback([arguments] { run(*arguments); });
}

}  // namespace aqpim::app
