// SPDX-License-Identifier: Apache-2.0
#include "sw/config/json.h"

#include <fmt/format.h>

#include <set>
#include <vector>

#include "sw/config/error.h"

namespace aqpim {

// Nothing we read is deeper than 4; without a limit, brackets cost a hundred times their size.
constexpr int kDeepest = 32;

nlohmann::json parse_json(const std::string& where, std::string_view text) {
  using Event = nlohmann::json::parse_event_t;
  std::vector<std::set<std::string>> keys_of_open_objects;
  const auto check = [&](int depth, Event event, nlohmann::json& parsed) {
    if (depth > kDeepest) {
      throw InputError(fmt::format("{} nests JSON values more than {} deep", where, kDeepest));
    }
    if (event == Event::object_start) keys_of_open_objects.emplace_back();
    if (event == Event::object_end) keys_of_open_objects.pop_back();
    if (event == Event::key) {
      const auto& key = parsed.get_ref<const std::string&>();
      if (!keys_of_open_objects.back().insert(key).second) {
        throw InputError(fmt::format("{} has the key {} twice", where, in_quotes(key)));
      }
    }
    return true;
  };
  // nlohmann/json would take it for the end of the text.
  if (const auto zero = text.find('\0'); zero != text.npos) {
    throw InputError(fmt::format("{} is not valid JSON (at byte {})", where, zero + 1));
  }
  try {
    return nlohmann::json::parse(text, check);
  } catch (const nlohmann::json::parse_error& error) {
    throw InputError(fmt::format("{} is not valid JSON (at byte {})", where, error.byte));
  } catch (const nlohmann::json::exception&) {
    throw InputError(fmt::format("{} is not valid JSON (a number is out of range)", where));
  }
}

void require_plain_name(const std::string& kind, std::string_view name) {
  constexpr std::string_view kAllowed =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.";
  if (!name.empty() && name.find_first_not_of(kAllowed) == name.npos) return;
  throw InputError(fmt::format("{} {}: a name has letters, digits, '-', '_' and '.' only", kind,
                               in_quotes(name)));
}

std::string in_quotes(std::string_view text) {
  constexpr std::size_t kLongest = 80;
  std::string result = "\"";
  for (const char character : text) {
    if (result.size() > kLongest) return result + "...\"";
    const auto byte = static_cast<unsigned char>(character);
    if (byte < 0x20 || byte >= 0x7f || character == '"' || character == '\\') {
      result += fmt::format("\\x{:02x}", byte);
    } else {
      result += character;
    }
  }
  return result + "\"";
}

}  // namespace aqpim
