// SPDX-License-Identifier: Apache-2.0
#include "sw/cli/commands.h"

namespace aqpim::cli {

void add_commands(CLI::App&, int&) {}

}  // namespace aqpim::cli
