// SPDX-License-Identifier: Apache-2.0
#include "tb/unit/waves.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <cctype>
#include <cstdlib>
#include <string>
#include <string_view>

namespace aqpim::tb::unit {
namespace {

constexpr std::size_t kLongestName = 200;

// A test's name as a file's: "pq_score: a tie<aqpim::tb::unit::score_1>" becomes
// "pq_score-a-tie-score_1".
std::string file_name(std::string test) {
  constexpr std::string_view kNamespace = "aqpim::tb::unit::";
  const std::size_t model = test.find(kNamespace);
  if (model != std::string::npos) test.erase(model, kNamespace.size());
  std::string name;
  for (const char letter : test.substr(0, kLongestName)) {
    if (std::isalnum(static_cast<unsigned char>(letter)) != 0 || letter == '_') {
      name += letter;
    } else if (!name.ends_with('-')) {
      name += '-';
    }
  }
  return name.substr(0, name.find_last_not_of('-') + 1);
}

}  // namespace

std::optional<std::filesystem::path> next_waves() {
  static unsigned benches = 0;
  const char* folder = std::getenv("AQPIM_WAVES");
  if (folder == nullptr) return std::nullopt;
  const char* test = doctest::getContextOptions()->currentTest->m_name;
  return std::filesystem::path(folder) / fmt::format("{}.{}.fst", file_name(test), benches++);
}

}  // namespace aqpim::tb::unit
