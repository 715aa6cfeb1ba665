// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <optional>

namespace aqpim::tb::unit {

// Where the waves of one more bench go if the environment variable AQPIM_WAVES names a folder:
// FOLDER/<test case>.<bench>.fst, benches counted from 0 on in the order in which they are made.
std::optional<std::filesystem::path> next_waves();

}  // namespace aqpim::tb::unit
