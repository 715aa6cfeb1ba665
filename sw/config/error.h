// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <stdexcept>
#include <string>

namespace aqpim {

// Something the user gave (a file, an option, a configuration) cannot be used. what() is one
// sentence that says what is wrong and where; main() prints it and exits with code 2.
class InputError : public std::runtime_error {
 public:
  explicit InputError(const std::string& sentence) : std::runtime_error(sentence) {}
};

}  // namespace aqpim
