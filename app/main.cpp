// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <exception>
#include <new>
#include <string>
#include <system_error>
#include <vector>

#include "app/commands.h"
#include "sw/config/error.h"
#include "sw/workload/temporary.h"

namespace {

constexpr const char* kFooter =
    "Exit codes: 0 success, all values equal; 1 mismatch, violation or failed assertion; 2 bad "
    "input.";

constexpr const char* kNoMemory =
    "there is not enough memory for what was asked; shorter or fewer heads, and fewer --jobs or "
    "--threads, need less";

std::string subcommands(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::App* command : app.get_subcommands({})) names.push_back(command->get_name());
  return fmt::format("{}", fmt::join(names, ", "));
}

int bad_input(std::string sentence) {
  std::ranges::replace(sentence, '\n', ' ');
  fmt::print(stderr, "aqpim: {}\n", sentence);
  return static_cast<int>(aqpim::app::ExitCode::kBadInput);
}

int internal_error(const std::exception& error) {
  fmt::print(stderr, "aqpim: internal error: {}\n", error.what());
  return static_cast<int>(aqpim::app::ExitCode::kFailure);
}

}  // namespace

int main(int argc, char** argv) {
  using aqpim::app::ExitCode;
  aqpim::workload::end_cleanly_on_signals();
  CLI::App app(
      "Attention on product-quantized KV caches, played through the RTL of a near-bank engine.",
      "aqpim");
  app.set_version_flag("--version", "aqpim " AQPIM_VERSION);
  app.footer(kFooter);
  app.require_subcommand(0, 1);  // none is reported below: CLI11 would not say which there are

  int exit_code = static_cast<int>(ExitCode::kSuccess);
  aqpim::app::add_accuracy(app, exit_code);
  aqpim::app::add_channel(app, exit_code);
  aqpim::app::add_compare(app, exit_code);
  aqpim::app::add_info(app, exit_code);
  aqpim::app::add_quantize(app, exit_code);
  aqpim::app::add_prefill(app, exit_code);
  aqpim::app::add_scale(app, exit_code);
  aqpim::app::add_sim(app, exit_code);
  aqpim::app::add_system(app, exit_code);
  aqpim::app::add_trace(app, exit_code);
  aqpim::app::add_tutorial(app, exit_code);
  for (CLI::App* command : app.get_subcommands({})) command->footer(kFooter);

  try {
    app.parse(argc, argv);
    if (app.get_subcommands().empty()) {
      throw aqpim::InputError(fmt::format("a subcommand is required: {}", subcommands(app)));
    }
  } catch (const CLI::Success& success) {
    return app.exit(success);
  } catch (const CLI::ParseError& error) {
    return bad_input(error.what());
  } catch (const aqpim::InputError& error) {
    return bad_input(error.what());
  } catch (const std::bad_alloc&) {
    return bad_input(kNoMemory);
  } catch (const std::system_error& error) {
    // Of a thread that could not be started.
    if (error.code() == std::errc::resource_unavailable_try_again) return bad_input(kNoMemory);
    return internal_error(error);
  } catch (const std::exception& error) {
    return internal_error(error);
  }
  return exit_code;
}
