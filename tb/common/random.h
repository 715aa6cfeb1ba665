// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "sw/seed/seed.h"

namespace aqpim::tb {

using aqpim::number_from_environment;
using aqpim::Random;
using aqpim::test_iterations;
using aqpim::test_seed;

}  // namespace aqpim::tb
