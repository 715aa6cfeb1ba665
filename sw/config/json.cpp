// SPDX-License-Identifier: Apache-2.0
#include "sw/config/json.h"

#include <fmt/format.h>

#include <string>
#include <unordered_set>
#include <vector>

#include "sw/config/error.h"

namespace aqpim {

namespace {

using nlohmann::json;
using Sax = nlohmann::json_sax<json>;

// Nothing we read is deeper than 4; without a limit, brackets cost a hundred times their size.
constexpr std::size_t kDeepest = 32;

// Refuses what parse_json() says, hands the rest on if somebody listens.
class Strict : public Sax {
 public:
  Strict(const std::string& where, Sax* values) : where_(where), values_(values) {}

  bool null() override { return !values_ || values_->null(); }
  bool boolean(bool value) override { return !values_ || values_->boolean(value); }
  bool number_integer(number_integer_t value) override {
    return !values_ || values_->number_integer(value);
  }
  bool number_unsigned(number_unsigned_t value) override {
    return !values_ || values_->number_unsigned(value);
  }
  bool number_float(number_float_t value, const string_t& text) override {
    return !values_ || values_->number_float(value, text);
  }
  bool string(string_t& value) override { return !values_ || values_->string(value); }
  bool binary(binary_t& value) override { return !values_ || values_->binary(value); }
  bool start_object(std::size_t elements) override {
    go_deeper();
    return !values_ || values_->start_object(elements);
  }
  bool key(string_t& name) override {
    if (!keys_of_open_.back().insert(name).second) {
      throw InputError(fmt::format("{} has the key {} twice", where_, in_quotes(name)));
    }
    return !values_ || values_->key(name);
  }
  bool end_object() override {
    keys_of_open_.pop_back();
    return !values_ || values_->end_object();
  }
  bool start_array(std::size_t elements) override {
    go_deeper();
    return !values_ || values_->start_array(elements);
  }
  bool end_array() override {
    keys_of_open_.pop_back();
    return !values_ || values_->end_array();
  }
  bool parse_error(std::size_t byte, const std::string&, const json::exception& error) override {
    if (dynamic_cast<const json::out_of_range*>(&error) != nullptr) {
      throw InputError(fmt::format("{} is not valid JSON (a number is out of range)", where_));
    }
    throw InputError(fmt::format("{} is not valid JSON (at byte {})", where_, byte));
  }

 private:
  void go_deeper() {
    if (keys_of_open_.size() > kDeepest) {
      throw InputError(fmt::format("{} nests JSON values more than {} deep", where_, kDeepest));
    }
    keys_of_open_.emplace_back();
  }

  const std::string& where_;
  Sax* values_;
  std::vector<std::unordered_set<std::string>> keys_of_open_;  // of arrays: none
};

void read(const std::string& where, std::string_view text, Sax* values) {
  // nlohmann/json would take it for the end of the text.
  if (const auto zero = text.find('\0'); zero != text.npos) {
    throw InputError(fmt::format("{} is not valid JSON (at byte {})", where, zero + 1));
  }
  Strict strict(where, values);
  json::sax_parse(text, &strict);
}

}  // namespace

void read_json(const std::string& where, std::string_view text, Sax& values) {
  read(where, text, &values);
}

json parse_json(const std::string& where, std::string_view text) {
  // Twice over the text: with a callback that checks, parse() takes time in proportion to the
  // square of an object's members.
  read(where, text, nullptr);
  return json::parse(text);
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
