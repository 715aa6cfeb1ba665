// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <CLI/CLI.hpp>
#include <string>

namespace aqpim::app {

// As one word of a shell.
std::string shell_word(const std::string& text);

// What to type to run this subcommand with the options that it was given.
std::string command_line(const CLI::App& command);

}  // namespace aqpim::app
