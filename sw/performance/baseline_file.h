// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

namespace aqpim::performance {

// The text of configs/baseline/NAME.json; throws std::logic_error if there was none at build time.
std::string_view baseline_text(std::string_view name);

}  // namespace aqpim::performance
