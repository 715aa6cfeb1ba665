// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace aqpim {

// Parses a JSON text from outside. nlohmann/json would keep the last of two equal keys; here a key
// that an object has twice is an error, and so are values nested beyond reason. Throws InputError,
// which begins with `where`. Takes time in proportion to the text.
nlohmann::json parse_json(const std::string& where, std::string_view text);

// What a text holds, value by value, for texts that are too large to keep as a tree. `values` hears
// nothing that parse_json() refuses; its parse_error() is not called.
void read_json(const std::string& where, std::string_view text,
               nlohmann::json_sax<nlohmann::json>& values);

// Throws InputError if the name of a file cannot be that of a folder or a target of the build as
// well: letters, digits, '-', '_' and '.'.
void require_plain_name(const std::string& kind, std::string_view name);

// `text` in double quotes, with everything escaped that a terminal could interpret, shortened to
// about 80 characters: for names from files in messages.
std::string in_quotes(std::string_view text);

}  // namespace aqpim
