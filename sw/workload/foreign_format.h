// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace aqpim::workload {

// Longest beginning of a file that foreign_format() looks at, in bytes.
inline constexpr std::size_t kFormatBytes = 512;

// What a file is that was taken for a safetensors file but is none, with what to do about it; to
// follow "FILE is ". Nothing if its beginning tells nothing.
std::optional<std::string> foreign_format(std::string_view beginning);

}  // namespace aqpim::workload
