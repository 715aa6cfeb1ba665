// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string>

namespace aqpim::app {

// Throws InputError if the file cannot be read.
std::string read_text(const std::string& path);

// Replaces the file when all of it is written; throws InputError if it cannot be.
void write_file(const std::filesystem::path& path, const std::string& content);

}  // namespace aqpim::app
