// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <stdexcept>

namespace aqpim::tb {

// The run cannot go on: an assertion failed, or the hardware hangs.
class RunFailed : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

}  // namespace aqpim::tb
