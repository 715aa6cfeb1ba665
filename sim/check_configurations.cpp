// SPDX-License-Identifier: Apache-2.0
// Reads the configurations of a build before RTL is made of them: exit code 2 and a sentence if one
// is not legal.
#include <fmt/format.h>

#include <cstdio>

#include "sw/config/config.h"
#include "sw/config/error.h"

int main() {
  try {
    aqpim::config::built_configurations();
  } catch (const aqpim::InputError& error) {
    fmt::print(stderr, "{}\n", error.what());
    return 2;
  }
}
