// SPDX-License-Identifier: Apache-2.0
// One file per subcommand, each with one function that adds it to the program. Its callback runs
// after the command line was parsed, throws InputError for bad input (exit code 2), and sets
// exit_code if the run found something else than equality, or a violation.
#pragma once

#include <CLI/CLI.hpp>
#include <limits>

namespace aqpim::app {

enum class ExitCode { kSuccess = 0, kFailure = 1, kBadInput = 2 };

// What counts something.
inline const CLI::Range kCount(0U, std::numeric_limits<unsigned>::max(), "COUNT");

void add_accuracy(CLI::App& app, int& exit_code);
void add_channel(CLI::App& app, int& exit_code);
void add_compare(CLI::App& app, int& exit_code);
void add_info(CLI::App& app, int& exit_code);
void add_quantize(CLI::App& app, int& exit_code);
void add_prefill(CLI::App& app, int& exit_code);
void add_scale(CLI::App& app, int& exit_code);
void add_sim(CLI::App& app, int& exit_code);
void add_system(CLI::App& app, int& exit_code);
void add_trace(CLI::App& app, int& exit_code);
void add_tutorial(CLI::App& app, int& exit_code);

}  // namespace aqpim::app
