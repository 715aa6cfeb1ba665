// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <exception>

#include "sw/cli/commands.h"
#include "sw/config/error.h"

namespace {

constexpr const char* kFooter =
    "Exit codes: 0 success, all values equal; 1 mismatch or failed assertion; 2 bad input.";

}  // namespace

int main(int argc, char** argv) {
  using aqpim::cli::ExitCode;
  CLI::App app(
      "Attention on product-quantized KV caches, played through the RTL of a near-bank engine.",
      "aqpim");
  app.set_version_flag("--version", "aqpim " AQPIM_VERSION);
  app.footer(kFooter);
  app.require_subcommand(1);

  int exit_code = static_cast<int>(ExitCode::kSuccess);
  aqpim::cli::add_commands(app, exit_code);
  for (CLI::App* command : app.get_subcommands({})) command->footer(kFooter);

  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& success) {
    return app.exit(success);
  } catch (const CLI::ParseError& error) {
    fmt::print(stderr, "aqpim: {}\n", error.what());
    return static_cast<int>(ExitCode::kBadInput);
  } catch (const aqpim::InputError& error) {
    fmt::print(stderr, "aqpim: {}\n", error.what());
    return static_cast<int>(ExitCode::kBadInput);
  } catch (const std::exception& error) {
    fmt::print(stderr, "aqpim: internal error: {}\n", error.what());
    return static_cast<int>(ExitCode::kFailure);
  }
  return exit_code;
}
