// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <initializer_list>
#include <nlohmann/json_fwd.hpp>
#include <set>
#include <string>
#include <vector>

namespace aqpim {

// One object of a JSON file: hands out its members and refuses what nobody asked for. All functions
// throw InputError, which begins with `where` and says what is allowed.
class JsonObject {
 public:
  // `value` must outlive this object.
  JsonObject(std::string where, const nlohmann::json& value);

  const nlohmann::json& member(const char* key);
  std::string text(const char* key);
  unsigned one_of(const char* key, std::initializer_list<unsigned> allowed);
  unsigned in_range(const char* key, unsigned low, unsigned high, unsigned multiple_of = 1);
  unsigned power_of_two(const char* key, unsigned low, unsigned high);
  // A list with at least one member.
  std::vector<unsigned> list_in_range(const char* key, unsigned low, unsigned high);
  double positive(const char* key);
  // Throws if the object has a key that none of the above asked for.
  void nothing_else() const;

 private:
  std::string where_;
  const nlohmann::json& value_;
  std::set<std::string> known_;
};

}  // namespace aqpim
